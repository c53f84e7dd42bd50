/* SPDX-License-Identifier: MIT */
#include "install/state.h"

#include "base/memory.h"
#include "codec/json_reader.h"
#include "pack/json.h"
#include "pack/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STATE_TYPE "fwpack.state"
#define STATE_FORMAT 1

/* --- members, by tables that read and write --------------------------------------------------- */

enum member_kind {
    MEMBER_NUMBER,  /* uint64_t */
    MEMBER_COUNT,   /* size_t, at most `capacity` */
    MEMBER_FLAG,    /* bool */
    MEMBER_DIGEST,  /* uint8_t[32] */
    MEMBER_TEXT,    /* char[capacity] */
    MEMBER_VERSION, /* the same: "", or a version */
    MEMBER_SET,     /* enum pack_set, "A" or "B" */
    MEMBER_CONDITION,
    MEMBER_OBJECT, /* a struct at `offset`, under `table` */
    MEMBER_LIST,   /* an array at `offset` of at most `capacity` structs, under `table` */
    MEMBER_IMAGES, /* the same, allocated */
};

struct member_table;

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
    size_t capacity;
    size_t count_offset; /* of a list's size_t */
    const struct member_table *table;
};

struct member_table {
    size_t size; /* of the struct */
    size_t count;
    const struct member *members;
};

#define TABLE(type, list)                                                                \
    {                                                                                    \
        .size = sizeof(type), .count = sizeof(list) / sizeof((list)[0]), .members = list \
    }

static const struct member image_members[] = {
    {"slot", MEMBER_TEXT, .offset = offsetof(struct state_image, slot),
     .capacity = PACK_MAX_NAME + 1},
    {"size", MEMBER_NUMBER, .offset = offsetof(struct state_image, size)},
    {"sha256", MEMBER_DIGEST, .offset = offsetof(struct state_image, sha256)},
};
static const struct member_table image_table = TABLE(struct state_image, image_members);

static const struct member set_members[] = {
    {"condition", MEMBER_CONDITION, .offset = offsetof(struct state_set, condition)},
    {"version", MEMBER_VERSION, .offset = offsetof(struct state_set, version),
     .capacity = PACK_MAX_VERSION + 1},
    {"release_sha256", MEMBER_DIGEST, .offset = offsetof(struct state_set, release_sha256)},
    {"security_version", MEMBER_NUMBER, .offset = offsetof(struct state_set, security_version)},
    {"data_epoch", MEMBER_NUMBER, .offset = offsetof(struct state_set, data_epoch)},
    {"images", MEMBER_IMAGES, .offset = offsetof(struct state_set, images),
     .capacity = PACK_MAX_IMAGES, .count_offset = offsetof(struct state_set, image_count),
     .table = &image_table},
};
static const struct member_table set_table = TABLE(struct state_set, set_members);

static const struct member sets_members[] = {
    {"A", MEMBER_OBJECT, .offset = PACK_SET_A * sizeof(struct state_set), .table = &set_table},
    {"B", MEMBER_OBJECT, .offset = PACK_SET_B * sizeof(struct state_set), .table = &set_table},
};
static const struct member_table sets_table = TABLE(struct state_set[PACK_SETS], sets_members);

static const struct member trial_members[] = {
    {"begun", MEMBER_FLAG, .offset = offsetof(struct state_trial, begun)},
    {"set", MEMBER_SET, .offset = offsetof(struct state_trial, set)},
    {"armed", MEMBER_FLAG, .offset = offsetof(struct state_trial, armed)},
    {"session", MEMBER_TEXT, .offset = offsetof(struct state_trial, session),
     .capacity = sizeof((struct state_trial *)0)->session},
};
static const struct member_table trial_table = TABLE(struct state_trial, trial_members);

