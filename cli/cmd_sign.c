/* SPDX-License-Identifier: MIT */
#include "bundle_lock.h"
#include "cli.h"
#include "commands.h"
#include "detached.h"

#include "pack/bundle.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A bundle that is being signed. */
struct signing {
    struct cli *cli;
    const char *path;
    const char *output;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_release *release;
    struct pack_delivery *delivery;
    struct cli_keys keys;
};

static void signing_clear(struct signing *signing)
{
    pack_release_free(&signing->release);
    pack_delivery_free(&signing->delivery);
    pack_bundle_close(&signing->bundle);
    pack_input_close(&signing->input);
    cli_keys_free(&signing->keys);
}

/* --- space ----------------------------------------------------------------------------------- */

static int check_space(const struct signing *signing, struct pack_error *error)
{
    struct statvfs system;
    if (fstatvfs(pack_input_descriptor(signing->input), &system) != 0)
        return 0;
    const uint64_t free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    const uint64_t wanted = signing->input->size + PACK_MAX_SIGNATURE * signing->keys.count;
    if (strcmp(signing->output, signing->path) != 0 || free_bytes >= wanted)
        return 0;
    return pack_fail(error, PACK_E_NO_SPACE,
                     "no space to sign in place: needs %llu bytes, has %llu",
                     (unsigned long long)wanted, (unsigned long long)free_bytes);
}

/* --- showing what is signed ------------------------------------------------------------------ */

static unsigned all_roles(const struct signing *signing)
{
    unsigned roles = 0;
    for (size_t i = 0; i < signing->keys.count; i++)
        roles |= signing->keys.roles[i];
    return roles;
}

static int show_document(const struct signing *signing, enum pack_role role,
                         struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    size_t size = 0;
    const void *bytes = pack_bundle_document(signing->bundle, role, &size);
    if ((all_roles(signing) & 1U << role) == 0)
        return 0;
    const int code = pack_sha256_bytes(bytes, size, digest, error);
    if (code != 0)
        return code;
    pack_sha256_hex(digest, hex);
    cli_note(signing->cli, "  %s.json, %zu bytes, sha256 %s", pack_role_name(role), size, hex);
    for (size_t i = 0; i < signing->keys.count; i++)
        if ((signing->keys.roles[i] & 1U << role) != 0)
            cli_note(signing->cli, "    by %s", signing->keys.signers[i].key->keyid);
    return 0;
}

/* The bytes shown are those in memory, and those are signed. */
static int show(const struct signing *signing, struct pack_error *error)
{
    const struct pack_release *release = signing->release;
    cli_note(signing->cli, "about to sign %s", signing->path);
    cli_note(signing->cli, "  product %s, version %s, security version %llu", release->product,
             release->version, (unsigned long long)release->security_version);
    for (size_t i = 0; i < release->image_count; i++) {
        char hex[PACK_SHA256_HEX_SIZE];
        pack_sha256_hex(release->images[i].sha256, hex);
        cli_note(signing->cli, "  image %s, %llu bytes, sha256 %s", release->images[i].name,
                 (unsigned long long)release->images[i].size, hex);
    }
    int code = show_document(signing, PACK_ROLE_RELEASE, error);
    if (code == 0)
        code = show_document(signing, PACK_ROLE_DELIVERY, error);
    return code;
}

