/* SPDX-License-Identifier: MIT */
#include "bases.h"
#include "cli.h"
#include "commands.h"
#include "memory_sink.h"

#include "pack/bundle.h"
#include "pack/image.h"
#include "pack/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An image, or an attachment where `attachment` is set. */
struct item {
    bool attachment;
    size_t index;
};

/* What was written, and gets its name when all the rest is good too. */
struct staged {
    struct item item;
    char *path;
};

struct extraction {
    struct cli *cli;
    const struct arguments *arguments;
    struct pack_trust *trust;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
    struct cli_bases bases;
    const char *folder; /* -C */
    const char *output; /* -o */
    bool raw;
    bool has_range; /* of one image's flat bytes: */
    uint64_t offset, length;
    size_t staged_count;
    struct staged *staged;
    struct pack_output **outputs; /* of the staged; NULL in a dry run */
    char *made[2]; /* folders that were not there, in the order in which they were made */
    bool done;
};

static void staged_free(struct extraction *extraction)
{
    for (size_t i = 0; i < extraction->staged_count; i++) {
        pack_output_discard(&extraction->outputs[i]);
        free(extraction->staged[i].path);
    }
    free(extraction->staged);
    free(extraction->outputs);
}

/* Takes the folders away again where nothing came to stand in them. */
static void folders_free(struct extraction *extraction)
{
    for (size_t i = sizeof extraction->made / sizeof extraction->made[0]; i-- > 0;) {
        if (!extraction->done && extraction->made[i] != NULL)
            rmdir(extraction->made[i]);
        free(extraction->made[i]);
    }
}

static void extraction_clear(struct extraction *extraction)
{
    staged_free(extraction);
    folders_free(extraction);
    pack_trusted_free(&extraction->trusted);
    cli_bases_close(&extraction->bases);
    pack_bundle_close(&extraction->bundle);
    pack_input_close(&extraction->input);
    pack_trust_free(&extraction->trust);
}

/* --- images ---------------------------------------------------------------------------------- */

/* The format that an image is written in; NULL for one that travels as it is. */
static const struct pack_format *format_of(const struct extraction *extraction,
                                           const struct pack_release_image *image)
{
    if (image->format == NULL || extraction->raw)
        return NULL;
    const struct pack_format *format = pack_format_find(extraction->cli->context, image->format);
    /* ELF is read, not written: Intel HEX keeps its addresses and entry. */
    return format != NULL && format->write != NULL
               ? format
               : pack_format_find(extraction->cli->context, "ihex");
}

static int build_image(struct pack_image **made, const struct pack_release_image *image,
                       const uint8_t *bytes, struct pack_error *error)
{
    CLI_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    int code = pack_image_builder_new(&builder, error);
    uint64_t offset = 0;
    uint8_t note[PACK_NOTE_SIZE];
    size_t note_size = 0;
    for (size_t i = 0; code == 0 && i < image->segment_count; i++) {
        code = pack_image_add(builder, image->segments[i].address, bytes + offset,
                              (size_t)image->segments[i].size, offset, error);
        offset += image->segments[i].size;
    }
    if (code == 0 && image->has_entry)
        pack_image_entry(builder, image->entry);
    pack_release_note(image, note, &note_size);
    if (code == 0 && note_size != 0)
        code = pack_image_note(builder, note, note_size, error);
    return code != 0 ? code : pack_image_builder_finish(&builder, made, error);
}

static int extract_segmented(struct extraction *extraction, size_t index,
                             const struct pack_format *format, struct pack_sink *sink,
                             struct pack_error *error)
{
    const struct pack_release_image *image =
        &pack_trusted_release(extraction->trusted)->images[index];
    CLI_AUTO(pack_image_free) struct pack_image *made = NULL;
    CLI_AUTO(memory_sink_clear) struct memory_sink memory = {.size = 0};
    int code = memory_sink_open(&memory, image->size, error);
    if (code == PACK_E_LIMIT) {
        pack_context(error, "image \"%s\"", image->name);
        return pack_hint(error, "--raw extracts it without addresses");
    }
    if (code == 0)
        code = pack_bundle_extract(extraction->trusted, index, &memory.sink, error);
    if (code == 0)
        code = build_image(&made, image, memory.bytes, error);
    return code != 0 ? code : pack_image_write(sink, format, made, error);
}

