/* SPDX-License-Identifier: MIT */
#include "document/document.h"

#include "pack/document.h"
#include "pack/text.h"

#include <string.h>

/* Members that stand beside those of the type's own table. */
static const char *const common_members[] = {"type", "format", "critical"};

static bool is_common(const char *name)
{
    for (size_t i = 0; i < sizeof common_members / sizeof common_members[0]; i++)
        if (strcmp(common_members[i], name) == 0)
            return true;
    return false;
}

static bool is_known(const struct document_type *type, const char *name)
{
    for (size_t i = 0; i < type->table->count; i++)
        if (strcmp(type->table->fields[i].name, name) == 0)
            return true;
    return is_common(name);
}

static int check_type(struct fields *fields, const struct document_type *type, const json_t *root)
{
    const json_t *value = json_object_get(root, "type");
    fields_enter(fields, "type");
    if (value == NULL)
        return pack_fail(fields->error, PACK_E_MALFORMED, "is missing");
    if (!json_is_string(value))
        return fields_fail_type(fields, "a string", value);
    if (strcmp(json_string_value(value), type->type) != 0) {
        char shown[64];
        pack_escape(shown, sizeof shown, json_string_value(value), json_string_length(value));
        return pack_fail(fields->error, PACK_E_MALFORMED, "\"%s\" where \"%s\" is wanted", shown,
                         type->type);
    }
    fields->path[0] = '\0';
    return 0;
}

static int check_format(struct fields *fields, const json_t *root)
{
    const json_t *value = json_object_get(root, "format");
    fields_enter(fields, "format");
    if (value == NULL)
        return pack_fail(fields->error, PACK_E_MALFORMED, "is missing");
    if (!json_is_integer(value))
        return fields_fail_type(fields, "an integer", value);
    const json_int_t number = json_integer_value(value);
    if (number == 0)
        return pack_fail(fields->error, PACK_E_MALFORMED, "0 where a number from 1 is wanted");
    if (number > PACK_FORMAT_VERSION) {
        (void)pack_fail(fields->error, PACK_E_UNSUPPORTED,
                        "%" JSON_INTEGER_FORMAT ", this version of fwpack reads %d", number,
                        PACK_FORMAT_VERSION);
        return pack_hint(fields->error, "install a newer version of fwpack");
    }
    fields->path[0] = '\0';
    return 0;
}

static int check_critical_name(struct fields *fields, const struct document_type *type,
                               const json_t *root, const json_t *value)
{
    if (!json_is_string(value))
        return fields_fail_type(fields, "a string", value);
    const char *name = json_string_value(value);
    if (json_object_get(root, name) == NULL) {
        char shown[64];
        pack_escape(shown, sizeof shown, name, strlen(name));
        return pack_fail(fields->error, PACK_E_MALFORMED, "\"%s\" is no member of this document",
                         shown);
    }
    return is_known(type, name) ? 0 : fields_fail_unknown(fields, name);
}

static int check_critical(struct fields *fields, const struct document_type *type,
                          const json_t *root)
{
    const json_t *critical = json_object_get(root, "critical");
    if (critical == NULL)
        return 0;
    fields_enter(fields, "critical");
    if (!json_is_array(critical))
        return fields_fail_type(fields, "an array", critical);
    const size_t length = strlen(fields->path);
    for (size_t i = 0; i < json_array_size(critical); i++) {
        fields_enter_index(fields, i);
        const int code = check_critical_name(fields, type, root, json_array_get(critical, i));
        if (code != 0)
            return code;
        fields->path[length] = '\0';
    }
    fields->path[0] = '\0';
    return 0;
}

static int read_model(struct fields *fields, const struct document_type *type, json_t *root,
                      void *model)
{
    int code = json_is_object(root) ? 0 : fields_fail_type(fields, "an object", root);
    if (code == 0)
        code = check_type(fields, type, root);
    if (code == 0)
        code = check_format(fields, root);
    if (code == 0)
        code = check_critical(fields, type, root);
    if (code == 0)
        code = fields_read(fields, type->table, root, model);
    if (code == 0)
        code = fields_check(fields, type->table, model);
    return code;
}

/* A failure of the machine concerns no member. */
static int with_path(struct fields *fields, int code)
{
    if (code != 0 && code != PACK_E_NO_MEMORY && fields->path[0] != '\0')
        return pack_context(fields->error, "%s", fields->path);
    return code;
}

int document_parse(const struct document_type *type, void *address, const void *bytes, size_t size,
                   struct pack_error *error)
{
    json_t *root PACK_AUTO(pack_json_release) = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    char *model = NULL;
    int code = pack_json_read(&root, bytes, size, error);
    if (code == 0)
        code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &model, 1, type->table->size, error);
    if (code != 0)
        return code;
    struct fields fields = {.arena = arena, .error = error};
    code = with_path(&fields, read_model(&fields, type, root, model));
    if (code != 0)
        return code;
    memcpy(model + type->storage_offset, &arena, sizeof arena);
    memcpy(address, &model, sizeof model);
    arena = NULL;
    return 0;
}

void document_free(void *storage)
{
    struct pack_arena *arena = storage;
    pack_arena_free(&arena);
}

static void write_document(struct fields *fields, const struct document_type *type,
                           const void *model)
{
    pack_json_object(fields->json, NULL);
    pack_json_string(fields->json, "type", type->type);
    pack_json_unsigned(fields->json, "format", PACK_FORMAT_VERSION);
    fields_write(fields, type->table, model);
    pack_json_end(fields->json);
}

int document_encode(const struct document_type *type, const void *model, char **text, size_t *size,
                    struct pack_error *error)
{
    struct fields fields = {.error = error};
    const char *written = NULL;
    json_t *root PACK_AUTO(pack_json_release) = NULL;
    *text = NULL;
    int code = with_path(&fields, fields_check(&fields, type->table, model));
    if (code != 0)
        return code;
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    fields.json = json;
    write_document(&fields, type, model);
    code = pack_json_finish(json, &written, size, error);
    /* What is written must be readable: its size, nesting and count are known only now. */
    if (code == 0)
        code = pack_json_read(&root, written, *size, error);
    return code == 0 ? pack_copy_string(text, written, error) : code;
}
