/* SPDX-License-Identifier: MIT */
#include "device/yaml_file.h"

#include "base/memory.h"

#include <string.h>

/* --- is it one ------------------------------------------------------------------------------- */

static void ignore_fault(void *user, const struct pack_error *fault)
{
    (void)user;
    (void)fault;
}

/* Of what is no good YAML: a line that begins with the key. */
static bool has_line(const char *text, size_t size, const char *key)
{
    const size_t length = strlen(key);
    while (size > length) {
        if (memcmp(text, key, length) == 0 && text[length] == ':')
            return true;
        const char *end = memchr(text, '\n', size);
        if (end == NULL)
            return false;
        size -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    return false;
}

bool yaml_file_has_key(const void *bytes, size_t size, const char *key)
{
    const struct pack_yaml_report report = {.fault = ignore_fault};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct pack_yaml *root = NULL;
    struct pack_error error = {0};
    if (pack_arena_new(&arena, &error) != 0 ||
        pack_yaml_read(&root, arena, bytes, size, &report, &error) != 0)
        return has_line(bytes, size, key);
    return root->kind == PACK_YAML_MAP && pack_yaml_get(root, key) != NULL;
}

/* --- its format ------------------------------------------------------------------------------ */

static void decode_format(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    (void)object;
    if (text != NULL && strcmp(text, "1") != 0)
        (void)pack_hint(pack_reader_fail(reader, node, PACK_E_UNSUPPORTED,
                                         "'%s' is \"%s\", 1 wanted", field->key,
                                         pack_yaml_show(text).text),
                        "write %s", field->example);
}

static void schema_format(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_unsigned(json, "const", 1);
}

const struct pack_field_type yaml_file_type_format = {decode_format, schema_format};

/* --- reading --------------------------------------------------------------------------------- */

static void decode(struct pack_descriptor_reader *reader, const struct yaml_file *file,
                   void *object)
{
    reader->source = reader->sources[0];
    if (reader->source->root == NULL)
        return;
    pack_fields_decode(reader, file->fields, reader->source->root, object);
    if (file->check != NULL)
        file->check(reader, object);
}

static int read_all(struct pack_descriptor_reader *reader, const struct yaml_file *file,
                    const char *path, void *object, struct pack_error *error)
{
    pack_reader_load(reader, path);
    if (reader->fatal.code == PACK_OK)
        decode(reader, file, object);
    if (reader->fatal.code != PACK_OK)
        *error = reader->fatal;
    return (int)reader->fatal.code;
}

int yaml_file_read(void **object, const struct yaml_file *file, const char *path,
                   pack_finding_fn report, void *user, struct pack_error *error)
{
    static const struct pack_descriptor_options options = {.allow_outside = true};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    char *reading = NULL; /* lies in the arena */
    *object = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &reading, 1, file->size, error);
    if (code == 0)
        code = pack_arena_string(arena, (const char **)(void *)(reading + file->path), path,
                                 strlen(path), error);
    if (code != 0)
        return code;
    if (file->prepare != NULL)
        file->prepare(reading);
    struct pack_descriptor_reader reader = {.arena = arena, .options = &options};
    code = read_all(&reader, file, path, reading, error);
    if (code == 0)
        code = pack_findings_report(&reader.findings, report, user, error);
    pack_findings_clear(&reader.findings);
    if (code != 0)
        return code;
    *(void **)(void *)(reading + file->storage) = pack_steal(&arena);
    *object = reading;
    return 0;
}

void yaml_file_free(void *storage)
{
    struct pack_arena *arena = storage;
    pack_arena_free(&arena);
}
