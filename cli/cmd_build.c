/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "depfile.h"
#include "descriptor_input.h"
#include "encryption.h"
#include "reproduce.h"

#include "pack/bundle.h"
#include "pack/descriptor.h"
#include "pack/sbom.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct build {
    struct cli *cli;
    const struct arguments *arguments;
    struct pack_descriptor *descriptor;
    struct cli_keys keys;
    struct pack_age_recipients *recipients;
    struct pack_build_options options;
    struct pack_build_report report;
    char *output; /* the name that the descriptor gives, where -o gives none */
};

static void build_clear(struct build *build)
{
    pack_build_report_clear(&build->report);
    pack_descriptor_free(&build->descriptor);
    cli_keys_free(&build->keys);
    pack_age_recipients_free(&build->recipients);
    free(build->output);
}

/* --- inputs ---------------------------------------------------------------------------------- */

static int read_descriptor(struct build *build, struct pack_error *error)
{
    CLI_AUTO(definitions_free) struct pack_definition *definitions = NULL;
    struct pack_descriptor_options options = {0};
    int code = definitions_read(build->arguments, &definitions, &options, error);
    if (code == 0)
        code = descriptor_load(&build->descriptor, arguments_at(build->arguments, 0), &options,
                               build->cli->context, cli_finding, build->cli, error);
    return code;
}

static bool is_file_name(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._+-", *c) == NULL)
            return false;
    return isalnum((unsigned char)text[0]) != 0;
}

/* PRODUCT-VERSION.fwb in the current folder, where that is a plain name. */
static int name_output(struct build *build, const char **output, struct pack_error *error)
{
    const struct pack_descriptor *descriptor = build->descriptor;
    *output = arguments_value(build->arguments, "output");
    if (*output != NULL)
        return 0;
    if (!is_file_name(descriptor->product) || !is_file_name(descriptor->version)) {
        pack_fail(error, PACK_E_USAGE, "the product's name is no name for a file");
        return pack_hint(error, "name the bundle with -o");
    }
    if (asprintf(&build->output, "%s-%s.fwb", descriptor->product, descriptor->version) < 0) {
        build->output = NULL;
        return pack_fail_memory(error);
    }
    *output = build->output;
    return 0;
}

static int prepare(struct build *build, struct pack_error *error)
{
    int code = read_descriptor(build, error);
    if (code == 0)
        code = cli_created(&build->options.has_created, &build->options.created, error);
    if (code == 0)
        code = cli_keys_load(&build->keys, build->cli, error);
    build->options.sbom = arguments_value(build->arguments, "sbom");
    build->options.signer_count = build->keys.count;
    build->options.signers = build->keys.signers;
    build->options.signer_roles = build->keys.roles;
    if (code == 0)
        code = cli_recipients_open(&build->recipients, build->cli, error);
    build->options.recipients = build->recipients;
    return code;
}

/* --- results --------------------------------------------------------------------------------- */

static void print_image(struct cli *cli, const struct pack_build_image *image)
{
    const unsigned long long plain = image->plain_size, stored = image->stored_size;
    if (strcmp(image->codec, "none") == 0)
        cli_print(cli, "  image %s: %llu bytes, not compressed", image->name, plain);
    else
        cli_print(cli, "  image %s: %llu bytes, %llu with %s (%.1f %%)", image->name, plain, stored,
                  image->codec, 100.0 * (double)stored / (double)plain);
}

static void print_recipients(const struct build *build)
{
    const size_t count =
        build->recipients != NULL ? pack_age_recipients_count(build->recipients) : 0;
    if (arguments_flag(build->arguments, "encrypt-passphrase"))
        cli_print(build->cli, "  encrypted with a passphrase");
    else if (count != 0)
        cli_print(build->cli, "  encrypted to %zu recipient%s", count, count == 1 ? "" : "s");
}

static void print_sbom(const struct build *build)
{
    const struct pack_build_report *report = &build->report;
    if (report->sbom != NULL)
        cli_print(build->cli, "  attachment %s: %llu bytes, %s SBOM", report->sbom,
                  (unsigned long long)report->sbom_size, pack_sbom_kind_name(report->sbom_kind));
}

static void print_built(const struct build *build, const char *output)
{
    struct cli *cli = build->cli;
    cli_print_styled(cli, STYLE_GOOD, "%s: %llu bytes", output,
                     (unsigned long long)build->report.size);
    cli_print(cli, "  product %s, version %s", build->descriptor->product,
              build->descriptor->version);
    for (size_t i = 0; i < build->report.image_count; i++)
        print_image(cli, &build->report.images[i]);
    print_sbom(build);
    print_recipients(build);
    for (size_t i = 0; i < build->keys.count; i++)
        cli_print(cli, "  signed by %s", build->keys.signers[i].key->keyid);
    if (build->keys.count == 0)
        cli_note(cli, "%s is not signed; sign it with: fwpack sign %s -k KEY", output, output);
}