static int extract_image(struct extraction *extraction, size_t index, struct pack_sink *sink,
                         struct pack_error *error)
{
    const struct pack_release_image *image =
        &pack_trusted_release(extraction->trusted)->images[index];
    const struct pack_format *format = format_of(extraction, image);
    if (extraction->has_range)
        return pack_bundle_extract_range(extraction->trusted, index, extraction->offset,
                                         extraction->length, sink, error);
    return format != NULL ? extract_segmented(extraction, index, format, sink, error)
                          : pack_bundle_extract(extraction->trusted, index, sink, error);
}

/* --- one output ------------------------------------------------------------------------------ */

static const char *item_name(const struct extraction *extraction, struct item item)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    return item.attachment ? release->attachments[item.index].name
                           : release->images[item.index].name;
}

static int item_path(const struct extraction *extraction, struct item item, char **path,
                     struct pack_error *error)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    char suffix[16] = "";
    if (!item.attachment) {
        const struct pack_format *format = format_of(extraction, &release->images[item.index]);
        snprintf(suffix, sizeof suffix, "%.*s",
                 format != NULL ? (int)strcspn(format->suffixes, " ") : 4,
                 format != NULL                               ? format->suffixes
                 : release->images[item.index].format != NULL ? ".bin"
                                                              : ".img");
    }
    if (asprintf(path, "%s/%s%s%s", extraction->folder, item.attachment ? "attachments/" : "",
                 item_name(extraction, item), suffix) >= 0)
        return 0;
    *path = NULL;
    return pack_fail_memory(error);
}

static void report_item(struct extraction *extraction, struct item item, const char *path)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    const uint64_t size = item.attachment         ? release->attachments[item.index].size
                          : extraction->has_range ? extraction->length
                                                  : release->images[item.index].size;
    const uint8_t *sha256 = item.attachment ? release->attachments[item.index].sha256
                                            : release->images[item.index].sha256;
    struct pack_json *json = cli_json(extraction->cli);
    cli_print(extraction->cli, "%s: %llu bytes%s", path, (unsigned long long)size,
              extraction->cli->dry_run ? " would be written" : "");
    pack_json_object(json, NULL);
    pack_json_string(json, "kind", item.attachment ? "attachment" : "image");
    pack_json_string(json, "name", item_name(extraction, item));
    pack_json_string(json, "file", path);
    pack_json_unsigned(json, "size", size);
    if (extraction->has_range)
        pack_json_unsigned(json, "offset", extraction->offset);
    else
        pack_json_hex(json, "sha256", sha256, PACK_SHA256_SIZE);
    pack_json_end(json);
}

static int write_item(struct extraction *extraction, struct item item, const char *path,
                      struct pack_output **output, struct pack_error *error)
{
    const int code = cli_output_open(extraction->cli, output, path, PACK_OUTPUT_DEFAULT,
                                     extraction->input, error);
    if (code != 0)
        return code;
    struct pack_sink *sink = pack_output_sink(*output);
    return item.attachment
               ? pack_bundle_extract_attachment(extraction->trusted, item.index, sink, error)
               : extract_image(extraction, item.index, sink, error);
}

static int extract_item(struct extraction *extraction, struct item item, struct pack_error *error)
{
    const size_t number = extraction->staged_count++;
    struct staged *staged = &extraction->staged[number];
    *staged = (struct staged){.item = item};
    int code = 0;
    if (extraction->output == NULL)
        code = item_path(extraction, item, &staged->path, error);
    else if ((staged->path = strdup(extraction->output)) == NULL)
        code = pack_fail_memory(error);
    if (code != 0 || extraction->cli->dry_run)
        return code;
    return write_item(extraction, item, staged->path, &extraction->outputs[number], error);
}

