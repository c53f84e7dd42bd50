/* SPDX-License-Identifier: MIT */
#include "trust_command.h"

#include <stdio.h>
#include <string.h>

static const struct positional draft_role_positionals[] = {
    {.name = "DRAFT", .kind = OPTION_PATH},
    {.name = "ROLE=KEY", .kind = OPTION_PUBLIC_KEY, .many = true},
    {.name = NULL},
};

/* One change; `text` is what was typed for it. */
typedef int (*edit_fn)(struct cli *cli, struct pack_root *root, const char *text,
                       struct pack_error *error);

/* --- init ------------------------------------------------------------------------------------ */

static int add_key(struct cli *cli, struct pack_root *root, const char *text,
                   struct pack_error *error)
{
    enum pack_root_role role = PACK_ROOT_ROOT;
    struct pack_public_key key = {.has_minisign_id = false};
    const char *name = NULL;
    int code = trust_split(&role, &name, text, error);
    if (code == 0)
        code = trust_load_key(cli, &key, name, true, error);
    return code != 0 ? code : pack_root_add(root, role, &key, error);
}

static int set_threshold(struct cli *cli, struct pack_root *root, const char *text,
                         struct pack_error *error)
{
    enum pack_root_role role = PACK_ROOT_ROOT;
    const char *value = NULL;
    uint64_t number = 0;
    (void)cli;
    const int code = trust_split(&role, &value, text, error);
    if (code != 0)
        return code;
    if (!number_parse(value, false, &number) || number > PACK_MAX_ROOT_KEYS)
        return pack_fail(error, PACK_E_USAGE, "'%.64s' is no number of signatures", value);
    return pack_root_threshold(root, role, (unsigned)number, error);
}

static int each_value(struct cli *cli, struct pack_root *root, const char *option, edit_fn edit,
                      struct pack_error *error)
{
    size_t count = 0;
    int code = 0;
    const char *const *values = arguments_values(cli->arguments, option, &count);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = edit(cli, root, values[i], error);
    return code;
}

/* A repository comes later, if ever; until then its roles are as hard to use as the root itself. */
static int fill_role(struct pack_root *root, enum pack_root_role role, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < root->roles[PACK_ROOT_ROOT].count; i++)
        code = pack_root_add(root, role, &root->roles[PACK_ROOT_ROOT].keys[i]->key, error);
    return code;
}

static bool has_threshold(const struct cli *cli, enum pack_root_role role)
{
    size_t count = 0;
    const char *name = pack_root_role_name(role);
    const char *const *values = arguments_values(cli->arguments, "threshold", &count);
    for (size_t i = 0; i < count; i++)
        if (strncmp(values[i], name, strlen(name)) == 0 && values[i][strlen(name)] == '=')
            return true;
    return false;
}

static int fill(struct cli *cli, struct pack_root *root, bool filled[PACK_ROOT_TIMESTAMP + 1],
                struct pack_error *error)
{
    int code = 0;
    for (enum pack_root_role role = PACK_ROOT_TARGETS; code == 0 && role <= PACK_ROOT_TIMESTAMP;
         role++) {
        filled[role] = root->roles[role].count == 0 && root->roles[PACK_ROOT_ROOT].count != 0;
        if (filled[role])
            code = fill_role(root, role, error);
    }
    if (code == 0)
        code = pack_root_check_whole(root, error);
    if (code == 0)
        code = each_value(cli, root, "threshold", set_threshold, error);
    for (enum pack_root_role role = PACK_ROOT_TARGETS; code == 0 && role <= PACK_ROOT_TIMESTAMP;
         role++)
        if (filled[role] && !has_threshold(cli, role))
            code = pack_root_threshold(root, role, root->roles[PACK_ROOT_ROOT].threshold, error);
    return code;
}

static void tell_filled(struct cli *cli, const bool filled[PACK_ROOT_TIMESTAMP + 1])
{
    char names[64] = "";
    for (enum pack_root_role role = PACK_ROOT_TARGETS; role <= PACK_ROOT_TIMESTAMP; role++) {
        const size_t used = strlen(names);
        if (filled[role])
            snprintf(names + used, sizeof names - used, "%s%s", used != 0 ? ", " : "",
                     pack_root_role_name(role));
    }
    if (names[0] != '\0')
        cli_note(cli, "nobody is named for %s: the root keys hold what TUF wants", names);
}

static void tell_draft(struct cli *cli, const char *path, const struct pack_root *root)
{
    trust_print_root(cli, path, root);
    pack_json_string(cli_json(cli), "root", path);
    pack_json_boolean(cli_json(cli), "changed", !cli->dry_run);
    trust_json_root(cli_json(cli), root);
}