static void json_built(const struct build *build, const char *output)
{
    struct pack_json *json = cli_json(build->cli);
    pack_json_string(json, "bundle", output);
    pack_json_string(json, "product", build->descriptor->product);
    pack_json_string(json, "version", build->descriptor->version);
    pack_json_unsigned(json, "size", build->report.size);
    pack_json_hex(json, "release_sha256", build->report.release_sha256, PACK_SHA256_SIZE);
    pack_json_hex(json, "delivery_sha256", build->report.delivery_sha256, PACK_SHA256_SIZE);
    pack_json_array(json, "images");
    for (size_t i = 0; i < build->report.image_count; i++) {
        const struct pack_build_image *image = &build->report.images[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "name", image->name);
        pack_json_string(json, "codec", image->codec);
        pack_json_unsigned(json, "size", image->plain_size);
        pack_json_unsigned(json, "stored_size", image->stored_size);
        pack_json_hex(json, "sha256", image->sha256, PACK_SHA256_SIZE);
        pack_json_end(json);
    }
    pack_json_end(json);
    if (build->recipients != NULL)
        pack_json_unsigned(json, "recipients", pack_age_recipients_count(build->recipients));
    if (build->report.sbom != NULL) {
        pack_json_object(json, "sbom");
        pack_json_string(json, "attachment", build->report.sbom);
        pack_json_string(json, "format", pack_sbom_kind_name(build->report.sbom_kind));
        pack_json_unsigned(json, "size", build->report.sbom_size);
        pack_json_end(json);
    }
    pack_json_array(json, "signers");
    for (size_t i = 0; i < build->keys.count; i++)
        pack_json_string(json, NULL, build->keys.signers[i].key->keyid);
    pack_json_end(json);
}

/* --- the command ----------------------------------------------------------------------------- */

/* The user's SBOM, NULL where it is our own or none. */
static const char *sbom_file(const struct build *build)
{
    const char *sbom = build->options.sbom;
    return sbom != NULL && strcmp(sbom, PACK_SBOM_AUTO) != 0 ? sbom : NULL;
}

/* The second build runs in another folder. */
static int resolve_sbom(const struct build *build, char **resolved, struct pack_error *error)
{
    if (sbom_file(build) == NULL)
        return 0;
    *resolved = realpath(sbom_file(build), NULL);
    return *resolved != NULL ? 0 : pack_fail_errno(error, errno, "cannot build a second time");
}

static int compare_builds(struct build *build, const struct pack_build_options *options,
                          struct pack_output *output, uint64_t size, struct pack_error *error)
{
    CLI_AUTO_FREE char *sbom = NULL;
    struct pack_build_options second = *options;
    const struct reproduction again = {.descriptor = arguments_at(build->arguments, 0),
                                       .arguments = build->arguments,
                                       .options = &second,
                                       .cli = build->cli};
    int code = resolve_sbom(build, &sbom, error);
    if (sbom != NULL)
        second.sbom = sbom;
    if (code == 0)
        code = reproduce_compare(&again, pack_output_descriptor(output), size, error);
    if (code == 0)
        cli_note(build->cli,
                 "built twice%s, in another folder, time zone, locale and number of "
                 "threads: the same %llu bytes",
                 build->recipients != NULL ? " before encryption" : "", (unsigned long long)size);
    return code;
}

/* The keys of age files are random, so what is compared are two builds that are not encrypted. */
static int check_before_encryption(struct build *build, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    CLI_AUTO(pack_build_report_clear) struct pack_build_report report = {0};
    struct pack_build_options options = build->options;
    options.recipients = NULL;
    int code = pack_output_open(&output, "-", PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0) /* never committed, so nothing is written to it */
        code = pack_build(output, build->descriptor, &options, build->cli->context, &report, error);
    return code != 0 ? code : compare_builds(build, &options, output, report.size, error);
}

static int check_again(struct build *build, struct pack_output *output, struct pack_error *error)
{
    return build->recipients != NULL
               ? check_before_encryption(build, error)
               : compare_builds(build, &build->options, output, build->report.size, error);
}

/* The bundle, and the depfile where one is wanted: both get their names, or none. */
enum { BUNDLE, DEPFILE, OUTPUTS };

static void discard_outputs(struct pack_output *(*outputs)[OUTPUTS])
{
    for (size_t i = 0; i < OUTPUTS; i++)
        pack_output_discard(&(*outputs)[i]);
}

static int build_into(struct build *build, const char *path, struct pack_error *error)
{
    CLI_AUTO(discard_outputs) struct pack_output *outputs[OUTPUTS] = {NULL};
    const char *depfile = arguments_value(build->arguments, "depfile");
    int code =
        cli_output_open(build->cli, &outputs[BUNDLE], path, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code = pack_build(outputs[BUNDLE], build->descriptor, &build->options, build->cli->context,
                          &build->report, error);
    if (code == 0 && arguments_flag(build->arguments, "check"))
        code = check_again(build, outputs[BUNDLE], error);
    if (code == 0 && depfile != NULL)
        code = depfile_write(build->cli, &outputs[DEPFILE], depfile, path, build->descriptor,
                             sbom_file(build), error);
    return code != 0 ? code : pack_output_commit_all(outputs, depfile != NULL ? OUTPUTS : 1, error);
}

/* --- outputs that are none ------------------------------------------------------------------- */

static int fail_output(const char *path, const char *what, struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "%s", what);
    return pack_at_file(error, path);
}

