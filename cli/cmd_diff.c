/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "delta_report.h"
#include "diff.h"
#include "diff_meta.h"
#include "encryption.h"
#include "memory_sink.h"

#include "pack/bundle.h"
#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

/* One of the two that are compared. */
struct side {
    const char *path;
    struct pack_input *input;
    /* Of a bundle. */
    struct pack_bundle *bundle;
    struct pack_release *release;
    struct pack_delivery *delivery;
    struct pack_trusted *trusted; /* where the images are to be compared too */
};

struct comparing {
    struct cli *cli;
    const struct arguments *arguments;
    struct pack_trust *trust;
    struct pack_age_identities *identities;
    struct side old, new;
    bool different;
    struct diff_meta meta;
    size_t count;
    struct diff_image images[PACK_MAX_IMAGES]; /* those that were compared byte by byte */
};

static void side_clear(struct side *side)
{
    pack_trusted_free(&side->trusted);
    pack_release_free(&side->release);
    pack_delivery_free(&side->delivery);
    pack_bundle_close(&side->bundle);
    pack_input_close(&side->input);
}

static void comparing_clear(struct comparing *comparing)
{
    for (size_t i = 0; i < comparing->count; i++)
        diff_image_clear(&comparing->images[i]);
    diff_meta_clear(&comparing->meta);
    side_clear(&comparing->old);
    side_clear(&comparing->new);
    pack_age_identities_free(&comparing->identities);
    pack_trust_free(&comparing->trust);
}

/* --- images ---------------------------------------------------------------------------------- */

static void report_image(struct cli *cli, const struct diff_image *image, int indent)
{
    const uint64_t whole = image->report.plain_new_size;
    for (int i = 0; i < PACK_CHANGES; i++) {
        const enum pack_delta_change change = (enum pack_delta_change)i;
        cli_print(cli, "%*s%-9s %12llu bytes %7s  %s", indent, "", diff_change_name(change),
                  (unsigned long long)image->total.bytes[change],
                  share_of(image->total.bytes[change], whole).text, diff_change_meaning(change));
    }
    if (image->report.architecture[0] != '\0')
        cli_print(cli, "%*smachine code: %s", indent, "", image->report.architecture);
    if (image->report.unpacked[0] != '\0')
        cli_print(cli, "%*sopened %s", indent, "", image->report.unpacked);
    cli_print(cli, "%*sa delta takes %llu bytes, %s", indent, "",
              (unsigned long long)image->report.patch_size,
              share_of(image->report.patch_size, image->new_size).text);
}

static void json_image(struct pack_json *json, const struct diff_image *image)
{
    pack_json_object(json, NULL);
    pack_json_string(json, "name", image->name);
    pack_json_unsigned(json, "old_size", image->old_size);
    pack_json_unsigned(json, "new_size", image->new_size);
    pack_json_hex(json, "old_sha256", image->old_sha256, PACK_SHA256_SIZE);
    pack_json_hex(json, "new_sha256", image->new_sha256, PACK_SHA256_SIZE);
    if (!image->same) {
        for (int i = 0; i < PACK_CHANGES; i++)
            pack_json_unsigned(json, diff_change_name((enum pack_delta_change)i),
                               image->total.bytes[i]);
        pack_json_unsigned(json, "delta_size", image->report.patch_size);
    }
    pack_json_end(json);
}

static int compare_inputs(struct comparing *comparing, const char *name,
                          struct pack_input *old_image, struct pack_input *new_image,
                          struct pack_error *error)
{
    struct diff_image *image = &comparing->images[comparing->count++];
    *image = (struct diff_image){.name = name};
    const int code = diff_image(image, old_image, new_image, comparing->cli->context, error);
    comparing->different = comparing->different || !image->same;
    return code;
}

