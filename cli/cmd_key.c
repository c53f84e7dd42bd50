/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "describe.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int make_path(char **path, struct pack_error *error, const char *format, ...)
    PACK_PRINTF(3, 4);

static int make_path(char **path, struct pack_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(path, format, arguments);
    va_end(arguments);
    if (length >= 0)
        return 0;
    *path = NULL;
    return pack_fail_memory(error);
}

/* --- generate -------------------------------------------------------------------------------- */

/* The two files of a new key. */
struct pair {
    char *secret, *public;
};

static void pair_clear(struct pair *pair)
{
    free(pair->secret);
    free(pair->public);
}

/* NAME, or NAME.key, for that is what the file will be called. */
static int name_pair(struct pair *pair, const char *name, struct pack_error *error)
{
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".key") == 0)
        length -= 4;
    if (length == 0 || name[length - 1] == '/' || strcmp(name, "-") == 0) {
        pack_fail(error, PACK_E_USAGE, "'%s' is no name for key files", name);
        return pack_hint(error, "fwpack key generate release makes release.key and release.pub");
    }
    const int code = make_path(&pair->secret, error, "%.*s.key", (int)length, name);
    return code != 0 ? code : make_path(&pair->public, error, "%.*s.pub", (int)length, name);
}

static int choose_passphrase(struct pack_passphrase *passphrase, struct cli *cli,
                             const struct arguments *arguments, struct pack_error *error)
{
    uint64_t descriptor = 0;
    *passphrase = cli_passphrase(cli);
    if (!arguments_flag(arguments, "no-passphrase"))
        return 0;
    *passphrase = (struct pack_passphrase){.ask = NULL};
    const bool has_file = arguments_value(arguments, "passphrase-file") != NULL &&
                          !arguments_from_variable(arguments, "passphrase-file");
    if (has_file || arguments_number(arguments, "passphrase-fd", &descriptor))
        return pack_fail(error, PACK_E_USAGE,
                         "--no-passphrase and --passphrase-%s exclude each other",
                         has_file ? "file" : "fd");
    return 0;
}

static int check_free(const char *path, struct pack_error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return 0;
    pack_fail(error, PACK_E_EXISTS, "exists, and is never overwritten");
    pack_at_file(error, path);
    return pack_hint(error, "choose another name, or move the old file away");
}

static int rehearse(struct cli *cli, const struct pair *pair, struct pack_error *error)
{
    int code = check_free(pair->secret, error);
    if (code == 0)
        code = check_free(pair->public, error);
    if (code != 0)
        return code;
    cli_print(cli, "would write %s and %s", pair->secret, pair->public);
    pack_json_boolean(cli_json(cli), "changed", false);
    pack_json_string(cli_json(cli), "secret", pair->secret);
    pack_json_string(cli_json(cli), "public", pair->public);
    return 0;
}

static void print_ids(struct cli *cli, const struct pack_public_key *key, const char *purpose)
{
    struct pack_json *json = cli_json(cli);
    char id[17], line[PACK_PUBLIC_KEY_TEXT_SIZE];
    pack_minisign_id_text(key->minisign_id, id);
    pack_public_key_text(key, line);
    cli_print(cli, "  key id       %s", key->keyid);
    cli_print(cli, "  minisign id  %s", id);
    cli_print(cli, "  purpose      %s", purpose);
    cli_print(cli, "  public key   %s", line);
    pack_json_string(json, "keyid", key->keyid);
    pack_json_string(json, "minisign_id", id);
    pack_json_string(json, "public_key", line);
    pack_json_hex(json, "public_key_hex", key->bytes, sizeof key->bytes);
    pack_json_boolean(json, "demo", pack_public_key_is_demo(key));
}

static void report_generated(struct cli *cli, const struct pair *pair,
                             const struct pack_secret_key *key, bool encrypted)
{
    struct pack_json *json = cli_json(cli);
    const char *purpose = pack_purpose_name(pack_secret_key_purpose(key));
    cli_print_styled(cli, STYLE_BOLD, "%s: secret key, %s", pair->secret,
                     encrypted ? "encrypted" : "not encrypted: whoever reads it can sign");
    cli_print_styled(cli, STYLE_BOLD, "%s: public key, for those who verify", pair->public);
    pack_json_boolean(json, "changed", true);
    pack_json_string(json, "secret", pair->secret);
    pack_json_string(json, "public", pair->public);
    pack_json_boolean(json, "encrypted", encrypted);
    pack_json_string(json, "purpose", purpose);
    print_ids(cli, pack_secret_key_public(key), purpose);
    cli_note(cli, "keep a copy of %s elsewhere: nobody can make it again", pair->secret);
    cli_note(cli, "sign with -k %s, verify with -p %s", pair->secret, pair->public);
}

