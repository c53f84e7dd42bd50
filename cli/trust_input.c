/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { BOTH = 1 << PACK_ROLE_RELEASE | 1 << PACK_ROLE_DELIVERY };

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
