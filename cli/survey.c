/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include "pack/image.h"
#include "pack/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_DEPTH = 3,
    MAX_LOOKED_AT = 20000, /* a folder of sources has many files; the images are near the top */
    MAX_CANDIDATES = 1024,
    MIN_IMAGE = 512, /* less is no image, unless its format says so */
};

/* --- names ----------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text), wanted = strlen(end);
    return size > wanted && strcasecmp(text + size - wanted, end) == 0;
}

static bool ends_with_one(const char *text, const char *const *ends)
{
    for (; *ends != NULL; ends++)
        if (ends_with(text, *ends))
            return true;
    return false;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcasecmp(text, *words) == 0)
            return true;
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static const char *const form_suffixes[] = {
    ".bin", ".img", ".hex", ".ihex", ".ihx", ".srec", ".s19",  ".s28", ".s37",
    ".mot", ".uf2", ".elf", ".axf",  ".out", ".itb",  ".ext4", ".ubi", ".wic",
    ".dtb", ".dfu", ".gz",  ".xz",   ".zst", ".bz2",  ".lz4",  NULL};

/* Bytes of a path without the last suffix that says its form; all where there is none. */
static size_t cut_form_suffix(const char *path, size_t size)
{
    for (size_t i = 0; form_suffixes[i] != NULL; i++) {
        const size_t length = strlen(form_suffixes[i]);
        if (size > length && path[size - length - 1] != '/' &&
            strncasecmp(path + size - length, form_suffixes[i], length) == 0)
            return size - length;
    }
    return size;
}

/* The part of a path before the suffixes of its form: "build/rootfs" of "build/rootfs.img.gz". */
static size_t stem_size(const char *path)
{
    const size_t whole = strlen(path);
    size_t size = whole, cut = cut_form_suffix(path, whole);
    while (cut != size) {
        size = cut;
        cut = cut_form_suffix(path, size);
    }
    const char *dot = strrchr(base_name(path) + 1, '.');
    return size == whole && dot != NULL ? (size_t)(dot - path) : size;
}

static char name_character(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._", c) != NULL)
        return c;
    return '-';
}

/* A name (pack_name_valid) out of any text. */
static void make_name(char name[PACK_MAX_NAME + 1], const char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size && used < PACK_MAX_NAME; i++) {
        const char c = name_character(text[i]);
        const bool mark = strchr("._-", c) != NULL;
        if (!mark || (used != 0 && strchr("._-", name[used - 1]) == NULL))
            name[used++] = c;
    }
    while (used != 0 && strchr("._-", name[used - 1]) != NULL)
        used--;
    name[used] = '\0';
    if (used == 0)
        snprintf(name, PACK_MAX_NAME + 1, "image");
}

/* --- what is an image ------------------------------------------------------------------------ */

enum take { TAKE_NEVER, TAKE_BY_SUFFIX, TAKE_ALWAYS };

/* Formats that also hold what is no firmware, and those that never are an image of a release. */
static const struct {
    const char *format;
    enum take take;
    const char *const *suffixes;
} rules[] = {
    {"elf", TAKE_BY_SUFFIX, (const char *const[]){".elf", ".axf", NULL}},
    {"pe", TAKE_BY_SUFFIX, (const char *const[]){".efi", NULL}},
    {"cpio", TAKE_BY_SUFFIX, (const char *const[]){".cpio", NULL}},
    {"gzip", TAKE_BY_SUFFIX,
     (const char *const[]){".img.gz", ".ext4.gz", ".wic.gz", ".cpio.gz", ".bin.gz", NULL}},
    {"xz", TAKE_BY_SUFFIX, (const char *const[]){".img.xz", ".ext4.xz", ".wic.xz", NULL}},
    {"zstd", TAKE_BY_SUFFIX,
     (const char *const[]){".img.zst", ".ext4.zst", ".wic.zst", ".cpio.zst", NULL}},
    {"bzip2", TAKE_BY_SUFFIX, (const char *const[]){".img.bz2", ".wic.bz2", NULL}},
    {"lz4", TAKE_BY_SUFFIX, (const char *const[]){".img.lz4", ".wic.lz4", NULL}},
    {"lz4-legacy", TAKE_NEVER, NULL},
    {"tar", TAKE_NEVER, NULL},
    {"zip", TAKE_NEVER, NULL},
    {"ar", TAKE_NEVER, NULL},
    {"deb", TAKE_NEVER, NULL},
    {"cab", TAKE_NEVER, NULL},
};