/* Whether the output is one of the files that it is made from. */
static int check_output(const struct build *build, const char *path, struct pack_error *error)
{
    const struct pack_descriptor *from = build->descriptor;
    bool same = false;
    for (size_t i = 0; !same && i < from->source_count; i++)
        same = cli_same_file(from->sources[i], path);
    for (size_t i = 0; !same && i < from->image_count; i++)
        same = cli_same_file(from->images[i].path, path);
    for (size_t i = 0; !same && i < from->attachment_count; i++)
        same = cli_same_file(from->attachments[i].path, path);
    if (!same && sbom_file(build) != NULL)
        same = cli_same_file(sbom_file(build), path);
    return same ? fail_output(path, "the output is one of the inputs", error) : 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool stat_folder(const char *path, struct stat *status)
{
    CLI_AUTO_FREE char *folder = NULL;
    const int length = (int)(base_name(path) - path);
    if (asprintf(&folder, "%.*s.", length, path) < 0)
        folder = NULL;
    return folder != NULL && stat(folder, status) == 0;
}

/* Neither need exist yet: the same name in the same folder is the same. */
static bool same_place(const char *a, const char *b)
{
    struct stat first, second;
    return cli_same_file(a, b) || (strcmp(base_name(a), base_name(b)) == 0 &&
                                   stat_folder(a, &first) && stat_folder(b, &second) &&
                                   first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

static int check_outputs(const struct build *build, const char *path, struct pack_error *error)
{
    const char *depfile = arguments_value(build->arguments, "depfile");
    int code = check_output(build, path, error);
    if (code != 0 || depfile == NULL)
        return code;
    if (same_place(path, depfile))
        return fail_output(depfile, "the depfile is the output itself", error);
    return check_output(build, depfile, error);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(build_clear) struct build build = {.cli = cli, .arguments = arguments};
    const char *output = NULL;
    int code = prepare(&build, error);
    if (code == 0)
        code = name_output(&build, &output, error);
    if (code == 0)
        code = check_outputs(&build, output, error);
    if (code != 0)
        return code;
    if (cli->dry_run) {
        cli_print(cli, "would build %s from %zu images", output, build.descriptor->image_count);
        pack_json_string(cli_json(cli), "bundle", output);
        return 0;
    }
    cli_journal_about(&build.keys, output, build.descriptor->product, build.descriptor->version);
    code = build_into(&build, output, error);
    if (code != 0)
        return code;
    print_built(&build, output);
    json_built(&build, output);
    return 0;
}

static const struct option options[] = {
    {.name = "depfile",
     .kind = OPTION_PATH,
     .value = "FILE",
     .help = "write the inputs as a rule for make and ninja"},
    {.name = "sbom",
     .kind = OPTION_PATH,
     .value = "auto|FILE",
     .help = "attach an SBOM: of the bundle itself, or FILE"},
    {.name = "check", .help = "build twice in other surroundings and compare"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "DESCRIPTOR", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_build = {
    .name = "build",
    .summary = "build a bundle from a descriptor, and sign it",
    .synopsis = "DESCRIPTOR [-o OUT.fwb] [-k KEY]... [-D NAME=VALUE]... [--depfile FILE] "
                "[--sbom auto|FILE] [--encrypt-to RECIPIENT]... [--check]",
    .description =
        "Reads the descriptor and the files that it names, compresses each image on all cores "
        "where that makes it smaller, and writes one bundle, whole or not at all. With -k the "
        "bundle is signed; a key made with --purpose release or delivery signs that document, "
        "any other key both. Without -o the bundle is PRODUCT-VERSION.fwb in the current "
        "folder.\n\n"
        "--sbom auto attaches a CycloneDX 1.6 SBOM of the bundle itself, sbom.cdx.json: its images "
        "with hashes, versions and what their headers tell. --sbom FILE attaches one of yours, "
        "CycloneDX 1.2 to 1.6 as JSON or SPDX 2.2 or 2.3, checked to be one.\n\n"
        "The same inputs give the same bytes: no clock, host, user, locale or number of threads "
        "reaches the bundle. --check proves it by building a second time. The creation time is "
        "SOURCE_DATE_EPOCH, else the descriptor's, else left out.\n\n"
        "With --encrypt-to the images travel as age files, which only the recipients open; their "
        "names, sizes and hashes stay readable, as do attachments. The keys of age files are "
        "random, so --check compares before encryption.",
    .examples = "fwpack build acme.yaml -o acme-1.2.3.fwb -k release.key\n"
                "# version from the command line, dependencies for make\n"
                "fwpack build acme.yaml -D VERSION=1.2.3 -o acme.fwb --depfile acme.d\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_DESCRIPTOR | GROUP_WRITES | GROUP_SIGNS | GROUP_RECIPIENTS,
    .exits = EXITS(3, 4, 7),
    .run = run,
};
