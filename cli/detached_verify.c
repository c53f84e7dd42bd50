/* SPDX-License-Identifier: MIT */
#include "detached.h"

#include "signers.h"

#include "pack/limits.h"
#include "pack/root.h"
#include "pack/sshsig.h"

#include <string.h>

/* A signature of any kind, and the file that it is said to be over. */
struct detached {
    struct cli *cli;
    const char *file;
    enum pack_signature_kind kind;
    struct pack_signature minisig;
    struct pack_ssh_signature ssh;
    bool is_raw; /* of neither kind: 64 bytes, as openssl and tokens give them */
    uint8_t raw[PACK_SIGNATURE_SIZE];
    const struct pack_public_key *key; /* the trusted key that made it */
};

/* --- reading --------------------------------------------------------------------------------- */

/* "notes.txt.minisig.minisig": the signature was given for what it signs. */
static int hint_signature(const char *path, struct pack_error *error)
{
    static const char twice[] = ".minisig.minisig";
    const size_t size = strlen(path);
    if (size < sizeof twice || strcmp(path + size - (sizeof twice - 1), twice) != 0)
        return pack_hint(error, "name it with --signature");
    return pack_hint(error, "give the file that was signed, its signature is found beside it");
}

static int parse(struct detached *detached, const void *bytes, size_t size,
                 struct pack_error *error)
{
    static const char armour[] = "-----BEGIN SSH SIGNATURE-----";
    if (size == sizeof detached->raw) {
        detached->is_raw = true;
        memcpy(detached->raw, bytes, size);
        return 0;
    }
    if (size < sizeof armour - 1 || memcmp(bytes, armour, sizeof armour - 1) != 0)
        return pack_signature_parse(&detached->minisig, bytes, size, false, error);
    detached->kind = PACK_SIGNATURE_SSHSIG;
    return pack_ssh_signature_parse(&detached->ssh, bytes, size, false, error);
}

