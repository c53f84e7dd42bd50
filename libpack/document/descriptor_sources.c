/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "document/descriptor_fields.h"
#include "pack/io.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- one file -------------------------------------------------------------------------------- */

static void take_yaml_fault(void *user, const struct pack_error *fault)
{
    struct pack_descriptor_reader *reader = user;
    struct pack_error placed = *fault;
    (void)pack_at_file(&placed, reader->source->path);
    (void)pack_findings_add(&reader->findings, true, reader->source->index, &placed);
}

/*
 * Images and bundles, given in a descriptor's place: what YAML would say of them helps nobody. Of
 * UTF-16 it says the right thing.
 */
static bool is_binary(struct pack_descriptor_reader *reader, const void *bytes, size_t size)
{
    static const struct pack_yaml start = {.line = 1, .column = 1};
    enum { LOOKED_AT = 512 };
    const bool utf16 =
        size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
    if (utf16 || memchr(bytes, '\0', (size_t)pack_min(size, LOOKED_AT)) == NULL)
        return false;
    (void)pack_hint(pack_reader_fault(reader, &start, "is binary data, a %s is text in YAML",
                                      reader->descriptor != NULL ? "descriptor" : "device file"),
                    "`fwpack inspect` tells what it is");
    return true;
}

static void parse(struct pack_descriptor_reader *reader, struct pack_descriptor_source *source,
                  const void *bytes, size_t size)
{
    const struct pack_yaml_report report = {.fault = take_yaml_fault, .user = reader};
    struct pack_error error = {0};
    struct pack_yaml *root = NULL;
    if (is_binary(reader, bytes, size)) {
        reader->unreadable = true;
        return;
    }
    const int code = pack_yaml_read(&root, reader->arena, bytes, size, &report, &error);
    if (code == PACK_E_NO_MEMORY)
        reader->fatal = error;
    else if (code != 0)
        take_yaml_fault(reader, &error);
    else if (pack_reader_expect(reader, root, PACK_YAML_MAP))
        source->root = root;
    reader->unreadable = reader->unreadable || source->root == NULL;
}

static struct pack_descriptor_source *source_new(struct pack_descriptor_reader *reader,
                                                 const char *path, const char *real)
{
    struct pack_descriptor_source *source = pack_reader_allocate(reader, 1, sizeof *source);
    if (source == NULL)
        return NULL;
    source->index = reader->source_count;
    source->path = pack_reader_string(reader, path);
    source->real = real != NULL ? pack_reader_string(reader, real) : NULL;
    source->folder = "";
    reader->sources[reader->source_count++] = source;
    return source;
}

/* Reads the keys that come first with this file as the one that is read. */
static void read_early(struct pack_descriptor_reader *reader, struct pack_descriptor_source *source,
                       const void *bytes, size_t size)
{
    const struct pack_descriptor_source *before = reader->source;
    reader->source = source;
    parse(reader, source, bytes, size);
    if (source->root != NULL && reader->fatal.code == PACK_OK && reader->descriptor != NULL)
        pack_fields_decode_early(reader, source->root);
    reader->source = before != NULL ? before : source;
}

/* --- includes -------------------------------------------------------------------------------- */

static const char *folder_of(struct pack_descriptor_reader *reader, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return "";
    if (slash == path)
        return "/";
    char *folder = pack_reader_allocate(reader, 1, (size_t)(slash - path) + 1);
    if (folder != NULL)
        memcpy(folder, path, (size_t)(slash - path));
    return folder;
}

static bool is_included(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *real)
{
    for (size_t i = 0; i < reader->source_count; i++) {
        const struct pack_descriptor_source *source = reader->sources[i];
        if (source->real == NULL || strcmp(source->real, real) != 0)
            continue;
        if (source->included.file == NULL)
            (void)pack_reader_fault(reader, node, "%s is the descriptor itself", source->path);
        else
            (void)pack_reader_fault(reader, node, "%s is included in %s:%u:%u already",
                                    source->path, source->included.file, source->included.line,
                                    source->included.column);
        return true;
    }
    return false;
}

static bool has_room(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    if (reader->source->depth >= PACK_MAX_INCLUDE_DEPTH) {
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "includes nest deeper than %d",
                               PACK_MAX_INCLUDE_DEPTH);
        return false;
    }
    if (reader->source_count >= PACK_MAX_SOURCES) {
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "more than %d files", PACK_MAX_SOURCES);
        return false;
    }
    return true;
}

/* Follows links: a link out of the folder is a way out of it. */
static bool resolve(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                    const char *path, char real[PATH_MAX])
{
    struct stat status;
    if (realpath(path, real) == NULL || stat(real, &status) != 0) {
        (void)pack_reader_fault(reader, node, "cannot include %s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        (void)pack_reader_fault(reader, node, "cannot include %s: not a regular file", path);
        return false;
    }
    if (!reader->options->allow_outside && reader->real_folder != NULL &&
        !pack_path_inside(reader->real_folder, real)) {
        (void)pack_hint(
            pack_reader_fault(reader, node, "%s is a link out of the descriptor's folder", path),
            "move the file, or give --allow-outside");
        return false;
    }
    return true;
}

static void load_included(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                          const char *text, const char *path, const char *real)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    if (pack_read_file(&bytes, &size, real, PACK_MAX_DESCRIPTOR, &error) != 0) {
        (void)pack_reader_fail(reader, node, error.code, "cannot include %s: %s", path, error.text);
        return;
    }
    struct pack_descriptor_source *source = source_new(reader, path, real);
    const char *relative = pack_reader_join(reader, reader->source->folder, text);
    if (source == NULL || relative == NULL)
        return;
    source->folder = folder_of(reader, relative);
    source->depth = reader->source->depth + 1;
    source->included = pack_reader_place(reader, node);
    read_early(reader, source, bytes, size);
}

void pack_reader_include(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    char real[PATH_MAX];
    const char *text = pack_reader_text(reader, node);
    if (text == NULL || reader->fatal.code != PACK_OK || !has_room(reader, node))
        return;
    const char *path = pack_reader_path(reader, node, reader->source->folder, text);
    if (path != NULL && resolve(reader, node, path, real) && !is_included(reader, node, real))
        load_included(reader, node, text, path, real);
}

/* --- the descriptor itself ------------------------------------------------------------------- */

void pack_reader_load(struct pack_descriptor_reader *reader, const char *path)
{
    PACK_AUTO_FREE void *bytes = NULL;
    char real[PATH_MAX], real_folder[PATH_MAX];
    const bool standard = strcmp(path, "-") == 0;
    size_t size = 0;
    if (pack_read_file(&bytes, &size, path, PACK_MAX_DESCRIPTOR, &reader->fatal) != 0)
        return;
    reader->folder = standard ? "" : folder_of(reader, path);
    if (reader->folder == NULL)
        return;
    if (realpath(reader->folder[0] != '\0' ? reader->folder : ".", real_folder) == NULL) {
        (void)pack_fail_errno(&reader->fatal, errno, "cannot find the folder of %s", path);
        return;
    }
    const bool has_real = !standard && realpath(path, real) != NULL; /* a pipe has none */
    struct pack_descriptor_source *source =
        source_new(reader, standard ? "standard input" : path, has_real ? real : NULL);
    reader->real_folder = pack_reader_string(reader, real_folder);
    if (source != NULL)
        read_early(reader, source, bytes, size);
}
