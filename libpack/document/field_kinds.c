/* SPDX-License-Identifier: MIT */
#include "document/field_kinds.h"

#include "base/checked.h"
#include "document/rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- where values lie ------------------------------------------------------------------------ */

static const void *slot_of(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

static void *writable_slot(const struct field *field, void *object)
{
    return (char *)object + field->offset;
}

static size_t count_of(const struct field *field, const void *object)
{
    return *(const size_t *)(const void *)((const char *)object + field->count_offset);
}

static void set_count(const struct field *field, void *object, size_t count)
{
    *(size_t *)(void *)((char *)object + field->count_offset) = count;
}

static const void *element_of(const struct field *field, const void *object, size_t index)
{
    const char *elements;
    memcpy(&elements, slot_of(field, object), sizeof elements);
    return elements + index * field->table->size;
}

static const char *string_of(const struct field *field, const void *object)
{
    return *(const char *const *)slot_of(field, object);
}

static const char *const *strings_of(const struct field *field, const void *object)
{
    return *(const char *const *const *)slot_of(field, object);
}

/* --- strings --------------------------------------------------------------------------------- */

static int copy_string(struct fields *fields, const struct pack_json_value *value,
                       const char **copy)
{
    return pack_arena_string(fields->arena, copy, value->text, strlen(value->text), fields->error);
}

static int string_read(struct fields *fields, const struct field *field,
                       const struct pack_json_value *value, void *object)
{
    return copy_string(fields, value, writable_slot(field, object));
}

static int string_check(struct fields *fields, const struct field *field, const void *object)
{
    const char *text = string_of(field, object);
    if (text == NULL)
        return pack_fail(fields->error, PACK_E_MALFORMED, "is missing");
    return field->rule(text, fields->error);
}

static void string_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_string(fields->json, field->name, string_of(field, object));
}

static bool string_filled(const struct field *field, const void *object)
{
    return string_of(field, object) != NULL;
}

/* --- numbers and flags ----------------------------------------------------------------------- */

static uint64_t integer_of(const struct field *field, const void *object)
{
    return *(const uint64_t *)slot_of(field, object);
}

static int integer_read(struct fields *fields, const struct field *field,
                        const struct pack_json_value *value, void *object)
{
    (void)fields;
    *(uint64_t *)writable_slot(field, object) = value->integer;
    return 0;
}

static int integer_check(struct fields *fields, const struct field *field, const void *object)
{
    const uint64_t value = integer_of(field, object);
    const uint64_t maximum = field->maximum != 0 ? field->maximum : PACK_MAX_INTEGER;
    if (value >= field->minimum && value <= maximum)
        return 0;
    return pack_fail(fields->error, PACK_E_MALFORMED,
                     "%" PRIu64 " where %" PRIu64 " to %" PRIu64 " is wanted", value,
                     field->minimum, maximum);
}

static void integer_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_unsigned(fields->json, field->name, integer_of(field, object));
}

static bool integer_filled(const struct field *field, const void *object)
{
    return integer_of(field, object) != 0;
}

static uint32_t block_size_of(const struct field *field, const void *object)
{
    return *(const uint32_t *)slot_of(field, object);
}

static int block_size_read(struct fields *fields, const struct field *field,
                           const struct pack_json_value *value, void *object)
{
    const uint64_t size = value->integer;
    const int code = pack_rule_block_size(size, fields->error);
    *(uint32_t *)writable_slot(field, object) = (uint32_t)size;
    return code;
}

static int block_size_check(struct fields *fields, const struct field *field, const void *object)
{
    return pack_rule_block_size(block_size_of(field, object), fields->error);
}

static void block_size_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_unsigned(fields->json, field->name, block_size_of(field, object));
}

static bool block_size_filled(const struct field *field, const void *object)
{
    return block_size_of(field, object) != 0;
}

static bool boolean_of(const struct field *field, const void *object)
{
    return *(const bool *)slot_of(field, object);
}

static int boolean_read(struct fields *fields, const struct field *field,
                        const struct pack_json_value *value, void *object)
{
    (void)fields;
    *(bool *)writable_slot(field, object) = value->boolean;
    return 0;
}

static void boolean_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_boolean(fields->json, field->name, boolean_of(field, object));
}

/* --- digests --------------------------------------------------------------------------------- */

static int digest_read(struct fields *fields, const struct field *field,
                       const struct pack_json_value *value, void *object)
{
    if (pack_sha256_parse(value->text, writable_slot(field, object)))
        return 0;
    if (strlen(value->text) != 64)
        return pack_fail(fields->error, PACK_E_MALFORMED,
                         "a digest of %zu characters, 64 are wanted", strlen(value->text));
    return pack_fail(fields->error, PACK_E_MALFORMED,
                     "a digest is 64 lower-case hexadecimal digits, nothing else");
}

