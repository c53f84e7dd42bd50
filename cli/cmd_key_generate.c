/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "key_command.h"

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

static int rehearse(struct cli *cli, const struct key_pair *pair, struct pack_error *error)
{
    int code = key_check_free(pair->secret, error);
    if (code == 0)
        code = key_check_free(pair->public, error);
    if (code != 0)
        return code;
    cli_print(cli, "would write %s and %s", pair->secret, pair->public);
    pack_json_boolean(cli_json(cli), "changed", false);
    pack_json_string(cli_json(cli), "secret", pair->secret);
    pack_json_string(cli_json(cli), "public", pair->public);
    return 0;
}

static void report_generated(struct cli *cli, const struct key_pair *pair,
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
    key_print_ids(cli, pack_secret_key_public(key), purpose);
    cli_note(cli, "keep a copy of %s elsewhere: nobody can make it again", pair->secret);
    cli_note(cli, "sign with -k %s, verify with -p %s", pair->secret, pair->public);
}

static int generate(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(key_pair_clear) struct key_pair pair = {NULL, NULL};
    CLI_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    struct pack_passphrase passphrase;
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    pack_purpose_parse(arguments_value(arguments, "purpose"), &purpose);
    int code = key_pair_name(&pair, arguments_at(arguments, 0), error);
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

const struct command command_key_generate = {
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
