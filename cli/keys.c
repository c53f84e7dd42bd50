/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <string.h>

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

struct pack_signing_access cli_signing_access(struct cli *cli)
{
    return (struct pack_signing_access){
        .files =
            {
                .passphrase = cli_passphrase(cli),
                .environment = cli_variable,
                .allow_insecure = arguments_flag(cli->arguments, "allow-insecure-key"),
                .warn = cli_warn_text,
                .user = cli,
            },
        .module = cli_environment("FWPACK_PKCS11_MODULE"),
        .agent = cli_environment("SSH_AUTH_SOCK"),
        .tpm = cli_environment("TPM2TOOLS_TCTI"),
    };
}

int cli_keys_load(struct cli_keys *keys, struct cli *cli, struct pack_error *error)
{
    size_t count = 0;
    const char *const *names = arguments_values(cli->arguments, "key", &count);
    *keys = (struct cli_keys){.count = 0};
    if (count == 0)
        return 0;
    const struct pack_signing_access access = cli_signing_access(cli);
    if (arguments_from_variable(cli->arguments, "key"))
        cli_note(cli, "signing with the key of FWPACK_KEY: %s", names[0]);
    int code = allocate(keys, count, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = load_one(keys, names[i], &access, cli, error);
    if (code != 0)
        cli_keys_free(keys);
    return code;
}

void cli_keys_free(struct cli_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        pack_signing_key_free(&keys->keys[i]);
    free(keys->keys);
    free(keys->signers);
    free(keys->roles);
    *keys = (struct cli_keys){.count = 0};
}

int cli_no_key(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "no key to sign with");
    return pack_hint(error, "name one with -k; 'fwpack key generate' makes one");
}