static const struct member progress_members[] = {
    {"begun", MEMBER_FLAG, .offset = offsetof(struct state_progress, begun)},
    {"release_sha256", MEMBER_DIGEST, .offset = offsetof(struct state_progress, release_sha256)},
    {"set", MEMBER_SET, .offset = offsetof(struct state_progress, set)},
    {"done", MEMBER_COUNT, .offset = offsetof(struct state_progress, done_count),
     .capacity = PACK_MAX_IMAGES},
    {"durable", MEMBER_NUMBER, .offset = offsetof(struct state_progress, durable)},
};
static const struct member_table progress_table = TABLE(struct state_progress, progress_members);

static const struct member failure_members[] = {
    {"release_sha256", MEMBER_DIGEST, .offset = offsetof(struct state_failure, release_sha256)},
    {"time", MEMBER_NUMBER, .offset = offsetof(struct state_failure, time)},
    {"count", MEMBER_NUMBER, .offset = offsetof(struct state_failure, count)},
};
static const struct member_table failure_table = TABLE(struct state_failure, failure_members);

static const struct member seen_members[] = {
    {"release_sha256", MEMBER_DIGEST, .offset = offsetof(struct state, seen_release)},
    {"delivery", MEMBER_NUMBER, .offset = offsetof(struct state, seen_delivery)},
    {"rollout", MEMBER_NUMBER, .offset = offsetof(struct state, seen_rollout)},
    {"halted", MEMBER_FLAG, .offset = offsetof(struct state, seen_halted)},
};
static const struct member_table seen_table = TABLE(struct state, seen_members);

static const struct member result_members[] = {
    {"time", MEMBER_NUMBER, .offset = offsetof(struct pack_result_status, time)},
    {"version", MEMBER_TEXT, .offset = offsetof(struct pack_result_status, version),
     .capacity = PACK_MAX_VERSION + 1},
    {"outcome", MEMBER_TEXT, .offset = offsetof(struct pack_result_status, outcome),
     .capacity = sizeof((struct pack_result_status *)0)->outcome},
    {"reason", MEMBER_TEXT, .offset = offsetof(struct pack_result_status, reason),
     .capacity = sizeof((struct pack_result_status *)0)->reason},
};
static const struct member_table result_table = TABLE(struct pack_result_status, result_members);

static const struct member state_members[] = {
    {"security_version", MEMBER_NUMBER, .offset = offsetof(struct state, security_version)},
    {"data_epoch", MEMBER_NUMBER, .offset = offsetof(struct state, data_epoch)},
    {"sets", MEMBER_OBJECT, .offset = offsetof(struct state, sets), .table = &sets_table},
    {"trial", MEMBER_OBJECT, .offset = offsetof(struct state, trial), .table = &trial_table},
    {"progress", MEMBER_OBJECT, .offset = offsetof(struct state, progress),
     .table = &progress_table},
    {"failures", MEMBER_LIST, .offset = offsetof(struct state, failures),
     .capacity = STATE_FAILURES, .count_offset = offsetof(struct state, failure_count),
     .table = &failure_table},
    {"seen", MEMBER_OBJECT, .table = &seen_table},
    {"results", MEMBER_LIST, .offset = offsetof(struct state, results),
     .capacity = PACK_MAX_RESULTS, .count_offset = offsetof(struct state, result_count),
     .table = &result_table},
    {"events", MEMBER_NUMBER, .offset = offsetof(struct state, events)},
};
static const struct member_table state_table = TABLE(struct state, state_members);

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct pack_error *error;
    char path[96]; /* of the member at hand */
};

static int refuse(struct reading *reading, const char *wanted)
{
    return pack_fail(reading->error, PACK_E_STATE, "%s: %s is wanted", reading->path, wanted);
}

static int read_number(struct reading *reading, const struct member *member,
                       const struct pack_json_value *value, void *place)
{
    if (value->type != PACK_JSON_INTEGER)
        return refuse(reading, "a number");
    if (member->kind == MEMBER_NUMBER) {
        *(uint64_t *)place = value->integer;
        return 0;
    }
    if (value->integer > member->capacity)
        return pack_fail(reading->error, PACK_E_STATE,
                         "%s: %" PRIu64 " where at most %zu is wanted", reading->path,
                         value->integer, member->capacity);
    *(size_t *)place = (size_t)value->integer;
    return 0;
}

