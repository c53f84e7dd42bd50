/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "delta_bundles.h"
#include "delta_report.h"

#include "pack/bundle.h"
#include "pack/delta.h"

#include <string.h>

enum { DEFAULT_PAGE = 4096 };

static const char *choice_architecture(size_t index)
{
    const char *summary = NULL;
    return pack_delta_architecture(index, &summary);
}

/* --- options --------------------------------------------------------------------------------- */

/* The index of a word that the parser has found among `choices`; `fallback` where none is given. */
static unsigned choice(const struct arguments *arguments, const char *name, choice_fn choices,
                       unsigned fallback)
{
    const char *value = arguments_value(arguments, name);
    if (value == NULL)
        return fallback;
    unsigned index = 0;
    while (strcmp(choices(index), value) != 0)
        index++;
    return index;
}

static int check_flash(const struct arguments *arguments, uint64_t page, uint64_t scratch,
                       struct pack_error *error)
{
    if (arguments_value(arguments, "in-place") == NULL) {
        if (arguments_value(arguments, "page-size") != NULL)
            return pack_fail(error, PACK_E_USAGE, "--page-size goes with --in-place");
        return 0;
    }
    if ((page & (page - 1)) != 0)
        return pack_fail(error, PACK_E_USAGE, "--page-size: %llu is no power of two",
                         (unsigned long long)page);
    if (scratch % page != 0)
        return pack_fail(error, PACK_E_USAGE,
                         "--in-place: %llu is no multiple of the page size %llu",
                         (unsigned long long)scratch, (unsigned long long)page);
    return 0;
}

/* What says how a .fwd patch is made says nothing of other formats. */
static int check_format(const struct arguments *arguments, enum pack_delta_format format,
                        struct pack_error *error)
{
    static const char *const own[] = {"decoder", "decoder-memory", "in-place", "architecture",
                                      "no-unpack"};
    for (size_t i = 0; format != PACK_DELTA_FWD && i < sizeof own / sizeof own[0]; i++)
        if (arguments_flag(arguments, own[i]))
            return pack_fail(error, PACK_E_USAGE, "--%s goes with --format fwd only", own[i]);
    return 0;
}

static int read_options(struct pack_delta_options *options, const struct arguments *arguments,
                        struct pack_error *error)
{
    uint64_t page = DEFAULT_PAGE, scratch = 0;
    const bool in_place = arguments_number(arguments, "in-place", &scratch);
    arguments_number(arguments, "page-size", &page);
    *options = (struct pack_delta_options){
        .format = (enum pack_delta_format)choice(arguments, "format", pack_delta_format_name,
                                                 PACK_DELTA_FWD),
        .level = (enum pack_delta_level)choice(arguments, "level", pack_delta_level_name,
                                               PACK_DELTA_DEFAULT),
        .decoder =
            (enum pack_delta_decoder)choice(arguments, "decoder", pack_delta_decoder_name,
                                            in_place ? PACK_DECODER_SMALL : PACK_DECODER_FULL),
        .in_place = in_place ? (uint32_t)page : 0,
        .scratch = (uint32_t)scratch,
        .architecture = arguments_value(arguments, "architecture"),
        .keep_packed = arguments_flag(arguments, "no-unpack")};
    arguments_number(arguments, "decoder-memory", &options->decoder_memory);
    arguments_number(arguments, "memory", &options->memory);
    const int code = check_flash(arguments, page, scratch, error);
    return code != 0 ? code : check_format(arguments, options->format, error);
}

/* --- two files ------------------------------------------------------------------------------- */

struct files {
    struct cli *cli;
    const char *path; /* of the output */
    struct pack_input *old_image, *new_image;
    struct pack_output *output;
    struct pack_delta_report report;
};

static void files_clear(struct files *files)
{
    pack_output_discard(&files->output);
    pack_input_close(&files->old_image);
    pack_input_close(&files->new_image);
}

static int open_image(struct pack_input **input, const char *path, struct pack_error *error)
{
    const int code = pack_input_open(input, path, error);
    if (code != 0 || (*input)->seekable)
        return code;
    pack_fail(error, PACK_E_USAGE, "is a pipe, a delta needs files");
    return pack_at_file(error, path);
}

