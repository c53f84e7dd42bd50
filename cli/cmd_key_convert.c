/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "key_command.h"

#include <stdio.h>
#include <string.h>

/* --- what the three share -------------------------------------------------------------------- */

static const char *choice_key_format(size_t index)
{
    return pack_key_format_name((enum pack_key_format)index);
}

#define NEW_PASSPHRASE_OPTIONS                                                 \
    {.name = "new-passphrase-file",                                            \
     .kind = OPTION_PATH,                                                      \
     .value = "FILE",                                                          \
     .help = "encrypt the new file with the passphrase in FILE"},              \
        {.name = "new-passphrase-fd",                                          \
         .kind = OPTION_NUMBER,                                                \
         .value = "N",                                                         \
         .maximum = 1048575,                                                   \
         .help = "encrypt the new file with the next line of descriptor N"},   \
    {                                                                          \
        .name = "no-passphrase", .help = "do not encrypt the new file, for CI" \
    }

static int choose_new_passphrase(struct pack_passphrase *next, struct cli *cli,
                                 const struct arguments *arguments, struct pack_error *error)
{
    uint64_t descriptor = 0;
    *next = cli_new_passphrase(cli);
    if (!arguments_flag(arguments, "no-passphrase"))
        return 0;
    *next = (struct pack_passphrase){.ask = NULL};
    const bool has_file = arguments_value(arguments, "new-passphrase-file") != NULL;
    if (has_file || arguments_number(arguments, "new-passphrase-fd", &descriptor))
        return pack_fail(error, PACK_E_USAGE,
                         "--no-passphrase and --new-passphrase-%s exclude each other",
                         has_file ? "file" : "fd");
    return 0;
}

static void warn_demo(struct cli *cli, const char *name, const struct pack_public_key *key)
{
    if (pack_public_key_is_demo(key))
        cli_warn(cli, "%s is a demo key: anybody can sign with it", name);
}

/* --- import ---------------------------------------------------------------------------------- */

static int check_format(const struct pack_secret_key *key, const char *name,
                        const struct arguments *arguments, struct pack_error *error)
{
    const char *wanted = arguments_value(arguments, "format");
    const char *found = pack_key_format_name(pack_secret_key_format(key));
    if (wanted == NULL || strcmp(wanted, found) == 0)
        return 0;
    pack_fail(error, PACK_E_KEY_INVALID, "this is a key of %s, and --format says %s", found,
              wanted);
    return pack_at_file(error, name);
}

static int check_pair_free(const struct key_pair *pair, struct pack_error *error)
{
    const int code = key_check_free(pair->secret, error);
    return code != 0 ? code : key_check_free(pair->public, error);
}

static int import_as(struct cli *cli, const struct arguments *arguments,
                     const struct key_pair *pair, const struct pack_passphrase *next,
                     struct pack_error *error)
{
    CLI_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    const char *name = arguments_at(arguments, 0);
    const struct pack_key_access access = cli_signing_access(cli).files;
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    int code = pack_secret_key_load(&key, name, &access, error);
    if (code == 0)
        code = check_format(key, name, arguments, error);
    if (code != 0)
        return code;
    if (pack_purpose_parse(arguments_value(arguments, "purpose"), &purpose))
        pack_secret_key_set_purpose(key, purpose);
    warn_demo(cli, name, pack_secret_key_public(key));
    code = pack_secret_key_save(key, pair->secret, pair->public, next, error);
    if (code == 0)
        key_pair_report(cli, pair, key, next->ask != NULL);
    return code;
}

static int import(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(key_pair_clear) struct key_pair pair = {NULL, NULL};
    struct pack_passphrase next;
    const char *name = arguments_value(arguments, "output");
    if (name == NULL) {
        pack_fail(error, PACK_E_USAGE, "nothing says what the new files are called");
        return pack_hint(error, "-o release makes release.key and release.pub");
    }
    int code = key_pair_name(&pair, name, error);
    if (code == 0)
        code = choose_new_passphrase(&next, cli, arguments, error);
    if (code == 0 && cli->dry_run)
        return key_pair_rehearse(cli, &pair, error);
    if (code == 0)
        code = check_pair_free(&pair, error);
    return code != 0 ? code : import_as(cli, arguments, &pair, &next, error);
}

static const struct option import_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_PATH,
     .value = "NAME",
     .help = "make NAME.key and NAME.pub"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = choice_key_format,
     .help = "what FILE must be: minisign, pem, openssh or signify (any)"},
    {.name = "purpose",
     .kind = OPTION_CHOICE,
     .value = "PURPOSE",
     .choices = choice_purpose,
     .help = "what it signs from now on: release, delivery or demo (as FILE says)"},
    NEW_PASSPHRASE_OPTIONS,
    {.name = NULL},
};

static const struct positional file_positionals[] = {
    {.name = "FILE", .kind = OPTION_KEY},
    {.name = NULL},
};