static int read_flag(struct reading *reading, const struct member *member,
                     const struct pack_json_value *value, void *place)
{
    (void)member;
    if (value->type != PACK_JSON_BOOLEAN)
        return refuse(reading, "true or false");
    *(bool *)place = value->boolean;
    return 0;
}

static int read_digest(struct reading *reading, const struct member *member,
                       const struct pack_json_value *value, void *place)
{
    (void)member;
    if (value->type != PACK_JSON_STRING || !pack_sha256_parse(value->text, place))
        return refuse(reading, "a SHA-256 of 64 lower-case hexadecimal digits");
    return 0;
}

static int read_text(struct reading *reading, const struct member *member,
                     const struct pack_json_value *value, void *place)
{
    if (value->type != PACK_JSON_STRING)
        return refuse(reading, "a text");
    const size_t length = strlen(value->text);
    if (length >= member->capacity)
        return pack_fail(reading->error, PACK_E_STATE,
                         "%s: a text of %zu bytes, at most %zu are wanted", reading->path, length,
                         member->capacity - 1);
    memcpy(place, value->text, length + 1);
    return 0;
}

/* Versions are compared, for which they must be some. */
static int read_version(struct reading *reading, const struct member *member,
                        const struct pack_json_value *value, void *place)
{
    struct pack_error fault = {.code = PACK_OK};
    const int code = read_text(reading, member, value, place);
    if (code != 0 || value->text[0] == '\0' || pack_version_check(value->text, &fault) == 0)
        return code;
    return refuse(reading, "a version");
}

static int read_set(struct reading *reading, const struct member *member,
                    const struct pack_json_value *value, void *place)
{
    (void)member;
    const bool known = value->type == PACK_JSON_STRING &&
                       (strcmp(value->text, "A") == 0 || strcmp(value->text, "B") == 0);
    if (!known)
        return refuse(reading, "\"A\" or \"B\"");
    *(enum pack_set *)place = value->text[0] == 'A' ? PACK_SET_A : PACK_SET_B;
    return 0;
}

static int read_condition(struct reading *reading, const struct member *member,
                          const struct pack_json_value *value, void *place)
{
    (void)member;
    const char *name = NULL;
    for (int i = 0; value->type == PACK_JSON_STRING &&
                    (name = set_condition_name((enum set_condition)i)) != NULL;
         i++)
        if (strcmp(name, value->text) == 0) {
            *(enum set_condition *)place = (enum set_condition)i;
            return 0;
        }
    return refuse(reading, "unknown, incomplete, trial, good or failed");
}

static int read_object(struct reading *reading, const struct member_table *table,
                       const struct pack_json_value *value, void *object);

static int read_member(struct reading *reading, const struct member *member,
                       const struct pack_json_value *value, void *object);

static int read_inner(struct reading *reading, const struct member *member,
                      const struct pack_json_value *value, void *place)
{
    return read_object(reading, member->table, value, place);
}

static int read_entries(struct reading *reading, const struct member *member,
                        const struct pack_json_value *value, char *entries)
{
    const size_t length = strlen(reading->path);
    const struct pack_json_value *entry = value->first;
    for (size_t i = 0; i < value->count; i++, entry = entry->next) {
        snprintf(reading->path + length, sizeof reading->path - length, "[%zu]", i);
        const int code =
            read_object(reading, member->table, entry, entries + i * member->table->size);
        if (code != 0)
            return code;
        reading->path[length] = '\0';
    }
    return 0;
}