static void report_files(const struct files *files, const struct pack_delta_options *options)
{
    struct cli *cli = files->cli;
    struct pack_json *json = cli_json(cli);
    const struct pack_delta_report *report = &files->report;
    const bool own = options->format == PACK_DELTA_FWD;
    cli_print(cli, "%s: %llu bytes%s, %s of %s", files->path,
              (unsigned long long)report->patch_size, cli->dry_run ? " would be written" : "",
              share_of(report->patch_size, report->new_size).text, files->new_image->name);
    pack_json_string(json, "kind", "patch");
    pack_json_string(json, "output", files->path);
    pack_json_string(json, "format", pack_delta_format_name(options->format));
    pack_json_unsigned(json, "size", report->patch_size);
    pack_json_unsigned(json, "old_size", report->old_size);
    pack_json_unsigned(json, "new_size", report->new_size);
    if (!own)
        return;
    cli_print(cli, "  decoder %s, %llu bytes of memory", pack_delta_decoder_name(options->decoder),
              (unsigned long long)report->decoder_memory);
    delta_report_print(cli, 2, report);
    pack_json_string(json, "decoder", pack_delta_decoder_name(options->decoder));
    pack_json_unsigned(json, "decoder_memory", report->decoder_memory);
    delta_report_json(json, report);
}