/* Files whose content says nothing. */
static const char *const raw_suffixes[] = {".bin", ".img", ".rom", ".raw", ".wic", NULL};

static bool is_image(const char *path, const struct pack_format *format, uint64_t size)
{
    const bool small = size < MIN_IMAGE;
    if (format == NULL)
        return !small && ends_with_one(path, raw_suffixes);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(format->name, rules[i].format) != 0)
            continue;
        return !small && rules[i].take == TAKE_BY_SUFFIX && ends_with_one(path, rules[i].suffixes);
    }
    return !small || (format->abilities & PACK_FORMAT_SEGMENTED) != 0;
}

/* --- files ----------------------------------------------------------------------------------- */

static void note_left_out(struct survey *survey, const char *path, const struct pack_error *why)
{
    if (why->line != 0)
        cli_note(survey->cli, "%s is left out: line %u: %s", path, why->line, why->text);
    else
        cli_note(survey->cli, "%s is left out: %s", path, why->text);
}

/* A file that cannot be read, or would not pass lint, is left out; want of memory is no such case.
 */
static int leave_out(struct survey *survey, const char *path, const struct pack_error *why,
                     struct pack_error *error)
{
    if (why->code == PACK_E_NO_MEMORY)
        return pack_fail_memory(error);
    if (cut_form_suffix(path, strlen(path)) != strlen(path))
        note_left_out(survey, path, why);
    return 0;
}

static bool is_segmented(const struct pack_format *format)
{
    return format != NULL && (format->abilities & PACK_FORMAT_SEGMENTED) != 0;
}

static int add_image(struct survey *survey, const char *path, const struct pack_format *format,
                     uint64_t size, struct pack_error *error)
{
    struct survey_image *images =
        realloc(survey->images, (survey->image_count + 1) * sizeof *images);
    char *copy = strdup(path);
    if (images != NULL)
        survey->images = images;
    if (images == NULL || copy == NULL) {
        free(copy);
        return pack_fail_memory(error);
    }
    struct survey_image *image = &images[survey->image_count++];
    *image = (struct survey_image){
        .path = copy,
        .stem = stem_size(path),
        .format = format,
        .size = size,
        .segmented = is_segmented(format),
    };
    make_name(image->name, base_name(path), image->stem - (size_t)(base_name(path) - path));
    return 0;
}

static int look_at_image(struct survey *survey, const char *path, const char *full,
                         struct pack_error *error)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    CLI_AUTO(pack_image_free) struct pack_image *segments = NULL;
    const struct pack_format *format = NULL;
    struct pack_error why = {0};
    int code = pack_input_open(&input, full, &why);
    if (code == 0)
        code = pack_image_identify(&format, input, survey->cli->context, &why);
    if (code == 0 && !is_image(path, format, input->size))
        return 0;
    if (code == 0 && is_segmented(format))
        code = pack_image_read(&segments, format, input, &why);
    if (code != 0)
        return leave_out(survey, path, &why, error);
    return add_image(survey, path, format, input->size, error);
}

static bool is_sbom(const char *path)
{
    static const char *const ends[] = {".cdx.json", ".spdx.json", NULL};
    static const char *const names[] = {"bom.json", "sbom.json", NULL};
    return ends_with_one(path, ends) || is_one_of(base_name(path), names);
}

static bool is_notes(const char *path)
{
    static const char *const names[] = {"CHANGELOG.md",     "CHANGELOG", "CHANGES.md", "NEWS.md",
                                        "RELEASE_NOTES.md", "NOTES.md",  NULL};
    return is_one_of(path, names);
}

static int keep_first(char **kept, const char *path, struct pack_error *error)
{
    if (*kept == NULL)
        *kept = strdup(path);
    return *kept != NULL ? 0 : pack_fail_memory(error);
}