static void digest_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_hex(fields->json, field->name, slot_of(field, object), PACK_SHA256_SIZE);
}

static bool digest_filled(const struct field *field, const void *object)
{
    static const uint8_t none[PACK_SHA256_SIZE];
    return memcmp(slot_of(field, object), none, sizeof none) != 0;
}

/* --- free metadata --------------------------------------------------------------------------- */

static int raw_read(struct fields *fields, const struct field *field,
                    const struct pack_json_value *value, void *object)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *text = NULL;
    size_t size = 0;
    int code = pack_json_new(&json, false, fields->error);
    if (code != 0)
        return code;
    pack_json_write(json, NULL, value);
    code = pack_json_finish(json, &text, &size, fields->error);
    if (code != 0)
        return code;
    return pack_arena_string(fields->arena, writable_slot(field, object), text, size - 1,
                             fields->error); /* without the line feed at its end */
}

/* A null says nothing that leaving the member out would not say. */
static bool holds_null(const struct pack_json_value *value)
{
    for (const struct pack_json_value *at = value->first; at != NULL; at = at->next)
        if (holds_null(at))
            return true;
    return value->type == PACK_JSON_NULL;
}

static int raw_check(struct fields *fields, const struct field *field, const void *object)
{
    const char *text = string_of(field, object);
    const struct pack_json_value *value = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    int code = pack_arena_new(&arena, fields->error);
    if (code == 0)
        code = pack_json_read(&value, arena, text, strlen(text), fields->error);
    if (code != 0)
        return code;
    if (value->type != PACK_JSON_OBJECT)
        return fields_fail_type(fields, "an object", value);
    if (holds_null(value))
        return pack_fail(fields->error, PACK_E_MALFORMED, "holds a null");
    return 0;
}

static void raw_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_raw(fields->json, field->name, string_of(field, object));
}

/* --- arrays ---------------------------------------------------------------------------------- */

static int check_count(struct fields *fields, const struct field *field, size_t count)
{
    if (count < field->minimum)
        return pack_fail(fields->error, PACK_E_MALFORMED,
                         "has %zu entries, at least %" PRIu64 " wanted", count, field->minimum);
    if (count > field->maximum)
        return pack_fail(fields->error, PACK_E_LIMIT, "has %zu entries, %" PRIu64 " are allowed",
                         count, field->maximum);
    return 0;
}

static bool array_filled(const struct field *field, const void *object)
{
    return count_of(field, object) != 0;
}

static int read_string_entry(struct fields *fields, const struct pack_json_value *value,
                             const char **string)
{
    fields->place = value;
    return value->type == PACK_JSON_STRING ? copy_string(fields, value, string)
                                           : fields_fail_type(fields, "a string", value);
}

static int strings_read(struct fields *fields, const struct field *field,
                        const struct pack_json_value *value, void *object)
{
    const size_t length = strlen(fields->path);
    const struct pack_json_value *entry = value->first;
    const char **strings = NULL;
    int code = check_count(fields, field, value->count);
    if (code == 0)
        code = pack_arena_allocate(fields->arena, &strings, value->count, sizeof *strings,
                                   fields->error);
    for (size_t i = 0; code == 0 && i < value->count; i++, entry = entry->next) {
        fields_enter_index(fields, i);
        code = read_string_entry(fields, entry, &strings[i]);
        if (code == 0)
            fields->path[length] = '\0';
    }
    if (code != 0)
        return code;
    memcpy(writable_slot(field, object), &strings, sizeof strings);
    set_count(field, object, value->count);
    return 0;
}

/* Places in an array of strings: by the string, the same ones by where they stand. */
static int by_string(const void *a, const void *b)
{
    const char *const *one = *(const char *const *const *)a;
    const char *const *other = *(const char *const *const *)b;
    const int order = strcmp(*one, *other);
    return order != 0 ? order : (one > other) - (one < other);
}

/* Sorted, for there may be tens of thousands. The first that repeats another one is told. */
static int check_distinct(struct fields *fields, const char *const *strings, size_t count)
{
    PACK_AUTO_FREE const char *const **places = NULL;
    size_t repeated = count;
    const int code = pack_allocate(&places, count, sizeof *places, fields->error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++)
        places[i] = strings + i;
    qsort(places, count, sizeof *places, by_string);
    for (size_t i = 1; i < count; i++)
        if (strcmp(*places[i - 1], *places[i]) == 0)
            repeated = (size_t)pack_min(repeated, (size_t)(places[i] - strings));
    if (repeated == count)
        return 0;
    fields_enter_index(fields, repeated);
    return pack_fail(fields->error, PACK_E_MALFORMED, "\"%s\" stands twice", strings[repeated]);
}