static int compare_files(struct comparing *comparing, struct pack_error *error)
{
    struct cli *cli = comparing->cli;
    const int code = compare_inputs(comparing, comparing->new.path, comparing->old.input,
                                    comparing->new.input, error);
    if (code != 0)
        return code;
    if (!comparing->different) {
        cli_print(cli, "%s and %s are the same", comparing->old.path, comparing->new.path);
        return 0;
    }
    cli_print(cli, "%s: %llu bytes, %s has %llu", comparing->new.path,
              (unsigned long long)comparing->new.input->size, comparing->old.path,
              (unsigned long long)comparing->old.input->size);
    report_image(cli, &comparing->images[0], 2);
    return 0;
}

/* --- bundles --------------------------------------------------------------------------------- */

static void compare_texts(struct comparing *comparing, const char *what, const char *old,
                          const char *new)
{
    if (strcmp(old, new) == 0)
        return;
    comparing->different = true;
    cli_print(comparing->cli, "  %s: %s, was %s", what, new, old);
}

static void compare_numbers(struct comparing *comparing, const char *what, uint64_t old,
                            uint64_t new)
{
    if (old == new)
        return;
    comparing->different = true;
    cli_print(comparing->cli, "  %s: %llu, was %llu", what, (unsigned long long)new,
              (unsigned long long)old);
}

