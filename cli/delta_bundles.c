/* SPDX-License-Identifier: MIT */
#include "delta_bundles.h"

#include "delta_report.h"
#include "encryption.h"

#include "pack/bundle.h"
#include "pack/version.h"

#include <string.h>

/* One of the bundles that are read. */
struct source {
    const char *path;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
};

struct making {
    struct cli *cli;
    const struct arguments *arguments;
    const struct pack_delta_options *options;
    const char *path; /* of the output */
    struct cli_keys keys;
    struct pack_trust *trust;
    struct pack_age_identities *identities;
    size_t count; /* OLDs, and NEW as the last one */
    struct source *sources;
    struct pack_trusted **olds;
    struct pack_bases *bases; /* the OLDs */
    struct pack_output *output;
    struct pack_bundle_delta_report report;
};

static void making_clear(struct making *making)
{
    pack_bundle_delta_report_clear(&making->report);
    pack_output_discard(&making->output);
    pack_bases_free(&making->bases);
    for (size_t i = 0; making->sources != NULL && i < making->count; i++) {
        pack_trusted_free(&making->sources[i].trusted);
        pack_bundle_close(&making->sources[i].bundle);
        pack_input_close(&making->sources[i].input);
    }
    free(making->sources);
    free(making->olds);
    pack_age_identities_free(&making->identities);
    pack_trust_free(&making->trust);
    cli_keys_free(&making->keys);
}

static const struct source *newest(const struct making *making)
{
    return &making->sources[making->count - 1];
}

/* --- keys ------------------------------------------------------------------------------------ */

static bool holds(const struct making *making, enum pack_role role)
{
    for (size_t i = 0; i < making->keys.count; i++)
        if ((making->keys.roles[i] & 1U << role) != 0)
            return true;
    return false;
}

/* A key that would sign nothing is a mistake; what must still be signed is said. */
static int check_keys(const struct making *making, struct pack_error *error)
{
    const bool in_place = making->options->in_place != 0;
    if (making->keys.count != 0 && !holds(making, PACK_ROLE_DELIVERY) && !in_place) {
        pack_fail(error, PACK_E_USAGE, "no key that signs deliveries: a delta signs delivery.json");
        return pack_hint(error, "give a key made with --purpose delivery, or for any purpose");
    }
    if (making->keys.count == 0)
        cli_note(making->cli, "delivery.json will not be signed: `fwpack sign` does it");
    if (in_place && !holds(making, PACK_ROLE_RELEASE))
        cli_warn(making->cli, "a delta in place counts only when a release key has signed "
                              "delivery.json too: fwpack sign --role delivery -k RELEASE.key");
    return 0;
}

/* --- inputs ---------------------------------------------------------------------------------- */

static int open_source(struct making *making, struct source *source, struct pack_error *error)
{
    CLI_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return pack_fail_memory(error);
    int code = pack_input_open(&source->input, source->path, error);
    if (code == 0 && !source->input->seekable)
        code = pack_fail(error, PACK_E_USAGE, "is a pipe, a delta needs files");
    if (code == 0)
        code = pack_bundle_open(&source->bundle, source->input, making->cli->context, error);
    if (code == 0)
        code = pack_bundle_trust(&source->trusted, source->bundle, making->trust, report, error);
    if (code != 0)
        return pack_at_file(error, source->path);
    pack_trusted_use_identities(source->trusted, making->identities);
    return 0;
}

/* All signatures are judged before anything else of any of them is read. */
static int open_sources(struct making *making, struct pack_error *error)
{
    making->count = arguments_count(making->arguments);
    making->sources = calloc(making->count, sizeof *making->sources);
    making->olds = calloc(making->count, sizeof *making->olds);
    if (making->sources == NULL || making->olds == NULL)
        return pack_fail_memory(error);
    int code = cli_trust(&making->trust, making->cli, error);
    if (code == 0)
        code = cli_identities_open(&making->identities, making->cli, true, error);
    for (size_t i = 0; code == 0 && i < making->count; i++) {
        making->sources[i].path = arguments_at(making->arguments, i);
        code = open_source(making, &making->sources[i], error);
        making->olds[i] = making->sources[i].trusted;
    }
    return code;
}