static int delta_files(struct cli *cli, const struct arguments *arguments,
                       const struct pack_delta_options *options, struct pack_error *error)
{
    CLI_AUTO(files_clear)
    struct files files = {.cli = cli, .path = arguments_value(arguments, "output")};
    if (files.path == NULL)
        files.path = "-";
    int code = open_image(&files.old_image, arguments_at(arguments, 0), error);
    if (code == 0)
        code = open_image(&files.new_image, arguments_at(arguments, 1), error);
    if (code == 0)
        code = cli_output_open(cli, &files.output, files.path, PACK_OUTPUT_DEFAULT, files.new_image,
                               error);
    if (code == 0)
        code = pack_delta_create(cli->context, files.old_image, files.new_image,
                                 pack_output_sink(files.output), options, &files.report, error);
    if (code == 0 && !cli->dry_run)
        code = pack_output_commit(&files.output, error);
    if (code != 0)
        return code;
    report_files(&files, options);
    return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static int is_bundle(bool *bundle, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    uint8_t head[16];
    size_t got = 0;
    int code = open_image(&input, path, error);
    if (code == 0)
        code = pack_input_read(input, 0, head, sizeof head, &got, error);
    *bundle = code == 0 && pack_bundle_probe(head, got);
    return code;
}

static int check_output(const struct arguments *arguments, bool dry_run, struct pack_error *error)
{
    const char *output = arguments_value(arguments, "output");
    if (output == NULL && !dry_run) {
        pack_fail(error, PACK_E_USAGE, "nothing says where to write");
        return pack_hint(error, "give -o FILE, or -o - for standard output");
    }
    for (size_t i = 0; output != NULL && i < arguments_count(arguments); i++)
        if (cli_same_file(arguments_at(arguments, i), output)) {
            pack_fail(error, PACK_E_USAGE, "the output is one of the inputs");
            return pack_at_file(error, output);
        }
    return 0;
}

/* What concerns signatures has no meaning where nothing is signed. */
static int check_files(const struct arguments *arguments, struct pack_error *error)
{
    static const char *const of_bundles[] = {"key", "pubkey", "require", "keep-full", "identity"};
    if (arguments_count(arguments) > 2) {
        pack_fail(error, PACK_E_USAGE, "a patch is made from one OLD, here are %zu",
                  arguments_count(arguments) - 1);
        return pack_hint(error, "run it once for each; a bundle takes a delta from many");
    }
    for (size_t i = 0; i < sizeof of_bundles / sizeof of_bundles[0]; i++)
        if (arguments_flag(arguments, of_bundles[i]) &&
            !arguments_from_variable(arguments, of_bundles[i]))
            return pack_fail(error, PACK_E_USAGE, "--%s goes with bundles, these are plain files",
                             of_bundles[i]);
    return 0;
}

static int check_bundles(const struct arguments *arguments,
                         const struct pack_delta_options *options, struct pack_error *error)
{
    bool bundle = true;
    int code = 0;
    for (size_t i = 0; code == 0 && i < arguments_count(arguments); i++) {
        code = is_bundle(&bundle, arguments_at(arguments, i), error);
        if (code == 0 && !bundle) {
            pack_fail(error, PACK_E_USAGE, "is no bundle, but others here are");
            return pack_at_file(error, arguments_at(arguments, i));
        }
    }
    if (code == 0 && options->format != PACK_DELTA_FWD)
        code = pack_fail(error, PACK_E_USAGE, "--format goes with plain files: bundles carry fwd");
    return code;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    struct pack_delta_options options;
    const size_t count = arguments_count(arguments);
    bool bundles = false;
    int code = read_options(&options, arguments, error);
    if (code == 0)
        code = check_output(arguments, cli->dry_run, error);
    for (size_t i = 0; code == 0 && !bundles && i < count; i++)
        code = is_bundle(&bundles, arguments_at(arguments, i), error);
    if (code == 0)
        code = bundles ? check_bundles(arguments, &options, error) : check_files(arguments, error);
    if (code != 0)
        return code;
    return bundles ? delta_bundles(cli, arguments, &options, error)
                   : delta_files(cli, arguments, &options, error);
}

static const struct option options[] = {
    {.name = "level",
     .kind = OPTION_CHOICE,
     .value = "LEVEL",
     .choices = pack_delta_level_name,
     .help = "how hard to try: fast, default or best"},
    {.name = "decoder",
     .kind = OPTION_CHOICE,
     .value = "PROFILE",
     .choices = pack_delta_decoder_name,
     .help = "what the device can afford: tiny, small (in place) or full"},
    {.name = "decoder-memory",
     .kind = OPTION_SIZE,
     .value = "SIZE",
     .minimum = 1,
     .help = "most memory that applying may take (the profile's)"},
    {.name = "memory",
     .kind = OPTION_SIZE,
     .value = "SIZE",
     .minimum = PACK_MIB,
     .help = "most memory for making one delta (1GiB)"},
    {.name = "in-place",
     .kind = OPTION_SIZE,
     .value = "SCRATCH",
     .implied = "4096",
     .maximum = 256 * PACK_MIB,
     .help = "for one slot, with SCRATCH bytes of flash beside (4096)"},
    {.name = "page-size",
     .kind = OPTION_SIZE,
     .value = "SIZE",
     .minimum = 128,
     .maximum = 16 * PACK_MIB,
     .help = "what the flash erases at once, with --in-place (4KiB)"},
    {.name = "architecture",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = choice_architecture,
     .help = "the machine code inside (found out)"},
    {.name = "no-unpack", .help = "leave packed parts of the images packed"},
    {.name = "keep-full", .help = "keep the full images too, for any other device"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = pack_delta_format_name,
     .help = "of plain files' patch: fwd, or one for another tool"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "OLD", .kind = OPTION_PATH},
    {.name = "NEW", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

const struct command command_delta = {
    .name = "delta",
    .summary = "make the update from old releases to a new one small",
    .synopsis = "OLD... NEW -o OUT -p [ROLE=]PUB... [-k KEY]... [--identity KEY]... [--keep-full]\n"
                "OLD NEW -o PATCH",
    .description =
        "Of bundles, writes the bundle NEW once more, with a delta from each OLD in place of full "
        "images; devices on those releases fetch a fraction. release.json and its signatures stay "
        "byte for byte; delivery.json is made anew, with the next revision, and signed with -k. "
        "An image that did not change is marked to be kept. Where a delta would be no smaller, as "
        "of images that are ciphertext themselves, the full image stays, and the report says why. "
        "Encrypted bundles are opened with --identity. The deltas are not encrypted: \"fwpack "
        "encrypt\" follows. All inputs are verified; an OLD that is itself a delta is rebuilt from "
        "those before it; each delta is "
        "applied and compared before it is kept.\n\n"
        "Of two plain files, writes a patch that \"fwpack patch\" applies. --format writes one for "
        "bspatch, xdelta3 -d or zstd -d --patch-from, for devices that have these.\n\n"
        "--decoder says what the device can afford: tiny runs in 6 KiB, small in tens of KiB, "
        "full in a few MiB. full is the default, and small with --in-place, which full lacks; the "
        "patch says how much it takes, and a device refuses before it "
        "starts. --in-place is for a device with one slot. There the patch destroys the old image "
        "as it goes; so devices heed it only where a release key has signed delivery.json too.\n\n"
        "--memory bounds each delta in the making; as many are made at once as there are threads. "
        "The same inputs give the same bytes for any number of threads. --dry-run does all the "
        "work, writes nothing, and tells the sizes.",
    .examples = "# from the last five releases\n"
                "fwpack delta acme-1.[0-4].0.fwb acme-1.5.0.fwb -o acme-1.5.0-delta.fwb \\\n"
                "    -p release.pub -k release.key\n"
                "# plain images, for a microcontroller\n"
                "fwpack delta app-1.bin app-2.bin -o app.fwd --decoder tiny\n"
                "# one slot, pages of 2 KiB\n"
                "fwpack delta app-1.bin app-2.bin -o app.fwd --in-place=2KiB --page-size 2KiB\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_SIGNS | GROUP_TRUST | GROUP_IDENTITY,
    .exits = EXITS(3, 4, 10, 11, 12, 13, 14, 16, 17, 18),
    .run = run,
};