static int check_list(struct reading *reading, const struct member *member,
                      const struct pack_json_value *value)
{
    if (value->type != PACK_JSON_ARRAY)
        return refuse(reading, "a list");
    if (value->count > member->capacity)
        return pack_fail(reading->error, PACK_E_STATE, "%s: %zu entries, at most %zu are wanted",
                         reading->path, value->count, member->capacity);
    return 0;
}

static int read_list(struct reading *reading, const struct member *member,
                     const struct pack_json_value *value, void *place)
{
    const int code = check_list(reading, member, value);
    return code != 0 ? code : read_entries(reading, member, value, place);
}

/* Where it fails, the state that owns the array frees it. */
static int read_images(struct reading *reading, const struct member *member,
                       const struct pack_json_value *value, void *place)
{
    struct state_image *images = NULL;
    int code = check_list(reading, member, value);
    if (code == 0 && value->count != 0)
        code = pack_allocate(&images, value->count, member->table->size, reading->error);
    if (code != 0)
        return code;
    memcpy(place, &images, sizeof images);
    return read_entries(reading, member, value, (char *)images);
}

static int read_member(struct reading *reading, const struct member *member,
                       const struct pack_json_value *value, void *object)
{
    static int (*const readers[])(struct reading *, const struct member *,
                                  const struct pack_json_value *, void *) = {
        [MEMBER_NUMBER] = read_number, [MEMBER_COUNT] = read_number,
        [MEMBER_FLAG] = read_flag,     [MEMBER_DIGEST] = read_digest,
        [MEMBER_TEXT] = read_text,     [MEMBER_VERSION] = read_version,
        [MEMBER_SET] = read_set,       [MEMBER_CONDITION] = read_condition,
        [MEMBER_OBJECT] = read_inner,  [MEMBER_LIST] = read_list,
        [MEMBER_IMAGES] = read_images,
    };
    char *place = (char *)object + member->offset;
    const int code = readers[member->kind](reading, member, value, place);
    if (code == 0 && (member->kind == MEMBER_LIST || member->kind == MEMBER_IMAGES))
        memcpy((char *)object + member->count_offset, &value->count, sizeof value->count);
    return code;
}

/* What a later version has added is ignored: after a fallback an older one reads it. */
static int read_object(struct reading *reading, const struct member_table *table,
                       const struct pack_json_value *value, void *object)
{
    const size_t length = strlen(reading->path);
    if (value->type != PACK_JSON_OBJECT)
        return refuse(reading, "an object");
    for (size_t i = 0; i < table->count; i++) {
        const struct member *member = &table->members[i];
        const struct pack_json_value *found = pack_json_member(value, member->name);
        snprintf(reading->path + length, sizeof reading->path - length, "%s%s",
                 length != 0 ? "." : "", member->name);
        const int code = found != NULL ? read_member(reading, member, found, object)
                                       : pack_fail(reading->error, PACK_E_STATE, "%s: is missing",
                                                   reading->path);
        if (code != 0)
            return code;
        reading->path[length] = '\0';
    }
    return 0;
}

static int check_kind(const struct pack_json_value *root, struct pack_error *error)
{
    const struct pack_json_value *type = pack_json_member(root, "type");
    const struct pack_json_value *format = pack_json_member(root, "format");
    if (type == NULL || type->type != PACK_JSON_STRING || strcmp(type->text, STATE_TYPE) != 0)
        return pack_fail(error, PACK_E_STATE, "type: \"" STATE_TYPE "\" is wanted");
    if (format == NULL || format->type != PACK_JSON_INTEGER || format->integer == 0)
        return pack_fail(error, PACK_E_STATE, "format: a number from 1 is wanted");
    if (format->integer == STATE_FORMAT)
        return 0;
    pack_fail(error, PACK_E_UNSUPPORTED, "format: %" PRIu64 ", this version of fwpack reads %d",
              format->integer, STATE_FORMAT);
    return pack_hint(error, "a newer fwpack wrote it, and reads it");
}