/* All is proved: now the files get their names. */
static int commit_items(struct extraction *extraction, struct pack_error *error)
{
    const size_t count = extraction->cli->dry_run ? 0 : extraction->staged_count;
    const int code = pack_output_commit_all(extraction->outputs, count, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < extraction->staged_count; i++)
        report_item(extraction, extraction->staged[i].item, extraction->staged[i].path);
    extraction->done = true;
    return 0;
}

/* --- which ----------------------------------------------------------------------------------- */

static bool travels(const struct extraction *extraction, const char *attachment)
{
    const struct pack_delivery *delivery = pack_trusted_delivery(extraction->trusted);
    for (size_t i = 0; i < delivery->attachment_count; i++)
        if (strcmp(delivery->attachments[i], attachment) == 0)
            return true;
    return false;
}

static bool is_named(const struct extraction *extraction, const char *name)
{
    for (size_t i = 1; i < arguments_count(extraction->arguments); i++)
        if (strcmp(arguments_at(extraction->arguments, i), name) == 0)
            return true;
    return false;
}

static int check_name(const struct extraction *extraction, const char *name,
                      struct pack_error *error)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    const char *words[PACK_MAX_IMAGES + PACK_MAX_ATTACHMENTS];
    size_t count = 0;
    for (size_t i = 0; i < release->image_count; i++)
        words[count++] = release->images[i].name;
    for (size_t i = 0; i < release->attachment_count; i++)
        words[count++] = release->attachments[i].name;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], name) == 0)
            return 0;
    const char *nearest = pack_nearest(name, words, count);
    pack_fail(error, PACK_E_USAGE, "no image or attachment is called \"%s\"", name);
    return nearest != NULL ? pack_hint(error, "did you mean \"%s\"?", nearest)
                           : pack_hint(error, "`fwpack inspect` lists what is inside");
}

/* Those that are named; without any name, with -C, all that travel. */
static bool takes_attachment(const struct extraction *extraction, const char *name)
{
    return arguments_count(extraction->arguments) == 1
               ? extraction->folder != NULL && travels(extraction, name)
               : is_named(extraction, name);
}

/* In the bundle's order, so that a pipe need not go back: attachments, then images. */
static int extract_items(struct extraction *extraction, struct pack_error *error)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    const bool all = arguments_count(extraction->arguments) == 1;
    int code = 0;
    const size_t most = release->attachment_count + release->image_count;
    extraction->staged = calloc(most, sizeof *extraction->staged);
    extraction->outputs = calloc(most, sizeof *extraction->outputs);
    if (extraction->staged == NULL || extraction->outputs == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; code == 0 && i < release->attachment_count; i++)
        if (takes_attachment(extraction, release->attachments[i].name))
            code = extract_item(extraction, (struct item){.attachment = true, .index = i}, error);
    for (size_t i = 0; code == 0 && i < release->image_count; i++)
        if (all || is_named(extraction, release->images[i].name))
            code = extract_item(extraction, (struct item){.index = i}, error);
    return code != 0 ? code : commit_items(extraction, error);
}

static int check_names(const struct extraction *extraction, struct pack_error *error)
{
    const size_t count = arguments_count(extraction->arguments) - 1;
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = check_name(extraction, arguments_at(extraction->arguments, i + 1), error);
    if (code == 0 && extraction->output != NULL &&
        (count > 1 || (count == 0 && release->image_count != 1))) {
        pack_fail(error, PACK_E_USAGE, "-o takes one image, there are %zu",
                  count != 0 ? count : release->image_count);
        return pack_hint(error, "name one, or give a folder with -C");
    }
    return code;
}