static bool can_ask(const struct cli *cli)
{
    return !cli->no_input && !cli->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static int ask(const struct signing *signing, const struct arguments *arguments,
               struct pack_error *error)
{
    bool yes = true;
    int code = show(signing, error);
    if (code == 0 && !arguments_flag(arguments, "yes") && can_ask(signing->cli))
        code = cli_ask(signing->cli, &yes, "Sign this?", "say --yes to sign without asking", error);
    if (code == 0 && !yes)
        code = pack_fail(error, PACK_E_INTERRUPTED, "not signed, as you said");
    return code;
}

/* --- signing --------------------------------------------------------------------------------- */

static int restrict_roles(struct signing *signing, const struct arguments *arguments,
                          struct pack_error *error)
{
    const char *role = arguments_value(arguments, "role");
    if (signing->keys.count == 0)
        return cli_no_key(error);
    for (size_t i = 0; role != NULL && i < signing->keys.count; i++)
        signing->keys.roles[i] =
            strcmp(role, "release") == 0 ? 1U << PACK_ROLE_RELEASE : 1U << PACK_ROLE_DELIVERY;
    return 0;
}

static int write_signed(const struct signing *signing, struct pack_sign_report *report,
                        struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const struct pack_sign_request request = {.signer_count = signing->keys.count,
                                              .signers = signing->keys.signers,
                                              .signer_roles = signing->keys.roles};
    int code =
        cli_output_open(signing->cli, &output, signing->output, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code = pack_bundle_sign(signing->bundle, output, &request, report, error);
    const bool in_place = strcmp(signing->output, signing->path) == 0;
    if (code != 0 || signing->cli->dry_run || (in_place && report->added == 0))
        return code;
    /* A question may have stood open for long, and not everybody heeds the lock. */
    if (in_place && !bundle_is_current(signing->input, signing->path))
        return pack_fail(error, PACK_E_CHANGED, "was replaced while it was being signed");
    return pack_output_commit(&output, error);
}

static void report_signed(const struct signing *signing, const struct pack_sign_report *report)
{
    struct cli *cli = signing->cli;
    struct pack_json *json = cli_json(cli);
    if (report->added == 0)
        cli_print(cli, "%s: carries these signatures already", signing->output);
    else
        cli_print(cli, "%s: %u signature%s %s", signing->output, report->added,
                  report->added == 1 ? "" : "s", cli->dry_run ? "would be added" : "added");
    pack_json_string(json, "bundle", signing->output);
    pack_json_boolean(json, "changed", report->added != 0 && !cli->dry_run);
    pack_json_unsigned(json, "added", report->added);
    pack_json_unsigned(json, "present", report->present);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < signing->keys.count; i++)
        pack_json_string(json, NULL, signing->keys.signers[i].key->keyid);
    pack_json_end(json);
}

static int open_bundle(struct signing *signing, struct pack_error *error)
{
    uint8_t head[16];
    size_t got = 0;
    int code = pack_input_read(signing->input, 0, head, sizeof head, &got, error);
    if (code != 0)
        return code;
    code = pack_bundle_open(&signing->bundle, signing->input, signing->cli->context, error);
    if (code == PACK_E_MALFORMED && got != 0 && !pack_bundle_probe(head, got))
        pack_hint(error, "--detached signs any file, beside it");
    return code;
}

static int sign_bundle(struct signing *signing, const struct arguments *arguments,
                       struct pack_error *error)
{
    struct pack_sign_report report = {0};
    int code = cli_keys_load(&signing->keys, signing->cli, error);
    if (code == 0)
        code = restrict_roles(signing, arguments, error);
    if (code == 0)
        code = bundle_lock(&signing->input, signing->cli, signing->path, "signed", error);
    if (code == 0)
        code = check_space(signing, error);
    if (code == 0)
        code = open_bundle(signing, error);
    if (code == 0)
        code = pack_bundle_parse_untrusted(signing->bundle, &signing->release, &signing->delivery,
                                           error);
    if (code == 0)
        code = ask(signing, arguments, error);
    if (code == 0)
        code = write_signed(signing, &report, error);
    if (code != 0)
        return pack_at_file(error, signing->path);
    report_signed(signing, &report);
    return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    if (arguments_flag(arguments, "detached"))
        return detached_sign(cli, arguments, error);
    if (arguments_value(arguments, "comment") != NULL)
        return pack_fail(error, PACK_E_USAGE, "--comment goes with --detached");
    const char *output = arguments_value(arguments, "output");
    CLI_AUTO(signing_clear)
    struct signing signing = {.cli = cli, .path = arguments_at(arguments, 0)};
    signing.output = output != NULL ? output : signing.path;
    return sign_bundle(&signing, arguments, error);
}

static const struct option options[] = {
    {.name = "role",
     .kind = OPTION_CHOICE,
     .value = "ROLE",
     .choices = choice_role,
     .help = "sign as release or delivery only (the key's purpose, else both)"},
    {.name = "yes", .letter = 'y', .help = "sign without asking"},
    {.name = "detached", .help = "sign any one file, beside it, as minisign does"},
    {.name = "comment",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help = "the trusted comment of a detached signature"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_sign = {
    .name = "sign",
    .summary = "add signatures to a bundle, or sign any file",
    .synopsis = "BUNDLE -k KEY... [--role release|delivery] [--yes] [-o OUT]\n"
                "--detached FILE -k KEY [-o FILE.minisig] [--comment TEXT]",
    .description =
        "Adds signatures to a bundle. Those that it has stay; one that is there already is not "
        "made twice. In place by default: the bundle is locked, so that two signers at once lose "
        "nothing, and replaced whole or not at all. What is signed is shown first, and on a "
        "terminal asked for, unless --yes is given.\n\n"
        "A key made with --purpose release or delivery signs that document, any other both; "
        "--role says otherwise.\n\n"
        "With --detached any file is signed, and the signature is written beside it: minisign "
        "verifies it.",
    .examples = "fwpack sign acme-1.2.3.fwb -k release.key\n"
                "# a second person\n"
                "fwpack sign acme-1.2.3.fwb -k ben.key --role release\n"
                "# any file\n"
                "fwpack sign --detached notes.txt -k release.key\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_SIGNS,
    .exits = EXITS(3, 4, 13),
    .run = run,
};