/* One that is itself a delta is rebuilt from those that stand before it. */
static int use_bases(struct making *making, struct pack_error *error)
{
    int code = pack_bases_new(&making->bases, error);
    for (size_t i = 0; code == 0 && i + 1 < making->count; i++)
        code =
            pack_bases_add_bundle(making->bases, making->olds[i], making->sources[i].path, error);
    if (code == 0)
        pack_trusted_use_bases(newest(making)->trusted, making->bases);
    return code;
}

static void warn_of_versions(const struct making *making)
{
    const struct pack_release *release = pack_trusted_release(newest(making)->trusted);
    for (size_t i = 0; i + 1 < making->count; i++) {
        const struct pack_release *old = pack_trusted_release(making->olds[i]);
        if (release->requires_from != NULL &&
            !pack_range_contains(release->requires_from, old->version))
            cli_warn(making->cli, "%s: version %s may not be updated to %s, which takes %s",
                     making->sources[i].path, old->version, release->version,
                     release->requires_from);
        if (pack_version_compare(old->version, release->version) >= 0)
            cli_warn(making->cli, "%s: version %s is no older than %s", making->sources[i].path,
                     old->version, release->version);
    }
}

/* --- reports --------------------------------------------------------------------------------- */

static const char *const kinds[] = {[PACK_ENCODING_FULL] = "full",
                                    [PACK_ENCODING_DELTA] = "delta",
                                    [PACK_ENCODING_KEEP] = "keep",
                                    [PACK_ENCODING_OTHER] = "other"};

static void print_pair(const struct making *making, const struct pack_bundle_delta_pair *pair)
{
    struct cli *cli = making->cli;
    const struct pack_release *old = pack_trusted_release(making->olds[pair->old]);
    const unsigned long long size = pair->size, full = pair->full_size;
    if (pair->kind == PACK_ENCODING_KEEP)
        cli_print(cli, "    from %s: the same, nothing travels", old->version);
    else if (pair->kind == PACK_ENCODING_FULL)
        cli_print(cli, "    from %s: in full, %llu bytes: %s", old->version, size, pair->reason);
    else
        cli_print_styled(
            cli, STYLE_GOOD,
            "    from %s: delta, %llu bytes instead of %llu, %s; applies in %llu bytes",
            old->version, size, full, share_of(size, full).text,
            (unsigned long long)pair->report.decoder_memory);
    if (cli->verbose && pair->report.patch_size != 0 && !pair->repeated)
        delta_report_print(cli, 6, &pair->report);
}

static void print_report(const struct making *making)
{
    struct cli *cli = making->cli;
    const struct pack_release *release = pack_trusted_release(newest(making)->trusted);
    const struct pack_bundle_delta_report *report = &making->report;
    const uint64_t before = newest(making)->input->size;
    cli_print(cli, "%s: %llu bytes%s, %s of %s; revision %llu", making->path,
              (unsigned long long)report->size, cli->dry_run ? " would be written" : "",
              share_of(report->size, before).text, newest(making)->path,
              (unsigned long long)report->revision);
    for (size_t i = 0; i < report->pair_count; i++) {
        const struct pack_bundle_delta_pair *pair = &report->pairs[i];
        if (pair->old == 0)
            cli_print(cli, "  image %s", release->images[pair->image].name);
        print_pair(making, pair);
    }
}

