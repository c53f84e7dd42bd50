/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "extras.h"
#include "signing.h"

#include "pack/root.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

struct permitting {
    struct signing signing;
    struct cli_keys keys;
    struct pack_trust *trust;
    bool adds; /* --add-signature: to the permit that is there */
    struct pack_permit made;
    struct pack_permit *kept; /* the one that is there, of --add-signature */
    char *text;               /* of the one that is made */
    size_t size;
};

static void permitting_clear(struct permitting *permitting)
{
    free(permitting->text);
    pack_permit_free(&permitting->kept);
    pack_trust_free(&permitting->trust);
    cli_keys_free(&permitting->keys);
    signing_clear(&permitting->signing);
}

static const struct pack_permit *permit_of(const struct permitting *permitting)
{
    return permitting->adds ? permitting->kept : &permitting->made;
}

/* --- what is typed --------------------------------------------------------------------------- */

static const char *const saying[] = {"device-id", "group", "from", "expires"};

static int check_options(const struct arguments *arguments, struct pack_error *error)
{
    const bool adds = arguments_flag(arguments, "add-signature");
    for (size_t i = 0; adds && i < sizeof saying / sizeof saying[0]; i++)
        if (arguments_flag(arguments, saying[i])) {
            pack_fail(error, PACK_E_USAGE, "--%s does not go with --add-signature", saying[i]);
            return pack_hint(error, "what the permit says is signed already, and stays");
        }
    if (adds || arguments_flag(arguments, "device-id") || arguments_flag(arguments, "group"))
        return 0;
    pack_fail(error, PACK_E_USAGE, "a permit is for some devices only, and none is named");
    return pack_hint(error, "name them with --device-id or --group");
}

static int read_expiry(struct pack_permit *permit, const struct arguments *arguments,
                       struct pack_error *error)
{
    const char *date = arguments_value(arguments, "expires");
    bool has_epoch = false;
    uint64_t now = 0;
    if (date == NULL)
        return 0;
    const int code = cli_created(&has_epoch, &now, error);
    if (code != 0)
        return code;
    if (!pack_root_time_parse(date, &permit->expires)) {
        pack_fail(error, PACK_E_USAGE, "--expires: '%.64s' is no date", date);
        return pack_hint(error, "write it as 2027-12-31, or 2027-12-31T12:00:00Z");
    }
    permit->has_expires = true;
    if (permit->expires > (has_epoch ? now : (uint64_t)time(NULL)))
        return 0;
    return pack_fail(error, PACK_E_USAGE, "--expires: %.64s is in the past", date);
}

/* The release.json of a bundle, whose signatures are not judged: a hash is all that is taken. */
static int read_from_bundle(struct permitting *permitting, const char *path,
                            struct pack_error *error)
{
    CLI_AUTO(signing_clear) struct signing from = {.cli = permitting->signing.cli, .path = path};
    size_t size = 0;
    int code = pack_input_open(&from.input, path, error);
    if (code == 0)
        code = pack_bundle_open(&from.bundle, from.input, from.cli->context, error);
    if (code != 0)
        return pack_at_file(error, path);
    const void *bytes = pack_bundle_document(from.bundle, PACK_ROLE_RELEASE, &size);
    code = pack_release_parse(&from.release, bytes, size, error);
    if (code == 0 && strcmp(from.release->product, permitting->made.product) != 0)
        code = pack_fail(error, PACK_E_USAGE, "is of the product \"%s\", the bundle of \"%s\"",
                         from.release->product, permitting->made.product);
    if (code != 0)
        return pack_at_file(error, path);
    return pack_sha256_bytes(bytes, size, permitting->made.from_sha256, error);
}

static int read_from(struct permitting *permitting, const struct arguments *arguments,
                     struct pack_error *error)
{
    const char *from = arguments_value(arguments, "from");
    if (from == NULL)
        return 0;
    permitting->made.has_from = true;
    return pack_sha256_parse(from, permitting->made.from_sha256)
               ? 0
               : read_from_bundle(permitting, from, error);
}

/* What is wrong with it was typed. */
static int write_text(struct permitting *permitting, struct pack_error *error)
{
    const int code =
        pack_permit_encode(&permitting->text, &permitting->size, &permitting->made, error);
    return code != PACK_E_MALFORMED && code != PACK_E_LIMIT ? code
                                                            : (int)(error->code = PACK_E_USAGE);
}

