/* SPDX-License-Identifier: MIT */
#include "device/values.h"

#include "base/checked.h"
#include "document/rules.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PROGRAM_SECONDS = 60, MOST_WORDS = 256 };

/* --- texts ----------------------------------------------------------------------------------- */

void device_pattern_schema(struct pack_json *json, const char *pattern)
{
    pack_json_string(json, "type", "string");
    pack_json_string(json, "pattern", pattern);
}

static void decode_product(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    pack_type_product.decode(reader, field, node, object);
}

static void schema_product(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_pattern_schema(json, pack_product_pattern);
}

const struct pack_field_type device_type_product = {decode_product, schema_product};

static void decode_name(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    pack_type_name.decode(reader, field, node, object);
}

static void schema_name(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_pattern_schema(json, pack_name_pattern);
}

const struct pack_field_type device_type_name = {decode_name, schema_name};

static const char *read_text(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    const char *text = pack_reader_text(reader, node);
    return text != NULL && pack_reader_follows(reader, node, text, pack_rule_text) ? text : NULL;
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

/* --- paths ----------------------------------------------------------------------------------- */

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

static void decode_flash(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    const char *text = read_text(reader, node);
    if (text != NULL)
        *(const char **)device_member(field, object) =
            strchr(text, '/') != NULL ? device_path(reader, node, text) : text;
}

const struct pack_field_type device_type_flash = {decode_flash, schema_text};

/* --- lists of texts -------------------------------------------------------------------------- */

static void add_text(struct pack_descriptor_reader *reader, struct device_texts *texts,
                     const struct pack_yaml *node)
{
    const char *text = read_text(reader, node);
    for (size_t i = 0; text != NULL && i < texts->count; i++)
        if (strcmp(texts->list[i].text, text) == 0) {
            (void)pack_reader_fault(reader, node, "\"%s\" stands in line %u already",
                                    pack_yaml_show(text).text, texts->list[i].node->line);
            text = NULL;
        }
    if (text != NULL)
        texts->list[texts->count++] = (struct device_text){.text = text, .node = node};
}

struct device_texts device_texts_read(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *node, size_t most, const char *what)
{
    struct device_texts texts = {.count = 0};
    const bool one = node->kind == PACK_YAML_TEXT;
    if (!one && !pack_reader_list(reader, node, most, what))
        return texts;
    texts.list = pack_reader_allocate(reader, one ? 1 : node->count, sizeof *texts.list);
    if (texts.list == NULL)
        return texts;
    if (one)
        add_text(reader, &texts, node);
    for (const struct pack_yaml *item = one ? NULL : node->first; item != NULL; item = item->next)
        add_text(reader, &texts, item);
    return texts;
}

void device_some_schema(struct pack_json *json, size_t most, void (*item)(struct pack_json *json))
{
    pack_json_array(json, "oneOf");
    pack_json_object(json, NULL);
    item(json);
    pack_json_end(json);
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", most);
    pack_json_boolean(json, "uniqueItems", true);
    pack_json_object(json, "items");
    item(json);
    pack_json_end(json);
    pack_json_end(json);
    pack_json_end(json);
}

static void schema_one_text(struct pack_json *json)
{
    schema_text(json, NULL);
}

void device_texts_schema(struct pack_json *json, size_t most)
{
    device_some_schema(json, most, schema_one_text);
}

void device_choice_schema(struct pack_json *json, const char *const *words, size_t count)
{
    pack_json_array(json, "enum");
    for (size_t i = 0; i < count; i++)
        pack_json_string(json, NULL, words[i]);
    pack_json_end(json);
}

/* --- maps ------------------------------------------------------------------------------------ */

static void decode_map(struct pack_descriptor_reader *reader, const struct pack_field *field,
                       const struct pack_yaml *node, void *object)
{
    if (pack_reader_expect(reader, node, PACK_YAML_MAP))
        pack_fields_decode(reader, field->fields, node, device_member(field, object));
}

static void schema_map(struct pack_json *json, const struct pack_field *field)
{
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, field->fields);
}

const struct pack_field_type device_type_map = {decode_map, schema_map};

void device_maps_schema(struct pack_json *json, size_t least, size_t most,
                        const struct pack_field *fields)
{
    const struct pack_field map = {.fields = fields};
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", least);
    pack_json_unsigned(json, "maxItems", most);
    pack_json_object(json, "items");
    schema_map(json, &map);
    pack_json_end(json);
}

void device_keys_schema(struct pack_json *json, const char *const *keys)
{
    pack_json_object(json, NULL);
    pack_json_array(json, "required");
    for (; *keys != NULL; keys++)
        pack_json_string(json, NULL, *keys);
    pack_json_end(json);
    pack_json_end(json);
}

/* --- booleans -------------------------------------------------------------------------------- */

static void set_boolean(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        bool *member, bool negated)
{
    static const char *const words[] = {"true", "false"};
    const char *word = pack_reader_choice(reader, node, "boolean", words, 2);
    if (word != NULL)
        *member = (word == words[0]) != negated;
}

static void decode_boolean(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    set_boolean(reader, node, device_member(field, object), false);
}

static void decode_negated(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    set_boolean(reader, node, device_member(field, object), true);
}

static void schema_boolean(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "boolean");
}

const struct pack_field_type device_type_boolean = {decode_boolean, schema_boolean};
const struct pack_field_type device_type_negated = {decode_negated, schema_boolean};

/* --- numbers --------------------------------------------------------------------------------- */

