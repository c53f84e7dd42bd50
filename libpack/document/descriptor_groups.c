/* SPDX-License-Identifier: MIT */
/* The values of a descriptor that hold others: lists, maps, and what may be either. */
#include "document/descriptor_fields.h"
#include "document/rules.h"
#include "pack/backend/codec.h"
#include "pack/text.h"

#include <inttypes.h>
#include <string.h>

static bool check_count(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        size_t most, const char *what)
{
    if (node->count <= most)
        return true;
    (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "%zu %s, at most %zu allowed", node->count,
                           what, most);
    return false;
}

/* --- variables, include ---------------------------------------------------------------------- */

/* Names are taken as they stand: a variable's name cannot come out of a variable. */
static void add_variable(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    if (!pack_reader_expect(reader, node, PACK_YAML_TEXT))
        return;
    if (!pack_variable_name_valid(node->text, node->size)) {
        (void)pack_hint(pack_reader_fault(reader, node, "\"%s\" is no name of a variable",
                                          pack_yaml_show(node->text).text),
                        "a name is 1 to 64 letters, digits and '_', and does not start with a "
                        "digit");
        return;
    }
    struct pack_variable *variable = pack_reader_allocate(reader, 1, sizeof *variable);
    if (variable == NULL)
        return;
    *variable = (struct pack_variable){.name = node->text, .next = reader->variables};
    reader->variables = variable;
}

static void decode_variables(struct pack_descriptor_reader *reader, const struct pack_field *field,
                             const struct pack_yaml *node, void *object)
{
    (void)field;
    (void)object;
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST) ||
        !check_count(reader, node, PACK_MAX_VARIABLES, "variables"))
        return;
    for (const struct pack_yaml *item = node->first; item != NULL; item = item->next)
        add_variable(reader, item);
}

static void schema_variables(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "maxItems", PACK_MAX_VARIABLES);
    pack_json_object(json, "items");
    pack_json_string(json, "type", "string");
    pack_json_string(json, "pattern", "^[A-Za-z_][A-Za-z0-9_]{0,63}$");
    pack_json_end(json);
}

const struct pack_field_type pack_type_variables = {decode_variables, schema_variables};

static void decode_include(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    (void)field;
    (void)object;
    if (node->kind == PACK_YAML_TEXT) {
        pack_reader_include(reader, node);
        return;
    }
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST))
        return;
    for (const struct pack_yaml *item = node->first; item != NULL; item = item->next)
        pack_reader_include(reader, item);
}

static void schema_path(struct pack_json *json, const char *name)
{
    pack_json_object(json, name);
    pack_json_string(json, "type", "string");
    pack_json_unsigned(json, "minLength", 1);
    pack_json_unsigned(json, "maxLength", PACK_MAX_TEXT);
    pack_json_end(json);
}

static void schema_include(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_array(json, "oneOf");
    schema_path(json, NULL);
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "array");
    schema_path(json, "items");
    pack_json_end(json);
    pack_json_end(json);
}

const struct pack_field_type pack_type_include = {decode_include, schema_include};

/* --- compatible ------------------------------------------------------------------------------ */

static int rule_compatible(const char *text, struct pack_error *error)
{
    if (text[0] == '-')
        return pack_fail(error, PACK_E_MALFORMED, "\"%s\" begins with '-'",
                         pack_yaml_show(text).text);
    return pack_rule_text(text, error);
}

/* `[acme,gateway]` is two texts to YAML, and one to the person who wrote it. */
static bool commas_are_meant(struct pack_descriptor_reader *reader, const struct pack_yaml *list)
{
    for (const struct pack_yaml *item = list->first; list->flow && item != NULL;
         item = item->next) {
        if (item->kind != PACK_YAML_TEXT || !item->plain || list->count < 2)
            continue;
        (void)pack_hint(pack_reader_fault(reader, list,
                                          "a comma in brackets parts names of hardware; "
                                          "one on each line wanted"),
                        "write each on its own line behind '- ', or in quotes");
        return false;
    }
    return true;
}

