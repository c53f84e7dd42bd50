/* SPDX-License-Identifier: MIT */
#include "device/values.h"

#include "base/checked.h"
#include "document/rules.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { PROGRAM_SECONDS = 60, MOST_WORDS = 64, HOUR = 3600 };

/* --- texts ----------------------------------------------------------------------------------- */

/* Any one-line text that reads as it is. */
static const char *read_text(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    struct pack_error error = {0};
    const char *text = pack_reader_text(reader, node);
    if (text == NULL || pack_rule_text(text, &error) == 0)
        return text;
    (void)pack_reader_fault(reader, node, "%s", error.text);
    return NULL;
}

static void decode_text(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    *(const char **)device_member(field, object) = read_text(reader, node);
}

static void schema_text(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "string");
    pack_json_unsigned(json, "minLength", 1);
    pack_json_unsigned(json, "maxLength", PACK_MAX_TEXT);
}

const struct pack_field_type device_type_text = {decode_text, schema_text};

const char *device_path(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *text)
{
    return pack_reader_path(reader, node, "", text);
}

static void decode_path(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    if (text != NULL)
        *(const char **)device_member(field, object) = device_path(reader, node, text);
}

const struct pack_field_type device_type_path = {decode_path, schema_text};

struct device_texts device_texts_read(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *node, size_t most, const char *what)
{
    struct device_texts texts = {.count = 0};
    if (node->kind == PACK_YAML_TEXT) {
        const char *text = read_text(reader, node);
        texts.list = pack_reader_allocate(reader, 1, sizeof *texts.list);
        if (text != NULL && texts.list != NULL)
            texts.list[texts.count++] = text;
        return texts;
    }
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST))
        return texts;
    if (node->count == 0 || node->count > most) {
        (void)pack_reader_fault(reader, node, "%zu %s, 1 to %zu wanted", node->count, what, most);
        return texts;
    }
    texts.list = pack_reader_allocate(reader, node->count, sizeof *texts.list);
    for (const struct pack_yaml *item = node->first; texts.list != NULL && item != NULL;
         item = item->next) {
        const char *text = read_text(reader, item);
        if (text != NULL)
            texts.list[texts.count++] = text;
    }
    return texts;
}

void device_texts_schema(struct pack_json *json, size_t most)
{
    pack_json_array(json, "oneOf");
    pack_json_object(json, NULL);
    schema_text(json, NULL);
    pack_json_end(json);
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", most);
    pack_json_object(json, "items");
    schema_text(json, NULL);
    pack_json_end(json);
    pack_json_end(json);
    pack_json_end(json);
}

size_t device_choice(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                     const char *const *words, size_t count)
{
    const char *text = pack_reader_text(reader, node);
    char all[160] = "";
    size_t size = 0;
    if (text == NULL)
        return count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    for (size_t i = 0; i < count && size < sizeof all; i++)
        size +=
            (size_t)snprintf(all + size, sizeof all - size, "%s%s", i == 0 ? "" : ", ", words[i]);
    struct pack_error *fault =
        pack_reader_fault(reader, node, "\"%s\" is none of %s", pack_yaml_show(text).text, all);
    const char *nearest = pack_nearest(text, words, count);
    if (nearest != NULL)
        (void)pack_hint(fault, "did you mean '%s'?", nearest);
    return count;
}

void device_choice_schema(struct pack_json *json, const char *const *words, size_t count)
{
    pack_json_array(json, "enum");
    for (size_t i = 0; i < count; i++)
        pack_json_string(json, NULL, words[i]);
    pack_json_end(json);
}

/* --- booleans -------------------------------------------------------------------------------- */

static const char *const booleans[] = {"false", "true"};

static void set_boolean(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object, bool negated)
{
    const size_t choice = device_choice(reader, node, booleans, 2);
    if (choice < 2)
        *(bool *)device_member(field, object) = (choice == 1) != negated;
}

static void decode_boolean(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    set_boolean(reader, field, node, object, false);
}

