/* SPDX-License-Identifier: MIT */
#include "detached.h"

#include "pack/limits.h"

#include <stdio.h>
#include <string.h>

int detached_file(const struct arguments *arguments, const char **file, struct pack_error *error)
{
    *file = arguments_at(arguments, 0);
    if (arguments_count(arguments) == 1)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "--detached takes one file");
}

int detached_name(char **name, const char *file, struct pack_error *error)
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

/* An input that is read once, in order, and hashed for the journal on the way. */
struct recorded_input {
    struct pack_input input;
    struct pack_input *inner;
    struct pack_sha256 *hash;
};

static int read_recorded(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    struct recorded_input *recorded = (struct recorded_input *)input;
    const int code = pack_input_read(recorded->inner, offset, buffer, size, got, error);
    return code != 0 ? code : pack_sha256_update(recorded->hash, buffer, *got, error);
}

static void clear_recorded(struct recorded_input *recorded)
{
    pack_input_close(&recorded->inner);
    pack_sha256_free(&recorded->hash);
}

static int hash_recorded(const char *file, uint8_t digest[PACK_PREHASH_SIZE],
                         uint8_t sha256[PACK_SHA256_SIZE], const struct cli *cli,
                         struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = read_recorded};
    CLI_AUTO(clear_recorded) struct recorded_input recorded = {.inner = NULL};
    int code = pack_input_open(&recorded.inner, file, error);
    if (code == 0)
        code = pack_sha256_new(&recorded.hash, error);
    if (code != 0)
        return code;
    recorded.input = *recorded.inner;
    recorded.input.ops = &ops;
    code = pack_prehash(&recorded.input, digest, cli->context, error);
    return code != 0 ? code : pack_sha256_finish(recorded.hash, sha256, error);
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
    uint8_t digest[PACK_PREHASH_SIZE], sha256[PACK_SHA256_SIZE];
    char comment[PACK_MAX_TRUSTED_COMMENT];
    struct pack_signature signature = {0};
    if (cli_same_file(file, path)) {
        pack_fail(error, PACK_E_USAGE, "is the input itself");
        return pack_at_file(error, path);
    }
    int code = make_comment(comment, file, arguments, error);
    if (code == 0)
        code = signer->record != NULL ? hash_recorded(file, digest, sha256, cli, error)
                                      : hash_file(file, digest, cli, error);
    if (code == 0)
        code = pack_sign(&signature, signer, digest, comment, error);
    if (code == 0 && signer->record != NULL)
        code = signer->record(signer, sha256, error);
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
    int code = detached_file(arguments, &file, error);
    if (code == 0 && path == NULL)
        code = detached_name(&beside, file, error);
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