static int init(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    bool filled[PACK_ROOT_TIMESTAMP + 1] = {false};
    const char *output = arguments_value(arguments, "output");
    uint64_t expires = 0;
    if (output == NULL)
        return pack_fail(error, PACK_E_USAGE, "no name for the root: give -o root.json");
    int code = trust_expiry(&expires, arguments, error);
    if (code == 0)
        code = pack_root_new(&root, expires, error);
    if (code == 0)
        code = each_value(cli, root, "pubkey", add_key, error);
    if (code == 0)
        code = fill(cli, root, filled, error);
    if (code == 0)
        code = trust_write_new(cli, root, output, error);
    if (code != 0)
        return code;
    tell_draft(cli, output, root);
    tell_filled(cli, filled);
    cli_note(cli, "not signed yet: each root key signs it with 'fwpack trust sign'");
    return 0;
}

static const struct option init_options[] = {
    {.name = "pubkey",
     .letter = 'p',
     .kind = OPTION_PUBLIC_KEY,
     .value = "ROLE=PUB",
     .repeatable = true,
     .help = "give ROLE to the public key PUB, a file or its text; repeatable"},
    {.name = "threshold",
     .kind = OPTION_TEXT,
     .value = "ROLE=N",
     .repeatable = true,
     .help = "want N signatures for ROLE (1); repeatable"},
    TRUST_EXPIRY_OPTIONS,
    {.name = "allow-demo-keys", .help = "let in keys made for demonstration"},
    {.name = NULL},
};

const struct command command_trust_init = {
    .name = "init",
    .summary = "make the first root",
    .synopsis = "-o ROOT -p root=PUB... -p release=PUB... -p delivery=PUB... [-p ROLE=PUB]... "
                "[--threshold ROLE=N]... [--expires DATE | --days N]",
    .description =
        "Makes version 1 of a trust root, not signed yet. The roles root, release and delivery "
        "must have keys; rollout may have some. The roles that a TUF repository needs, targets, "
        "snapshot and timestamp, get the root's keys and threshold where they are not named, and "
        "follow its changes: give them keys of their own, by 'trust rotate', when there is a "
        "repository.\n\n"
        "A public key may be of any format that fwpack knows. FIDO keys (sk-ssh-ed25519) may hold "
        "release, delivery and rollout, but not TUF's own roles, for no TUF client could check "
        "their signatures. A key may hold several roles. Demo keys are refused.",
    .examples = "fwpack trust init -o root.json -p root=anna.pub -p root=ben.pub \\\n"
                "    -p release=anna.pub -p release=ben.pub -p delivery=ci.pub \\\n"
                "    --threshold root=2\n",
    .options = init_options,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 11),
    .run = init,
};

/* --- rotate ---------------------------------------------------------------------------------- */

static int rotate(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *old = NULL;
    CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
    struct pack_root_report report;
    const char *output = arguments_value(arguments, "output");
    const char *path = arguments_at(arguments, 0);
    uint64_t expires = 0;
    if (output == NULL)
        return pack_fail(error, PACK_E_USAGE, "no name for the next root: give -o 2.root.json");
    int code = trust_expiry(&expires, arguments, error);
    if (code == 0)
        code = pack_root_load(&old, path, error);
    if (code == 0) {
        code = pack_root_judge(old, old, &report, error);
        if (code != 0)
            pack_at_file(error, path);
    }
    if (code == 0)
        code = pack_root_next(&root, old, expires, error);
    if (code == 0)
        code = trust_write_new(cli, root, output, error);
    if (code != 0)
        return code;
    tell_draft(cli, output, root);
    cli_note(cli,
             "change it with 'fwpack trust add', remove, threshold and revoke; then root keys "
             "of root %llu and of this one sign it",
             (unsigned long long)old->version);
    return 0;
}

static const struct positional rotate_positionals[] = {
    {.name = "ROOT", .kind = OPTION_PATH},
    {.name = NULL},
};

static const struct option rotate_options[] = {
    TRUST_EXPIRY_OPTIONS,
    {.name = NULL},
};

const struct command command_trust_rotate = {
    .name = "rotate",
    .summary = "make the next root",
    .synopsis = "ROOT -o NEXT [--expires DATE | --days N]",
    .description =
        "Makes the draft of the next version of a signed root: the same keys, roles and revoked "
        "keys, a new expiry, no signatures. Nothing is lost when it is not used. It is valid once "
        "root keys of the old root and of the new one have signed it, as many as each wants.",
    .examples = "fwpack trust rotate root.json -o 2.root.json\n",
    .positionals = rotate_positionals,
    .options = rotate_options,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 10, 11, 12),
    .run = rotate,
};