/* The image that --offset and --length are of; NULL where an attachment is named. */
static const struct pack_release_image *image_of_range(const struct extraction *extraction)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    const bool all = arguments_count(extraction->arguments) == 1;
    for (size_t i = 0; i < release->image_count; i++)
        if (all || is_named(extraction, release->images[i].name))
            return &release->images[i];
    return NULL;
}

/* Without --length it reaches to the image's end. */
static int check_range(struct extraction *extraction, struct pack_error *error)
{
    if (!extraction->has_range)
        return 0;
    const struct pack_release_image *image = image_of_range(extraction);
    if (image == NULL)
        return pack_fail(error, PACK_E_USAGE, "--offset and --length go with an image");
    if (format_of(extraction, image) != NULL) {
        pack_fail(error, PACK_E_USAGE, "image \"%s\" has addresses", image->name);
        return pack_hint(error, "--raw takes the range of its bytes without them");
    }
    if (extraction->length == 0 && extraction->offset < image->size)
        extraction->length = image->size - extraction->offset;
    return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static int open_trusted(struct extraction *extraction, struct pack_error *error)
{
    struct cli *cli = extraction->cli;
    CLI_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return pack_fail_memory(error);
    int code = cli_trust(&extraction->trust, cli, error);
    if (code == 0)
        code = cli_bases_open(&extraction->bases, cli, true, extraction->trust, error);
    if (code == 0)
        code = pack_input_open(&extraction->input, arguments_at(extraction->arguments, 0), error);
    if (code == 0)
        code = pack_bundle_open(&extraction->bundle, extraction->input, &extraction->bases.context,
                                error);
    if (code == 0)
        code = pack_bundle_trust(&extraction->trusted, extraction->bundle, extraction->trust,
                                 report, error);
    if (code == 0)
        cli_bases_lend(&extraction->bases, extraction->trusted);
    return code;
}

static int check_folder(const char *path, struct pack_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0 || S_ISDIR(status.st_mode))
        return 0;
    pack_fail(error, PACK_E_USAGE, "is no folder, and images are to be written into it");
    return pack_at_file(error, path);
}

/* Notes in *made what was not there. */
static int make_folder(const char *folder, char **made, struct pack_error *error)
{
    *made = strdup(folder);
    if (*made == NULL)
        return pack_fail_memory(error);
    if (mkdir(folder, 0777) == 0)
        return 0;
    const int number = errno;
    free(*made);
    *made = NULL;
    if (number == EEXIST)
        return check_folder(folder, error);
    pack_fail_errno(error, number, "cannot make the folder");
    if (number == ENOENT)
        pack_hint(error, "make the folder above it first");
    return pack_at_file(error, folder);
}

/* The user has named DIR; what lies in it may be somebody else's. */
static int refuse_link(const char *folder, struct pack_error *error)
{
    struct stat status;
    if (lstat(folder, &status) != 0 || !S_ISLNK(status.st_mode))
        return 0;
    pack_fail(error, PACK_E_USAGE, "is a symbolic link, and is not followed");
    return pack_at_file(error, folder);
}

