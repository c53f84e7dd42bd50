/* SPDX-License-Identifier: MIT */
#include "trust_command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A root that is being signed. */
struct signing {
    struct cli *cli;
    struct trust_draft draft;
    struct pack_root *old; /* NULL where it is not given */
    struct cli_keys keys;
};

static void signing_clear(struct signing *signing)
{
    cli_keys_free(&signing->keys);
    pack_root_free(&signing->old);
    trust_draft_close(&signing->draft);
}

static int load_old(struct signing *signing, const struct arguments *arguments,
                    struct pack_error *error)
{
    const char *path = arguments_value(arguments, "old");
    if (path == NULL)
        return 0;
    if (signing->draft.root->version == 1)
        return pack_fail(error, PACK_E_USAGE,
                         "--old: root 1 is the first, there is none before it");
    const int code = pack_root_load(&signing->old, path, error);
    if (code != 0 || signing->old->version + 1 == signing->draft.root->version)
        return code;
    pack_fail(error, PACK_E_USAGE, "--old: holds root %llu, root %llu is wanted",
              (unsigned long long)signing->old->version,
              (unsigned long long)signing->draft.root->version - 1);
    return pack_at_file(error, path);
}

static int check_keys(const struct signing *signing, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < signing->keys.count; i++)
        code = pack_root_check_signer(signing->draft.root, signing->old,
                                      signing->keys.signers[i].key, error);
    return code;
}

/* --- showing what is signed ------------------------------------------------------------------ */

static void show_roles(struct cli *cli, const struct pack_root *root)
{
    for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++) {
        const struct pack_root_holders *holders = &root->roles[role];
        if (holders->count == 0)
            continue;
        cli_note(cli, "  %s: %u of %zu must sign", pack_root_role_name(role), holders->threshold,
                 holders->count);
        for (size_t i = 0; i < holders->count; i++)
            cli_note(cli, "    %s", holders->keys[i]->id);
    }
}

/* What is shown was read from the very bytes that are signed. */
static int show(const struct signing *signing, struct pack_error *error)
{
    struct cli *cli = signing->cli;
    const struct pack_root *root = signing->draft.root;
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    size_t size = 0;
    const void *bytes = pack_root_signed_bytes(root, &size);
    const int code = pack_sha256_bytes(bytes, size, digest, error);
    if (code != 0)
        return code;
    pack_sha256_hex(digest, hex);
    cli_note(cli, "about to sign %s: root %llu, expires %s", signing->draft.path,
             (unsigned long long)root->version, root->expires_text);
    show_roles(cli, root);
    for (size_t i = 0; i < root->revoked_count; i++)
        cli_note(cli, "  revoked: %s (%s)", root->revoked[i].key.keyid, root->revoked[i].reason);
    cli_note(cli, "  %zu bytes of canonical JSON, sha256 %s", size, hex);
    for (size_t i = 0; i < signing->keys.count; i++)
        cli_note(cli, "  by %s", signing->keys.signers[i].key->keyid);
    return 0;
}

static int ask(const struct signing *signing, const struct arguments *arguments,
               struct pack_error *error)
{
    bool yes = true;
    struct cli *cli = signing->cli;
    const bool can_ask =
        !cli->no_input && !cli->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    int code = show(signing, error);
    if (code == 0 && !arguments_flag(arguments, "yes") && can_ask)
        code = cli_ask(cli, &yes, "Sign this?", "say --yes to sign without asking", error);
    if (code == 0 && !yes)
        code = pack_fail(error, PACK_E_INTERRUPTED, "not signed, as you said");
    return code;
}

/* --- signing --------------------------------------------------------------------------------- */

static int add_signature(struct signing *signing, size_t index, struct pack_error *error)
{
    uint8_t signature[PACK_SIGNATURE_SIZE];
    struct pack_root *root = signing->draft.root;
    struct pack_signer signer = signing->keys.signers[index];
    size_t size = 0;
    const void *bytes = pack_root_signed_bytes(root, &size);
    signer.role = PACK_ROOT_SIGNER;
    int code = pack_signer_sign(&signer, bytes, size, signature, error);
    if (code == 0)
        code = pack_signer_record(&signer, bytes, size, error);
    return code != 0 ? code
                     : pack_root_add_signature(root, signing->old, signer.key, signature, error);
}

static bool same_file(const struct signing *signing, const char *before, size_t size)
{
    CLI_AUTO_FREE char *text = NULL;
    struct pack_error ignored = {0};
    size_t now = 0;
    return pack_root_format(signing->draft.root, &text, &now, &ignored) == 0 && now == size &&
           strcmp(text, before) == 0;
}

static void report(const struct signing *signing, bool changed)
{
    struct cli *cli = signing->cli;
    const struct pack_root *root = signing->draft.root;
    struct pack_json *json = cli_json(cli);
    const char *what = !changed       ? "carries these signatures already"
                       : cli->dry_run ? "signatures would be added"
                                      : "signed";
    cli_print_styled(cli, STYLE_BOLD, "%s: %s", signing->draft.output, what);
    pack_json_string(json, "root", signing->draft.output);
    pack_json_unsigned(json, "version", root->version);
    pack_json_boolean(json, "changed", changed && !cli->dry_run);
    bool complete = trust_tell_signatures(cli, "signatures", root, root);
    if (signing->old != NULL)
        complete &= trust_tell_signatures(cli, "old_signatures", root, signing->old);
    else if (root->version > 1)
        cli_note(cli,
                 "root keys of root %llu must sign too: give it with --old to see how many "
                 "have",
                 (unsigned long long)root->version - 1);
    pack_json_boolean(json, "complete", complete && (signing->old != NULL || root->version == 1));
}

