/* SPDX-License-Identifier: MIT */
#include "trust_command.h"

#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

/* --- export ---------------------------------------------------------------------------------- */

static void tell_commands(struct cli *cli, const struct trust_draft *draft, const char *path)
{
    cli_note(cli, "sign these bytes with plain Ed25519, in any of these ways:");
    cli_note(cli, "  openssl pkeyutl -sign -rawin -inkey KEY.pem -in %s -out %s.sig", path, path);
    cli_note(cli, "  pkcs11-tool --sign --mechanism EDDSA --label KEY -i %s -o %s.sig", path, path);
    cli_note(cli, "then: fwpack trust sign %s --import %s.sig%s", draft->path, path,
             draft->root->version > 1 ? " --old OLD" : "");
}

int trust_export(struct cli *cli, const struct trust_draft *draft, const char *path,
                 struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    size_t size = 0;
    const void *bytes = pack_root_signed_bytes(draft->root, &size);
    int code = pack_sha256_bytes(bytes, size, digest, error);
    if (code == 0)
        code = cli_output_open(cli, &output, path, PACK_OUTPUT_DEFAULT, draft->input, error);
    if (code == 0)
        code = pack_sink_write(pack_output_sink(output), bytes, size, error);
    if (code == 0 && !cli->dry_run)
        code = pack_output_commit(&output, error);
    if (code != 0)
        return pack_at_file(error, path);
    pack_sha256_hex(digest, hex);
    cli_print(cli, "%s: %zu bytes to be signed, sha256 %s", path, size, hex);
    pack_json_string(cli_json(cli), "root", draft->path);
    pack_json_string(cli_json(cli), "file", path);
    pack_json_unsigned(cli_json(cli), "size", size);
    pack_json_string(cli_json(cli), "sha256", hex);
    tell_commands(cli, draft, path);
    return 0;
}

/* --- import ---------------------------------------------------------------------------------- */

/* Raw, hex or base64, the latter two with white space behind. */
static bool decode(uint8_t signature[PACK_SIGNATURE_SIZE], const char *bytes, size_t size)
{
    size_t decoded = 0;
    if (size == PACK_SIGNATURE_SIZE) {
        memcpy(signature, bytes, size);
        return true;
    }
    while (size > 0 && strchr(" \t\r\n", bytes[size - 1]) != NULL)
        size--;
    if (sodium_hex2bin(signature, PACK_SIGNATURE_SIZE, bytes, size, NULL, &decoded, NULL) == 0 &&
        decoded == PACK_SIGNATURE_SIZE)
        return true;
    return sodium_base642bin(signature, PACK_SIGNATURE_SIZE, bytes, size, NULL, &decoded, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           decoded == PACK_SIGNATURE_SIZE;
}

/* Whether it is by a root key of `by`, which it is added for. */
static int try_keys(bool *added, struct pack_root *root, const struct pack_root *old,
                    const struct pack_root *by, const uint8_t signature[PACK_SIGNATURE_SIZE],
                    struct pack_error *error)
{
    const struct pack_root_holders holders = by->roles[PACK_ROOT_ROOT];
    for (size_t i = 0; i < holders.count && !*added; i++) {
        struct pack_error verdict = {0};
        if (!holders.keys[i]->usable)
            continue;
        const int code =
            pack_root_add_signature(root, old, &holders.keys[i]->key, signature, &verdict);
        if (code != 0 && code != PACK_E_SIGNATURE) {
            *error = verdict;
            return code;
        }
        *added = code == 0;
    }
    return 0;
}

int trust_import(struct pack_root *root, const struct pack_root *old, const char *file,
                 struct pack_error *error)
{
    CLI_AUTO_FREE void *bytes = NULL;
    uint8_t signature[PACK_SIGNATURE_SIZE];
    size_t size = 0;
    bool added = false;
    int code = pack_read_file(&bytes, &size, file, PACK_MAX_SIGNATURE, error);
    if (code == 0 && !decode(signature, bytes, size))
        code = pack_fail(error, PACK_E_MALFORMED,
                         "is no signature: %zu bytes, 64 are wanted, or their hex or base64", size);
    if (code == 0)
        code = try_keys(&added, root, old, root, signature, error);
    if (code == 0 && !added && old != NULL)
        code = try_keys(&added, root, old, old, signature, error);
    if (code == 0 && !added) {
        code = pack_fail(error, PACK_E_SIGNATURE, "is no signature of root %llu by a root key",
                         (unsigned long long)root->version);
        if (old == NULL && root->version > 1)
            pack_hint(error, "by a key of the root before it: give that root with --old");
    }
    return code != 0 ? pack_at_file(error, file) : 0;
}
