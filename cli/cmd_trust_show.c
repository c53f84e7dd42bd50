/* SPDX-License-Identifier: MIT */
#include "describe.h"
#include "trust_command.h"

#include <string.h>
#include <time.h>

/* --- show ------------------------------------------------------------------------------------ */

static void tell_time(struct cli *cli, const struct pack_root *root)
{
    const uint64_t now = (uint64_t)time(NULL);
    if (now >= root->expires) {
        cli_print_styled(cli, STYLE_WARNING, "  expired");
        pack_json_integer(cli_json(cli), "days_left", 0);
        return;
    }
    const uint64_t days = (root->expires - now) / 86400;
    cli_print(cli, "  %llu day%s left", (unsigned long long)days, days == 1 ? "" : "s");
    pack_json_unsigned(cli_json(cli), "days_left", days);
}

static int show(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    CLI_AUTO(pack_root_free) struct pack_root *old = NULL;
    const char *path = arguments_at(arguments, 0);
    const char *before = arguments_value(arguments, "old");
    int code = pack_root_load(&root, path, error);
    if (code == 0 && before != NULL)
        code = pack_root_load(&old, before, error);
    if (code != 0)
        return code;
    trust_print_root(cli, path, root);
    pack_json_string(cli_json(cli), "root", path);
    trust_json_root(cli_json(cli), root);
    tell_time(cli, root);
    bool good = trust_tell_signatures(cli, "signatures", root, root);
    if (old != NULL)
        good &= trust_tell_signatures(cli, "old_signatures", root, old);
    pack_json_boolean(cli_json(cli), "complete", good);
    return 0;
}

int describe_root(struct cli *cli, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    const int code = pack_root_load(&root, path, error);
    if (code != 0)
        return code;
    trust_print_root(cli, path, root);
    pack_json_object(cli_json(cli), NULL);
    pack_json_string(cli_json(cli), "file", path);
    trust_json_root(cli_json(cli), root);
    pack_json_end(cli_json(cli));
    return 0;
}

static const struct positional show_positionals[] = {
    {.name = "ROOT", .kind = OPTION_PATH},
    {.name = NULL},
};

static const struct option show_options[] = {
    {.name = "old",
     .kind = OPTION_PATH,
     .value = "ROOT",
     .help = "the root before it, whose keys must sign too"},
    {.name = NULL},
};

const struct command command_trust_show = {
    .name = "show",
    .summary = "say what a root holds, and who signed it",
    .synopsis = "ROOT [--old ROOT]",
    .description =
        "Prints a root's roles, keys and thresholds, its revoked keys, when it expires, and its "
        "signatures: good, bad and missing. It judges nothing: 'trust check' does. A root of "
        "another tool can be shown too; keys of other kinds than Ed25519 are marked as not "
        "counted.",
    .examples = "fwpack trust show root.json\n",
    .positionals = show_positionals,
    .options = show_options,
    .exits = EXITS(3),
    .run = show,
};

/* --- check ----------------------------------------------------------------------------------- */

static void tell_change(struct cli *cli, const char *change, const char *role, const char *id)
{
    cli_print(cli, "    %s: %s %s", role, change, id);
    pack_json_object(cli_json(cli), NULL);
    pack_json_string(cli_json(cli), "change", change);
    pack_json_string(cli_json(cli), "role", role);
    pack_json_string(cli_json(cli), "keyid", id);
    pack_json_end(cli_json(cli));
}

static void tell_threshold(struct cli *cli, const char *role, unsigned from, unsigned to)
{
    cli_print(cli, "    %s: threshold %u, was %u", role, to, from);
    pack_json_object(cli_json(cli), NULL);
    pack_json_string(cli_json(cli), "change", "threshold");
    pack_json_string(cli_json(cli), "role", role);
    pack_json_unsigned(cli_json(cli), "from", from);
    pack_json_unsigned(cli_json(cli), "to", to);
    pack_json_end(cli_json(cli));
}

/* The holders of `a` that do not hold the role in `b`, as `change`. */
static void tell_difference(struct cli *cli, const char *change, const struct pack_root *a,
                            const struct pack_root *b, enum pack_root_role role)
{
    const struct pack_root_holders *holders = &a->roles[role];
    for (size_t i = 0; i < holders->count; i++) {
        const struct pack_root_key *other = pack_root_key_by_id(b, holders->keys[i]->id);
        if (other == NULL || !pack_root_holds(b, role, other))
            tell_change(cli, change, pack_root_role_name(role), holders->keys[i]->id);
    }
}

static void tell_step(struct cli *cli, const struct pack_root *old, const struct pack_root *root)
{
    for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++) {
        tell_difference(cli, "added", root, old, role);
        tell_difference(cli, "removed", old, root, role);
        if (old->roles[role].threshold != root->roles[role].threshold)
            tell_threshold(cli, pack_root_role_name(role), old->roles[role].threshold,
                           root->roles[role].threshold);
    }
    for (size_t i = 0; i < root->revoked_count; i++) {
        const struct pack_root_revocation *revoked = &root->revoked[i];
        if (pack_root_revocation_of(old, &revoked->key) != NULL)
            continue;
        cli_print(cli, "    revoked %s: %s", revoked->key.keyid, revoked->reason);
        pack_json_object(cli_json(cli), NULL);
        pack_json_string(cli_json(cli), "change", "revoked");
        pack_json_string(cli_json(cli), "keyid", revoked->key.keyid);
        pack_json_string(cli_json(cli), "reason", revoked->reason);
        pack_json_end(cli_json(cli));
    }
}