static bool is_repeated(struct pack_descriptor_reader *reader, const struct pack_yaml *list,
                        const char *const *texts, const struct pack_yaml *item, const char *text)
{
    size_t i = 0;
    for (const struct pack_yaml *before = list->first; before != item; before = before->next, i++) {
        const char *other = texts[i];
        if (other == NULL || strcmp(other, text) != 0)
            continue;
        (void)pack_reader_fault(reader, item, "\"%s\" stands in line %u already",
                                pack_yaml_show(text).text, before->line);
        return true;
    }
    return false;
}

const char *pack_reader_hardware_name(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *item)
{
    struct pack_error error = {0};
    const char *text = pack_reader_text(reader, item);
    if (text == NULL || rule_compatible(text, &error) == 0)
        return text;
    (void)pack_reader_fault(reader, item, "%s", error.text);
    return NULL;
}

bool pack_reader_list(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                      size_t most, const char *what)
{
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST))
        return false;
    if (node->count == 0)
        (void)pack_reader_fault(reader, node, "an empty list, at least one wanted");
    return node->count != 0 && check_count(reader, node, most, what);
}

/* One entry for each item, NULL for one with a fault. */
const char **pack_reader_hardware(struct pack_descriptor_reader *reader,
                                  const struct pack_yaml *list, size_t *count)
{
    *count = 0;
    if (!pack_reader_list(reader, list, PACK_MAX_COMPATIBLE, "names of hardware") ||
        !commas_are_meant(reader, list))
        return NULL;
    const char **texts = pack_reader_allocate(reader, list->count, sizeof(char *));
    for (const struct pack_yaml *item = list->first; texts != NULL && item != NULL;
         item = item->next) {
        const char *text = pack_reader_hardware_name(reader, item);
        if (text != NULL && is_repeated(reader, list, texts, item, text))
            text = NULL;
        texts[(*count)++] = text;
    }
    return texts;
}

static void decode_compatible(struct pack_descriptor_reader *reader, const struct pack_field *field,
                              const struct pack_yaml *node, void *object)
{
    (void)field;
    struct pack_descriptor *descriptor = object;
    descriptor->compatible = pack_reader_hardware(reader, node, &descriptor->compatible_count);
}

static void schema_compatible(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", PACK_MAX_COMPATIBLE);
    pack_json_boolean(json, "uniqueItems", true);
    pack_json_object(json, "items");
    pack_schema_text(json, "^[^- ].{0,1023}$");
    pack_json_end(json);
}

const struct pack_field_type pack_type_compatible = {decode_compatible, schema_compatible};

/* --- requires, compress ---------------------------------------------------------------------- */

static void decode_map(struct pack_descriptor_reader *reader, const struct pack_field *field,
                       const struct pack_yaml *node, void *object)
{
    if (pack_reader_expect(reader, node, PACK_YAML_MAP))
        pack_fields_decode(reader, field->fields, node, object);
}

static void schema_map(struct pack_json *json, const struct pack_field *field)
{
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, field->fields);
}

const struct pack_field_type pack_type_requires = {decode_map, schema_map};

/* `compress: zstd` is short for `compress: {codec: zstd}`. */
static void decode_compress(struct pack_descriptor_reader *reader, const struct pack_field *field,
                            const struct pack_yaml *node, void *object)
{
    if (node->kind == PACK_YAML_TEXT)
        pack_type_codec.decode(reader, field, node, object);
    else
        decode_map(reader, field, node, object);
}

static void schema_compress(struct pack_json *json, const struct pack_field *field)
{
    pack_json_array(json, "oneOf");
    pack_json_object(json, NULL);
    pack_type_codec.schema(json, field);
    pack_json_end(json);
    pack_json_object(json, NULL);
    schema_map(json, field);
    pack_json_end(json);
    pack_json_end(json);
}

const struct pack_field_type pack_type_compress = {decode_compress, schema_compress};

/* --- images ---------------------------------------------------------------------------------- */