/* DIR, and DIR/attachments where something goes into it. */
static int make_folders(struct extraction *extraction, struct pack_error *error)
{
    const struct pack_release *release = pack_trusted_release(extraction->trusted);
    CLI_AUTO_FREE char *attachments = NULL;
    bool wanted = false;
    if (extraction->folder == NULL || extraction->cli->dry_run)
        return 0;
    for (size_t i = 0; i < release->attachment_count; i++)
        wanted = wanted || takes_attachment(extraction, release->attachments[i].name);
    int code = make_folder(extraction->folder, &extraction->made[0], error);
    if (code != 0 || !wanted)
        return code;
    if (asprintf(&attachments, "%s/attachments", extraction->folder) < 0) {
        attachments = NULL;
        return pack_fail_memory(error);
    }
    code = refuse_link(attachments, error);
    return code != 0 ? code : make_folder(attachments, &extraction->made[1], error);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(extraction_clear)
    struct extraction extraction = {.cli = cli,
                                    .arguments = arguments,
                                    .folder = arguments_value(arguments, "directory"),
                                    .output = arguments_value(arguments, "output"),
                                    .raw = arguments_flag(arguments, "raw")};
    if (extraction.folder != NULL && extraction.output != NULL)
        return pack_fail(error, PACK_E_USAGE, "-C and -o exclude each other");
    if (extraction.folder == NULL && extraction.output == NULL)
        return pack_fail(error, PACK_E_USAGE,
                         "say where to: a folder with -C, or one file with -o");
    extraction.has_range = arguments_number(arguments, "offset", &extraction.offset);
    extraction.has_range |= arguments_number(arguments, "length", &extraction.length);
    if (extraction.has_range && extraction.output == NULL)
        return pack_fail(error, PACK_E_USAGE, "--offset and --length go with -o");
    int code = open_trusted(&extraction, error);
    if (code == 0)
        code = check_names(&extraction, error);
    if (code == 0)
        code = check_range(&extraction, error);
    if (code == 0)
        code = make_folders(&extraction, error);
    if (code != 0)
        return pack_at_file(error, arguments_at(arguments, 0));
    pack_json_array(cli_json(cli), "files");
    code = extract_items(&extraction, error);
    pack_json_end(cli_json(cli));
    return code;
}

static const struct option options[] = {
    {.name = "directory",
     .letter = 'C',
     .kind = OPTION_FOLDER,
     .value = "DIR",
     .help = "write each image into DIR, which is made if need be"},
    BASE_OPTION,
    DECODER_MEMORY_OPTION,
    {.name = "raw", .help = "write segmented images flat, without addresses"},
    {.name = "offset",
     .kind = OPTION_SIZE,
     .value = "SIZE",
     .help = "with -o: begin at byte SIZE of the image"},
    {.name = "length",
     .kind = OPTION_SIZE,
     .value = "SIZE",
     .minimum = 1,
     .help = "with -o: write SIZE bytes (all that follow)"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = "IMAGE", .kind = OPTION_TEXT, .optional = true, .many = true},
    {.name = NULL},
};

const struct command command_extract = {
    .name = "extract",
    .summary = "write the verified images of a bundle to files",
    .synopsis = "BUNDLE [IMAGE]... (-C DIR | -o FILE) -p [ROLE=]PUB... [--base FILE]... "
                "[--identity KEY]...",
    .description =
        "Checks the signatures as verify does, then writes the images, and with -C the "
        "attachments too (into DIR/attachments), or those that are named. Each block is proved "
        "before it is written, and "
        "the files appear when all are proved, or none. With \"-o -\" bytes flow as they are "
        "proved, and the "
        "exit status says whether they are all.\n\n"
        "A delta is applied to its old image, which --base gives: the image's file, in its own "
        "format or flat, or an old bundle, which is verified with the same keys. A base that is "
        "another than the delta was made from ends with 16. An encrypted image is opened with "
        "--identity, or with the passphrase that it was encrypted to; without one that fits, it "
        "ends with 4.\n\n"
        "--offset and --length take a part of one image. Of a full encoding only what the part "
        "lies "
        "in is read, proved and decrypted.\n\n"
        "A raw image is called NAME.img. One with addresses comes out in its own format, "
        "NAME.hex, NAME.s37 or NAME.uf2; what was ELF comes out as Intel HEX. --raw writes its "
        "bytes without addresses, as NAME.bin.",
    .examples = "fwpack extract acme-1.2.3.fwb -C out -p release.pub\n"
                "fwpack extract acme-1.2.3.fwb rootfs -o - -p release.pub | dd of=/dev/sdb2\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_TRUST | GROUP_OPENS,
    .exits = EXITS(3, 4, 10, 11, 12, 13, 14, 16, 17, 18),
    .run = run,
};