static int parse_tree(struct state *state, const void *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    const struct pack_json_value *root = NULL;
    struct reading reading = {.error = error};
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_json_read(&root, arena, bytes, size, error);
    if (code == PACK_E_MALFORMED || code == PACK_E_LIMIT)
        error->code = (enum pack_code)(code = PACK_E_STATE);
    if (code == 0)
        code = check_kind(root, error);
    return code != 0 ? code : read_object(&reading, &state_table, root, state);
}

int state_parse(struct state **state, const void *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO(state_free) struct state *made = NULL;
    *state = NULL;
    int code = state_new(&made, error);
    if (code == 0)
        code = parse_tree(made, bytes, size, error);
    if (code == 0)
        *state = pack_steal(&made);
    return code;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_object(struct pack_json *json, const struct member_table *table,
                         const void *object);

static void write_entries(struct pack_json *json, const struct member *member, const void *object,
                          const char *entries)
{
    size_t count = 0;
    memcpy(&count, (const char *)object + member->count_offset, sizeof count);
    pack_json_array(json, member->name);
    for (size_t i = 0; i < count; i++) {
        pack_json_object(json, NULL);
        write_object(json, member->table, entries + i * member->table->size);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void write_member(struct pack_json *json, const struct member *member, const void *object)
{
    const char *place = (const char *)object + member->offset;
    switch (member->kind) {
    case MEMBER_NUMBER:
        pack_json_unsigned(json, member->name, *(const uint64_t *)(const void *)place);
        break;
    case MEMBER_COUNT:
        pack_json_unsigned(json, member->name, *(const size_t *)(const void *)place);
        break;
    case MEMBER_FLAG:
        pack_json_boolean(json, member->name, *(const bool *)(const void *)place);
        break;
    case MEMBER_DIGEST:
        pack_json_hex(json, member->name, place, PACK_SHA256_SIZE);
        break;
    case MEMBER_TEXT:
    case MEMBER_VERSION:
        pack_json_string(json, member->name, place);
        break;
    case MEMBER_SET:
        pack_json_string(json, member->name,
                         *(const enum pack_set *)(const void *)place == PACK_SET_A ? "A" : "B");
        break;
    case MEMBER_CONDITION:
        pack_json_string(json, member->name,
                         set_condition_name(*(const enum set_condition *)(const void *)place));
        break;
    case MEMBER_OBJECT:
        pack_json_object(json, member->name);
        write_object(json, member->table, place);
        pack_json_end(json);
        break;
    case MEMBER_LIST:
        write_entries(json, member, object, place);
        break;
    case MEMBER_IMAGES:
        write_entries(json, member, object, *(const char *const *)(const void *)place);
        break;
    }
}

static void write_object(struct pack_json *json, const struct member_table *table,
                         const void *object)
{
    for (size_t i = 0; i < table->count; i++)
        write_member(json, &table->members[i], object);
}

/* A record that the next run could not read must not take the place of one that it can. */
static int check_written(const char *text, size_t size, struct pack_error *error)
{
    PACK_AUTO(state_free) struct state *again = NULL;
    if (size > STATE_LIMIT)
        return pack_fail(error, PACK_E_INTERNAL, "the device's state would have %zu bytes", size);
    const int code = state_parse(&again, text, size, error);
    if (code == 0 || code == PACK_E_NO_MEMORY)
        return code;
    error->code = PACK_E_INTERNAL;
    return pack_context(error, "the device's state would not be read again");
}

int state_format(char **text, size_t *size, const struct state *state, struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    *text = NULL;
    int code = pack_json_new(&json, false, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    pack_json_string(json, "type", STATE_TYPE);
    pack_json_unsigned(json, "format", STATE_FORMAT);
    write_object(json, &state_table, state);
    pack_json_end(json);
    code = pack_json_finish(json, &written, size, error);
    if (code == 0)
        code = check_written(written, *size, error);
    return code != 0 ? code : pack_copy_string(text, written, error);
}