const struct command command_key_import = {
    .name = "import",
    .summary = "make fwpack's pair of files from a key of any format",
    .synopsis = "FILE -o NAME [--format FORMAT] [--purpose PURPOSE] [--no-passphrase]",
    .description =
        "Reads a secret key of minisign, PEM (PKCS#8), OpenSSH or signify, which its content "
        "tells, "
        "and writes NAME.key and NAME.pub as 'key generate' does, never over an existing file. "
        "FILE "
        "may also be env:NAME or fd:N. It is left as it is: delete it where it is not needed any "
        "more.\n\n"
        "The key id stays the same, for it is that of the public key. PEM and OpenSSH have no "
        "minisign id, so that one is derived from the public key.\n\n"
        "--passphrase-file and --passphrase-fd open FILE, --new-passphrase-file and "
        "--new-passphrase-fd encrypt NAME.key; what is not given is asked for on the terminal.",
    .examples = "# a key that ssh-keygen made\n"
                "fwpack key import ~/.ssh/release_ed25519 -o release --purpose release\n"
                "# a PEM key that comes through a pipe\n"
                "vault read -field=key secret/release | fwpack key import fd:0 -o release\n",
    .positionals = file_positionals,
    .options = import_options,
    .groups = GROUP_DRY_RUN | GROUP_PASSPHRASE,
    .exits = EXITS(3, 4),
    .run = import,
};

/* --- export ---------------------------------------------------------------------------------- */

static int write_public(struct cli *cli, const char *path, const char *text, size_t size,
                        struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    if (path == NULL) {
        cli_write(cli, text, size);
        pack_json_string(cli_json(cli), "text", text);
        return 0;
    }
    int code = cli_output_open(cli, &output, path, PACK_OUTPUT_NEW, NULL, error);
    if (code == 0)
        code = pack_sink_write(pack_output_sink(output), text, size, error);
    if (code == 0)
        code = pack_output_commit(&output, error);
    if (code == 0 && !cli->to_stdout)
        cli_print(cli, "%s: %s", path, cli->dry_run ? "would be written" : "public key");
    return code;
}

/* The public half of any KEY: a file's, public or secret, or a store's. */
static int public_half(struct cli *cli, const char *name, struct pack_public_key *key,
                       enum pack_key_purpose *purpose, struct pack_error *error)
{
    CLI_AUTO(pack_signing_key_free) struct pack_signing_key *stored = NULL;
    const struct pack_signing_access access = cli_signing_access(cli);
    if (pack_signing_key_is_file(name))
        return pack_public_half_load(key, purpose, name, &access.files, error);
    const int code = pack_signing_key_open(&stored, name, &access, error);
    if (code != 0)
        return code;
    *key = *pack_signing_key_public(stored);
    *purpose = pack_signing_key_purpose(stored);
    return 0;
}

static int export_public(struct cli *cli, const struct arguments *arguments,
                         enum pack_key_format format, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct pack_public_key key;
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    const char *name = arguments_at(arguments, 0), *path = arguments_value(arguments, "output");
    int code = public_half(cli, name, &key, &purpose, error);
    if (code != 0)
        return code;
    code = pack_public_key_format(&text, &size, &key, purpose, format, error);
    if (code != 0)
        return pack_at_file(error, name);
    warn_demo(cli, name, &key);
    pack_json_string(cli_json(cli), "keyid", key.keyid);
    pack_json_boolean(cli_json(cli), "changed", path != NULL && !cli->dry_run);
    return write_public(cli, path, text, size, error);
}

static int check_private_output(const char *path, struct pack_error *error)
{
    if (path != NULL && strcmp(path, "-") != 0)
        return key_check_free(path, error);
    pack_fail(error, PACK_E_USAGE, "a secret key is written to a file, and nowhere else");
    return pack_hint(error, "name it: -o FILE");
}

static int export_private(struct cli *cli, const struct arguments *arguments,
                          enum pack_key_format format, struct pack_error *error)
{
    CLI_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    struct pack_passphrase next;
    const char *name = arguments_at(arguments, 0), *path = arguments_value(arguments, "output");
    const struct pack_key_access access = cli_signing_access(cli).files;
    int code = check_private_output(path, error);
    if (code == 0 && !pack_signing_key_is_file(name)) {
        pack_fail(error, PACK_E_USAGE, "a secret key does not leave its store");
        return pack_at_file(error, name);
    }
    if (code == 0)
        code = choose_new_passphrase(&next, cli, arguments, error);
    if (code == 0)
        code = pack_secret_key_load(&key, name, &access, error);
    if (code != 0)
        return code;
    warn_demo(cli, name, pack_secret_key_public(key));
    if (!cli->dry_run)
        code = pack_secret_key_export(key, path, format, &next, error);
    if (code != 0)
        return pack_at_file(error, name);
    cli_print(cli, "%s: %s, %s", path, cli->dry_run ? "would be a secret key" : "secret key",
              next.ask != NULL ? "encrypted" : "not encrypted: whoever reads it can sign");
    pack_json_string(cli_json(cli), "keyid", pack_secret_key_public(key)->keyid);
    pack_json_boolean(cli_json(cli), "changed", !cli->dry_run);
    pack_json_string(cli_json(cli), "secret", path);
    pack_json_boolean(cli_json(cli), "encrypted", next.ask != NULL);
    return 0;
}

