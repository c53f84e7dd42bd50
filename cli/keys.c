/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <stdio.h>
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

/* --- trust ----------------------------------------------------------------------------------- */

enum { ROLE_WORDS = 3 };
static const char *const role_words[ROLE_WORDS] = {"any", "release", "delivery"};
static const unsigned role_sets[ROLE_WORDS] = {BOTH, 1 << PACK_ROLE_RELEASE,
                                               1 << PACK_ROLE_DELIVERY};

/* A value of -p. `roles` is 0 for a bare PUB. */
struct public_key_value {
    const char *name;
    unsigned roles;
};

static int unknown_role(const char *value, size_t length, struct pack_error *error)
{
    char role[65];
    snprintf(role, sizeof role, "%.*s", length < 64 ? (int)length : 64, value);
    const char *nearest = pack_nearest(role, role_words, ROLE_WORDS);
    pack_fail(error, PACK_E_USAGE, "--pubkey: there is no role '%s'", role);
    if (nearest != NULL)
        return pack_hint(error, "did you mean '%s='?", nearest);
    return pack_hint(error, "the roles are any, release and delivery; a file is ./%s=...", role);
}

/* ROLE is lower-case letters; anything else before a "=" is part of a path (./a=b.pub). */
static int split(struct public_key_value *split, const char *value, struct pack_error *error)
{
    const size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyz");
    *split = (struct public_key_value){value, 0};
    if (length == 0 || value[length] != '=')
        return 0;
    for (size_t i = 0; i < ROLE_WORDS; i++)
        if (strlen(role_words[i]) == length && strncmp(role_words[i], value, length) == 0) {
            *split = (struct public_key_value){value + length + 1, role_sets[i]};
            return 0;
        }
    return unknown_role(value, length, error);
}

static int load_public_key(struct cli *cli, struct pack_public_key *key, const char *name,
                           struct pack_error *error)
{
    if (name[0] == '\0')
        return pack_fail(error, PACK_E_USAGE, "--pubkey: the value is empty");
    const int code = pack_public_key_load(key, name, error);
    if (code != 0 || !pack_public_key_is_demo(key))
        return code;
    if (arguments_flag(cli->arguments, "allow-demo-keys")) {
        cli_warn(cli, "trusting the demo key %s: anybody can sign with it", name);
        return 0;
    }
    pack_fail(error, PACK_E_UNTRUSTED, "this is a demo key: anybody can sign with it");
    pack_at_file(error, name);
    return pack_hint(error, "make a key of your own with 'fwpack key generate', or, to try things "
                            "out, give --allow-demo-keys");
}

static int add_one(struct pack_trust *trust, struct cli *cli, const char *value, bool alone,
                   struct pack_error *error)
{
    struct public_key_value one;
    struct pack_public_key key = {.has_minisign_id = false};
    int code = split(&one, value, error);
    if (code != 0)
        return code;
    if (one.roles == 0 && !alone) {
        pack_fail(error, PACK_E_USAGE,
                  "--pubkey: with several keys each names its role, %.256s "
                  "does not",
                  value);
        return pack_hint(error, "write any=%.256s, release=... or delivery=...", value);
    }
    code = load_public_key(cli, &key, one.name, error);
    return code != 0 ? code : pack_trust_add(trust, &key, one.roles != 0 ? one.roles : BOTH, error);
}

/* Both documents must be good, so a role that nobody holds is a mistake of the command line. */
static int check_roles(const struct pack_trust *trust, struct pack_error *error)
{
    for (enum pack_role role = PACK_ROLE_RELEASE; role <= PACK_ROLE_DELIVERY; role++)
        if (pack_trust_key_count(trust, role) == 0) {
            pack_fail(error, PACK_E_USAGE, "--pubkey: no key holds the role '%s'",
                      pack_role_name(role));
            return pack_hint(error, "add -p %s=PUB, or write any=PUB", pack_role_name(role));
        }
    return 0;
}

static int add_all(struct pack_trust *trust, struct cli *cli, struct pack_error *error)
{
    size_t count = 0;
    uint64_t threshold = 1;
    const char *const *values = arguments_values(cli->arguments, "pubkey", &count);
    if (count == 0) {
        pack_fail(error, PACK_E_USAGE, "nothing says whom to trust");
        return pack_hint(error, "give the public key: -p release.pub");
    }
    for (size_t i = 0; i < count; i++) {
        const int code = add_one(trust, cli, values[i], count == 1, error);
        if (code != 0)
            return code;
    }
    int code = check_roles(trust, error);
    if (code == 0 && arguments_number(cli->arguments, "require", &threshold)) {
        code = pack_trust_require(trust, PACK_ROLE_RELEASE, (unsigned)threshold, error);
        if (code != 0)
            code = pack_context(error, "--require");
    }
    return code;
}

int cli_trust(struct pack_trust **trust, struct cli *cli, struct pack_error *error)
{
    int code = pack_trust_new(trust, error);
    if (code == 0)
        code = add_all(*trust, cli, error);
    if (code != 0)
        pack_trust_free(trust);
    return code;
}