static int generate(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pair_clear) struct pair pair = {NULL, NULL};
    CLI_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    struct pack_passphrase passphrase;
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    pack_purpose_parse(arguments_value(arguments, "purpose"), &purpose);
    int code = name_pair(&pair, arguments_at(arguments, 0), error);
    if (code == 0)
        code = choose_passphrase(&passphrase, cli, arguments, error);
    if (code == 0 && cli->dry_run)
        return rehearse(cli, &pair, error);
    if (code == 0)
        code = pack_secret_key_generate(&key, purpose, error);
    if (code == 0)
        code = pack_secret_key_save(key, pair.secret, pair.public, &passphrase, error);
    if (code == 0)
        report_generated(cli, &pair, key, passphrase.ask != NULL);
    return code;
}

static const struct option generate_options[] = {
    {.name = "purpose",
     .kind = OPTION_CHOICE,
     .value = "PURPOSE",
     .choices = choice_purpose,
     .help = "what it signs: release, delivery or demo (any)"},
    {.name = "no-passphrase", .help = "do not encrypt the secret key, for CI"},
    {.name = NULL},
};

static const struct positional generate_positionals[] = {
    {.name = "NAME", .kind = OPTION_PATH},
    {.name = NULL},
};

static const struct command command_generate = {
    .name = "generate",
    .summary = "make a new key",
    .synopsis = "NAME [--purpose PURPOSE] [--no-passphrase]",
    .description =
        "Makes an Ed25519 key: NAME.key is the secret half, readable by you alone and encrypted "
        "with a passphrase; NAME.pub is the public half, for those who verify. Both are minisign's "
        "own formats. Neither is ever written over an existing file.\n\n"
        "A key for the purpose release signs what a firmware is, one for delivery how its bytes "
        "travel; one without a purpose signs both. The purpose is a hint in the file's comment, "
        "which decides what sign does without --role. A demo key says in its id that nobody should "
        "trust it, and is refused unless --allow-demo-keys is given.",
    .examples = "# a key for a person\n"
                "fwpack key generate release --purpose release\n"
                "# a key for a CI machine, whose secret store guards it\n"
                "fwpack key generate delivery --purpose delivery --no-passphrase\n",
    .positionals = generate_positionals,
    .options = generate_options,
    .groups = GROUP_DRY_RUN | GROUP_PASSPHRASE,
    .exits = EXITS(4),
    .run = generate,
};

/* --- show ------------------------------------------------------------------------------------ */

static const char *kind_of(const struct pack_key_info *info)
{
    if (!info->secret)
        return "public key";
    return info->encrypted ? "secret key, encrypted" : "secret key, not encrypted";
}

static void describe(struct cli *cli, const char *name, const struct pack_key_info *info)
{
    struct pack_json *json = cli_json(cli);
    pack_json_string(json, "file", name);
    pack_json_string(json, "kind", info->secret ? "secret" : "public");
    pack_json_boolean(json, "encrypted", info->encrypted);
    pack_json_string(json, "purpose", pack_purpose_name(info->purpose));
    pack_json_string(json, "comment", info->comment);
    if (info->exposed)
        cli_warn(cli, "%s: others may read this secret key", name);
}

static void show_encrypted(struct cli *cli, const struct pack_key_info *info)
{
    const unsigned mebibytes = (unsigned)(info->kdf_memory >> 20);
    cli_print(cli, "  key id       not visible without the passphrase");
    cli_print(cli, "  purpose      %s, as the comment has it", pack_purpose_name(info->purpose));
    cli_print(cli, "  passphrase   scrypt, %u MiB", mebibytes);
    pack_json_unsigned(cli_json(cli), "kdf_memory", info->kdf_memory);
}

int describe_key(struct cli *cli, const char *path, struct pack_error *error)
{
    struct pack_key_info info;
    const int code = pack_key_info_load(&info, path, error);
    if (code != 0)
        return code;
    const bool demo = info.has_key && pack_public_key_is_demo(&info.key);
    cli_print_styled(cli, STYLE_BOLD, "%s: %s%s", path, kind_of(&info),
                     demo ? ", a demo key: trust it with nothing" : "");
    pack_json_object(cli_json(cli), NULL);
    describe(cli, path, &info);
    if (info.has_key)
        print_ids(cli, &info.key, pack_purpose_name(info.purpose));
    else
        show_encrypted(cli, &info);
    if (info.comment[0] != '\0')
        cli_print(cli, "  comment      %s", info.comment);
    pack_json_end(cli_json(cli));
    return 0;
}