static void decode_negated(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    set_boolean(reader, field, node, object, true);
}

static void schema_boolean(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "boolean");
}

const struct pack_field_type device_type_boolean = {decode_boolean, schema_boolean};
const struct pack_field_type device_type_negated = {decode_negated, schema_boolean};

/* --- numbers --------------------------------------------------------------------------------- */

/* Digits and a unit behind them; *unit is the rest. */
static bool split_number(const char *text, uint64_t *number, const char **unit)
{
    bool fits = *text >= '0' && *text <= '9' && (text[0] != '0' || text[1] < '0' || text[1] > '9');
    *number = 0;
    for (; fits && *text >= '0' && *text <= '9'; text++)
        fits = pack_multiply(*number, 10, number) &&
               pack_add(*number, (uint64_t)(*text - '0'), number);
    *unit = text;
    return fits;
}

static void decode_within(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object, unsigned least, unsigned most)
{
    const char *unit = NULL, *text = pack_reader_text(reader, node);
    uint64_t number = 0;
    if (text == NULL)
        return;
    if (split_number(text, &number, &unit) && *unit == '\0' && number >= least && number <= most)
        *(unsigned *)device_member(field, object) = (unsigned)number;
    else
        (void)pack_reader_fault(reader, node, "\"%s\", a number from %u to %u wanted",
                                pack_yaml_show(text).text, least, most);
}

static void schema_within(struct pack_json *json, unsigned least, unsigned most)
{
    pack_json_string(json, "type", "integer");
    pack_json_unsigned(json, "minimum", least);
    pack_json_unsigned(json, "maximum", most);
}

static void decode_tries(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    decode_within(reader, field, node, object, 1, 255);
}

static void schema_tries(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_within(json, 1, 255);
}

const struct pack_field_type device_type_tries = {decode_tries, schema_tries};

static void decode_count(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    decode_within(reader, field, node, object, 0, 255);
}

static void schema_count(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_within(json, 0, 255);
}

const struct pack_field_type device_type_count = {decode_count, schema_count};

static void decode_percent(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    decode_within(reader, field, node, object, 0, 100);
}

static void schema_percent(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_within(json, 0, 100);
}

const struct pack_field_type device_type_percent = {decode_percent, schema_percent};

struct unit {
    const char *name;
    uint64_t factor;
};

/* A number with one of the units; the unit without a name is optional to write. */
static bool read_measure(const char *text, const struct unit *units, uint64_t *result)
{
    const char *unit = NULL;
    uint64_t number = 0;
    if (!split_number(text, &number, &unit))
        return false;
    for (; units->name != NULL; units++)
        if (strcmp(unit, units->name) == 0)
            return pack_multiply(number, units->factor, result) && *result <= PACK_MAX_INTEGER;
    return false;
}

bool device_duration(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                     const char *text, uint64_t *seconds)
{
    static const struct unit units[] = {{"", 1},     {"s", 1},     {"m", 60},
                                        {"h", 3600}, {"d", 86400}, {NULL, 0}};
    if (read_measure(text, units, seconds))
        return true;
    (void)pack_hint(
        pack_reader_fault(reader, node, "\"%s\" is no duration", pack_yaml_show(text).text),
        "write seconds, or 30s, 5m, 24h, 7d");
    return false;
}

static void decode_duration(struct pack_descriptor_reader *reader, const struct pack_field *field,
                            const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    if (text != NULL)
        (void)device_duration(reader, node, text, device_member(field, object));
}

static void schema_duration(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_array(json, "type");
    pack_json_string(json, NULL, "string");
    pack_json_string(json, NULL, "integer");
    pack_json_end(json);
    pack_json_string(json, "pattern", "^(0|[1-9][0-9]*)[smhd]?$");
    pack_json_unsigned(json, "minimum", 0);
}

const struct pack_field_type device_type_duration = {decode_duration, schema_duration};