static void check_level(struct pack_descriptor_reader *reader, const struct pack_image_work *work)
{
    const struct pack_codec *codec = pack_codec_find(work->image.codec);
    const int level = work->image.level;
    if (work->level == NULL || codec == NULL ||
        (level >= codec->level_min && level <= codec->level_max && codec->level_max != 0))
        return;
    if (codec->level_max == 0)
        (void)pack_reader_fault(reader, work->level, "codec %s has no levels", codec->name);
    else
        (void)pack_reader_fault(reader, work->level, "codec %s has levels %d to %d, not %d",
                                codec->name, codec->level_min, codec->level_max, level);
}

/* The names that two images may not share. */
static void check_distinct(struct pack_descriptor_reader *reader,
                           const struct pack_image_work *before, const struct pack_image_work *work)
{
    const struct pack_descriptor_image *other = &before->image, *image = &work->image;
    if (work->name != NULL && other->name != NULL && image->name != NULL &&
        strcmp(other->name, image->name) == 0) {
        (void)pack_reader_fault(reader, work->name, "image \"%s\" stands in line %u already",
                                image->name, before->name->line);
    } else if (other->slot != NULL && image->slot != NULL &&
               strcmp(other->slot, image->slot) == 0) {
        const struct pack_yaml *here = work->slot != NULL ? work->slot : work->name;
        const struct pack_yaml *there = before->slot != NULL ? before->slot : before->name;
        (void)pack_reader_fault(reader, here,
                                "slot \"%s\" is filled by the image in line %u already",
                                image->slot, there->line);
    }
}

static void decode_image(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, struct pack_image_work *work)
{
    work->image = (struct pack_descriptor_image){
        .format = "raw",
        .codec = "zstd",
        .block_size = PACK_DEFAULT_BLOCK,
        .place = pack_reader_place(reader, node),
    };
    if (!pack_reader_expect(reader, node, PACK_YAML_MAP))
        return;
    pack_fields_decode(reader, field->fields, node, work);
    work->name = pack_yaml_get(node, "name");
    work->slot = pack_yaml_get(node, "slot");
    if (work->slot == NULL)
        work->image.slot = work->image.name;
    check_level(reader, work);
}

/* The array that the descriptor shows, without what was needed to read it. */
static void keep_images(struct pack_descriptor_reader *reader, const struct pack_image_work *works,
                        size_t count)
{
    struct pack_descriptor *descriptor = reader->descriptor;
    struct pack_descriptor_storage *storage = descriptor->storage;
    struct pack_descriptor_image *images = pack_reader_allocate(reader, count, sizeof *images);
    storage->format_given = pack_reader_allocate(reader, count, sizeof *storage->format_given);
    if (images == NULL || storage->format_given == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        images[i] = works[i].image;
        storage->format_given[i] = works[i].format_given;
    }
    descriptor->images = images;
    descriptor->image_count = count;
}

static void decode_images(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    (void)object;
    if (!pack_reader_list(reader, node, PACK_MAX_IMAGES, "images"))
        return;
    struct pack_image_work *works = pack_reader_allocate(reader, node->count, sizeof *works);
    size_t count = 0;
    for (const struct pack_yaml *item = node->first; item != NULL && works != NULL;
         item = item->next) {
        decode_image(reader, field, item, &works[count]);
        for (size_t i = 0; i < count; i++)
            check_distinct(reader, &works[i], &works[count]);
        count++;
    }
    if (works != NULL)
        keep_images(reader, works, count);
}

static void schema_images(struct pack_json *json, const struct pack_field *field)
{
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", PACK_MAX_IMAGES);
    pack_json_object(json, "items");
    schema_map(json, field);
    pack_json_end(json);
}

const struct pack_field_type pack_type_images = {decode_images, schema_images};

/* --- attachments ----------------------------------------------------------------------------- */

