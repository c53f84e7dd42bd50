/* SPDX-License-Identifier: MIT */
#include "key_command.h"

#include "pack/age.h"

#include <string.h>

/* --- generate -------------------------------------------------------------------------------- */

static int choose_output(const char **output, const struct arguments *arguments,
                         struct pack_error *error)
{
    *output = arguments_value(arguments, "output");
    if (arguments_count(arguments) != 0 || *output == NULL) {
        pack_fail(error, PACK_E_USAGE, "an age identity is one file, which -o names");
        return pack_hint(error, "fwpack key generate --type age -o device.age");
    }
    if (strcmp(*output, "-") == 0)
        return pack_fail(error, PACK_E_USAGE, "--output: an identity is written to a file");
    if (arguments_value(arguments, "purpose") != NULL)
        return pack_fail(error, PACK_E_USAGE, "--purpose goes with keys that sign");
    return key_check_free(*output, error);
}

static void report(struct cli *cli, const char *output, const char *recipient, bool encrypted)
{
    struct pack_json *json = cli_json(cli);
    cli_print_styled(cli, STYLE_BOLD, "%s: age identity, %s", output,
                     encrypted ? "encrypted" : "not encrypted: whoever reads it can decrypt");
    cli_print(cli, "  recipient    %s", recipient);
    pack_json_boolean(json, "changed", true);
    pack_json_string(json, "secret", output);
    pack_json_boolean(json, "encrypted", encrypted);
    pack_json_string(json, "recipient", recipient);
    cli_note(cli, "keep a copy of %s elsewhere: nobody can make it again", output);
    cli_note(cli, "encrypt with --encrypt-to %s, decrypt with -i %s", recipient, output);
}

int key_generate_age(struct cli *cli, const struct arguments *arguments,
                     const struct pack_passphrase *passphrase, struct pack_error *error)
{
    const char *output = NULL;
    char recipient[PACK_AGE_TEXT_SIZE];
    int code = choose_output(&output, arguments, error);
    if (code != 0)
        return code;
    if (cli->dry_run) {
        cli_print(cli, "would write %s", output);
        pack_json_boolean(cli_json(cli), "changed", false);
        pack_json_string(cli_json(cli), "secret", output);
        return 0;
    }
    code = pack_age_identity_generate(output, passphrase, recipient, error);
    if (code == 0)
        report(cli, output, recipient, passphrase->ask != NULL);
    return code;
}

/* --- show ------------------------------------------------------------------------------------ */

static void begin(struct cli *cli, const char *path, const char *kind)
{
    pack_json_object(cli_json(cli), NULL);
    pack_json_string(cli_json(cli), "file", path);
    pack_json_string(cli_json(cli), "kind", kind);
}

static void list_recipient(struct cli *cli, const char *recipient)
{
    cli_print(cli, "  recipient    %s", recipient);
    pack_json_string(cli_json(cli), NULL, recipient);
}

static void list_identities(struct cli *cli, const struct pack_age_identities *identities)
{
    char recipient[PACK_AGE_TEXT_SIZE];
    pack_json_array(cli_json(cli), "recipients");
    for (size_t i = 0; i < pack_age_identities_count(identities); i++) {
        pack_age_identities_recipient(identities, i, recipient);
        list_recipient(cli, recipient);
    }
    pack_json_end(cli_json(cli));
}

/* What others can read is told of, not refused: nothing is decrypted with it here. */
static int describe_identity(struct cli *cli, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_age_identities_free) struct pack_age_identities *identities = NULL;
    const struct pack_signing_access access = {
        .files = {.allow_insecure = true, .warn = cli_warn_text, .user = cli}};
    int code = pack_age_identities_new(&identities, error);
    if (code == 0)
        code = pack_age_identities_add(identities, path, &access, error);
    if (code != 0)
        return code;
    const bool one = pack_age_identities_count(identities) == 1;
    cli_print_styled(cli, STYLE_BOLD, "%s: age %s, not encrypted", path,
                     one ? "identity" : "identities");
    begin(cli, path, "age-identity");
    pack_json_boolean(cli_json(cli), "encrypted", false);
    list_identities(cli, identities);
    pack_json_end(cli_json(cli));
    return 0;
}

static int describe_recipients(struct cli *cli, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_age_recipients_free) struct pack_age_recipients *recipients = NULL;
    char recipient[PACK_AGE_TEXT_SIZE];
    int code = pack_age_recipients_new(&recipients, error);
    if (code == 0)
        code = pack_age_recipients_add(recipients, path, error);
    if (code != 0)
        return code;
    const size_t count = pack_age_recipients_count(recipients);
    cli_print_styled(cli, STYLE_BOLD, "%s: age recipient%s", path, count == 1 ? "" : "s");
    begin(cli, path, "age-recipient");
    pack_json_array(cli_json(cli), "recipients");
    for (size_t i = 0; i < count; i++) {
        pack_age_recipients_text(recipients, i, recipient);
        list_recipient(cli, recipient);
    }
    pack_json_end(cli_json(cli));
    pack_json_end(cli_json(cli));
    return 0;
}

static int describe_file(struct cli *cli, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_age_info info;
    int code = pack_input_open(&input, path, error);
    if (code == 0)
        code = pack_age_info(&info, input, error);
    if (code != 0)
        return code;
    const char *armored = info.armored ? ", armored" : "";
    if (info.passphrase)
        cli_print_styled(cli, STYLE_BOLD, "%s: age file, encrypted with a passphrase%s", path,
                         armored);
    else
        cli_print_styled(cli, STYLE_BOLD, "%s: age file, %zu recipient%s%s", path,
                         info.recipient_count, info.recipient_count == 1 ? "" : "s", armored);
    begin(cli, path, "age-file");
    pack_json_unsigned(cli_json(cli), "recipients", info.recipient_count);
    pack_json_boolean(cli_json(cli), "passphrase", info.passphrase);
    pack_json_boolean(cli_json(cli), "armored", info.armored);
    pack_json_end(cli_json(cli));
    return 0;
}

bool key_is_age(const char *path)
{
    return strcmp(path, "-") != 0 && pack_age_kind_of(path) != PACK_AGE_NONE;
}

int key_describe_age(struct cli *cli, const char *path, struct pack_error *error)
{
    static int (*const describe[])(struct cli *, const char *, struct pack_error *) = {
        [PACK_AGE_NONE] = describe_file,
        [PACK_AGE_FILE] = describe_file,
        [PACK_AGE_IDENTITY] = describe_identity,
        [PACK_AGE_RECIPIENT] = describe_recipients,
    };
    return describe[pack_age_kind_of(path)](cli, path, error);
}