static void tell_root(struct cli *cli, const char *path, const struct pack_root *old,
                      const struct pack_root *root)
{
    cli_print(cli, "  root %llu, %s, expires %s", (unsigned long long)root->version, path,
              root->expires_text);
    pack_json_object(cli_json(cli), NULL);
    pack_json_string(cli_json(cli), "file", path);
    pack_json_unsigned(cli_json(cli), "version", root->version);
    pack_json_string(cli_json(cli), "expires", root->expires_text);
    pack_json_array(cli_json(cli), "changes");
    if (old != NULL)
        tell_step(cli, old, root);
    pack_json_end(cli_json(cli));
    pack_json_end(cli_json(cli));
}

/* All of them, so that nothing is said before all are found good. */
struct chain {
    size_t count;
    struct pack_root **roots;
};

static void chain_clear(struct chain *chain)
{
    for (size_t i = 0; chain->roots != NULL && i < chain->count; i++)
        pack_root_free(&chain->roots[i]);
    free(chain->roots);
}

/* The first root is what the device came with; each of the others must follow from the last. */
static int check_step(struct chain *chain, const char *path, struct pack_error *error)
{
    struct pack_root_report report;
    struct pack_root **root = &chain->roots[chain->count];
    int code = pack_root_load(root, path, error);
    if (code != 0)
        return code;
    code = chain->count++ == 0 ? pack_root_judge(*root, *root, &report, error)
                               : pack_root_follow(root[-1], *root, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* As a device would take it into use. */
static int check_last(struct pack_trust **trust, struct pack_root **root, struct cli *cli,
                      const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
    const struct pack_root_rules rules = {
        .has_clock = !arguments_flag(arguments, "no-clock"),
        .now = (uint64_t)time(NULL),
        .allow_demo_keys = arguments_flag(arguments, "allow-demo-keys"),
    };
    if (!rules.has_clock)
        cli_warn(cli, "--no-clock: whether the trust root has expired is not judged");
    const int code = pack_trust_from_root(trust, root, &rules, error);
    return code != 0 ? code : pack_trust_follow(&newest, *trust, NULL, 0, error);
}

static void tell_chain(struct cli *cli, const struct arguments *arguments,
                       const struct chain *chain, const struct pack_root *last)
{
    const struct pack_root *old = NULL;
    pack_json_array(cli_json(cli), "roots");
    for (size_t i = 0; i < chain->count; i++) {
        const struct pack_root *root = i + 1 < chain->count ? chain->roots[i] : last;
        tell_root(cli, arguments_at(arguments, i), old, root);
        old = root;
    }
    pack_json_end(cli_json(cli));
    cli_print_styled(cli, STYLE_GOOD, "good: %zu step%s", chain->count - 1,
                     chain->count == 2 ? "" : "s");
    pack_json_unsigned(cli_json(cli), "steps", chain->count - 1);
}

static int check(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    const size_t count = arguments_count(arguments);
    CLI_AUTO(pack_trust_free) struct pack_trust *trust = NULL;
    CLI_AUTO(chain_clear)
    struct chain chain = {.roots = calloc(count, sizeof(struct pack_root *))};
    int code = chain.roots == NULL ? pack_fail_memory(error) : 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = check_step(&chain, arguments_at(arguments, i), error);
    if (code == 0) {
        code = check_last(&trust, &chain.roots[count - 1], cli, arguments, error);
        if (code != 0)
            pack_at_file(error, arguments_at(arguments, count - 1));
    }
    if (code != 0)
        return code;
    tell_chain(cli, arguments, &chain, pack_trust_root(trust));
    return 0;
}

static const struct positional check_positionals[] = {
    {.name = "ROOT", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

static const struct option check_options[] = {
    {.name = "no-clock", .help = "do not judge whether the last root has expired"},
    {.name = "allow-demo-keys", .help = "trust keys made for demonstration"},
    {.name = NULL},
};

const struct command command_trust_check = {
    .name = "check",
    .summary = "walk from root to root, as a device would",
    .synopsis = "OLD... NEW [--no-clock]",
    .description =
        "Starts at the first root, which a device trusts, and takes one step to each that "
        "follows, saying what each changes. A step is good when the version is the next one, none "
        "skipped (else exit status 14), when enough root keys of the old root and of the new one "
        "have signed (10, 11, 12), and when no revocation is taken back (18). The last must name "
        "signers of firmware, must hold no demo key (11), and must not have expired (17). With "
        "one root alone, that one is checked.",
    .examples = "fwpack trust check root.json 2.root.json 3.root.json\n",
    .positionals = check_positionals,
    .options = check_options,
    .exits = EXITS(3, 10, 11, 12, 14, 17, 18),
    .run = check,
};
