/* SPDX-License-Identifier: MIT */
#include "detached.h"

#include "pack/limits.h"
#include "pack/root.h"

#include <stdio.h>
#include <string.h>

static int one_file(const struct arguments *arguments, const char **file, struct pack_error *error)
{
    *file = arguments_at(arguments, 0);
    if (arguments_count(arguments) == 1)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "--detached takes one file");
}

static int signature_name(char **name, const char *file, struct pack_error *error)
{
    if (strcmp(file, "-") == 0) {
        pack_fail(error, PACK_E_USAGE, "standard input has no name to put the signature beside");
        return pack_hint(error, "name the signature's file");
    }
    if (asprintf(name, "%s.minisig", file) >= 0)
        return 0;
    *name = NULL;
    return pack_fail_memory(error);
}

static int hash_file(const char *file, uint8_t digest[PACK_PREHASH_SIZE], const struct cli *cli,
                     struct pack_error *error)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    const int code = pack_input_open(&input, file, error);
    return code != 0 ? code : pack_prehash(input, digest, cli->context, error);
}

/* --- signing --------------------------------------------------------------------------------- */

/* minisign's own comment without its clock, which would make each signature another. */
static int make_comment(char comment[PACK_MAX_TRUSTED_COMMENT], const char *file,
                        const struct arguments *arguments, struct pack_error *error)
{
    const char *given = arguments_value(arguments, "comment");
    const char *slash = strrchr(file, '/');
    bool has_created = false;
    uint64_t created = 0;
    char stamp[48] = "";
    const int code = cli_created(&has_created, &created, error);
    if (code != 0)
        return code;
    if (has_created)
        snprintf(stamp, sizeof stamp, "timestamp:%llu\t", (unsigned long long)created);
    const int length = given != NULL
                           ? snprintf(comment, PACK_MAX_TRUSTED_COMMENT, "%s", given)
                           : snprintf(comment, PACK_MAX_TRUSTED_COMMENT, "%sfile:%s\thashed", stamp,
                                      slash != NULL ? slash + 1 : file);
    if (length < 0 || length >= PACK_MAX_TRUSTED_COMMENT)
        return pack_fail(error, PACK_E_LIMIT, "the trusted comment is longer than %d bytes",
                         PACK_MAX_TRUSTED_COMMENT - 1);
    return 0;
}

static int write_signature(struct cli *cli, const char *path,
                           const struct pack_signature *signature, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    int code = cli_output_check(cli, path, error);
    if (code == 0)
        code = pack_signature_format(&text, &size, signature, error);
    if (code == 0 && !cli->dry_run)
        code = pack_write_file(path, PACK_OUTPUT_DEFAULT, text, size, error);
    return code;
}

static int sign_with(struct cli *cli, const struct pack_signer *signer, const char *file,
                     const char *path, const struct arguments *arguments, struct pack_error *error)
{
    uint8_t digest[PACK_PREHASH_SIZE];
    char comment[PACK_MAX_TRUSTED_COMMENT];
    struct pack_signature signature = {0};
    if (cli_same_file(file, path)) {
        pack_fail(error, PACK_E_USAGE, "is the input itself");
        return pack_at_file(error, path);
    }
    int code = make_comment(comment, file, arguments, error);
    if (code == 0)
        code = hash_file(file, digest, cli, error);
    if (code == 0)
        code = pack_sign(&signature, signer, digest, comment, error);
    if (code == 0)
        code = write_signature(cli, path, &signature, error);
    if (code != 0)
        return code;
    cli_print(cli, "%s %s with key %s: %s", cli->dry_run ? "would sign" : "signed", file,
              signer->key->keyid, path);
    pack_json_string(cli_json(cli), "file", file);
    pack_json_string(cli_json(cli), "signature", path);
    pack_json_string(cli_json(cli), "keyid", signer->key->keyid);
    pack_json_string(cli_json(cli), "trusted_comment", comment);
    return 0;
}

int detached_sign(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO_KEYS struct cli_keys keys = {0};
    CLI_AUTO_FREE char *beside = NULL;
    const char *file = NULL;
    const char *path = arguments_value(arguments, "output");
    int code = one_file(arguments, &file, error);
    if (code == 0 && path == NULL)
        code = signature_name(&beside, file, error);
    if (code == 0)
        code = cli_keys_load(&keys, cli, error);
    if (code == 0 && keys.count == 0)
        code = cli_no_key(error);
    else if (code == 0 && keys.count != 1)
        code = pack_fail(error, PACK_E_USAGE, "--detached wants one key (-k), %zu are given",
                         keys.count);
    return code != 0 ? code
                     : sign_with(cli, &keys.signers[0], file, path != NULL ? path : beside,
                                 arguments, error);
}