static void decode_attachment(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                              struct pack_descriptor_attachment *attachment)
{
    struct pack_error error = {0};
    attachment->name = node->key->text;
    attachment->place = pack_reader_place(reader, node);
    if (pack_rule_name(attachment->name, &error) != 0)
        (void)pack_hint(pack_reader_fault(reader, node->key, "%s", error.text), "%s", error.hint);
    attachment->file = pack_reader_text(reader, node);
    if (attachment->file != NULL)
        attachment->path = pack_reader_path(reader, node, "", attachment->file);
}

static void decode_attachments(struct pack_descriptor_reader *reader,
                               const struct pack_field *field, const struct pack_yaml *node,
                               void *object)
{
    (void)field;
    struct pack_descriptor *descriptor = object;
    if (!pack_reader_expect(reader, node, PACK_YAML_MAP) ||
        !check_count(reader, node, PACK_MAX_ATTACHMENTS, "attachments") || node->count == 0)
        return;
    struct pack_descriptor_attachment *attachments =
        pack_reader_allocate(reader, node->count, sizeof *attachments);
    if (attachments == NULL)
        return;
    descriptor->attachments = attachments;
    for (const struct pack_yaml *value = node->first; value != NULL; value = value->next)
        decode_attachment(reader, value, &attachments[descriptor->attachment_count++]);
}

static void schema_attachments(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "object");
    pack_json_unsigned(json, "maxProperties", PACK_MAX_ATTACHMENTS);
    pack_json_object(json, "propertyNames");
    pack_json_string(json, "pattern", pack_name_pattern);
    pack_json_end(json);
    schema_path(json, "additionalProperties");
}

const struct pack_field_type pack_type_attachments = {decode_attachments, schema_attachments};

/* --- meta ------------------------------------------------------------------------------------ */

static bool check_meta_key(struct pack_descriptor_reader *reader, const struct pack_yaml *key)
{
    struct pack_error error = {0};
    if (pack_rule_text(key->text, &error) == 0)
        return true;
    (void)pack_reader_fault(reader, key, "%s", error.text);
    return false;
}

static void write_meta(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       const char *name, struct pack_json *json);

static void write_meta_members(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                               struct pack_json *json)
{
    for (const struct pack_yaml *value = node->first; value != NULL; value = value->next) {
        if (value->key == NULL)
            write_meta(reader, value, NULL, json);
        else if (check_meta_key(reader, value->key))
            write_meta(reader, value, value->key->text, json);
    }
    pack_json_end(json);
}

static void write_meta(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       const char *name, struct pack_json *json)
{
    if (node->kind == PACK_YAML_TEXT) {
        const char *text = pack_reader_text(reader, node);
        pack_json_string(json, name, text != NULL ? text : "");
        return;
    }
    if (node->kind == PACK_YAML_MAP)
        pack_json_object(json, name);
    else
        pack_json_array(json, name);
    write_meta_members(reader, node, json);
}

/* What fwpack knows of meta: of these it says what they may hold. */
struct meta_key {
    const char *name;
    bool list;
    int (*rule)(const char *text, struct pack_error *error);
    const char *pattern; /* for the schema */
    const char *summary;
};

static const char licence_pattern[] = "^[A-Za-z0-9().: +-]+$";

static const struct meta_key meta_keys[] = {
    {"cves-fixed", true, pack_rule_cve, "^CVE-[0-9]{4}-[0-9]{4,19}$",
     "Vulnerabilities that the release fixes, by their CVE ids"},
    {"urgency", false, pack_rule_urgency, "^(low|medium|high|critical)$",
     "How soon the release should be installed"},
    {"licences", true, pack_rule_licence, licence_pattern,
     "SPDX expressions of the licences that the release is under"},
    {"licenses", true, pack_rule_licence, licence_pattern, "The same as licences"},
};
enum { META_KEYS = sizeof meta_keys / sizeof meta_keys[0] };

static const struct meta_key *find_meta_key(const char *name)
{
    for (size_t i = 0; i < META_KEYS; i++)
        if (strcmp(meta_keys[i].name, name) == 0)
            return &meta_keys[i];
    return NULL;
}