/* --- changes --------------------------------------------------------------------------------- */

/* Whether two roles have the same keys and threshold. */
static bool same_holders(const struct pack_root *root, enum pack_root_role a, enum pack_root_role b)
{
    const struct pack_root_holders *one = &root->roles[a], *other = &root->roles[b];
    if (one->threshold != other->threshold || one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (!pack_root_holds(root, b, one->keys[i]))
            return false;
    return true;
}

/* TUF's roles that nobody has given keys of their own: they go on to have the root's. */
struct followers {
    bool follows[PACK_ROOT_TIMESTAMP + 1];
};

static bool is_named(const struct arguments *arguments, enum pack_root_role role)
{
    const char *name = pack_root_role_name(role);
    for (size_t i = 1; i < arguments_count(arguments); i++) {
        const char *text = arguments_at(arguments, i);
        if (strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '=')
            return true;
    }
    return false;
}

static struct followers find_followers(const struct pack_root *root,
                                       const struct arguments *arguments)
{
    struct followers found = {{false}};
    for (enum pack_root_role role = PACK_ROOT_TARGETS; role <= PACK_ROOT_TIMESTAMP; role++)
        found.follows[role] =
            same_holders(root, role, PACK_ROOT_ROOT) && !is_named(arguments, role);
    return found;
}

/* Keys that come before keys that go, so that there are always enough of them. */
static int follow_role(struct pack_root *root, enum pack_root_role role, struct pack_error *error)
{
    const struct pack_root_holders wanted = root->roles[PACK_ROOT_ROOT], had = root->roles[role];
    int code = 0;
    for (size_t i = 0; code == 0 && i < wanted.count; i++) {
        const struct pack_root_key *key = pack_root_key_by_id(root, wanted.keys[i]->id);
        if (!pack_root_holds(root, role, key))
            code = pack_root_add(root, role, &wanted.keys[i]->key, error);
    }
    if (code == 0)
        code = pack_root_threshold(root, role, wanted.threshold, error);
    for (size_t i = 0; code == 0 && i < had.count; i++) {
        const struct pack_root_key *key = pack_root_key_by_id(root, had.keys[i]->id);
        if (key != NULL && !pack_root_holds(root, PACK_ROOT_ROOT, key))
            code = pack_root_remove(root, role, had.keys[i]->id, error);
    }
    return code;
}

static int follow(struct cli *cli, struct pack_root *root, const struct followers *followers,
                  struct pack_error *error)
{
    int code = 0;
    for (enum pack_root_role role = PACK_ROOT_TARGETS; code == 0 && role <= PACK_ROOT_TIMESTAMP;
         role++) {
        if (!followers->follows[role] || same_holders(root, role, PACK_ROOT_ROOT))
            continue;
        code = follow_role(root, role, error);
        cli_note(cli, "the role %s follows the role root, whose keys hold it",
                 pack_root_role_name(role));
    }
    return code;
}

/* Applies each argument behind the draft's name. */
static int change(struct cli *cli, const struct arguments *arguments, edit_fn edit,
                  struct pack_error *error)
{
    CLI_AUTO(trust_draft_close) struct trust_draft draft = {.root = NULL};
    int code = trust_draft_open(&draft, cli, arguments_at(arguments, 0), error);
    if (code != 0)
        return code;
    const size_t signatures = draft.root->signature_count;
    code = trust_check_draft(draft.root, error);
    if (code != 0)
        return pack_at_file(error, draft.path);
    const struct followers followers = find_followers(draft.root, arguments);
    for (size_t i = 1; code == 0 && i < arguments_count(arguments); i++)
        code = edit(cli, draft.root, arguments_at(arguments, i), error);
    if (code == 0)
        code = follow(cli, draft.root, &followers, error);
    if (code == 0)
        code = trust_draft_save(&draft, error);
    if (code != 0)
        return pack_at_file(error, draft.path);
    if (signatures != 0)
        cli_note(cli, "%s: its %zu signature%s dropped, for it is another root now", draft.path,
                 signatures, signatures == 1 ? " is" : "s are");
    tell_draft(cli, draft.output, draft.root);
    return 0;
}

static int add(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    return change(cli, arguments, add_key, error);
}

static const struct option add_options[] = {
    {.name = "allow-demo-keys", .help = "let in keys made for demonstration"},
    {.name = NULL},
};

const struct command command_trust_add = {
    .name = "add",
    .summary = "give roles to keys, in a draft",
    .synopsis = "DRAFT ROLE=PUB... [-o OUT]",
    .description = "Gives a role to a public key. The threshold stays as it is; that of a role "
                   "which had no key becomes 1. Signatures that the draft has are dropped.",
    .examples = "fwpack trust add 2.root.json release=dora.pub root=dora.pub\n",
    .positionals = draft_role_positionals,
    .options = add_options,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 11, 18),
    .run = add,
};

