/* SPDX-License-Identifier: MIT */
#include "document/document.h"

#include "pack/document.h"
#include "pack/text.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_CRITICAL = 64 };

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

static int check_type(struct fields *fields, const struct document_type *type,
                      const struct pack_json_value *root)
{
    const struct pack_json_value *value = pack_json_member(root, "type");
    fields_enter(fields, "type");
    if (value == NULL)
        return pack_fail(fields->error, PACK_E_MALFORMED, "is missing");
    fields->place = value;
    if (value->type != PACK_JSON_STRING)
        return fields_fail_type(fields, "a string", value);
    if (strcmp(value->text, type->type) != 0) {
        char shown[64];
        pack_escape(shown, sizeof shown, value->text, strlen(value->text));
        return pack_fail(fields->error, PACK_E_MALFORMED, "\"%s\" where \"%s\" is wanted", shown,
                         type->type);
    }
    fields->path[0] = '\0';
    return 0;
}

static int check_format(struct fields *fields, const struct pack_json_value *root)
{
    const struct pack_json_value *value = pack_json_member(root, "format");
    fields_enter(fields, "format");
    if (value == NULL)
        return pack_fail(fields->error, PACK_E_MALFORMED, "is missing");
    fields->place = value;
    if (value->type != PACK_JSON_INTEGER)
        return fields_fail_type(fields, "an integer", value);
    const uint64_t number = value->integer;
    if (number == 0)
        return pack_fail(fields->error, PACK_E_MALFORMED, "0 where a number from 1 is wanted");
    if (number > PACK_FORMAT_VERSION) {
        (void)pack_fail(fields->error, PACK_E_UNSUPPORTED,
                        "%" PRIu64 ", this version of fwpack reads %d", number,
                        PACK_FORMAT_VERSION);
        return pack_hint(fields->error, "install a newer version of fwpack");
    }
    fields->path[0] = '\0';
    return 0;
}

static int check_critical_name(struct fields *fields, const struct document_type *type,
                               const struct pack_json_value *root,
                               const struct pack_json_value *value)
{
    fields->place = value;
    if (value->type != PACK_JSON_STRING)
        return fields_fail_type(fields, "a string", value);
    if (pack_json_member(root, value->text) == NULL) {
        char shown[64];
        pack_escape(shown, sizeof shown, value->text, strlen(value->text));
        return pack_fail(fields->error, PACK_E_MALFORMED, "\"%s\" is no member of this document",
                         shown);
    }
    return is_known(type, value->text) ? 0 : fields_fail_unknown(fields, value->text);
}

static int check_critical_names(struct fields *fields, const struct document_type *type,
                                const struct pack_json_value *root,
                                const struct pack_json_value *critical)
{
    const size_t length = strlen(fields->path);
    const struct pack_json_value *value = critical->first;
    if (critical->count > MAX_CRITICAL)
        return pack_fail(fields->error, PACK_E_LIMIT, "has %zu entries, %d are allowed",
                         critical->count, MAX_CRITICAL);
    for (size_t i = 0; i < critical->count; i++, value = value->next) {
        fields_enter_index(fields, i);
        const int code = check_critical_name(fields, type, root, value);
        if (code != 0)
            return code;
        fields->path[length] = '\0';
    }
    return 0;
}

static int check_critical(struct fields *fields, const struct document_type *type,
                          const struct pack_json_value *root)
{
    const struct pack_json_value *critical = pack_json_member(root, "critical");
    if (critical == NULL)
        return 0;
    fields_enter(fields, "critical");
    fields->place = critical;
    if (critical->type != PACK_JSON_ARRAY)
        return fields_fail_type(fields, "an array", critical);
    const int code = check_critical_names(fields, type, root, critical);
    if (code == 0)
        fields->path[0] = '\0';
    return code;
}

/* Of a closed type: all members are known. */
static int check_known(struct fields *fields, const struct document_type *type,
                       const struct pack_json_value *root)
{
    for (const struct pack_json_value *at = root->first; at != NULL; at = at->next)
        if (!is_known(type, at->name)) {
            fields->place = at;
            return fields_fail_unknown(fields, at->name);
        }
    return 0;
}

static int read_model(struct fields *fields, const struct document_type *type,
                      const struct pack_json_value *root, void *model)
{
    fields->place = root;
    int code = root->type == PACK_JSON_OBJECT ? 0 : fields_fail_type(fields, "an object", root);
    if (code == 0)
        code = check_type(fields, type, root);
    if (code == 0)
        code = check_format(fields, root);
    if (code == 0)
        code = check_critical(fields, type, root);
    if (code == 0 && type->closed)
        code = check_known(fields, type, root);
    if (code == 0)
        code = fields_read(fields, type->table, root, model);
    if (code != 0)
        return code;
    fields->place = NULL; /* the model does not say where it was read */
    return fields_check(fields, type->table, model);
}

static int parse_into(const struct document_type *type, struct pack_arena *arena, char **model,
                      const void *bytes, size_t size, struct pack_error *error)
{
    const struct pack_json_value *root = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *tree = NULL;
    int code = pack_arena_new(&tree, error);
    if (code == 0)
        code = pack_json_read(&root, tree, bytes, size, error);
    if (code == 0)
        code = pack_arena_allocate(arena, model, 1, type->table->size, error);
    if (code != 0)
        return code;
    struct fields fields = {.arena = arena, .error = error};
    return fields_verdict(&fields, read_model(&fields, type, root, *model));
}

int document_parse(const struct document_type *type, void *address, const void *bytes, size_t size,
                   struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    char *model = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = parse_into(type, arena, &model, bytes, size, error);
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

/* What is written must be readable: its size, nesting and count are known only now. */
static int check_written(const char *text, size_t size, struct pack_error *error)
{
    const struct pack_json_value *root = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *tree = NULL;
    const int code = pack_arena_new(&tree, error);
    return code != 0 ? code : pack_json_read(&root, tree, text, size, error);
}

int document_encode(const struct document_type *type, const void *model, char **text, size_t *size,
                    struct pack_error *error)
{
    struct fields fields = {.error = error};
    const char *written = NULL;
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    *text = NULL;
    int code = fields_verdict(&fields, fields_check(&fields, type->table, model));
    if (code == 0)
        code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    fields.json = json;
    write_document(&fields, type, model);
    code = pack_json_finish(json, &written, size, error);
    if (code == 0)
        code = check_written(written, *size, error);
    return code == 0 ? pack_copy_string(text, written, error) : code;
}