static int look_at_file(struct survey *survey, const char *path, const char *full, uint64_t size,
                        struct pack_error *error)
{
    if (size == 0 || strlen(path) > PACK_MAX_TEXT || !pack_text_plain(path, strlen(path)) ||
        survey->image_count == MAX_CANDIDATES)
        return 0;
    if (is_sbom(path))
        return keep_first(&survey->sbom, path, error);
    if (is_notes(path))
        return keep_first(&survey->notes, path, error);
    return look_at_image(survey, path, full, error);
}

/* --- folders --------------------------------------------------------------------------------- */

struct names {
    size_t count;
    char **names;
};

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_add(struct names *names, const char *name, struct pack_error *error)
{
    char *copy = strdup(name);
    char **grown = realloc(names->names, (names->count + 1) * sizeof *grown);
    if (grown != NULL)
        names->names = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return pack_fail_memory(error);
    }
    names->names[names->count++] = copy;
    return 0;
}

/* What is hidden, or made by tools for themselves, holds no images. */
static bool is_skipped(const char *name)
{
    static const char *const names[] = {"node_modules", "CMakeFiles", "__pycache__", NULL};
    return name[0] == '.' || is_one_of(name, names);
}

/* In the order of their bytes, so that no file system's order shows. */
static int list_names(struct names *names, const char *folder, struct pack_error *error)
{
    DIR *stream = opendir(folder);
    int code = 0;
    if (stream == NULL) {
        pack_fail_errno(error, errno, "cannot look into the folder");
        return pack_at_file(error, folder);
    }
    for (struct dirent *entry = readdir(stream);
         code == 0 && entry != NULL && names->count < MAX_LOOKED_AT; entry = readdir(stream))
        if (!is_skipped(entry->d_name))
            code = names_add(names, entry->d_name, error);
    closedir(stream);
    if (names->count != 0)
        qsort(names->names, names->count, sizeof *names->names, compare_names);
    return code;
}

static int look_into(struct survey *survey, const char *path, unsigned depth,
                     struct pack_error *error);

/* Links are not followed: what they lead to is found where it is, or lies outside. */
static int look_at(struct survey *survey, const char *path, unsigned depth,
                   struct pack_error *error)
{
    CLI_AUTO_FREE char *full = NULL;
    struct stat status;
    if (asprintf(&full, "%s/%s", survey->folder, path) < 0) {
        full = NULL;
        return pack_fail_memory(error);
    }
    if (lstat(full, &status) != 0 || survey->looked_at >= MAX_LOOKED_AT)
        return 0;
    survey->looked_at++;
    if (S_ISDIR(status.st_mode) && depth < MAX_DEPTH)
        return look_into(survey, path, depth + 1, error);
    if (S_ISREG(status.st_mode))
        return look_at_file(survey, path, full, (uint64_t)status.st_size, error);
    return 0;
}

static int look_into(struct survey *survey, const char *path, unsigned depth,
                     struct pack_error *error)
{
    CLI_AUTO(names_clear) struct names names = {0};
    CLI_AUTO_FREE char *full = NULL;
    struct pack_error unread = {0};
    if (asprintf(&full, "%s%s%s", survey->folder, path[0] != '\0' ? "/" : "", path) < 0) {
        full = NULL;
        return pack_fail_memory(error);
    }
    int code = list_names(&names, full, depth == 0 ? error : &unread);
    if (code != 0)
        return depth == 0 ? code : 0;
    code = pack_check_cancelled(survey->cli->context, error);
    for (size_t i = 0; code == 0 && i < names.count; i++) {
        CLI_AUTO_FREE char *child = NULL;
        if (asprintf(&child, "%s%s%s", path, path[0] != '\0' ? "/" : "", names.names[i]) < 0) {
            child = NULL;
            return pack_fail_memory(error);
        }
        code = look_at(survey, child, depth, error);
    }
    return code;
}

/* --- choosing -------------------------------------------------------------------------------- */

