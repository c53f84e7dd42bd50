/* SPDX-License-Identifier: MIT */
#include "pack/descriptor.h"

#include "document/descriptor_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- what the parts share -------------------------------------------------------------------- */

void *pack_reader_allocate(struct pack_descriptor_reader *reader, size_t count, size_t size)
{
    void *memory = NULL;
    (void)!pack_arena_allocate(reader->arena, &memory, count, size, &reader->fatal);
    return memory;
}

const char *pack_reader_string(struct pack_descriptor_reader *reader, const char *text)
{
    const char *copy = NULL;
    (void)!pack_arena_string(reader->arena, &copy, text, strlen(text), &reader->fatal);
    return copy;
}

struct pack_place pack_reader_place(const struct pack_descriptor_reader *reader,
                                    const struct pack_yaml *node)
{
    return (struct pack_place){
        .file = reader->source->path, .line = node->line, .column = node->column};
}

enum { MAX_FINDING_TEXT = 512 };

static struct pack_error *add(struct pack_descriptor_reader *reader, bool is_error,
                              const struct pack_yaml *node, enum pack_code code, const char *format,
                              va_list arguments) PACK_PRINTF(5, 0);
static struct pack_error *add(struct pack_descriptor_reader *reader, bool is_error,
                              const struct pack_yaml *node, enum pack_code code, const char *format,
                              va_list arguments)
{
    char text[MAX_FINDING_TEXT];
    struct pack_error finding = {0};
    vsnprintf(text, sizeof text, format, arguments);
    if (code == PACK_E_NO_MEMORY) /* no fault of the descriptor */
        (void)pack_fail_memory(&reader->fatal);
    (void)pack_fail(&finding, code, "%s", text);
    (void)pack_at_file(&finding, reader->source->path);
    (void)pack_at_line(&finding, node->line, node->column);
    return pack_findings_add(&reader->findings, is_error, reader->source->index, &finding);
}

struct pack_error *pack_reader_fault(struct pack_descriptor_reader *reader,
                                     const struct pack_yaml *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct pack_error *finding = add(reader, true, node, PACK_E_DESCRIPTOR, format, arguments);
    va_end(arguments);
    return finding;
}

struct pack_error *pack_reader_fail(struct pack_descriptor_reader *reader,
                                    const struct pack_yaml *node, enum pack_code code,
                                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct pack_error *finding = add(reader, true, node, code, format, arguments);
    va_end(arguments);
    return finding;
}

struct pack_error *pack_reader_warn(struct pack_descriptor_reader *reader,
                                    const struct pack_yaml *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct pack_error *finding = add(reader, false, node, PACK_E_DESCRIPTOR, format, arguments);
    va_end(arguments);
    return finding;
}

/* "'images' is" or, in a list, "this is". */
static void name_node(char *name, size_t capacity, const struct pack_yaml *node)
{
    if (node->key != NULL)
        snprintf(name, capacity, "'%s'", pack_yaml_show(node->key->text).text);
    else
        snprintf(name, capacity, "this");
}

bool pack_reader_expect(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        enum pack_yaml_kind kind)
{
    static const char *const kinds[] = {"a text", "a list", "a map"};
    static const char *const examples[] = {"", "a list has lines that begin with '- '",
                                           "a map has lines like KEY: VALUE"};
    char name[128];
    name_node(name, sizeof name, node);
    if (node->faulty)
        return false;
    if (pack_yaml_is_null(node)) {
        (void)pack_hint(
            pack_reader_fault(reader, node, "%s has no value, %s wanted", name, kinds[kind]),
            "leave the key out, or quote a text that is meant to be so");
        return false;
    }
    if (node->kind == kind)
        return true;
    struct pack_error *fault = pack_reader_fault(reader, node, "%s is %s, %s wanted", name,
                                                 kinds[node->kind], kinds[kind]);
    if (examples[kind][0] != '\0')
        (void)pack_hint(fault, "%s", examples[kind]);
    return false;
}

