/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <string.h>
#include <unistd.h>

enum { BOTH = 1 << PACK_ROLE_RELEASE | 1 << PACK_ROLE_DELIVERY };

/* --- secret keys ----------------------------------------------------------------------------- */

static unsigned roles_of(enum pack_key_purpose purpose)
{
    switch (purpose) {
    case PACK_PURPOSE_RELEASE:
        return 1 << PACK_ROLE_RELEASE;
    case PACK_PURPOSE_DELIVERY:
        return 1 << PACK_ROLE_DELIVERY;
    default:
        return BOTH;
    }
}

static int check_distinct(const struct cli_keys *keys, const char *name, struct pack_error *error)
{
    const struct pack_public_key *last = keys->signers[keys->count - 1].key;
    for (size_t i = 0; i + 1 < keys->count; i++)
        if (strcmp(keys->signers[i].key->keyid, last->keyid) == 0)
            return pack_fail(error, PACK_E_USAGE, "--key: %.256s is a key that was given already",
                             name);
    return 0;
}

static int load_one(struct cli_keys *keys, const char *name,
                    const struct pack_signing_access *access, struct cli *cli,
                    struct pack_error *error)
{
    const int code = pack_signing_key_open(&keys->keys[keys->count], name, access, error);
    if (code != 0)
        return code;
    const struct pack_signing_key *key = keys->keys[keys->count];
    keys->signers[keys->count] = pack_signing_key_signer(key);
    keys->roles[keys->count] = roles_of(pack_signing_key_purpose(key));
    keys->count++;
    if (pack_public_key_is_demo(pack_signing_key_public(key)))
        cli_warn(cli, "%s is a demo key: what it signs is refused without --allow-demo-keys", name);
    return check_distinct(keys, name, error);
}

static int allocate(struct cli_keys *keys, size_t count, struct pack_error *error)
{
    keys->keys = calloc(count, sizeof *keys->keys);
    keys->signers = calloc(count, sizeof *keys->signers);
    keys->roles = calloc(count, sizeof *keys->roles);
    if (keys->keys != NULL && keys->signers != NULL && keys->roles != NULL)
        return 0;
    return pack_fail_memory(error);
}

/* Not every command that opens keys signs with them. */
static bool has_option(const struct cli *cli, const char *name)
{
    return command_option_named(cli->command, name, strlen(name)) != NULL;
}

struct pack_signing_access cli_signing_access(struct cli *cli)
{
    return (struct pack_signing_access){
        .files =
            {
                .passphrase = cli_passphrase(cli),
                .environment = cli_variable,
                .allow_insecure = has_option(cli, "allow-insecure-key") &&
                                  arguments_flag(cli->arguments, "allow-insecure-key"),
                .warn = cli_warn_text,
                .user = cli,
            },
        .module = has_option(cli, "pkcs11-module")
                      ? arguments_value(cli->arguments, "pkcs11-module")
                      : cli_environment("FWPACK_PKCS11_MODULE"),
        .agent = cli_environment("SSH_AUTH_SOCK"),
        .variables = environ,
        .tpm = cli_environment("TPM2TOOLS_TCTI"),
    };
}

/* --- public halves that are told ------------------------------------------------------------- */

/* Those of --signer-pub that no key has taken yet, in order. */
struct told {
    struct pack_public_key *keys;
    const char **names;
    size_t count;
};

static void told_clear(struct told *told)
{
    free(told->keys);
    free(told->names);
}

static int load_told(struct told *told, const char *const *names, size_t count,
                     struct pack_error *error)
{
    if (count == 0)
        return 0;
    told->keys = calloc(count, sizeof *told->keys);
    told->names = calloc(count, sizeof *told->names);
    if (told->keys == NULL || told->names == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        int code = pack_public_key_load(&told->keys[i], names[i], error);
        if (code == 0 && told->keys[i].application[0] != '\0')
            code = pack_fail(error, PACK_E_KEY_INVALID, "%.256s is a FIDO key, Ed25519 wanted",
                             names[i]);
        if (code != 0)
            return pack_context(error, "--signer-pub");
        told->names[told->count++] = names[i];
    }
    return 0;
}

static void take_told(struct told *told, const struct pack_public_key *key)
{
    size_t kept = 0;
    for (size_t i = 0; i < told->count; i++) {
        if (strcmp(told->keys[i].keyid, key->keyid) == 0)
            continue;
        told->keys[kept] = told->keys[i];
        told->names[kept++] = told->names[i];
    }
    told->count = kept;
}

static int check_taken(const struct told *told, struct pack_error *error)
{
    if (told->count == 0)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "--signer-pub: %.256s is the public half of no --key",
                     told->names[0]);
}

/* --- all ------------------------------------------------------------------------------------- */

static int load_all(struct cli_keys *keys, const char *const *names, size_t count, struct cli *cli,
                    struct pack_error *error)
{
    CLI_AUTO(told_clear) struct told told = {NULL, NULL, 0};
    struct pack_signing_access access = cli_signing_access(cli);
    size_t told_count = 0;
    const char *const *told_names = arguments_values(cli->arguments, "signer-pub", &told_count);
    int code = load_told(&told, told_names, told_count, error);
    for (size_t i = 0; code == 0 && i < count; i++) {
        access.public_keys = told.keys;
        access.public_key_count = told.count;
        code = load_one(keys, names[i], &access, cli, error);
        if (code == 0)
            take_told(&told, keys->signers[i].key);
    }
    return code != 0 ? code : check_taken(&told, error);
}

/* Nobody signs with what a variable chose without being told. */
static void note_variables(struct cli *cli, const char *const *names, size_t count)
{
    static const char token[] = "pkcs11:";
    bool in_token = false;
    for (size_t i = 0; i < count; i++)
        in_token |= strncmp(names[i], token, sizeof token - 1) == 0;
    if (arguments_from_variable(cli->arguments, "key")) /* a PIN in it is refused, not printed */
        cli_note(cli, "signing with the key of FWPACK_KEY: %s",
                 strstr(names[0], "pin-value") == NULL ? names[0] : "pkcs11:…");
    if (in_token && arguments_from_variable(cli->arguments, "pkcs11-module"))
        cli_note(cli, "using the module of FWPACK_PKCS11_MODULE: %s",
                 arguments_value(cli->arguments, "pkcs11-module"));
}

int cli_keys_load(struct cli_keys *keys, struct cli *cli, struct pack_error *error)
{
    size_t count = 0;
    const char *const *names = arguments_values(cli->arguments, "key", &count);
    *keys = (struct cli_keys){.count = 0};
    if (count == 0)
        return 0;
    note_variables(cli, names, count);
    int code = allocate(keys, count, error);
    if (code == 0)
        code = load_all(keys, names, count, cli, error);
    if (code == 0)
        code = cli_journal_open(keys, cli, error);
    if (code != 0)
        cli_keys_free(keys);
    return code;
}

/* The last one first: who started a PKCS#11 module ends it, when nobody uses it any more. */
void cli_keys_free(struct cli_keys *keys)
{
    while (keys->count > 0)
        pack_signing_key_free(&keys->keys[--keys->count]);
    free(keys->keys);
    free(keys->signers);
    free(keys->roles);
    free(keys->journal);
    *keys = (struct cli_keys){.count = 0};
}

int cli_no_key(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "no key to sign with");
    return pack_hint(error, "name one with -k; 'fwpack key generate' makes one");
}