static int load_signature(struct detached *detached, const char *path, struct pack_error *error)
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
        code = parse(detached, bytes, size, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* --- minisign -------------------------------------------------------------------------------- */

/* A signature names its key only by a hint, so each trusted key is tried. */
static int try_keys(struct detached *detached, const struct pack_trust *trust,
                    const uint8_t digest[PACK_PREHASH_SIZE], struct pack_error *error)
{
    const struct pack_signature *signature = &detached->minisig;
    bool named = false;
    char id[17];
    for (size_t i = 0; i < pack_trust_key_count(trust, PACK_ROLE_RELEASE); i++) {
        const struct pack_public_key *key = pack_trust_key(trust, PACK_ROLE_RELEASE, i);
        if (key->application[0] != '\0')
            continue; /* a FIDO key makes no .minisig */
        if (pack_signature_verify(signature, key, digest, error) == 0) {
            detached->key = key;
            return 0;
        }
        named = named || !key->has_minisign_id ||
                memcmp(key->minisign_id, signature->minisign_id, PACK_MINISIGN_ID_SIZE) == 0;
    }
    pack_minisign_id_text(signature->minisign_id, id);
    if (named)
        return pack_fail(error, PACK_E_SIGNATURE,
                         "its signature does not verify: the file or the signature was altered");
    return pack_fail(error, PACK_E_UNTRUSTED, "signed by key %s, which is not trusted here", id);
}

static int verify_minisig(struct detached *detached, const struct pack_trust *trust,
                          struct pack_input *input, struct pack_error *error)
{
    uint8_t digest[PACK_PREHASH_SIZE];
    const int code = pack_prehash(input, digest, detached->cli->context, error);
    return code != 0 ? code : try_keys(detached, trust, digest, error);
}

/* --- openssl, tokens ------------------------------------------------------------------------- */

static int verify_raw(struct detached *detached, const struct pack_trust *trust,
                      struct pack_error *error)
{
    CLI_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    int code = pack_read_file(&bytes, &size, detached->file, PACK_MAX_RAW_SIGNED, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < pack_trust_key_count(trust, PACK_ROLE_RELEASE); i++) {
        detached->key = pack_trust_key(trust, PACK_ROLE_RELEASE, i);
        code = pack_raw_signature_verify(detached->raw, detached->key, bytes, size, error);
        if (code == 0)
            return 0;
    }
    pack_fail(error, PACK_E_SIGNATURE, "its signature verifies with no trusted key");
    return pack_hint(error, "64 bytes are taken for a plain Ed25519 signature over the whole file");
}

/* --- ssh-keygen ------------------------------------------------------------------------------ */

/* The trusted key that says that it signed: with its application, or else by its bytes alone. */
static const struct pack_public_key *ssh_signer(const struct detached *detached,
                                                const struct pack_trust *trust)
{
    const struct pack_public_key *signer = &detached->ssh.key;
    const struct pack_public_key *found = NULL;
    for (size_t i = 0; i < pack_trust_key_count(trust, PACK_ROLE_RELEASE); i++) {
        const struct pack_public_key *key = pack_trust_key(trust, PACK_ROLE_RELEASE, i);
        if (memcmp(key->bytes, signer->bytes, sizeof key->bytes) == 0 &&
            (found == NULL || strcmp(key->application, signer->application) == 0))
            found = key;
    }
    return found;
}

static int verify_ssh(struct detached *detached, const struct pack_trust *trust,
                      struct pack_input *input, struct pack_error *error)
{
    const char *given = arguments_value(detached->cli->arguments, "namespace");
    detached->key = ssh_signer(detached, trust);
    if (detached->key == NULL)
        return pack_fail(error, PACK_E_UNTRUSTED, "signed by key %s, which is not trusted here",
                         detached->ssh.key.keyid);
    const int code = pack_ssh_signature_verify_input(&detached->ssh, detached->key,
                                                     given != NULL ? given : "file", input,
                                                     detached->cli->context, error);
    if (code == PACK_E_SIGNATURE && given == NULL && strcmp(detached->ssh.name_space, "file") != 0)
        return pack_hint(error, "--namespace says which one is wanted");
    return code;
}

/* --- the command ----------------------------------------------------------------------------- */

static void report(const struct detached *detached)
{
    struct cli *cli = detached->cli;
    struct pack_json *json = cli_json(cli);
    cli_print_styled(cli, STYLE_GOOD, "%s: good", detached->file);
    cli_print(cli, "  signed by %s", detached->key->keyid);
    pack_json_string(json, "file", detached->file);
    pack_json_string(json, "keyid", detached->key->keyid);
    pack_json_string(json, "kind",
                     detached->is_raw ? "raw" : pack_signature_kind_name(detached->kind));
    if (detached->is_raw) {
        cli_print(cli, "  plain Ed25519 signature");
        return;
    }
    if (detached->kind == PACK_SIGNATURE_MINISIG) {
        cli_print(cli, "  trusted comment: %s", detached->minisig.comment);
        pack_json_string(json, "trusted_comment", detached->minisig.comment);
        return;
    }
    const struct pack_ssh_signature *ssh = &detached->ssh;
    cli_print(cli, "  SSH signature, namespace %s", ssh->name_space);
    pack_json_string(json, "namespace", ssh->name_space);
    if (ssh->key.application[0] == '\0')
        return;
    cli_print(cli, "  made with a FIDO token, application %s", ssh->key.application);
    signers_json_fido(json, ssh->key.application, ssh->flags, ssh->counter);
}

static int verify_file(struct detached *detached, const struct pack_trust *trust,
                       struct pack_error *error)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    if (detached->kind == PACK_SIGNATURE_MINISIG &&
        arguments_flag(detached->cli->arguments, "namespace"))
        return pack_fail(error, PACK_E_USAGE, "--namespace goes with an SSH signature");
    if (detached->is_raw)
        return verify_raw(detached, trust, error);
    const int code = pack_input_open(&input, detached->file, error);
    if (code != 0)
        return code;
    return detached->kind == PACK_SIGNATURE_SSHSIG ? verify_ssh(detached, trust, input, error)
                                                   : verify_minisig(detached, trust, input, error);
}

int detached_verify(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_trust_free) struct pack_trust *trust = NULL;
    CLI_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
    CLI_AUTO_FREE char *beside = NULL;
    const char *path = arguments_value(arguments, "signature");
    struct detached detached = {.cli = cli};
    int code = detached_file(arguments, &detached.file, error);
    if (code == 0 && path == NULL)
        code = detached_name(&beside, detached.file, error);
    if (code == 0) /* the same rules for trust as for a bundle */
        code = cli_trust(&trust, cli, error);
    if (code == 0) /* no newer root is at hand here, so this one must not have expired */
        code = pack_trust_follow(&newest, trust, NULL, 0, error);
    if (code == 0)
        code = load_signature(&detached, path != NULL ? path : beside, error);
    if (code == 0)
        code = verify_file(&detached, trust, error);
    if (code != 0)
        return pack_at_file(error, detached.file);
    report(&detached);
    return 0;
}