/* Taken as it stands, it would be a mistake that nobody sees. */
static const char *without_variables(struct pack_descriptor_reader *reader,
                                     const struct pack_yaml *node)
{
    if (strstr(node->text, "${") == NULL)
        return node->text;
    (void)pack_hint(pack_reader_fault(reader, node, "\"%s\" has '${', and this file no variables",
                                      pack_yaml_show(node->text).text),
                    "write the value itself; '${' may stand in the words of a program only");
    return NULL;
}

const char *pack_reader_text(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    if (!pack_reader_expect(reader, node, PACK_YAML_TEXT))
        return NULL;
    return reader->descriptor != NULL ? pack_reader_expand(reader, node)
                                      : without_variables(reader, node);
}

/* --- reading --------------------------------------------------------------------------------- */

static int descriptor_new(struct pack_descriptor **descriptor, const char *path,
                          struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct pack_descriptor_storage *storage = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, descriptor, 1, sizeof **descriptor, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &storage, 1, sizeof *storage, error);
    if (code == 0)
        code = pack_arena_string(arena, &(*descriptor)->path, path, strlen(path), error);
    if (code != 0) {
        *descriptor = NULL;
        return code;
    }
    storage->arena = pack_steal(&arena);
    (*descriptor)->storage = storage;
    return 0;
}

static void keep_sources(struct pack_descriptor_reader *reader)
{
    const char **sources = pack_reader_allocate(reader, reader->source_count, sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; sources != NULL && i < reader->source_count; i++)
        if (i != 0 || strcmp(reader->descriptor->path, "-") != 0)
            sources[count++] = reader->sources[i]->path;
    reader->descriptor->sources = sources;
    reader->descriptor->source_count = count;
}

static int read_all(struct pack_descriptor_reader *reader, pack_finding_fn report, void *user,
                    struct pack_error *error)
{
    struct pack_descriptor_storage *storage = reader->descriptor->storage;
    pack_reader_load(reader, reader->descriptor->path);
    if (reader->fatal.code == PACK_OK)
        pack_fields_decode_sources(reader);
    if (reader->fatal.code == PACK_OK)
        keep_sources(reader);
    if (reader->fatal.code == PACK_OK && !reader->unreadable)
        pack_reader_check_definitions(reader);
    storage->real_folder = reader->options->allow_outside ? NULL : reader->real_folder;
    if (reader->fatal.code != PACK_OK) {
        *error = reader->fatal;
        return (int)error->code;
    }
    return pack_findings_report(&reader->findings, report, user, error);
}

int pack_descriptor_read(struct pack_descriptor **descriptor, const char *path,
                         const struct pack_descriptor_options *options, pack_finding_fn report,
                         void *user, struct pack_error *error)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *reading = NULL;
    PACK_AUTO_FREE bool *definitions_used = NULL;
    *descriptor = NULL;
    int code = descriptor_new(&reading, path, error);
    if (code == 0)
        code = pack_allocate(&definitions_used, options->definition_count, sizeof(bool), error);
    if (code != 0)
        return code;
    struct pack_descriptor_storage *storage = reading->storage;
    struct pack_descriptor_reader reader = {
        .arena = storage->arena,
        .options = options,
        .descriptor = reading,
        .definitions_used = definitions_used,
    };
    code = read_all(&reader, report, user, error);
    pack_findings_clear(&reader.findings);
    if (code == 0 || code == PACK_E_DESCRIPTOR)
        *descriptor = pack_steal(&reading);
    return code;
}

void pack_descriptor_free(struct pack_descriptor **descriptor)
{
    if (*descriptor == NULL)
        return;
    struct pack_descriptor_storage *storage = (*descriptor)->storage;
    struct pack_arena *arena = storage->arena;
    *descriptor = NULL; /* lies in the arena, as all of it does */
    pack_arena_free(&arena);
}