static int find_image(const struct pack_release *release, const char *name)
{
    for (size_t i = 0; i < release->image_count; i++)
        if (strcmp(release->images[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int rebuild(struct memory_sink *memory, struct pack_input **input, struct side *side,
                   size_t index, struct pack_error *error)
{
    const struct pack_release_image *image = &side->release->images[index];
    int code = memory_sink_open(memory, image->size, error);
    if (code == 0)
        code = pack_bundle_extract(side->trusted, index, &memory->sink, error);
    if (code == 0)
        code = pack_input_memory(input, memory->bytes, memory->size, image->name, error);
    return code;
}

static int compare_contents(struct comparing *comparing, size_t old, size_t new,
                            struct pack_error *error)
{
    CLI_AUTO(memory_sink_clear) struct memory_sink old_bytes = {.size = 0};
    CLI_AUTO(memory_sink_clear) struct memory_sink new_bytes = {.size = 0};
    CLI_AUTO(pack_input_close) struct pack_input *old_image = NULL;
    CLI_AUTO(pack_input_close) struct pack_input *new_image = NULL;
    int code = rebuild(&old_bytes, &old_image, &comparing->old, old, error);
    if (code == 0)
        code = rebuild(&new_bytes, &new_image, &comparing->new, new, error);
    if (code == 0)
        code = compare_inputs(comparing, comparing->new.release->images[new].name, old_image,
                              new_image, error);
    if (code == 0)
        report_image(comparing->cli, &comparing->images[comparing->count - 1], 4);
    return code;
}

static int compare_image(struct comparing *comparing, size_t index, struct pack_error *error)
{
    struct cli *cli = comparing->cli;
    const struct pack_release_image *image = &comparing->new.release->images[index];
    const int found = find_image(comparing->old.release, image->name);
    const struct pack_release_image *old = &comparing->old.release->images[found < 0 ? 0 : found];
    if (found >= 0 && sodium_memcmp(image->sha256, old->sha256, PACK_SHA256_SIZE) == 0) {
        cli_print(cli, "  image %s: the same", image->name);
        return 0;
    }
    comparing->different = true;
    if (found < 0) {
        cli_print(cli, "  image %s: new, %llu bytes", image->name, (unsigned long long)image->size);
        return 0;
    }
    cli_print(cli, "  image %s: %llu bytes, was %llu", image->name, (unsigned long long)image->size,
              (unsigned long long)old->size);
    return comparing->trust != NULL ? compare_contents(comparing, (size_t)found, index, error) : 0;
}

static int compare_meta(struct comparing *comparing, struct pack_error *error)
{
    const struct diff_side old_side = {comparing->old.release, comparing->old.trusted};
    const struct diff_side new_side = {comparing->new.release, comparing->new.trusted};
    const int code = diff_meta_compare(&comparing->meta, &old_side, &new_side, error);
    if (code != 0)
        return code;
    comparing->different = comparing->different || diff_meta_different(&comparing->meta);
    diff_meta_print(comparing->cli, &comparing->meta);
    return 0;
}

static int compare_bundles(struct comparing *comparing, struct pack_error *error)
{
    const struct pack_release *old = comparing->old.release, *new = comparing->new.release;
    int code = 0;
    cli_print(comparing->cli, "%s: version %s, %s has %s", comparing->new.path, new->version,
              comparing->old.path, old->version);
    compare_texts(comparing, "product", old->product, new->product);
    comparing->different = comparing->different || strcmp(old->version, new->version) != 0;
    compare_numbers(comparing, "security version", old->security_version, new->security_version);
    compare_numbers(comparing, "data epoch", old->data_epoch, new->data_epoch);
    compare_numbers(comparing, "delivery revision", comparing->old.delivery->revision,
                    comparing->new.delivery->revision);
    code = compare_meta(comparing, error);
    for (size_t i = 0; code == 0 && i < new->image_count; i++)
        code = compare_image(comparing, i, error);
    for (size_t i = 0; code == 0 && i < old->image_count; i++)
        if (find_image(new, old->images[i].name) < 0) {
            comparing->different = true;
            cli_print(comparing->cli, "  image %s: no longer there", old->images[i].name);
        }
    if (comparing->trust == NULL)
        cli_note(comparing->cli, "nothing of this is proved, and contents are not compared: "
                                 "-p PUB does both");
    return code;
}

/* --- opening --------------------------------------------------------------------------------- */

static int open_side(struct side *side, const char *path, bool *bundle, struct pack_error *error)
{
    uint8_t head[16];
    size_t got = 0;
    side->path = path;
    int code = pack_input_open(&side->input, path, error);
    if (code == 0 && !side->input->seekable)
        code = pack_fail(error, PACK_E_USAGE, "is a pipe, diff needs files");
    if (code == 0)
        code = pack_input_read(side->input, 0, head, sizeof head, &got, error);
    *bundle = code == 0 && pack_bundle_probe(head, got);
    return code != 0 ? pack_at_file(error, path) : 0;
}

static int open_bundle(struct comparing *comparing, struct side *side, struct pack_error *error)
{
    CLI_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return pack_fail_memory(error);
    int code = pack_bundle_open(&side->bundle, side->input, comparing->cli->context, error);
    if (code == 0 && comparing->trust != NULL)
        code = pack_bundle_trust(&side->trusted, side->bundle, comparing->trust, report, error);
    if (code == 0 && side->trusted != NULL)
        pack_trusted_use_identities(side->trusted, comparing->identities);
    if (code == 0)
        code = pack_bundle_parse_untrusted(side->bundle, &side->release, &side->delivery, error);
    return code != 0 ? pack_at_file(error, side->path) : 0;
}

static int check_html(const struct arguments *arguments, struct pack_error *error)
{
    const char *path = arguments_value(arguments, "html");
    for (size_t i = 0; path != NULL && i < arguments_count(arguments); i++)
        if (cli_same_file(arguments_at(arguments, i), path)) {
            pack_fail(error, PACK_E_USAGE, "the page is one of the inputs");
            return pack_at_file(error, path);
        }
    return 0;
}

static int compare(struct comparing *comparing, struct pack_error *error)
{
    const struct arguments *arguments = comparing->arguments;
    const bool trusts = arguments_flag(arguments, "pubkey") || arguments_flag(arguments, "trust");
    bool old_bundle = false, new_bundle = false;
    int code = open_side(&comparing->old, arguments_at(arguments, 0), &old_bundle, error);
    if (code == 0)
        code = open_side(&comparing->new, arguments_at(arguments, 1), &new_bundle, error);
    if (code != 0)
        return code;
    if (old_bundle != new_bundle)
        return pack_fail(error, PACK_E_USAGE, "one is a bundle, the other is none");
    if (!trusts && arguments_flag(arguments, "identity"))
        return pack_fail(error, PACK_E_USAGE, "--identity goes with bundles, --pubkey or --trust");
    if (!new_bundle) /* FWPACK_TRUST is for bundles too, and may stand there always */
        return arguments_flag(arguments, "pubkey") ||
                       (trusts && !arguments_from_variable(arguments, "trust"))
                   ? pack_fail(error, PACK_E_USAGE, "--pubkey and --trust go with bundles")
                   : compare_files(comparing, error);
    if (!trusts && arguments_value(arguments, "html") != NULL) {
        pack_fail(error, PACK_E_USAGE, "the images of bundles are drawn when they are proved");
        return pack_hint(error,
                         "give the public key, -p release.pub, or the trust root, -t root.json");
    }
    if (trusts)
        code = cli_trust(&comparing->trust, comparing->cli, error);
    if (code == 0 && trusts)
        code = cli_identities_open(&comparing->identities, comparing->cli, true, error);
    if (code == 0)
        code = open_bundle(comparing, &comparing->old, error);
    if (code == 0)
        code = open_bundle(comparing, &comparing->new, error);
    return code != 0 ? code : compare_bundles(comparing, error);
}

/* --- the command ----------------------------------------------------------------------------- */

static int write_html(const struct comparing *comparing, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const char *path = arguments_value(comparing->arguments, "html");
    if (path == NULL)
        return 0;
    int code = cli_output_open(comparing->cli, &output, path, PACK_OUTPUT_DEFAULT,
                               comparing->new.input, error);
    if (code == 0)
        code = diff_html(pack_output_sink(output), comparing->old.path, comparing->new.path,
                         &comparing->meta, comparing->images, comparing->count, error);
    return code != 0 ? code : pack_output_commit(&output, error);
}

static void write_json(const struct comparing *comparing)
{
    struct pack_json *json = cli_json(comparing->cli);
    pack_json_boolean(json, "different", comparing->different);
    pack_json_string(json, "kind", comparing->new.bundle != NULL ? "bundle" : "image");
    diff_meta_json(json, &comparing->meta);
    pack_json_array(json, "images");
    for (size_t i = 0; i < comparing->count; i++)
        json_image(json, &comparing->images[i]);
    pack_json_end(json);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO_FREE struct comparing *comparing = calloc(1, sizeof *comparing);
    if (comparing == NULL)
        return pack_fail_memory(error);
    comparing->cli = cli;
    comparing->arguments = arguments;
    int code = check_html(arguments, error);
    if (code == 0)
        code = compare(comparing, error);
    if (code == 0)
        code = write_html(comparing, error);
    if (code == 0)
        write_json(comparing);
    if (code == 0 && comparing->different) {
        cli->reported = true; /* that they differ is the result, and no failure to be told */
        code = pack_fail(error, PACK_E_DIFFERENT, "the two differ");
    }
    comparing_clear(comparing);
    return code;
}

static const struct option options[] = {
    {.name = "html",
     .kind = OPTION_PATH,
     .value = "FILE",
     .help = "draw the new image as a map, in one HTML page"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "OLD", .kind = OPTION_PATH},
    {.name = "NEW", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_diff = {
    .name = "diff",
    .summary = "say what changed between two images or bundles",
    .synopsis = "OLD NEW [--html FILE]\nOLD NEW (-p [ROLE=]PUB... | -t ROOT) [--identity KEY]... "
                "[--html FILE]",
    .description =
        "Tells how a new image came of an old one, as a delta sees it: what is unchanged, what "
        "moved, which references follow what moved, what changed, and what is new; and how many "
        "bytes a delta takes. Packed parts that can be packed again are compared opened.\n\n"
        "Of bundles, the releases are compared: versions, images, sizes, and what meta says of "
        "CVEs fixed, urgency and licences. With -p or -t they are verified and their images "
        "compared too, "
        "encrypted ones with --identity, and the components of their SBOMs.\n\n"
        "--html draws each image as a map with its numbers, in one page without scripts. The exit "
        "status is 0 where there is no difference, and 7 where there is one.",
    .examples = "fwpack diff app-1.bin app-2.bin --html app.html\n"
                "fwpack diff acme-1.4.0.fwb acme-1.5.0.fwb -p release.pub\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_TRUST | GROUP_OPENS,
    .exits = EXITS(3, 4, 7, 10, 11, 12, 13, 14, 16, 17, 18),
    .run = run,
};
