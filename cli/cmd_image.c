/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "describe.h"
#include "image_edit.h"
#include "image_input.h"
#include "report.h"

#include "formats/formats.h"
#include "formats/uf2.h"
#include "pack/digest.h"
#include "pack/image.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- info ------------------------------------------------------------------------------------ */

static int hash_input(uint8_t digest[PACK_SHA256_SIZE], struct pack_input *input,
                      const struct pack_context *context, struct pack_error *error)
{
    CLI_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    uint8_t piece[16384];
    size_t got = sizeof piece;
    int code = pack_sha256_new(&hash, error);
    for (uint64_t offset = 0; code == 0 && got == sizeof piece; offset += got) {
        pack_progress(context, "hash", offset, input->size);
        code = pack_check_cancelled(context, error);
        if (code == 0)
            code = pack_input_read(input, offset, piece, sizeof piece, &got, error);
        if (code == 0)
            code = pack_sha256_update(hash, piece, got, error);
    }
    return code == 0 ? pack_sha256_finish(hash, digest, error) : code;
}

static void print_head(struct cli *cli, const struct image_input *image, const char *name,
                       const char *sha256)
{
    const struct pack_format *format = image->format;
    cli_print_styled(cli, STYLE_BOLD, "%s: %s%s%s%s", name,
                     format != NULL ? format->summary : "raw", format != NULL ? " (" : "",
                     format != NULL ? format->name : "", format != NULL ? ")" : "");
    cli_print(cli, "  size: %" PRIu64, image->input->size);
    cli_print(cli, "  sha256: %s", sha256);
}

static void json_head(struct pack_json *json, const struct image_input *image, const char *name,
                      const char *sha256)
{
    const struct pack_format *format = image->format;
    pack_json_object(json, NULL);
    pack_json_string(json, "file", name);
    pack_json_string(json, "format", format != NULL ? format->name : "raw");
    pack_json_string(json, "summary", format != NULL ? format->summary : "raw binary");
    pack_json_unsigned(json, "size", image->input->size);
    pack_json_string(json, "sha256", sha256);
}

static int print_facts(struct cli *cli, const struct image_input *image, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    const int code = pack_image_describe_text(image->format, image->input, &text, error);
    if (code == 0 && !cli->quiet)
        cli_write(cli, text, strlen(text));
    return code;
}

/* Told once, for what it is wanted for: a description may read the whole file. */
static int tell_facts(struct cli *cli, const struct image_input *image, struct pack_error *error)
{
    struct pack_json *json = cli_json(cli);
    int code = 0;
    if (image->format != NULL && !cli->json)
        return print_facts(cli, image, error);
    pack_json_object(json, "facts");
    if (image->format != NULL)
        code = pack_image_describe_json(image->format, image->input, json, error);
    pack_json_end(json);
    if (image->format == NULL)
        cli_note(cli, "%s: no format is known for it, so nothing is told of its content",
                 image->input->name);
    return code;
}

/* What stands in the results for a file that could not be read. */
static int fail_image(struct cli *cli, const char *path, struct pack_error *error)
{
    struct pack_json *json = cli_json(cli);
    pack_at_file(error, path);
    pack_json_object(json, NULL);
    pack_json_string(json, "file", path);
    report_error_json(json, "error", error);
    pack_json_end(json);
    return (int)error->code;
}

int describe_image(struct cli *cli, const char *path, struct pack_error *error)
{
    CLI_AUTO_IMAGE_INPUT struct image_input image = {0};
    uint8_t digest[PACK_SHA256_SIZE];
    char sha256[PACK_SHA256_HEX_SIZE];
    int code = image_input_open(&image, cli, path, NULL, error);
    if (code == 0)
        code = hash_input(digest, image.input, cli->context, error);
    if (code != 0)
        return fail_image(cli, path, error);
    pack_sha256_hex(digest, sha256);
    print_head(cli, &image, image.input->name, sha256);
    json_head(cli_json(cli), &image, image.input->name, sha256);
    code = tell_facts(cli, &image, error);
    if (code != 0) {
        pack_at_file(error, path);
        report_error_json(cli_json(cli), "error", error);
    }
    pack_json_end(cli_json(cli));
    return code;
}