/* --- verifying ------------------------------------------------------------------------------- */

/* "notes.txt.minisig.minisig": the signature was given for what it signs. */
static int hint_signature(const char *path, struct pack_error *error)
{
    static const char twice[] = ".minisig.minisig";
    const size_t size = strlen(path);
    if (size < sizeof twice || strcmp(path + size - (sizeof twice - 1), twice) != 0)
        return pack_hint(error, "name it with --signature");
    return pack_hint(error, "give the file that was signed, its signature is found beside it");
}

static int load_signature(struct pack_signature *signature, const char *path,
                          struct pack_error *error)
{
    CLI_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    int code = pack_read_file(&bytes, &size, path, PACK_MAX_SIGNATURE, error);
    if (code == PACK_E_NOT_FOUND) {
        pack_fail(error, PACK_E_NOT_SIGNED, "no signature here");
        pack_at_file(error, path);
        return hint_signature(path, error);
    }
    if (code == PACK_E_LIMIT)
        code = pack_fail(error, PACK_E_MALFORMED, "is no signature: it has more than %llu bytes",
                         (unsigned long long)PACK_MAX_SIGNATURE);
    if (code == 0 && size == 0)
        code = pack_fail(error, PACK_E_NOT_SIGNED, "the signature file is empty");
    if (code == 0)
        code = pack_signature_parse(signature, bytes, size, false, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* A signature names its key only by a hint, so each trusted key is tried. */
static int try_keys(const struct pack_trust *trust, const struct pack_signature *signature,
                    const uint8_t digest[PACK_PREHASH_SIZE], const struct pack_public_key **good,
                    struct pack_error *error)
{
    bool named = false;
    char id[17];
    for (size_t i = 0; i < pack_trust_key_count(trust, PACK_ROLE_RELEASE); i++) {
        *good = pack_trust_key(trust, PACK_ROLE_RELEASE, i);
        if (pack_signature_verify(signature, *good, digest, error) == 0)
            return 0;
        named = named || !(*good)->has_minisign_id ||
                memcmp((*good)->minisign_id, signature->minisign_id, PACK_MINISIGN_ID_SIZE) == 0;
    }
    pack_minisign_id_text(signature->minisign_id, id);
    if (named)
        return pack_fail(error, PACK_E_SIGNATURE,
                         "its signature does not verify: the file or the signature was altered");
    return pack_fail(error, PACK_E_UNTRUSTED, "signed by key %s, which is not trusted here", id);
}

int detached_verify(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_trust_free) struct pack_trust *trust = NULL;
    CLI_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
    CLI_AUTO_FREE char *beside = NULL;
    const char *file = NULL;
    const char *path = arguments_value(arguments, "signature");
    struct pack_signature signature = {0};
    const struct pack_public_key *key = NULL;
    uint8_t digest[PACK_PREHASH_SIZE];
    int code = one_file(arguments, &file, error);
    if (code == 0 && path == NULL)
        code = signature_name(&beside, file, error);
    if (code == 0) /* the same rules for trust as for a bundle */
        code = cli_trust(&trust, cli, error);
    if (code == 0) /* no newer root is at hand here, so this one must not have expired */
        code = pack_trust_follow(&newest, trust, NULL, 0, error);
    if (code == 0)
        code = load_signature(&signature, path != NULL ? path : beside, error);
    if (code == 0)
        code = hash_file(file, digest, cli, error);
    if (code == 0)
        code = try_keys(trust, &signature, digest, &key, error);
    if (code != 0)
        return pack_at_file(error, file);
    cli_print_styled(cli, STYLE_GOOD, "%s: good", file);
    cli_print(cli, "  signed by %s", key->keyid);
    cli_print(cli, "  trusted comment: %s", signature.comment);
    pack_json_string(cli_json(cli), "file", file);
    pack_json_string(cli_json(cli), "keyid", key->keyid);
    pack_json_string(cli_json(cli), "trusted_comment", signature.comment);
    return 0;
}