static bool is_within(struct pack_descriptor_reader *reader, const struct pack_field *field,
                      const struct pack_yaml *node, uint64_t number, const char *unit)
{
    if (number >= field->least && number <= field->most)
        return true;
    (void)pack_reader_fault(reader, node, "'%s' is %s, %" PRIu64 " to %" PRIu64 "%s wanted",
                            field->key, pack_yaml_show(node->text).text, field->least, field->most,
                            unit);
    return false;
}

static void decode_number(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    uint64_t number = 0;
    if (text != NULL && pack_reader_integer(reader, node, text, &number) &&
        is_within(reader, field, node, number, ""))
        *(unsigned *)device_member(field, object) = (unsigned)number;
}

static void schema_range(struct pack_json *json, const struct pack_field *field,
                         const char *pattern)
{
    pack_schema_integer(json);
    pack_json_unsigned(json, "minimum", field->least);
    pack_json_unsigned(json, "maximum", field->most);
    pack_json_string(json, "pattern", pattern);
}

static void schema_number(struct pack_json *json, const struct pack_field *field)
{
    schema_range(json, field, "^(0|[1-9][0-9]*)$");
}

const struct pack_field_type device_type_number = {decode_number, schema_number};

static bool read_duration(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, uint64_t *seconds)
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    const char *text = pack_reader_text(reader, node), *unit = NULL;
    uint64_t number = 0;
    if (text == NULL || (strchr("0123456789", text[0]) != NULL && text[0] != '\0' &&
                         !pack_reader_digits(reader, node, text, &number, &unit)))
        return false;
    for (size_t i = 0; unit != NULL && i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].unit) == 0) {
            if (!pack_multiply(number, units[i].seconds, seconds))
                *seconds = UINT64_MAX;
            return is_within(reader, field, node, *seconds, " seconds");
        }
    (void)pack_hint(
        pack_reader_fault(reader, node, "\"%s\" is no duration", pack_yaml_show(text).text),
        "write 30s, 5m, 24h or 7d, without a space, or plain seconds");
    return false;
}

static void decode_duration(struct pack_descriptor_reader *reader, const struct pack_field *field,
                            const struct pack_yaml *node, void *object)
{
    uint64_t seconds = 0;
    if (read_duration(reader, field, node, &seconds))
        *(uint64_t *)device_member(field, object) = seconds;
}

static void decode_seconds(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    uint64_t seconds = 0;
    if (read_duration(reader, field, node, &seconds))
        *(unsigned *)device_member(field, object) = (unsigned)seconds;
}

static void schema_duration(struct pack_json *json, const struct pack_field *field)
{
    schema_range(json, field,
                 field->least == 0 ? "^(0|[1-9][0-9]*)[smhd]?$" : "^[1-9][0-9]*[smhd]?$");
}

const struct pack_field_type device_type_duration = {decode_duration, schema_duration};
const struct pack_field_type device_type_seconds = {decode_seconds, schema_duration};

static void decode_size(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    uint64_t size = 0;
    if (text != NULL && pack_reader_size(reader, node, text, &size) &&
        is_within(reader, field, node, size, " bytes"))
        *(uint64_t *)device_member(field, object) = size;
}

static void schema_size(struct pack_json *json, const struct pack_field *field)
{
    schema_range(json, field, "^[1-9][0-9]*(KiB|MiB|GiB)?$");
}

const struct pack_field_type device_type_size = {decode_size, schema_size};

/* --- programs -------------------------------------------------------------------------------- */

/* Words are given to the program as they stand, "${" and all. */
static const char *read_word(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                             bool first)
{
    if (!pack_reader_expect(reader, node, PACK_YAML_TEXT))
        return NULL;
    if (!first)
        return node->text;
    if (node->text[0] == '\0') {
        (void)pack_reader_fault(reader, node, "an empty text names no program");
        return NULL;
    }
    return strchr(node->text, '/') != NULL ? device_path(reader, node, node->text) : node->text;
}

static void decode_words(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    struct pack_device_program *program = device_member(field, object);
    size_t count = 0;
    if (node->kind == PACK_YAML_TEXT && !pack_yaml_is_null(node)) {
        (void)pack_hint(pack_reader_fault(reader, node, "one text, a list of words wanted"),
                        "there is no shell to part it: write [/bin/program, --option]");
        return;
    }
    if (!pack_reader_list(reader, node, MOST_WORDS, "words"))
        return;
    const char **words = pack_reader_allocate(reader, node->count + 1, sizeof *words);
    if (words == NULL)
        return;
    for (const struct pack_yaml *item = node->first; item != NULL; item = item->next)
        words[count++] = read_word(reader, item, item == node->first);
    program->words = words;
    program->count = count;
    if (program->seconds == 0)
        program->seconds = PROGRAM_SECONDS;
}

static void schema_words(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", MOST_WORDS);
    pack_json_object(json, "items");
    pack_json_array(json, "type");
    pack_json_string(json, NULL, "string");
    pack_json_string(json, NULL, "number");
    pack_json_string(json, NULL, "boolean");
    pack_json_end(json);
    pack_json_end(json);
}

const struct pack_field_type device_type_words = {decode_words, schema_words};

static const struct pack_field program_fields[] = {
    {.key = "command",
     .type = &device_type_words,
     .flags = PACK_FIELD_REQUIRED,
     .example = "command: [/usr/lib/acme/check, --fast]",
     .summary = "The program and its arguments, run as they are, without a shell"},
    {.key = "timeout",
     .type = &device_type_seconds,
     .offset = offsetof(struct pack_device_program, seconds),
     .least = 1,
     .most = DEVICE_MOST_SECONDS,
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
        decode_words(reader, field, node, object);
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
