/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "key_command.h"

#include <string.h>

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

static bool is_age(const struct arguments *arguments)
{
    const char *type = arguments_value(arguments, "type");
    return type != NULL && strcmp(type, "age") == 0;
}

static const char *choice_type(size_t index)
{
    static const char *const types[] = {"ed25519", "age"};
    return index < sizeof types / sizeof types[0] ? types[index] : NULL;
}

/* An Ed25519 key has two files, which NAME gives their names. */
static int name_pair(struct key_pair *pair, const struct arguments *arguments,
                     struct pack_error *error)
{
    if (arguments_count(arguments) == 0) {
        pack_fail(error, PACK_E_USAGE, "NAME is missing");
        return pack_hint(error, "'fwpack key generate --help' says what there is");
    }
    if (arguments_value(arguments, "output") != NULL) {
        pack_fail(error, PACK_E_USAGE, "-o goes with --type age; NAME gives a key's files theirs");
        return pack_hint(error, "fwpack key generate release makes release.key and release.pub");
    }
    return key_pair_name(pair, arguments_at(arguments, 0), error);
}

static int generate(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(key_pair_clear) struct key_pair pair = {NULL, NULL};
    CLI_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    struct pack_passphrase passphrase;
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    pack_purpose_parse(arguments_value(arguments, "purpose"), &purpose);
    int code = choose_passphrase(&passphrase, cli, arguments, error);
    if (code == 0 && is_age(arguments))
        return key_generate_age(cli, arguments, &passphrase, error);
    if (code == 0)
        code = name_pair(&pair, arguments, error);
    if (code == 0 && cli->dry_run)
        return key_pair_rehearse(cli, &pair, error);
    if (code == 0)
        code = pack_secret_key_generate(&key, purpose, error);
    if (code == 0)
        code = pack_secret_key_save(key, pair.secret, pair.public, &passphrase, error);
    if (code == 0)
        key_pair_report(cli, &pair, key, passphrase.ask != NULL);
    return code;
}

static const struct option generate_options[] = {
    {.name = "type",
     .kind = OPTION_CHOICE,
     .value = "TYPE",
     .choices = choice_type,
     .help = "ed25519 signs, age decrypts (ed25519)"},
    {.name = "purpose",
     .kind = OPTION_CHOICE,
     .value = "PURPOSE",
     .choices = choice_purpose,
     .help = "what it signs: release, delivery or demo (any)"},
    {.name = "no-passphrase", .help = "do not encrypt the secret key, for CI"},
    {.name = NULL},
};

static const struct positional generate_positionals[] = {
    {.name = "NAME", .kind = OPTION_PATH, .optional = true},
    {.name = NULL},
};

const struct command command_key_generate = {
    .name = "generate",
    .summary = "make a new key",
    .synopsis = "NAME [--purpose PURPOSE] [--no-passphrase]\n"
                "-o FILE --type age [--no-passphrase]",
    .description =
        "Makes an Ed25519 key: NAME.key is the secret half, readable by you alone and encrypted "
        "with a passphrase; NAME.pub is the public half, for those who verify. Both are minisign's "
        "own formats. Neither is ever written over an existing file.\n\n"
        "A key for the purpose release signs what a firmware is, one for delivery how its bytes "
        "travel; one without a purpose signs both. The purpose is a hint in the file's comment, "
        "which decides what sign does without --role. A demo key says in its id that nobody should "
        "trust it, and is refused unless --allow-demo-keys is given.\n\n"
        "With --type age it makes an identity of age (age-encryption.org), which decrypts "
        "payloads: FILE is what age-keygen makes, or with a passphrase what age -p makes of that. "
        "Its public half, the recipient age1..., is printed, and stands in FILE.",
    .examples = "# a key for a person\n"
                "fwpack key generate release --purpose release\n"
                "# a key for a CI machine, whose secret store guards it\n"
                "fwpack key generate delivery --purpose delivery --no-passphrase\n"
                "# an identity for a device that decrypts its updates\n"
                "fwpack key generate --type age -o device.age --no-passphrase\n",
    .positionals = generate_positionals,
    .options = generate_options,
    .groups = GROUP_WRITES | GROUP_PASSPHRASE,
    .exits = EXITS(4),
    .run = generate,
};