static int make_permit(struct permitting *permitting, const struct arguments *arguments,
                       struct pack_error *error)
{
    const struct signing *signing = &permitting->signing;
    struct pack_permit *permit = &permitting->made;
    size_t size = 0;
    const void *release = pack_bundle_document(signing->bundle, PACK_ROLE_RELEASE, &size);
    permit->product = signing->release->product;
    int code = pack_sha256_bytes(release, size, permit->to_sha256, error);
    permit->devices = arguments_values(arguments, "device-id", &permit->device_count);
    permit->groups = arguments_values(arguments, "group", &permit->group_count);
    if (code == 0)
        code = read_from(permitting, arguments, error);
    if (code == 0 && permit->has_from &&
        sodium_memcmp(permit->from_sha256, permit->to_sha256, PACK_SHA256_SIZE) == 0)
        return pack_fail(error, PACK_E_USAGE, "--from is the release that the permit is to");
    return code != 0 ? code : write_text(permitting, error);
}

static int read_kept(struct permitting *permitting, struct pack_error *error)
{
    size_t size = 0;
    const void *bytes = pack_bundle_extra(permitting->signing.bundle, PACK_EXTRA_PERMIT, &size);
    if (bytes == NULL) {
        pack_fail(error, PACK_E_USAGE, "has no permit that could be signed");
        pack_hint(error, "without --add-signature one is made");
        return pack_at_file(error, permitting->signing.path);
    }
    const int code = pack_permit_parse(&permitting->kept, bytes, size, error);
    return code != 0 ? pack_at_member(error, "permit.json") : 0;
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Without a root, what a key was made for decides. */
static int check_roles(const struct cli_keys *keys, struct pack_error *error)
{
    for (size_t i = 0; i < keys->count; i++) {
        if ((keys->roles[i] & 1U << PACK_ROLE_RELEASE) != 0)
            continue;
        pack_fail(error, PACK_E_USAGE, "key %s was made to sign deliveries",
                  keys->signers[i].key->keyid);
        return pack_hint(error, "a permit is signed by the keys that sign releases");
    }
    return 0;
}

static int prepare_keys(struct permitting *permitting, struct pack_error *error)
{
    struct cli_keys *keys = &permitting->keys;
    int code = cli_keys_load(keys, permitting->signing.cli, error);
    if (code == 0 && keys->count == 0 && permitting->adds)
        code = cli_no_key(error);
    if (code == 0)
        code = cli_root_trust(&permitting->trust, permitting->signing.cli, error);
    return code;
}

/* --- showing --------------------------------------------------------------------------------- */

static int ask(const struct permitting *permitting, struct pack_error *error)
{
    const struct signing *signing = &permitting->signing;
    const bool is_signed = permitting->keys.count != 0;
    size_t size = 0;
    signing_show(signing, is_signed ? "about to sign a permit to install"
                                    : "about to make an unsigned permit to install");
    permit_lines(signing->cli, cli_note, permit_of(permitting));
    if (!permitting->adds && pack_bundle_extra(signing->bundle, PACK_EXTRA_PERMIT, &size) != NULL)
        cli_note(signing->cli, "  in place of the permit that the bundle carries");
    for (size_t i = 0; i < permitting->keys.count; i++)
        cli_note(signing->cli, "  by %s (%s)", permitting->keys.signers[i].key->keyid,
                 pack_signing_key_store(permitting->keys.keys[i]));
    return is_signed ? signing_ask(signing, error) : 0;
}

static void report_unsigned(const struct signing *signing)
{
    struct cli *cli = signing->cli;
    struct pack_json *json = cli_json(cli);
    cli_print(cli, "%s: a permit %s, which nobody has signed", signing->output,
              cli->dry_run ? "would be put in" : "put in");
    cli_note(cli, "whoever signs elsewhere: fwpack sign %s --export DIR --role permit",
             signing->output);
    pack_json_string(json, "bundle", signing->output);
    pack_json_boolean(json, "changed", !cli->dry_run);
    pack_json_unsigned(json, "added", 0);
    pack_json_unsigned(json, "present", 0);
}

static void report(const struct permitting *permitting, const struct pack_sign_report *done)
{
    struct cli *cli = permitting->signing.cli;
    struct pack_json *json = cli_json(cli);
    if (permitting->keys.count == 0)
        report_unsigned(&permitting->signing);
    else
        signing_report(&permitting->signing, done);
    permit_json(json, "permit", permit_of(permitting));
    pack_json_array(json, "signers");
    for (size_t i = 0; i < permitting->keys.count; i++)
        pack_json_string(json, NULL, permitting->keys.signers[i].key->keyid);
    pack_json_end(json);
}

/* --- writing --------------------------------------------------------------------------------- */

static int write_permit(struct permitting *permitting, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const struct signing *signing = &permitting->signing;
    const struct pack_sign_request request = {.signer_count = permitting->keys.count,
                                              .signers = permitting->keys.signers,
                                              .signer_roles = permitting->keys.roles};
    struct pack_sign_report done = {0};
    int code =
        cli_output_open(signing->cli, &output, signing->output, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code = pack_bundle_set_permit(signing->bundle, output, permitting->text, permitting->size,
                                      &request, &done, error);
    const bool in_place = strcmp(signing->output, signing->path) == 0;
    const bool changes = done.added != 0 || permitting->keys.count == 0;
    if (code == 0 && !signing->cli->dry_run && (!in_place || changes))
        code = signing_commit(signing, &output, error);
    if (code == 0)
        report(permitting, &done);
    return code;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(permitting_clear)
    struct permitting permitting = {.signing = signing_of(cli, arguments),
                                    .adds = arguments_flag(arguments, "add-signature")};
    struct signing *signing = &permitting.signing;
    int code = check_options(arguments, error);
    if (code == 0)
        code = read_expiry(&permitting.made, arguments, error);
    if (code == 0)
        code = prepare_keys(&permitting, error);
    if (code == 0)
        code = signing_open(signing, permitting.keys.count, error);
    if (code == 0)
        code = permitting.adds ? read_kept(&permitting, error)
                               : make_permit(&permitting, arguments, error);
    if (code == 0)
        code = signing_set_roles(&permitting.keys, signing, permitting.trust,
                                 1U << PACK_ROLE_RELEASE, error);
    if (code == 0)
        code = check_roles(&permitting.keys, error);
    if (code == 0)
        code = ask(&permitting, error);
    if (code == 0)
        cli_journal_about(&permitting.keys, signing->path, signing->release->product,
                          signing->release->version);
    if (code == 0)
        code = write_permit(&permitting, error);
    return code != 0 && error->code != PACK_E_USAGE ? pack_at_file(error, signing->path) : code;
}

/* --- the command ----------------------------------------------------------------------------- */

static const struct option options[] = {
    {.name = "device-id",
     .kind = OPTION_TEXT,
     .value = "ID",
     .repeatable = true,
     .help = "permit it to the device of this id; repeatable"},
    {.name = "group",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .repeatable = true,
     .help = "permit it to the devices of this group; repeatable"},
    {.name = "from",
     .kind = OPTION_PATH,
     .value = "BUNDLE|SHA256",
     .help = "only where this release runs: its bundle, or the SHA-256 of its release.json"},
    {.name = "expires",
     .kind = OPTION_TEXT,
     .value = "DATE",
     .help = "until then, in UTC: 2027-12-31 (never)"},
    {.name = "add-signature", .help = "sign the permit that the bundle carries, as one more"},
    {.name = "yes", .letter = 'y', .help = "sign without asking"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_permit = {
    .name = "permit",
    .summary = "let named devices go back to an older release",
    .synopsis = "BUNDLE (--device-id ID... | --group NAME...) [-k KEY...] [--from BUNDLE|SHA256] "
                "[--expires DATE] [-t ROOT] [--yes] [-o OUT]\n"
                "BUNDLE --add-signature -k KEY... [-t ROOT] [--yes] [-o OUT]",
    .description =
        "A device refuses a release whose version or security version is lower than what it has "
        "had. This puts a signed permit into the release's bundle: the only way back, and there is "
        "no other. It names the devices, by the id or group of their device.yaml, and the release; "
        "what it does not name it does not permit. A lower data epoch no permit lifts.\n\n"
        "The keys that sign releases sign permits, as many as sign a release: --add-signature adds "
        "those of further people. A permit that the bundle carries already is replaced otherwise, "
        "with its signatures. All else in the bundle stays byte for byte.\n\n"
        "Without a key the permit is unsigned, and no device takes it: for people who sign "
        "elsewhere, by \"fwpack sign BUNDLE --export DIR --role permit\", and \"--import\" of what "
        "they bring back.\n\n"
        "In place by default, as sign does it: locked, and replaced whole or not at all. With a "
        "trust root of -t only keys of its role release sign. Without --expires a permit is good "
        "for ever; a device whose device.yaml says `clock: false` does not judge its expiry.\n\n"
        "--from narrows it to devices on which that release runs, so that it serves one step back "
        "and no second one.",
    .examples = "fwpack permit acme-1.2.3.fwb --device-id gw-0042 -k release.key\n"
                "# a whole group, from the release that is bad, for a week; and a second signer\n"
                "fwpack permit acme-1.2.3.fwb --group field-test --from acme-1.3.0.fwb \\\n"
                "    --expires 2027-06-01 -k anna.key -t root.json\n"
                "fwpack permit acme-1.2.3.fwb --add-signature -k ben.key -t root.json\n"
                "# somebody who signs on a machine without a network\n"
                "fwpack permit acme-1.2.3.fwb --device-id gw-0042\n"
                "fwpack sign acme-1.2.3.fwb --export to-sign --role permit\n"
                "fwpack sign acme-1.2.3.fwb --import to-sign/permit.json.minisig -t root.json\n"
                "# what it says\n"
                "fwpack inspect acme-1.2.3.fwb\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_SIGNS | GROUP_ROOT,
    .exits = EXITS(3, 4, 11, 12, 17, 18),
    .run = run,
};
