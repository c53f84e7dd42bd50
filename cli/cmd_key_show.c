/* SPDX-License-Identifier: MIT */
#include "describe.h"
#include "key_command.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

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
    pack_json_string(json, "format", pack_key_format_name(info->format));
    pack_json_boolean(json, "encrypted", info->encrypted);
    pack_json_string(json, "purpose", pack_purpose_name(info->purpose));
    pack_json_string(json, "comment", info->comment);
    if (info->exposed)
        cli_warn(cli, "%s: others may read this secret key", name);
}

static void show_cost(struct cli *cli, const struct pack_key_info *info)
{
    struct pack_json *json = cli_json(cli);
    if (info->kdf_rounds != 0)
        cli_print(cli, "  passphrase   %s, %llu round%s", info->kdf,
                  (unsigned long long)info->kdf_rounds, info->kdf_rounds == 1 ? "" : "s");
    else
        cli_print(cli, "  passphrase   %s, %u MiB", info->kdf, (unsigned)(info->kdf_memory >> 20));
    pack_json_string(json, "kdf", info->kdf);
    pack_json_unsigned(json, "kdf_memory", info->kdf_memory);
    pack_json_unsigned(json, "kdf_rounds", info->kdf_rounds);
}

/* What other tools call it. */
static int show_names(struct cli *cli, const struct pack_public_key *key, struct pack_error *error)
{
    CLI_AUTO_FREE char *line = NULL;
    char fingerprint[PACK_SSH_FINGERPRINT_SIZE], hex[PACK_SHA256_HEX_SIZE];
    uint8_t digest[PACK_SHA256_SIZE];
    const bool is_fido = key->application[0] != '\0';
    int code = pack_public_key_ssh_text(&line, key, error);
    if (code == 0)
        code = pack_ssh_fingerprint(fingerprint, key, error);
    if (code == 0)
        code = pack_spki_sha256(digest, key, error);
    if (code != 0)
        return code;
    pack_sha256_hex(digest, hex);
    cli_print(cli, "  fingerprint  %s", fingerprint);
    cli_print(cli, "  OpenSSH      %s", line);
    cli_print(cli, is_fido ? "  application  %s" : "  SPKI         %s",
              is_fido ? key->application : hex);
    pack_json_string(cli_json(cli), "ssh_fingerprint", fingerprint);
    pack_json_string(cli_json(cli), "ssh_public_key", line);
    pack_json_string(cli_json(cli), is_fido ? "application" : "spki_sha256",
                     is_fido ? key->application : hex);
    return 0;
}

static int show_ids(struct cli *cli, const struct pack_key_info *info, struct pack_error *error)
{
    const char *purpose = pack_purpose_name(info->purpose);
    if (info->has_key) {
        key_print_ids(cli, &info->key, purpose);
        return show_names(cli, &info->key, error);
    }
    cli_print(cli, "  key id       not visible without the passphrase");
    cli_print(cli, "  purpose      %s, as the comment has it", purpose);
    return 0;
}

int describe_key(struct cli *cli, const char *path, struct pack_error *error)
{
    struct pack_key_info info;
    if (key_is_sealed(path))
        return key_describe_sealed(cli, path, error);
    if (key_is_age(path))
        return key_describe_age(cli, path, error);
    int code = pack_key_info_load(&info, path, error);
    if (code != 0)
        return code;
    const bool demo = info.has_key && pack_public_key_is_demo(&info.key);
    cli_print_styled(cli, STYLE_BOLD, "%s: %s%s", path, kind_of(&info),
                     demo ? ", a demo key: trust it with nothing" : "");
    pack_json_object(cli_json(cli), NULL);
    describe(cli, path, &info);
    cli_print(cli, "  format       %s", pack_key_format_name(info.format));
    code = show_ids(cli, &info, error);
    if (info.encrypted)
        show_cost(cli, &info);
    if (info.comment[0] != '\0')
        cli_print(cli, "  comment      %s", info.comment);
    pack_json_end(cli_json(cli));
    return code;
}

/* A key in a token, an agent, a TPM or elsewhere: what its store tells of it. */
static int describe_stored(struct cli *cli, const char *name, struct pack_error *error)
{
    CLI_AUTO(pack_signing_key_free) struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = cli_signing_access(cli);
    int code = pack_signing_key_open(&key, name, &access, error);
    if (code != 0)
        return code;
    const struct pack_public_key *public = pack_signing_key_public(key);
    const char *store = pack_signing_key_store(key);
    cli_print_styled(cli, STYLE_BOLD, "%s: signing key", name);
    pack_json_object(cli_json(cli), NULL);
    pack_json_string(cli_json(cli), "file", name);
    pack_json_string(cli_json(cli), "kind", "stored");
    pack_json_string(cli_json(cli), "store", store);
    cli_print(cli, "  store        %s", store);
    key_print_ids(cli, public, pack_purpose_name(pack_signing_key_purpose(key)));
    code = show_names(cli, public, error);
    pack_json_end(cli_json(cli));
    return code;
}

static int show(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    int code = 0;
    pack_json_array(cli_json(cli), "keys");
    for (size_t i = 0; code == 0 && i < arguments_count(arguments); i++)
        code = pack_signing_key_is_file(arguments_at(arguments, i))
                   ? describe_key(cli, arguments_at(arguments, i), error)
                   : describe_stored(cli, arguments_at(arguments, i), error);
    if (code == 0)
        pack_json_end(cli_json(cli));
    return code;
}

static const struct positional show_positionals[] = {
    {.name = "KEY", .kind = OPTION_KEY, .many = true},
    {.name = NULL},
};

const struct command command_key_show = {
    .name = "show",
    .summary = "say what a key is",
    .synopsis = "KEY...",
    .description =
        "Says of each key file, public or secret and of any format, what kind of key it is, its "
        "purpose, and what it is called: its key id, which is TUF's; its minisign id; its SSH "
        "fingerprint; the SHA-256 of its SubjectPublicKeyInfo; and the public key as a line of "
        "minisign's and of OpenSSH's. No passphrase is asked for: of an encrypted secret key only "
        "what stands in the clear can be seen, which nothing proves.\n\n"
        "A KEY may also be in a token, an agent, a TPM or an external signer, named as for -k. It "
        "is opened then, with its PIN where it has one.",
    .examples = "fwpack key show release.pub\n"
                "fwpack key show 'pkcs11:token=release;object=anna'\n"
                "fwpack key show ~/.ssh/id_ed25519.pub\n",
    .positionals = show_positionals,
    .groups = GROUP_STORES | GROUP_PASSPHRASE,
    .exits = EXITS(3, 4),
    .run = show,
};

/* --- list ------------------------------------------------------------------------------------ */

static int may_be_key(const struct dirent *entry)
{
    static const char *const endings[] = {".key", ".pub", ".pem", ".sec"};
    const char *dot = strrchr(entry->d_name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(dot, endings[i]) == 0)
            return 1;
    return 0;
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
        const int code = here ? key_make_path(&path, error, "%s", name)
                              : key_make_path(&path, error, "%s/%s", folder, name);
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

const struct command command_key_list = {
    .name = "list",
    .summary = "list the keys of a folder",
    .synopsis = "[FOLDER]",
    .description = "Lists the files *.key, *.pub, *.pem and *.sec of a folder, this one unless "
                   "said otherwise, "
                   "that are keys: key id, secret or public, purpose, file. Folders in it are not "
                   "looked into. With "
                   "-v it also says which files were passed over, and why.",
    .examples = "fwpack key list ~/keys\n",
    .positionals = list_positionals,
    .run = list,
};