static int take(struct cli *cli, struct pack_root *root, const char *text, struct pack_error *error)
{
    enum pack_root_role role = PACK_ROOT_ROOT;
    struct pack_public_key key = {.has_minisign_id = false};
    const char *name = NULL;
    int code = trust_split(&role, &name, text, error);
    if (code == 0 && pack_root_key_by_id(root, name) != NULL)
        return pack_root_remove(root, role, name, error);
    if (code == 0)
        code = trust_find_key(cli, &key, root, name, error);
    if (code != 0)
        return code;
    const struct pack_root_key *known = pack_root_key_of(root, &key);
    return pack_root_remove(root, role, known != NULL ? known->id : key.keyid, error);
}

static int remove_keys(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    return change(cli, arguments, take, error);
}

const struct command command_trust_remove = {
    .name = "remove",
    .summary = "take roles from keys, in a draft",
    .synopsis = "DRAFT ROLE=PUB|ROLE=KEYID... [-o OUT]",
    .description =
        "Takes a role from a key. Refused where too few keys would be left to sign. A key that "
        "was stolen is better revoked: what it signed is then refused by name, and no later root "
        "can take it in again.",
    .examples = "fwpack trust remove 2.root.json release=ben.pub\n",
    .positionals = draft_role_positionals,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 11),
    .run = remove_keys,
};

static int threshold(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    return change(cli, arguments, set_threshold, error);
}

static const struct positional threshold_positionals[] = {
    {.name = "DRAFT", .kind = OPTION_PATH},
    {.name = "ROLE=N", .kind = OPTION_TEXT, .many = true},
    {.name = NULL},
};

const struct command command_trust_threshold = {
    .name = "threshold",
    .summary = "say how many keys of a role must sign, in a draft",
    .synopsis = "DRAFT ROLE=N... [-o OUT]",
    .description = "Sets how many distinct keys of a role must have signed: 1 to the number of "
                   "keys that hold it.",
    .examples = "fwpack trust threshold 2.root.json release=2\n",
    .positionals = threshold_positionals,
    .groups = GROUP_WRITES,
    .exits = EXITS(3),
    .run = threshold,
};

static int revoke_key(struct cli *cli, struct pack_root *root, const char *text,
                      struct pack_error *error)
{
    struct pack_public_key key = {.has_minisign_id = false};
    const char *reason = arguments_value(cli->arguments, "reason");
    const int code = trust_find_key(cli, &key, root, text, error);
    return code != 0 ? code : pack_root_revoke(root, &key, reason, error);
}

static int revoke(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    const char *reason = arguments_value(arguments, "reason");
    if (reason == NULL || reason[0] == '\0') {
        pack_fail(error, PACK_E_USAGE, "no reason given");
        return pack_hint(error, "say it with --reason TEXT: devices and auditors will read it");
    }
    return change(cli, arguments, revoke_key, error);
}

static const struct positional revoke_positionals[] = {
    {.name = "DRAFT", .kind = OPTION_PATH},
    {.name = "KEY", .kind = OPTION_PUBLIC_KEY, .many = true},
    {.name = NULL},
};

static const struct option revoke_options[] = {
    {.name = "reason",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help = "why, in one line, for devices and auditors to read"},
    {.name = NULL},
};

const struct command command_trust_revoke = {
    .name = "revoke",
    .summary = "revoke keys for good, in a draft",
    .synopsis = "DRAFT PUB|KEYID... --reason TEXT [-o OUT]",
    .description =
        "Takes all roles from a key, and lists it as revoked: what it signs is refused by name "
        "from then on, with exit status 18. The list may only grow from root to root, so a key "
        "that was revoked never comes back. Releases that too few other keys have signed need a "
        "signature by another key ('fwpack sign').",
    .examples = "fwpack trust revoke 2.root.json ben.pub --reason \"laptop stolen\"\n",
    .positionals = revoke_positionals,
    .options = revoke_options,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 11),
    .run = revoke,
};