static int export(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    enum pack_key_format format = PACK_KEY_MINISIGN;
    pack_key_format_parse(arguments_value(arguments, "format"), &format);
    pack_json_string(cli_json(cli), "format", pack_key_format_name(format));
    return arguments_flag(arguments, "private") ? export_private(cli, arguments, format, error)
                                                : export_public(cli, arguments, format, error);
}

static const struct option export_options[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = choice_key_format,
     .help = "minisign, pem, openssh or signify (minisign)"},
    {.name = "private", .help = "export the secret key, not the public one"},
    NEW_PASSPHRASE_OPTIONS,
    {.name = NULL},
};

static const struct positional key_positionals[] = {
    {.name = "KEY", .kind = OPTION_KEY},
    {.name = NULL},
};

const struct command command_key_export = {
    .name = "export",
    .summary = "write a key as another program has it",
    .synopsis = "KEY [--format FORMAT] [-o OUT]\n"
                "FILE [--format FORMAT] --private -o OUT [--no-passphrase]",
    .description =
        "Writes the public key of KEY to standard output or to OUT: as minisign's or signify's two "
        "lines, as PEM (SubjectPublicKeyInfo), or as OpenSSH's line. KEY is a public or a secret "
        "key file of any format, or a key in a token, an agent, a TPM or an external signer, named "
        "as for -k. Of a secret key the passphrase or PIN is asked for.\n\n"
        "With --private it writes the secret key, readable by you alone and encrypted with a "
        "passphrase of its own (--new-passphrase-file, --new-passphrase-fd, or the terminal), as "
        "the "
        "stock tools take it: PEM as PBES2 with scrypt and AES-256-CBC for openssl, OpenSSH with "
        "bcrypt and aes256-ctr for ssh-keygen, signify's and minisign's own for these.\n\n"
        "An existing file is never overwritten. A demo key is not written in a format that could "
        "not "
        "say that it is one.",
    .examples = "# for a device that wants PEM\n"
                "fwpack key export release.pub --format pem -o release.pem\n"
                "# of a key in an HSM\n"
                "fwpack key export 'pkcs11:token=release;object=anna' -o anna.pub\n"
                "# the secret key for ssh-agent\n"
                "fwpack key export release.key --format openssh --private -o id_release\n",
    .positionals = key_positionals,
    .options = export_options,
    .groups = GROUP_WRITES | GROUP_PASSPHRASE | GROUP_STORES,
    .exits = EXITS(3, 4),
    .run = export,
};

/* --- passphrase ------------------------------------------------------------------------------ */

static int rehearse(struct cli *cli, const char *name, bool encrypted, struct pack_error *error)
{
    struct pack_key_info info;
    const int code = pack_key_info_load(&info, name, error);
    if (code != 0)
        return code;
    if (!info.secret) {
        pack_fail(error, PACK_E_KEY_INVALID, "this is a public key, which has no passphrase");
        return pack_at_file(error, name);
    }
    cli_print(cli, "would %s %s", encrypted ? "encrypt" : "decrypt", name);
    pack_json_boolean(cli_json(cli), "changed", false);
    return 0;
}

static int change(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    const char *name = arguments_at(arguments, 0);
    const struct pack_key_access access = cli_signing_access(cli).files;
    struct pack_passphrase next;
    int code = choose_new_passphrase(&next, cli, arguments, error);
    if (code == 0 && cli->dry_run)
        return rehearse(cli, name, next.ask != NULL, error);
    if (code == 0)
        code = pack_secret_key_rekey(name, &access, &next, error);
    if (code != 0)
        return code;
    cli_print(cli, "%s: secret key, %s", name,
              next.ask != NULL ? "encrypted with the new passphrase"
                               : "not encrypted: whoever reads it can sign");
    pack_json_boolean(cli_json(cli), "changed", true);
    pack_json_string(cli_json(cli), "secret", name);
    pack_json_boolean(cli_json(cli), "encrypted", next.ask != NULL);
    return 0;
}

static const struct option passphrase_options[] = {
    NEW_PASSPHRASE_OPTIONS,
    {.name = NULL},
};

static const struct positional path_positionals[] = {
    {.name = "FILE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_key_passphrase = {
    .name = "passphrase",
    .summary = "change, set or remove the passphrase of a key file",
    .synopsis = "FILE [--no-passphrase]",
    .description =
        "Encrypts a secret key file with another passphrase, or, with --no-passphrase, leaves it "
        "in "
        "the clear. The file keeps its format and its comment. It is written anew beside the old "
        "one, synced, and only then takes its name, readable by you alone: whatever happens, the "
        "old "
        "file or the new one is there whole. Copies that lie elsewhere keep the old passphrase.\n\n"
        "--passphrase-file and --passphrase-fd open the key, --new-passphrase-file and "
        "--new-passphrase-fd encrypt it; what is not given is asked for on the terminal.",
    .examples = "fwpack key passphrase release.key\n",
    .positionals = path_positionals,
    .options = passphrase_options,
    .groups = GROUP_DRY_RUN | GROUP_PASSPHRASE,
    .exits = EXITS(3, 4),
    .run = change,
};
