/* SPDX-License-Identifier: MIT */
#include "document/field_kinds.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

void fields_enter(struct fields *fields, const char *name)
{
    const size_t length = strlen(fields->path);
    snprintf(fields->path + length, sizeof fields->path - length, "%s%s", length != 0 ? "." : "",
             name);
}

void fields_enter_index(struct fields *fields, size_t index)
{
    const size_t length = strlen(fields->path);
    snprintf(fields->path + length, sizeof fields->path - length, "[%zu]", index);
}

static const char *type_name(const struct pack_json_value *value)
{
    static const char *const names[] = {
        [PACK_JSON_NULL] = "null",        [PACK_JSON_BOOLEAN] = "true or false",
        [PACK_JSON_INTEGER] = "a number", [PACK_JSON_STRING] = "a string",
        [PACK_JSON_ARRAY] = "an array",   [PACK_JSON_OBJECT] = "an object",
    };
    return names[value->type];
}

int fields_fail_type(struct fields *fields, const char *wanted, const struct pack_json_value *value)
{
    return pack_fail(fields->error, PACK_E_MALFORMED, "%s is wanted, not %s", wanted,
                     type_name(value));
}

static enum field_use use_of(const struct field *field, const void *object)
{
    return field->use_of != NULL ? field->use_of(object) : field->use;
}

static bool has_value(const struct field *field, const void *object)
{
    if (field->has_offset != FIELD_NO_OFFSET)
        return *(const bool *)((const char *)object + field->has_offset);
    if (field->kind == FIELD_CUSTOM)
        return field->write != NULL;
    return field_kinds[field->kind].filled(field, object);
}

/* Whether the member stands in the document. */
static bool is_present(const struct field *field, const void *object)
{
    const enum field_use use = use_of(field, object);
    return use == FIELD_WANTED || (use == FIELD_OPTIONAL && has_value(field, object));
}

/* --- objects --------------------------------------------------------------------------------- */

static int read_value(struct fields *fields, const struct field *field,
                      const struct pack_json_value *value, void *object)
{
    if (field->kind == FIELD_CUSTOM)
        return field->read(fields, value, object);
    const struct field_behaviour *kind = &field_kinds[field->kind];
    if (value->type != kind->type)
        return fields_fail_type(fields, kind->wanted, value);
    const int code = kind->read(fields, field, value, object);
    if (code == 0 && field->has_offset != FIELD_NO_OFFSET)
        *(bool *)((char *)object + field->has_offset) = true;
    return code;
}

static int fail_place(struct fields *fields)
{
    return pack_fail(fields->error, PACK_E_MALFORMED, "has no place here");
}

static int read_member(struct fields *fields, const struct field *field,
                       const struct pack_json_value *value, void *object)
{
    const enum field_use use = use_of(field, object);
    if (value != NULL)
        fields->place = value;
    if (value == NULL && use == FIELD_WANTED)
        return pack_fail(fields->error, PACK_E_MALFORMED, "is missing");
    if (value != NULL && use == FIELD_FORBIDDEN)
        return fail_place(fields);
    if (value == NULL || use == FIELD_IGNORED)
        return 0;
    return read_value(fields, field, value, object);
}

static bool is_known(const struct field_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->fields[i].name, name) == 0)
            return true;
    return false;
}

int fields_fail_unknown(struct fields *fields, const char *name)
{
    char shown[64];
    pack_escape(shown, sizeof shown, name, strlen(name));
    (void)pack_fail(fields->error, PACK_E_UNSUPPORTED,
                    "needs \"%s\", which this version of fwpack does not know", shown);
    return pack_hint(fields->error, "a newer version of fwpack may know it");
}

static int refuse_unknown(struct fields *fields, const struct field_table *table,
                          const struct pack_json_value *value)
{
    for (const struct pack_json_value *at = value->first; at != NULL; at = at->next) {
        fields->place = at;
        if (!is_known(table, at->name))
            return fields_fail_unknown(fields, at->name);
    }
    return 0;
}

int fields_read(struct fields *fields, const struct field_table *table,
                const struct pack_json_value *value, void *object)
{
    const size_t length = strlen(fields->path);
    fields->place = value;
    int code = value->type == PACK_JSON_OBJECT ? 0 : fields_fail_type(fields, "an object", value);
    if (code == 0 && table->closed)
        code = refuse_unknown(fields, table, value);
    for (size_t i = 0; code == 0 && i < table->count; i++) {
        const struct field *field = &table->fields[i];
        fields_enter(fields, field->name);
        code = read_member(fields, field, pack_json_member(value, field->name), object);
        if (code != 0)
            return code;
        fields->path[length] = '\0';
        fields->place = value;
    }
    if (code == 0 && table->derive != NULL)
        code = table->derive(fields, object);
    return code;
}

static int check_member(struct fields *fields, const struct field *field, const void *object)
{
    const struct field_behaviour *kind = &field_kinds[field->kind];
    if (use_of(field, object) == FIELD_FORBIDDEN && has_value(field, object))
        return fail_place(fields);
    return kind->check != NULL && is_present(field, object) ? kind->check(fields, field, object)
                                                            : 0;
}

int fields_verdict(struct fields *fields, int code)
{
    if (code == 0 || code == PACK_E_NO_MEMORY)
        return code;
    if (fields->place != NULL)
        (void)pack_at_line(fields->error, fields->place->line, fields->place->column);
    return fields->path[0] != '\0' ? pack_context(fields->error, "%s", fields->path) : code;
}

int fields_check(struct fields *fields, const struct field_table *table, const void *object)
{
    const size_t length = strlen(fields->path);
    int code = 0;
    for (size_t i = 0; code == 0 && i < table->count; i++) {
        const struct field *field = &table->fields[i];
        if (field->kind == FIELD_CUSTOM)
            continue;
        fields_enter(fields, field->name);
        code = check_member(fields, field, object);
        if (code == 0)
            fields->path[length] = '\0';
    }
    if (code == 0 && table->check != NULL)
        code = table->check(fields, object);
    return code;
}

void fields_write(struct fields *fields, const struct field_table *table, const void *object)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        if (!is_present(field, object))
            continue;
        if (field->kind == FIELD_CUSTOM)
            field->write(fields->json, field->name, object);
        else
            field_kinds[field->kind].write(fields, field, object);
    }
}