/* All are told; the first failure gives the exit status, each is told as it is met. */
static int run_info(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    pack_json_array(cli_json(cli), "results");
    for (size_t i = 0; i < arguments_count(arguments); i++) {
        struct pack_error failure = {0};
        if (describe_image(cli, arguments_at(arguments, i), &failure) == 0)
            continue;
        report_error(cli, &failure);
        cli->reported = true;
        if (error->code == 0)
            *error = failure;
        if (failure.code == PACK_E_INTERRUPTED)
            break;
    }
    pack_json_end(cli_json(cli));
    return (int)error->code;
}

static const struct positional info_positionals[] = {
    {.name = "FILE", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

static const struct command command_image_info = {
    .name = "info",
    .summary = "say what firmware images are, and what is inside",
    .synopsis = "FILE...",
    .description =
        "Finds each file's format by its content, never by its name, and tells what its headers "
        "say: sizes, versions, addresses, identifiers, segments, partitions, volumes, members. "
        "Checksums that the headers hold are checked, and a file that contradicts itself or is "
        "cut short is an error with the line or the offset.\n\n"
        "What is told is what the file says of itself. Nothing of it is proved: `fwpack verify` "
        "proves a bundle.\n\n"
        "A file of no known format is raw: its size and SHA-256 are all there is to tell.",
    .examples = "fwpack image info build/u-boot.itb build/app.hex\n"
                "# the partitions of a disk image\n"
                "fwpack image info --json disk.img | jq '.results[0].facts.partitions'\n"
                "xz -dc disk.img.xz | fwpack image info -\n",
    .positionals = info_positionals,
    .exits = EXITS(3),
    .run = run_info,
};

/* --- convert: what is asked for -------------------------------------------------------------- */

enum { MAX_RANGES = 64 };

struct conversion {
    struct cli *cli;
    const struct arguments *arguments;
    const char *output;
    const struct pack_format *to;
    bool has_base;
    uint64_t base;
    size_t range_count;
    struct address_range ranges[MAX_RANGES];
    bool has_offset, negative;
    uint64_t distance;
    struct image_input input;
    struct pack_image *image;
};

static void conversion_clear(struct conversion *conversion)
{
    pack_image_free(&conversion->image);
    image_input_clear(&conversion->input);
}

static bool has_suffix(const struct pack_format *format, const char *name)
{
    const size_t length = strlen(name);
    const char *suffix = format->suffixes != NULL ? format->suffixes : "";
    while (*suffix != '\0') {
        const size_t size = strcspn(suffix, " ");
        if (size < length && strncasecmp(name + length - size, suffix, size) == 0)
            return true;
        suffix += size + strspn(suffix + size, " ");
    }
    return false;
}

static int find_target(struct conversion *conversion, struct pack_error *error)
{
    const char *name = arguments_value(conversion->arguments, "to");
    if (name != NULL) {
        conversion->to = pack_format_find(conversion->cli->context, name);
        return 0;
    }
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++) {
        if ((*format)->write != NULL && has_suffix(*format, conversion->output)) {
            conversion->to = *format;
            return 0;
        }
    }
    pack_fail(error, PACK_E_USAGE, "the format to write does not show in the name \"%s\"",
              conversion->output);
    return pack_hint(error,
                     "name it with --to, or with a suffix such as .hex, .srec, .uf2 or .bin");
}

static int take_ranges(struct conversion *conversion, struct pack_error *error)
{
    size_t count = 0;
    const char *const *texts = arguments_values(conversion->arguments, "crop", &count);
    if (count > MAX_RANGES)
        return pack_fail(error, PACK_E_USAGE, "--crop can be given at most %d times", MAX_RANGES);
    for (size_t i = 0; i < count; i++) {
        const int code = address_range_parse(&conversion->ranges[i], texts[i], error);
        if (code != 0)
            return code;
    }
    conversion->range_count = count;
    return 0;
}

/* All that can be judged before a file is opened. */
static int validate(struct conversion *conversion, struct pack_error *error)
{
    const struct arguments *arguments = conversion->arguments;
    const char *offset = arguments_value(arguments, "offset");
    conversion->output = arguments_value(arguments, "output");
    if (conversion->output == NULL) {
        pack_fail(error, PACK_E_USAGE, "no output is named");
        return pack_hint(error, "give one with -o FILE");
    }
    conversion->has_base = arguments_number(arguments, "base", &conversion->base);
    conversion->has_offset = offset != NULL;
    int code = find_target(conversion, error);
    if (code == 0)
        code = take_ranges(conversion, error);
    if (code == 0 && offset != NULL)
        code = address_offset_parse(&conversion->negative, &conversion->distance, offset, error);
    if (code == 0 && arguments_value(arguments, "family") != NULL &&
        strcmp(conversion->to->name, "uf2") != 0)
        code = pack_fail(error, PACK_E_USAGE, "--family goes with UF2, and %s is to be written",
                         conversion->to->summary);
    return code;
}

/* --- convert: the work ----------------------------------------------------------------------- */

static int read_input(struct conversion *conversion, struct pack_error *error)
{
    const char *path = arguments_at(conversion->arguments, 0);
    const char *from = arguments_value(conversion->arguments, "from");
    int code = image_input_open(&conversion->input, conversion->cli, path, from, error);
    if (code != 0)
        return pack_at_file(error, path);
    /* From raw to raw no address is needed: offsets are addresses then. */
    const bool raw = conversion->input.format == NULL;
    const bool based = conversion->has_base || strcmp(conversion->to->name, "raw") == 0;
    if (!raw && conversion->has_base) {
        pack_fail(error, PACK_E_USAGE, "is %s, which has addresses of its own",
                  conversion->input.format->summary);
        pack_at_file(error, path);
        return pack_hint(error, "--base is for raw files; --offset moves addresses");
    }
    return image_input_read(&conversion->image, &conversion->input,
                            based ? &conversion->base : NULL, error);
}

static void warn_of_entry(const struct conversion *conversion, const struct pack_image *other,
                          const char *name)
{
    const struct pack_image *image = conversion->image;
    if (image->has_entry && other->has_entry && image->entry != other->entry)
        cli_warn(conversion->cli,
                 "%s: its entry point 0x%08" PRIx64 " is left out, 0x%08" PRIx64 " is kept", name,
                 other->entry, image->entry);
}

static int merge_one(struct conversion *conversion, const char *path, struct pack_error *error)
{
    CLI_AUTO_IMAGE_INPUT struct image_input input = {0};
    CLI_AUTO(pack_image_free) struct pack_image *other = NULL;
    int code = image_input_open(&input, conversion->cli, path, NULL, error);
    if (code == 0 && input.format == NULL) {
        pack_fail(error, PACK_E_USAGE, "is a raw file, which has no address to merge it at");
        pack_hint(error, "convert it first, with --base, to a format with addresses");
        code = (int)error->code;
    }
    if (code == 0)
        code = image_input_read(&other, &input, NULL, error);
    if (code == 0)
        warn_of_entry(conversion, other, path);
    if (code == 0)
        code = image_merge(&conversion->image, arguments_at(conversion->arguments, 0), other, path,
                           error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

static int edit(struct conversion *conversion, struct pack_error *error)
{
    const struct arguments *arguments = conversion->arguments;
    uint64_t fill = 0, family = 0;
    size_t merges = 0;
    const char *const *paths = arguments_values(arguments, "merge", &merges);
    int code = 0;
    for (size_t i = 0; code == 0 && i < merges; i++)
        code = merge_one(conversion, paths[i], error);
    if (code == 0 && conversion->has_offset)
        code = image_move(&conversion->image, conversion->negative, conversion->distance, error);
    if (code == 0 && conversion->range_count != 0)
        code = image_crop(&conversion->image, conversion->ranges, conversion->range_count, error);
    if (code == 0 && arguments_number(arguments, "fill", &fill))
        code = image_fill(&conversion->image, conversion->ranges, conversion->range_count,
                          (uint8_t)fill, error);
    if (code == 0 && arguments_number(arguments, "family", &family))
        fwpack_uf2_set_family(conversion->image, (uint32_t)family);
    return code;
}

/* For a dry run: all is done but the writing. */
static int write_nothing(struct pack_sink *sink, const void *bytes, size_t size,
                         struct pack_error *error)
{
    (void)sink;
    (void)bytes;
    (void)size;
    (void)error;
    return 0;
}

static int write_output(struct conversion *conversion, struct pack_error *error)
{
    static const struct pack_sink_ops nothing_ops = {.write = write_nothing};
    struct pack_sink nothing = {.ops = &nothing_ops};
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    if (conversion->cli->dry_run)
        return pack_image_write(&nothing, conversion->to, conversion->image, error);
    int code = cli_output_open(conversion->cli, &output, conversion->output, PACK_OUTPUT_DEFAULT,
                               conversion->input.input, error);
    if (code == 0)
        code = pack_image_write(pack_output_sink(output), conversion->to, conversion->image, error);
    return code == 0 ? pack_output_commit(&output, error) : code;
}

/* --- convert: the answer --------------------------------------------------------------------- */

static void json_address(struct pack_json *json, const char *name, uint64_t address)
{
    char text[24];
    snprintf(text, sizeof text, "0x%08" PRIx64, address);
    pack_json_string(json, name, text);
}

static bool keeps_entry(const struct conversion *conversion)
{
    return (conversion->to->abilities & PACK_FORMAT_ENTRY) != 0;
}

static void json_conversion(const struct conversion *conversion)
{
    const struct pack_image *image = conversion->image;
    struct pack_json *json = cli_json(conversion->cli);
    pack_json_string(json, "file", conversion->input.input->name);
    pack_json_string(json, "from",
                     conversion->input.format != NULL ? conversion->input.format->name : "raw");
    pack_json_string(json, "output", conversion->output);
    pack_json_string(json, "to", conversion->to->name);
    pack_json_boolean(json, "written", !conversion->cli->dry_run);
    pack_json_unsigned(json, "data_size", image->size);
    if (image->has_entry && keeps_entry(conversion))
        json_address(json, "entry", image->entry);
    pack_json_array(json, "segments");
    for (size_t i = 0; i < image->segment_count; i++) {
        pack_json_object(json, NULL);
        json_address(json, "address", image->segments[i].address);
        pack_json_unsigned(json, "size", image->segments[i].size);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void print_conversion(const struct conversion *conversion)
{
    const struct pack_image *image = conversion->image;
    struct cli *cli = conversion->cli;
    cli_print(cli, "%s: %s, %" PRIu64 " byte%s of data%s", conversion->output,
              conversion->to->summary, image->size, image->size == 1 ? "" : "s",
              cli->dry_run ? ", would be written" : "");
    for (size_t i = 0; i < image->segment_count; i++)
        cli_print(cli, "  0x%08" PRIx64 " to 0x%08" PRIx64 ", %" PRIu64 " byte%s",
                  image->segments[i].address, image->segments[i].address + image->segments[i].size,
                  image->segments[i].size, image->segments[i].size == 1 ? "" : "s");
    if (image->has_entry)
        cli_print(cli, "  entry point 0x%08" PRIx64 "%s", image->entry,
                  keeps_entry(conversion) ? "" : ", which this format has no place for");
}

static int run_convert(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(conversion_clear)
    struct conversion conversion = {.cli = cli, .arguments = arguments};
    int code = validate(&conversion, error);
    if (code == 0)
        code = read_input(&conversion, error);
    if (code == 0)
        code = edit(&conversion, error);
    if (code == 0)
        code = write_output(&conversion, error);
    if (code != 0)
        return code;
    print_conversion(&conversion);
    json_conversion(&conversion);
    return 0;
}

static const char *choice_readable_format(size_t index)
{
    if (index == 0)
        return "raw";
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++)
        if ((*format)->read != NULL && index-- == 1)
            return (*format)->name;
    return NULL;
}

static const struct option convert_options[] = {
    {.name = "from",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = choice_readable_format,
     .help = "read FORMAT (found by content): raw, ihex, srec, …"},
    {.name = "to",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = choice_writable_format,
     .help = "write raw, ihex, srec or uf2 (by the output's suffix)"},
    {.name = "base",
     .kind = OPTION_ADDRESS,
     .value = "ADDRESS",
     .help = "where a raw file's first byte belongs"},
    {.name = "merge",
     .kind = OPTION_PATH,
     .value = "FILE",
     .repeatable = true,
     .help = "add another image's data; repeatable"},
    {.name = "offset",
     .kind = OPTION_TEXT,
     .value = "N",
     .help = "add N, which may be negative, to every address"},
    {.name = "crop",
     .kind = OPTION_TEXT,
     .value = "RANGE",
     .repeatable = true,
     .help = "keep START:END or START+LENGTH only; repeatable"},
    {.name = "fill",
     .kind = OPTION_ADDRESS,
     .value = "BYTE",
     .maximum = 255,
     .help = "fill holes, and what --crop leaves empty, with BYTE"},
    {.name = "family",
     .kind = OPTION_ADDRESS,
     .value = "ID",
     .maximum = UINT32_MAX,
     .help = "the family id of a UF2 file"},
    {.name = NULL},
};

static const struct positional convert_positionals[] = {
    {.name = "IN", .kind = OPTION_PATH},
    {.name = NULL},
};

static const struct command command_image_convert = {
    .name = "convert",
    .summary = "turn an image into another format, or cut, fill, move and merge it",
    .synopsis = "IN -o OUT [--from FORMAT] [--to FORMAT] [--base ADDRESS] "
                "[--merge FILE]... [--offset N] [--crop RANGE]... [--fill BYTE]",
    .description =
        "Reads Intel HEX, S-record, UF2, ELF (what is loaded, by physical address), DfuSe and raw "
        "files, and writes Intel HEX, S-record, UF2 and raw ones. The entry point is kept where "
        "the format has a place for it. Addresses are decimal or 0x….\n\n"
        "The steps come in this order: merge, offset, crop, fill. An address is never guessed: a "
        "raw file needs --base, unless it becomes another raw file, where offsets are addresses. "
        "A raw output has no addresses, so that a hole in it is an error unless --fill says what "
        "stands there. Two images that have data at the same address do not merge. With --crop, "
        "--fill fills the whole of each range.",
    .examples = "# what a debugger made, for a bootloader that takes UF2\n"
                "fwpack image convert app.elf -o app.uf2 --family 0xe48bff56\n"
                "fwpack image convert app.bin --base 0x08004000 -o app.hex\n"
                "fwpack image convert app.hex --offset=-0x08000000 -o app.srec\n"
                "# one file for the factory, 512 KiB of flash\n"
                "fwpack image convert boot.hex --merge app.hex \\\n"
                "    --crop 0x08000000+0x80000 --fill 0xff -o flash.bin\n",
    .positionals = convert_positionals,
    .options = convert_options,
    .groups = GROUP_WRITES,
    .exits = EXITS(3),
    .run = run_convert,
};

/* --- the command ----------------------------------------------------------------------------- */

static const struct command *const subcommands[] = {
    &command_image_info,
    &command_image_convert,
    NULL,
};

const struct command command_image = {
    .name = "image",
    .summary = "identify and convert firmware images",
    .synopsis = "COMMAND [OPTION]... FILE...",
    .description = "Works on firmware image files of many formats, without any bundle.",
    .subcommands = subcommands,
};