static void json_pair(struct pack_json *json, const struct making *making,
                      const struct pack_bundle_delta_pair *pair)
{
    const struct pack_release *old = pack_trusted_release(making->olds[pair->old]);
    pack_json_object(json, NULL);
    pack_json_string(json, "file", making->sources[pair->old].path);
    pack_json_string(json, "version", old->version);
    pack_json_string(json, "type", kinds[pair->kind]);
    pack_json_unsigned(json, "size", pair->size);
    if (pair->reason != NULL)
        pack_json_string(json, "reason", pair->reason);
    if (pair->report.patch_size != 0) {
        pack_json_object(json, "patch");
        pack_json_unsigned(json, "size", pair->report.patch_size);
        pack_json_unsigned(json, "decoder_memory", pair->report.decoder_memory);
        delta_report_json(json, &pair->report);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void json_report(const struct making *making)
{
    struct pack_json *json = cli_json(making->cli);
    const struct pack_release *release = pack_trusted_release(newest(making)->trusted);
    const struct pack_bundle_delta_report *report = &making->report;
    pack_json_string(json, "kind", "bundle");
    pack_json_string(json, "output", making->path);
    pack_json_unsigned(json, "size", report->size);
    pack_json_unsigned(json, "new_size", newest(making)->input->size);
    pack_json_unsigned(json, "revision", report->revision);
    pack_json_hex(json, "release_sha256", pack_trusted_release_sha256(newest(making)->trusted),
                  PACK_SHA256_SIZE);
    pack_json_hex(json, "delivery_sha256", report->delivery_sha256, PACK_SHA256_SIZE);
    pack_json_array(json, "images");
    for (size_t i = 0; i < report->pair_count; i++) {
        const struct pack_bundle_delta_pair *pair = &report->pairs[i];
        if (pair->old == 0) {
            pack_json_object(json, NULL);
            pack_json_string(json, "name", release->images[pair->image].name);
            pack_json_unsigned(json, "full_size", pair->full_size);
            pack_json_array(json, "from");
        }
        json_pair(json, making, pair);
        if (pair->old + 2 == making->count) {
            pack_json_end(json);
            pack_json_end(json);
        }
    }
    pack_json_end(json);
}

/* --- making ---------------------------------------------------------------------------------- */

static int write_bundle(struct making *making, struct pack_error *error)
{
    const struct pack_bundle_delta_options options = {
        .delta = making->options,
        .keep_full = arguments_flag(making->arguments, "keep-full"),
        .signer_count = making->keys.count,
        .signers = making->keys.signers,
        .signer_roles = making->keys.roles};
    int code = cli_output_open(making->cli, &making->output, making->path, PACK_OUTPUT_SEEKABLE,
                               newest(making)->input, error);
    if (code == 0)
        code = pack_bundle_delta(making->output, newest(making)->trusted, making->olds,
                                 making->count - 1, &options, making->cli->context, &making->report,
                                 error);
    if (code == 0 && !making->cli->dry_run)
        code = pack_output_commit(&making->output, error);
    return code;
}

int delta_bundles(struct cli *cli, const struct arguments *arguments,
                  const struct pack_delta_options *options, struct pack_error *error)
{
    CLI_AUTO(making_clear)
    struct making making = {.cli = cli,
                            .arguments = arguments,
                            .options = options,
                            .path = arguments_value(arguments, "output")};
    if (making.path == NULL)
        making.path = "-";
    int code = cli_keys_load(&making.keys, cli, error);
    if (code == 0)
        code = check_keys(&making, error);
    if (code == 0)
        code = open_sources(&making, error);
    if (code == 0)
        code = use_bases(&making, error);
    if (code != 0)
        return code;
    warn_of_versions(&making);
    const struct pack_release *release = pack_trusted_release(newest(&making)->trusted);
    cli_journal_about(&making.keys, making.path, release->product, release->version);
    if (delivery_is_encrypted(pack_trusted_delivery(newest(&making)->trusted)))
        cli_note(cli, "deltas are not encrypted, as the images of %s are: `fwpack encrypt` does it",
                 newest(&making)->path);
    code = write_bundle(&making, error);
    if (code == PACK_E_WRONG_BASE)
        pack_hint(error, "give bundles with full images: as built, or made with --keep-full");
    if (code != 0)
        return code;
    print_report(&making);
    json_report(&making);
    return 0;
}