static int sign_all(struct signing *signing, struct pack_error *error)
{
    size_t count = 0;
    int code = 0;
    const char *const *files = arguments_values(signing->cli->arguments, "import", &count);
    for (size_t i = 0; code == 0 && i < signing->keys.count; i++)
        code = add_signature(signing, i, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = trust_import(signing->draft.root, signing->old, files[i], error);
    return code;
}

/* The root as it is to be signed, with what else is given. */
static int open_root(struct signing *signing, const struct arguments *arguments,
                     struct pack_error *error)
{
    int code = trust_draft_open(&signing->draft, signing->cli, arguments_at(arguments, 0), error);
    if (code == 0)
        code = load_old(signing, arguments, error);
    if (code == 0)
        code = pack_root_check_whole(signing->draft.root, error);
    return code;
}

static int sign_root(struct signing *signing, const struct arguments *arguments,
                     struct pack_error *error)
{
    CLI_AUTO_FREE char *before = NULL;
    size_t size = 0;
    int code = open_root(signing, arguments, error);
    if (code == 0)
        code = check_keys(signing, error);
    if (code == 0)
        code = pack_root_format(signing->draft.root, &before, &size, error);
    if (code == 0 && signing->keys.count != 0)
        code = ask(signing, arguments, error);
    if (code == 0)
        code = sign_all(signing, error);
    const bool changed = code == 0 && !same_file(signing, before, size);
    if (code == 0 && (changed || signing->draft.output != signing->draft.path))
        code = trust_draft_save(&signing->draft, error);
    if (code == 0)
        report(signing, changed);
    return code;
}

static int export_root(struct signing *signing, const struct arguments *arguments,
                       struct pack_error *error)
{
    const int code = open_root(signing, arguments, error);
    return code != 0 ? code
                     : trust_export(signing->cli, &signing->draft,
                                    arguments_value(arguments, "export"), error);
}

/* One way to sign at a time. */
static int check_usage(const struct arguments *arguments, struct pack_error *error)
{
    size_t imports = 0, keys = 0;
    arguments_values(arguments, "import", &imports);
    arguments_values(arguments, "key", &keys);
    const bool has_keys = keys != 0 && !arguments_from_variable(arguments, "key");
    const bool exports = arguments_value(arguments, "export") != NULL;
    if (has_keys + exports + (imports != 0) > 1)
        return pack_fail(error, PACK_E_USAGE, "--key, --export and --import exclude each other");
    return 0;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(signing_clear) struct signing signing = {.cli = cli};
    size_t imports = 0;
    const bool exports = arguments_value(arguments, "export") != NULL;
    arguments_values(arguments, "import", &imports);
    int code = check_usage(arguments, error);
    if (code == 0 && !exports && imports == 0) {
        code = cli_keys_load(&signing.keys, cli, error);
        if (code == 0 && signing.keys.count == 0)
            code = cli_no_key(error);
    }
    if (code != 0)
        return code;
    code =
        exports ? export_root(&signing, arguments, error) : sign_root(&signing, arguments, error);
    return code != 0 ? pack_at_file(error, arguments_at(arguments, 0)) : 0;
}

static const struct option options[] = {
    {.name = "old",
     .kind = OPTION_PATH,
     .value = "ROOT",
     .help = "the root before it, whose keys sign too"},
    {.name = "yes", .letter = 'y', .help = "sign without asking"},
    {.name = "export",
     .kind = OPTION_PATH,
     .value = "FILE",
     .help = "write what is to be signed elsewhere, and sign nothing"},
    {.name = "import",
     .kind = OPTION_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "add a signature that was made elsewhere; repeatable"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "ROOT", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_trust_sign = {
    .name = "sign",
    .summary = "add a root key's signature to a root",
    .synopsis = "ROOT -k KEY... [--old ROOT] [--yes] [-o OUT]\n"
                "ROOT --export FILE\n"
                "ROOT --import FILE... [--old ROOT] [-o OUT]",
    .description =
        "Adds signatures by keys that hold the role root, in this root or, with --old, in the one "
        "before it; others are refused. Several people sign in turn, also at the same time: the "
        "file is locked, and replaced whole or not at all. What is signed is shown first, and on "
        "a terminal asked for, unless --yes is given.\n\n"
        "A root is good when as many of its own root keys have signed it as it wants, and, from "
        "version 2 on, as many of those of the root before it as that one wants. What is signed "
        "is the canonical JSON of the member \"signed\", as TUF has it.\n\n"
        "--export writes these bytes, for a key that is kept elsewhere, and says by which stock "
        "commands they are signed. --import takes the answers, 64 bytes, or their hex or base64; "
        "whose each is, is found by trying the root keys.",
    .examples = "fwpack trust sign root.json -k anna.key\n"
                "fwpack trust sign 2.root.json --old root.json -k ben.key\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_SIGNS,
    .exits = EXITS(3, 4, 11, 12),
    .run = run,
};
