/* SPDX-License-Identifier: MIT */
#include "document/descriptor_reader.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

bool pack_path_inside(const char *folder, const char *path)
{
    const size_t size = strlen(folder);
    if (strncmp(path, folder, size) != 0)
        return false;
    return folder[size - 1] == '/' || path[size] == '/' || path[size] == '\0';
}

/* Whether the path never steps above where it starts. */
static bool stays_inside(const char *path)
{
    int depth = 0;
    for (const char *at = path; *at != '\0' && depth >= 0;) {
        const size_t size = strcspn(at, "/");
        if (size == 2 && strncmp(at, "..", 2) == 0)
            depth--;
        else if (size != 0 && !(size == 1 && *at == '.'))
            depth++;
        at += size;
        at += strspn(at, "/");
    }
    return depth >= 0;
}

const char *pack_reader_join(struct pack_descriptor_reader *reader, const char *folder,
                             const char *name)
{
    if (folder[0] == '\0' || name[0] == '/')
        return name;
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = pack_reader_allocate(reader, 1, size);
    if (path != NULL)
        snprintf(path, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

static bool check_text(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       const char *text)
{
    if (text[0] == '\0') {
        (void)pack_reader_fault(reader, node, "an empty path");
        return false;
    }
    if (strlen(text) > PACK_MAX_TEXT) {
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "path of %zu bytes, at most %d allowed",
                               strlen(text), PACK_MAX_TEXT);
        return false;
    }
    if (!pack_text_plain(text, strlen(text))) {
        (void)pack_reader_fault(reader, node, "path \"%s\" has characters that cannot be shown",
                                pack_yaml_show(text).text);
        return false;
    }
    return true;
}

static bool check_inside(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                         const char *text, const char *relative)
{
    const bool absolute = text[0] == '/';
    if (reader->options->allow_outside || (!absolute && stays_inside(relative)))
        return true;
    struct pack_error *fault = pack_reader_fault(
        reader, node,
        absolute ? "\"%s\" is absolute, a path inside the descriptor's folder wanted"
                 : "\"%s\" leads out of the descriptor's folder",
        pack_yaml_show(text).text);
    (void)pack_hint(fault, "move the file, or give --allow-outside");
    return false;
}

const char *pack_reader_path(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                             const char *base, const char *text)
{
    if (!check_text(reader, node, text))
        return NULL;
    const char *relative = pack_reader_join(reader, base, text);
    if (relative == NULL || !check_inside(reader, node, text, relative))
        return NULL;
    const char *path = pack_reader_join(reader, reader->folder, relative);
    /* "-" and what looks like an option are files here, and nothing else. */
    return path != NULL && path[0] == '-' ? pack_reader_join(reader, ".", path) : path;
}
