/* SPDX-License-Identifier: MIT */
#include "key_command.h"

#include "pack/age.h"

#include <string.h>

/* PCR 7 holds the state of Secure Boot, which lasts when the system is updated. */
enum { DEFAULT_PCRS = 1 << 7 };

static int choose_policy(struct pack_tpm_policy *policy, struct cli *cli,
                         const struct arguments *arguments, struct pack_error *error)
{
    const char *pcrs = arguments_value(arguments, "pcrs");
    *policy =
        (struct pack_tpm_policy){.tcti = cli_environment("TPM2TOOLS_TCTI"), .pcrs = DEFAULT_PCRS};
    if (arguments_flag(arguments, "pin") || arguments_value(arguments, "pin-file") != NULL)
        policy->pin = cli_pin(cli);
    if (pcrs == NULL || pack_pcrs_parse(pcrs, &policy->pcrs))
        return 0;
    pack_fail(error, PACK_E_USAGE, "--pcrs: '%s' is no list of PCRs", pcrs);
    return pack_hint(error, "numbers from 0 to 23 with commas between, as in --pcrs 7,14");
}

static int choose_output(const char **output, const struct arguments *arguments,
                         struct pack_error *error)
{
    *output = arguments_value(arguments, "output");
    if (*output == NULL) {
        pack_fail(error, PACK_E_USAGE, "no -o: where the sealed key is to go");
        return pack_hint(error, "add -o release.tpm");
    }
    if (strcmp(*output, "-") == 0)
        return pack_fail(error, PACK_E_USAGE, "--output: a sealed key is written to a file");
    return key_check_free(*output, error);
}

static void report(struct cli *cli, const char *output, const struct pack_tpm_policy *policy)
{
    struct pack_json *json = cli_json(cli);
    char pcrs[PACK_PCRS_TEXT_SIZE];
    pack_pcrs_text(policy->pcrs, pcrs);
    cli_print_styled(cli, STYLE_BOLD, "%s: %s to the TPM, PCR %s%s", output,
                     cli->dry_run ? "would be sealed" : "sealed", pcrs,
                     policy->pin.ask != NULL ? ", with a PIN" : "");
    pack_json_boolean(json, "changed", !cli->dry_run);
    pack_json_string(json, "output", output);
    pack_json_string(json, "pcrs", pcrs);
    pack_json_boolean(json, "pin", policy->pin.ask != NULL);
}

static void advise(struct cli *cli, const char *option, const char *output)
{
    if (cli->dry_run)
        return;
    cli_note(cli, "%s tpm2:%s", option, output);
    cli_note(cli, "keep a copy of the key elsewhere: with this TPM, what it sealed is gone");
}

/* --- age identities -------------------------------------------------------------------------- */

static int seal_identity(struct cli *cli, const char *name, const char *output,
                         const struct pack_tpm_policy *policy, struct pack_error *error)
{
    CLI_AUTO(pack_age_identities_free) struct pack_age_identities *identities = NULL;
    const struct pack_signing_access access = cli_signing_access(cli);
    char recipient[PACK_AGE_TEXT_SIZE];
    int code = pack_age_identities_new(&identities, error);
    if (code != 0)
        return code;
    pack_age_identities_ask(identities, &access.files.passphrase);
    code = pack_age_identities_add(identities, name, &access, error);
    if (code == 0 && pack_age_identities_count(identities) != 1) {
        pack_fail(error, PACK_E_USAGE, "holds %zu identities, one is sealed at a time",
                  pack_age_identities_count(identities));
        code = pack_at_file(error, name);
    }
    if (code == 0 && !cli->dry_run)
        code = pack_age_identities_seal(identities, 0, output, policy, error);
    if (code != 0)
        return code;
    pack_age_identities_recipient(identities, 0, recipient);
    report(cli, output, policy);
    cli_print(cli, "  recipient    %s", recipient);
    pack_json_string(cli_json(cli), "recipient", recipient);
    advise(cli, "decrypt with -i", output);
    return 0;
}

/* --- keys that sign -------------------------------------------------------------------------- */

static int fail_elsewhere(const char *name, const struct pack_signing_key *key,
                          struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "this key is in a store (%s), which does not give it out",
              pack_signing_key_store(key));
    pack_at_file(error, name);
    return pack_hint(error, "a key file can be sealed");
}

static int seal_key(struct cli *cli, const char *name, const char *output,
                    const struct pack_tpm_policy *policy, struct pack_error *error)
{
    CLI_AUTO(pack_signing_key_free) struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = cli_signing_access(cli);
    int code = pack_signing_key_open(&key, name, &access, error);
    if (code != 0)
        return code;
    const struct pack_secret_key *secret = pack_signing_key_secret(key);
    if (secret == NULL)
        return fail_elsewhere(name, key, error);
    if (!cli->dry_run)
        code = pack_tpm_seal_key(output, secret, policy, error);
    if (code != 0)
        return code;
    report(cli, output, policy);
    key_print_ids(cli, pack_signing_key_public(key),
                  pack_purpose_name(pack_signing_key_purpose(key)));
    advise(cli, "sign with -k", output);
    return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static int seal(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    const char *name = arguments_at(arguments, 0), *output = NULL;
    struct pack_tpm_policy policy;
    int code = choose_output(&output, arguments, error);
    if (code == 0)
        code = choose_policy(&policy, cli, arguments, error);
    if (code != 0)
        return code;
    return key_is_age(name) ? seal_identity(cli, name, output, &policy, error)
                            : seal_key(cli, name, output, &policy, error);
}

static const struct option options[] = {
    {.name = "pcrs",
     .kind = OPTION_TEXT,
     .value = "LIST",
     .help = "seal to the values of these PCRs, as in 7,14 (7)"},
    {.name = "pin", .help = "ask for a PIN, which the TPM will want each time"},
    {.name = "pin-file", .kind = OPTION_PATH, .value = "FILE", .help = "read that PIN from FILE"},
    {.name = "allow-insecure-key", .help = "take a plain key file that others can read"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "KEY", .kind = OPTION_KEY},
    {.name = NULL},
};

const struct command command_key_seal = {
    .name = "seal",
    .summary = "bind a key to the TPM of this machine",
    .synopsis = "KEY -o FILE [--pcrs LIST] [--pin | --pin-file FILE]",
    .description =
        "Seals a key to the TPM 2.0 of this machine: FILE is of use to no other machine, and to "
        "this one only while the PCRs have the values that they have now. PCR 7, the default, is "
        "the state of Secure Boot. With --pin the TPM wants a PIN too, and locks itself after a "
        "few wrong ones.\n\n"
        "Sign with -k tpm2:FILE. The TPM gives the key out for each signature anew, into memory "
        "that is locked, and wiped after it: sealing guards a key that lies on a disk, not one "
        "in use. An age identity is sealed in the same way, and decrypts with -i tpm2:FILE.\n\n"
        "The TPM is found as tpm2-tools find theirs: by TPM2TOOLS_TCTI, else /dev/tpmrm0.\n\n"
        "KEY stays as it is. Keep a copy at another place, then delete it here.",
    .examples = "fwpack key seal ci.key -o ci.tpm\n"
                "fwpack sign acme-1.2.3.fwb -k tpm2:ci.tpm\n"
                "# what was booted, and a PIN\n"
                "fwpack key seal release.key -o release.tpm --pcrs 4,7 --pin\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_PASSPHRASE,
    .exits = EXITS(3, 4),
    .run = seal,
};