/* A linker's output and what is made of it: the form to take first keeps the addresses. */
static int form_rank(const struct survey_image *image)
{
    static const char *const forms[] = {"ihex", "uf2", "srec", "raw", "elf"};
    const char *name = image->format != NULL ? image->format->name : "raw";
    for (int i = 0; i < (int)(sizeof forms / sizeof forms[0]); i++)
        if (strcmp(name, forms[i]) == 0)
            return i;
    return -1;
}

static bool same_stem(const struct survey_image *a, const struct survey_image *b)
{
    return a->stem == b->stem && strncmp(a->path, b->path, a->stem) == 0;
}

static void find_better(struct survey *survey, struct survey_image *image)
{
    int rank = form_rank(image);
    for (size_t i = 0; i < survey->image_count; i++) {
        const struct survey_image *other = &survey->images[i];
        const int better = form_rank(other);
        if (better < 0 || better >= rank || !same_stem(image, other))
            continue;
        rank = better;
        image->better = other->path;
    }
}

static void drop_other_forms(struct survey *survey)
{
    size_t kept = 0;
    for (size_t i = 0; i < survey->image_count; i++) {
        find_better(survey, &survey->images[i]);
        if (survey->images[i].better != NULL)
            cli_note(survey->cli, "%s is left out: %s is taken for the same image",
                     survey->images[i].path, survey->images[i].better);
    }
    for (size_t i = 0; i < survey->image_count; i++) {
        struct survey_image *image = &survey->images[i];
        if (image->better != NULL || kept == PACK_MAX_IMAGES)
            free(image->path);
        else
            survey->images[kept++] = *image;
    }
    survey->image_count = kept;
}

static bool is_taken(const struct survey *survey, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(survey->images[i].name, name) == 0)
            return true;
    return false;
}

static void make_names_distinct(struct survey *survey)
{
    for (size_t i = 0; i < survey->image_count; i++) {
        char *name = survey->images[i].name;
        char made[PACK_MAX_NAME + 1];
        snprintf(made, sizeof made, "%s", name);
        for (unsigned n = 2; is_taken(survey, i, made); n++) {
            char number[16];
            snprintf(number, sizeof number, "-%u", n);
            snprintf(made, sizeof made, "%.*s%s", PACK_MAX_NAME - (int)strlen(number), name,
                     number);
        }
        snprintf(name, PACK_MAX_NAME + 1, "%s", made);
    }
}

static void take_product(struct survey *survey)
{
    char real[PATH_MAX];
    const char *name = realpath(survey->folder, real) != NULL ? base_name(real) : "";
    char made[PACK_MAX_NAME + 1];
    make_name(made, name, strlen(name));
    snprintf(survey->product, sizeof survey->product, "%s", made);
}

int survey_folder(struct survey *survey, struct cli *cli, const char *folder,
                  struct pack_error *error)
{
    survey->cli = cli;
    survey->folder = folder;
    const int code = look_into(survey, "", 0, error);
    if (code != 0)
        return code;
    if (survey->looked_at >= MAX_LOOKED_AT || survey->image_count > PACK_MAX_IMAGES)
        cli_note(cli, "%s holds too much to look at all; name the folder of the images", folder);
    drop_other_forms(survey);
    make_names_distinct(survey);
    take_product(survey);
    survey_version(survey);
    return 0;
}

void survey_clear(struct survey *survey)
{
    for (size_t i = 0; i < survey->image_count; i++)
        free(survey->images[i].path);
    free(survey->images);
    free(survey->sbom);
    free(survey->notes);
}

static int add_prefix(char **path, const char *prefix, struct pack_error *error)
{
    char *whole = NULL;
    if (*path == NULL)
        return 0;
    if (asprintf(&whole, "%s%s", prefix, *path) < 0)
        return pack_fail_memory(error);
    free(*path);
    *path = whole;
    return 0;
}

int survey_add_prefix(struct survey *survey, const char *prefix, struct pack_error *error)
{
    int code = add_prefix(&survey->sbom, prefix, error);
    if (code == 0)
        code = add_prefix(&survey->notes, prefix, error);
    for (size_t i = 0; code == 0 && i < survey->image_count; i++)
        code = add_prefix(&survey->images[i].path, prefix, error);
    return code;
}
