/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "describe.h"

#include "pack/root.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

bool is_root(const char *path)
{
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    struct pack_error ignored = {0};
    return pack_root_load(&root, path, &ignored) == 0;
}

static int load_public_key(struct cli *cli, struct pack_public_key *key, const char *name,
                           struct pack_error *error)
{
    if (name[0] == '\0')
        return pack_fail(error, PACK_E_USAGE, "--pubkey: the value is empty");
    const int code = pack_public_key_load(key, name, error);
    if (code == PACK_E_KEY_INVALID && is_root(name))
        return pack_hint(error, "this is a trust root: give it as -t %.256s", name);
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

static int require(struct pack_trust *trust, struct cli *cli, struct pack_error *error)
{
    uint64_t threshold = 1;
    if (!arguments_number(cli->arguments, "require", &threshold))
        return 0;
    const int code = pack_trust_require(trust, PACK_ROLE_RELEASE, (unsigned)threshold, error);
    return code != 0 ? pack_context(error, "--require") : 0;
}

/* `whole` wants a key for each document. */
static int trust_keys(struct pack_trust **trust, struct cli *cli, bool whole,
                      struct pack_error *error)
{
    size_t count = 0;
    const char *const *values = arguments_values(cli->arguments, "pubkey", &count);
    int code = pack_trust_new(trust, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = add_one(*trust, cli, values[i], count == 1, error);
    if (code == 0 && whole)
        code = check_roles(*trust, error);
    return code != 0 ? code : require(*trust, cli, error);
}

/* --- roots ----------------------------------------------------------------------------------- */

static int load_root(struct pack_root **root, struct cli *cli, const char *path,
                     struct pack_error *error)
{
    if (arguments_from_variable(cli->arguments, "trust"))
        cli_note(cli, "trusting the root of FWPACK_TRUST: %s", path);
    const int code = pack_root_load(root, path, error);
    struct pack_public_key key;
    struct pack_error ignored = {0};
    if (code == PACK_E_MALFORMED && pack_public_key_load(&key, path, &ignored) == 0)
        return pack_hint(error, "this is a public key: give it as -p %.256s", path);
    if (code != PACK_E_NOT_FOUND && code != PACK_E_PERMISSION)
        return code;
    const struct pack_error reason = *error;
    pack_fail(error, PACK_E_UNTRUSTED, "no trust root at %s: %s", path, reason.text);
    return pack_hint(error, "'fwpack trust init' makes one");
}

/* Loudly, for whoever has the published half of such a key can sign anything. */
static void warn_of_demo_keys(struct cli *cli, const struct pack_root *root)
{
    for (size_t i = 0; i < root->key_count; i++)
        if (root->keys[i].demo)
            cli_warn(cli, "trusting the demo key %s: anybody can sign with it", root->keys[i].id);
}

static int trust_root(struct pack_trust **trust, struct cli *cli, const char *path,
                      struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    uint64_t threshold = 0;
    arguments_number(cli->arguments, "require", &threshold);
    const struct pack_root_rules rules = {
        .has_clock = !arguments_flag(cli->arguments, "no-clock"),
        .now = (uint64_t)time(NULL),
        .allow_demo_keys = arguments_flag(cli->arguments, "allow-demo-keys"),
        .require = (unsigned)threshold,
    };
    int code = load_root(&root, cli, path, error);
    if (code != 0)
        return code;
    if (!rules.has_clock)
        cli_warn(cli, "--no-clock: whether the trust root has expired is not judged");
    if (rules.allow_demo_keys)
        warn_of_demo_keys(cli, root);
    code = pack_trust_from_root(trust, &root, &rules, error);
    return code == 0              ? 0
           : code == PACK_E_USAGE ? pack_context(error, "--require")
                                  : pack_at_file(error, path);
}

int cli_root_trust(struct pack_trust **trust, struct cli *cli, struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    const char *path = arguments_value(cli->arguments, "trust");
    const struct pack_root_rules rules = {.allow_demo_keys = true};
    *trust = NULL;
    if (path == NULL)
        return 0;
    int code = load_root(&root, cli, path, error);
    if (code == 0)
        code = pack_trust_from_root(trust, &root, &rules, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* --- either ---------------------------------------------------------------------------------- */

static int no_trust(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "nothing says whom to trust");
    return pack_hint(error, "give the public key, -p release.pub, or the trust root, -t root.json");
}

static int any_trust(struct pack_trust **trust, struct cli *cli, bool whole,
                     struct pack_error *error)
{
    size_t keys = 0;
    const char *path = arguments_value(cli->arguments, "trust");
    arguments_values(cli->arguments, "pubkey", &keys);
    if (keys != 0 && path != NULL && !arguments_from_variable(cli->arguments, "trust"))
        return pack_fail(error, PACK_E_USAGE,
                         "--trust and --pubkey exclude each other: a root "
                         "names all keys itself");
    if (keys == 0 && path == NULL)
        return no_trust(error);
    if (keys != 0 && arguments_flag(cli->arguments, "no-clock"))
        return pack_fail(error, PACK_E_USAGE, "--no-clock goes with --trust: keys do not expire");
    *trust = NULL;
    const int code =
        keys != 0 ? trust_keys(trust, cli, whole, error) : trust_root(trust, cli, path, error);
    if (code != 0)
        pack_trust_free(trust);
    return code;
}

int cli_trust(struct pack_trust **trust, struct cli *cli, struct pack_error *error)
{
    return any_trust(trust, cli, true, error);
}

int cli_some_trust(struct pack_trust **trust, struct cli *cli, struct pack_error *error)
{
    *trust = NULL;
    if (!arguments_flag(cli->arguments, "pubkey") && !arguments_flag(cli->arguments, "trust"))
        return 0;
    return any_trust(trust, cli, false, error);
}