static int strings_check(struct fields *fields, const struct field *field, const void *object)
{
    const size_t count = count_of(field, object), length = strlen(fields->path);
    const char *const *strings = strings_of(field, object);
    int code = check_count(fields, field, count);
    for (size_t i = 0; code == 0 && i < count; i++) {
        fields_enter_index(fields, i);
        code = field->rule(strings[i], fields->error);
        if (code == 0)
            fields->path[length] = '\0';
    }
    return code != 0 || count < 2 ? code : check_distinct(fields, strings, count);
}

static void strings_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_array(fields->json, field->name);
    for (size_t i = 0; i < count_of(field, object); i++)
        pack_json_string(fields->json, NULL, strings_of(field, object)[i]);
    pack_json_end(fields->json);
}

static int objects_read(struct fields *fields, const struct field *field,
                        const struct pack_json_value *value, void *object)
{
    const size_t length = strlen(fields->path);
    const struct pack_json_value *entry = value->first;
    char *elements = NULL;
    int code = check_count(fields, field, value->count);
    if (code == 0)
        code = pack_arena_allocate(fields->arena, &elements, value->count, field->table->size,
                                   fields->error);
    for (size_t i = 0; code == 0 && i < value->count; i++, entry = entry->next) {
        fields_enter_index(fields, i);
        code = fields_read(fields, field->table, entry, elements + i * field->table->size);
        if (code == 0)
            fields->path[length] = '\0';
    }
    if (code != 0)
        return code;
    memcpy(writable_slot(field, object), &elements, sizeof elements);
    set_count(field, object, value->count);
    return 0;
}

static int objects_check(struct fields *fields, const struct field *field, const void *object)
{
    const size_t count = count_of(field, object), length = strlen(fields->path);
    int code = check_count(fields, field, count);
    for (size_t i = 0; code == 0 && i < count; i++) {
        fields_enter_index(fields, i);
        code = fields_check(fields, field->table, element_of(field, object, i));
        if (code == 0)
            fields->path[length] = '\0';
    }
    return code;
}

static void write_object(struct fields *fields, const struct field *field, const void *object)
{
    if (field->table->compact)
        pack_json_object_line(fields->json, NULL);
    else
        pack_json_object(fields->json, NULL);
    fields_write(fields, field->table, object);
    pack_json_end(fields->json);
}

static void objects_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_array(fields->json, field->name);
    for (size_t i = 0; i < count_of(field, object); i++)
        write_object(fields, field, element_of(field, object, i));
    pack_json_end(fields->json);
}

/* --- groups ---------------------------------------------------------------------------------- */

static int group_read(struct fields *fields, const struct field *field,
                      const struct pack_json_value *value, void *object)
{
    return fields_read(fields, field->table, value, object);
}

static int group_check(struct fields *fields, const struct field *field, const void *object)
{
    return fields_check(fields, field->table, object);
}

static void group_write(struct fields *fields, const struct field *field, const void *object)
{
    pack_json_object(fields->json, field->name);
    fields_write(fields, field->table, object);
    pack_json_end(fields->json);
}

static bool group_filled(const struct field *field, const void *object)
{
    for (size_t i = 0; i < field->table->count; i++) {
        const struct field *member = &field->table->fields[i];
        if (field_kinds[member->kind].filled(member, object))
            return true;
    }
    return false;
}

/* --- the kinds ------------------------------------------------------------------------------- */

const struct field_behaviour field_kinds[] = {
    [FIELD_STRING] = {"a string", PACK_JSON_STRING, string_read, string_check, string_write,
                      string_filled},
    [FIELD_INTEGER] = {"an integer", PACK_JSON_INTEGER, integer_read, integer_check, integer_write,
                       integer_filled},
    [FIELD_BLOCK_SIZE] = {"an integer", PACK_JSON_INTEGER, block_size_read, block_size_check,
                          block_size_write, block_size_filled},
    [FIELD_BOOLEAN] = {"true or false", PACK_JSON_BOOLEAN, boolean_read, NULL, boolean_write,
                       boolean_of},
    [FIELD_DIGEST] = {"a string", PACK_JSON_STRING, digest_read, NULL, digest_write, digest_filled},
    [FIELD_RAW] = {"an object", PACK_JSON_OBJECT, raw_read, raw_check, raw_write, string_filled},
    [FIELD_STRINGS] = {"an array", PACK_JSON_ARRAY, strings_read, strings_check, strings_write,
                       array_filled},
    [FIELD_OBJECTS] = {"an array", PACK_JSON_ARRAY, objects_read, objects_check, objects_write,
                       array_filled},
    [FIELD_GROUP] = {"an object", PACK_JSON_OBJECT, group_read, group_check, group_write,
                     group_filled},
};