static int show(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    int code = 0;
    pack_json_array(cli_json(cli), "keys");
    for (size_t i = 0; code == 0 && i < arguments_count(arguments); i++)
        code = describe_key(cli, arguments_at(arguments, i), error);
    if (code == 0)
        pack_json_end(cli_json(cli));
    return code;
}

static const struct positional show_positionals[] = {
    {.name = "FILE", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

static const struct command command_show = {
    .name = "show",
    .summary = "say what a key file is",
    .synopsis = "FILE...",
    .description =
        "Says of each key file, public or secret, what kind of key it is, its ids, its purpose and "
        "its public key as a line of text. No passphrase is asked for: of an encrypted secret key "
        "only its comment can be seen, which nothing proves.",
    .examples = "fwpack key show release.pub\n",
    .positionals = show_positionals,
    .exits = EXITS(3, 4),
    .run = show,
};

/* --- list ------------------------------------------------------------------------------------ */

static int may_be_key(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && (strcmp(dot, ".key") == 0 || strcmp(dot, ".pub") == 0);
}

/* The names in a folder that may be keys, in the order of their bytes. */
struct names {
    struct dirent **entries;
    int count;
};

static void names_clear(struct names *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->entries[i]);
    free(names->entries);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list_one(struct cli *cli, const char *path)
{
    struct pack_error error = {0};
    struct pack_key_info info;
    if (pack_key_info_load(&info, path, &error) != 0) {
        if (cli->verbose)
            cli_note(cli, "%s: passed over: %s", path, error.text);
        return;
    }
    cli_print(cli, "%-64s  %-6s  %-8s  %s", info.has_key ? info.key.keyid : "(encrypted)",
              info.secret ? "secret" : "public", pack_purpose_name(info.purpose), path);
    pack_json_object(cli_json(cli), NULL);
    describe(cli, path, &info);
    if (info.has_key)
        pack_json_string(cli_json(cli), "keyid", info.key.keyid);
    pack_json_end(cli_json(cli));
}

static int list_all(struct cli *cli, const char *folder, const struct names *names,
                    struct pack_error *error)
{
    const bool here = strcmp(folder, ".") == 0;
    pack_json_array(cli_json(cli), "keys");
    for (int i = 0; i < names->count; i++) {
        CLI_AUTO_FREE char *path = NULL;
        const char *name = names->entries[i]->d_name;
        const int code = here ? make_path(&path, error, "%s", name)
                              : make_path(&path, error, "%s/%s", folder, name);
        if (code != 0)
            return code;
        list_one(cli, path);
    }
    pack_json_end(cli_json(cli));
    return 0;
}

static int list(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(names_clear) struct names names = {NULL, 0};
    const char *folder = arguments_count(arguments) != 0 ? arguments_at(arguments, 0) : ".";
    const int count = scandir(folder, &names.entries, may_be_key, by_bytes);
    if (count < 0) {
        pack_fail_errno(error, errno, "cannot list");
        return pack_at_file(error, folder);
    }
    names.count = count;
    return list_all(cli, folder, &names, error);
}

static const struct positional list_positionals[] = {
    {.name = "FOLDER", .kind = OPTION_FOLDER, .optional = true},
    {.name = NULL},
};

static const struct command command_list = {
    .name = "list",
    .summary = "list the keys of a folder",
    .synopsis = "[FOLDER]",
    .description =
        "Lists the files *.key and *.pub of a folder, this one unless said otherwise, that are "
        "keys: key id, secret or public, purpose, file. Folders in it are not looked into. With "
        "-v it also says which files were passed over, and why.",
    .examples = "fwpack key list ~/keys\n",
    .positionals = list_positionals,
    .run = list,
};

/* --- key ------------------------------------------------------------------------------------- */

static const struct command *const subcommands[] = {&command_generate, &command_show, &command_list,
                                                    NULL};

const struct command command_key = {
    .name = "key",
    .summary = "make keys, and say what they are",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description = "Keys are minisign's: fwpack takes what minisign -G makes, and minisign takes "
                   "what fwpack makes.",
    .examples = "fwpack key generate release\n"
                "fwpack key show release.pub\n",
    .subcommands = subcommands,
};