static const char *typed_text(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                              const struct meta_key *key)
{
    struct pack_error error = {0};
    const char *text = pack_reader_text(reader, node);
    if (text == NULL || key->rule(text, &error) == 0)
        return text;
    (void)pack_hint(pack_reader_fault(reader, node, "%s", error.text), "%s", error.hint);
    return NULL;
}

/* Each text once: it is a set. */
static void write_typed_list(struct pack_descriptor_reader *reader, const struct pack_yaml *list,
                             const struct meta_key *key, struct pack_json *json)
{
    size_t count = 0;
    if (!pack_reader_expect(reader, list, PACK_YAML_LIST) ||
        !check_count(reader, list, PACK_MAX_META, "entries") || list->count == 0)
        return;
    const char **texts = pack_reader_allocate(reader, list->count, sizeof *texts);
    if (texts == NULL)
        return;
    pack_json_array(json, key->name);
    for (const struct pack_yaml *item = list->first; item != NULL; item = item->next) {
        const char *text = typed_text(reader, item, key);
        for (size_t i = 0; text != NULL && i < count; i++)
            if (strcmp(texts[i], text) == 0) {
                (void)pack_reader_fault(reader, item, "\"%s\" stands here twice",
                                        pack_yaml_show(text).text);
                text = NULL;
            }
        if (text == NULL)
            continue;
        texts[count++] = text;
        pack_json_string(json, NULL, text);
    }
    pack_json_end(json);
}

static void write_typed(struct pack_descriptor_reader *reader, const struct pack_yaml *value,
                        const struct meta_key *key, struct pack_json *json)
{
    if (key->list) {
        write_typed_list(reader, value, key, json);
        return;
    }
    const char *text = typed_text(reader, value, key);
    pack_json_string(json, key->name, text != NULL ? text : "");
}

static void write_meta_map(struct pack_descriptor_reader *reader, const struct pack_yaml *map,
                           struct pack_json *json)
{
    const struct pack_yaml *other = pack_yaml_get(map, "licenses");
    if (other != NULL && pack_yaml_get(map, "licences") != NULL)
        (void)pack_reader_fault(reader, other->key, "'licences' and 'licenses' are the same");
    pack_json_object(json, NULL);
    for (const struct pack_yaml *value = map->first; value != NULL; value = value->next) {
        const struct meta_key *key = find_meta_key(value->key->text);
        if (key != NULL)
            write_typed(reader, value, key, json);
        else if (check_meta_key(reader, value->key))
            write_meta(reader, value, value->key->text, json);
    }
    pack_json_end(json);
}

static void decode_meta(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    (void)field;
    struct pack_descriptor *descriptor = object;
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *text = NULL;
    size_t size = 0;
    if (!pack_reader_expect(reader, node, PACK_YAML_MAP) ||
        pack_json_new(&json, false, &reader->fatal) != 0)
        return;
    write_meta_map(reader, node, json);
    if (pack_json_finish(json, &text, &size, &reader->fatal) != 0)
        return;
    char *copy = pack_reader_allocate(reader, size, 1);
    if (copy == NULL)
        return;
    memcpy(copy, text, size - 1); /* without the writer's line end */
    descriptor->meta = copy;
}

static void schema_meta(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "object");
    pack_json_object(json, "properties");
    for (size_t i = 0; i < META_KEYS; i++) {
        const struct meta_key *key = &meta_keys[i];
        pack_json_object(json, key->name);
        pack_json_string(json, "description", key->summary);
        if (key->list) {
            pack_json_string(json, "type", "array");
            pack_json_unsigned(json, "maxItems", PACK_MAX_META);
            pack_json_boolean(json, "uniqueItems", true);
            pack_json_object(json, "items");
        }
        pack_schema_text(json, key->pattern);
        if (key->list)
            pack_json_end(json);
        pack_json_end(json);
    }
    pack_json_end(json);
}

const struct pack_field_type pack_type_meta = {decode_meta, schema_meta};