static void decode_short(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object, unsigned least)
{
    const char *text = pack_reader_text(reader, node);
    uint64_t seconds = 0;
    if (text == NULL || !device_duration(reader, node, text, &seconds))
        return;
    if (seconds < least || seconds > HOUR)
        (void)pack_reader_fault(reader, node, "%llu seconds, %u to %u wanted",
                                (unsigned long long)seconds, least, HOUR);
    else
        *(unsigned *)device_member(field, object) = (unsigned)seconds;
}

static void decode_pause(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    decode_short(reader, field, node, object, 0);
}

static void decode_timeout(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    decode_short(reader, field, node, object, 1);
}

const struct pack_field_type device_type_pause = {decode_pause, schema_duration};
const struct pack_field_type device_type_timeout = {decode_timeout, schema_duration};

static void decode_size(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    static const struct unit units[] = {
        {"", 1}, {"KiB", PACK_KIB}, {"MiB", PACK_MIB}, {"GiB", PACK_GIB}, {NULL, 0}};
    const char *text = pack_reader_text(reader, node);
    uint64_t size = 0;
    if (text == NULL)
        return;
    if (read_measure(text, units, &size) && size != 0)
        *(uint64_t *)device_member(field, object) = size;
    else
        (void)pack_hint(
            pack_reader_fault(reader, node, "\"%s\" is no size", pack_yaml_show(text).text),
            "write bytes, or 64KiB, 16MiB, 1GiB");
}

static void schema_size(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_array(json, "type");
    pack_json_string(json, NULL, "string");
    pack_json_string(json, NULL, "integer");
    pack_json_end(json);
    pack_json_string(json, "pattern", "^[1-9][0-9]*(KiB|MiB|GiB)?$");
    pack_json_unsigned(json, "minimum", 1);
}

const struct pack_field_type device_type_size = {decode_size, schema_size};

/* --- programs -------------------------------------------------------------------------------- */

/* The program's own path, where it is one, begins where device.yaml is. */
static void set_words(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                      struct pack_device_program *program)
{
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST))
        return;
    const struct device_texts texts = device_texts_read(reader, node, MOST_WORDS, "words");
    const char **words = pack_reader_allocate(reader, texts.count + 1, sizeof *words);
    if (texts.count == 0 || words == NULL)
        return;
    for (size_t i = 0; i < texts.count; i++)
        words[i] = texts.list[i];
    if (strchr(words[0], '/') != NULL)
        words[0] = device_path(reader, node, words[0]);
    program->words = words;
    program->count = words[0] != NULL ? texts.count : 0;
    if (program->seconds == 0)
        program->seconds = PROGRAM_SECONDS;
}

static void decode_words(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    set_words(reader, node, device_member(field, object));
}

static void schema_words(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", MOST_WORDS);
    pack_json_object(json, "items");
    schema_text(json, NULL);
    pack_json_end(json);
}

static const struct pack_field_type type_words = {decode_words, schema_words};

static const struct pack_field program_fields[] = {
    {.key = "command",
     .type = &type_words,
     .flags = PACK_FIELD_REQUIRED,
     .example = "command: [/usr/bin/check, --fast]",
     .summary = "The program and its arguments, run as they are, without a shell"},
    {.key = "timeout",
     .type = &device_type_timeout,
     .offset = offsetof(struct pack_device_program, seconds),
     .fallback = "\"60s\"",
     .example = "timeout: 30s",
     .summary = "When it is killed, with all that it has started"},
    {.key = NULL},
};

static void decode_program(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    if (node->kind == PACK_YAML_MAP)
        pack_fields_decode(reader, program_fields, node, device_member(field, object));
    else
        set_words(reader, node, device_member(field, object));
}

static void schema_program(struct pack_json *json, const struct pack_field *field)
{
    pack_json_array(json, "oneOf");
    pack_json_object(json, NULL);
    schema_words(json, field);
    pack_json_end(json);
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, program_fields);
    pack_json_end(json);
    pack_json_end(json);
}

const struct pack_field_type device_type_program = {decode_program, schema_program};
