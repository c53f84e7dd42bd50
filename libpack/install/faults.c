/* SPDX-License-Identifier: MIT */
#include "pack/simulate.h"

#include "base/memory.h"
#include "device/values.h"
#include "device/yaml_file.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

#define FAULTS_KEY "fwpack-faults"

enum { DEFAULT_SECTOR = 512 };

static const char *const kind_names[] = {
#define KIND_NAME(name, key, what) [name] = key,
    PACK_FAULT_KINDS(KIND_NAME)
#undef KIND_NAME
};

const char *pack_fault_kind_name(enum pack_fault_kind kind)
{
    return kind_names[kind];
}

/* --- values ---------------------------------------------------------------------------------- */

static void set_kind(const struct pack_field *field, struct pack_fault *fault)
{
    for (size_t i = 0; i < PACK_FAULT_KIND_COUNT; i++)
        if (strcmp(kind_names[i], field->key) == 0)
            fault->kind = (enum pack_fault_kind)i;
}

/* "17", "all", "every 5" */
static void decode_points(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    static const char every[] = "every ";
    struct pack_fault *fault = object;
    const char *text = pack_reader_text(reader, node);
    uint64_t number = 1;
    set_kind(field, fault);
    if (text == NULL)
        return;
    const bool steps = strncmp(text, every, strlen(every)) == 0, all = strcmp(text, "all") == 0;
    const char *digits = text + (steps ? strlen(every) : 0);
    if (!all && (digits[0] == '\0' || strchr("0123456789", digits[0]) == NULL)) {
        (void)pack_hint(
            pack_reader_fault(reader, node, "\"%s\" names no operation", pack_yaml_show(text).text),
            "write a number from 1, 'all', or 'every 5'");
        return;
    }
    if (!all && !pack_reader_integer(reader, node, digits, &number))
        return;
    if (number == 0)
        (void)pack_reader_fault(reader, node, "'%s' is %s, operations count from 1", field->key,
                                pack_yaml_show(text).text);
    fault->number = number;
    fault->every = all ? 1 : steps ? number : 0;
}

static void schema_points(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_integer(json);
    pack_json_unsigned(json, "minimum", 1);
    pack_json_string(json, "pattern", "^(all|(every )?[1-9][0-9]*)$");
}

static const struct pack_field_type type_points = {decode_points, schema_points};

static void decode_integer(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    uint64_t number = 0;
    if (text == NULL || !pack_reader_integer(reader, node, text, &number))
        return;
    if (field->most != 0 && number > field->most)
        (void)pack_reader_fault(reader, node, "'%s' is %s, 0 to %llu wanted", field->key,
                                pack_yaml_show(text).text, (unsigned long long)field->most);
    *(uint64_t *)device_member(field, object) = number;
}

static void schema_integer(struct pack_json *json, const struct pack_field *field)
{
    pack_schema_integer(json);
    pack_json_unsigned(json, "minimum", 0);
    if (field->most != 0)
        pack_json_unsigned(json, "maximum", field->most);
    pack_json_string(json, "pattern", "^(0|[1-9][0-9]*)$");
}

static const struct pack_field_type type_integer = {decode_integer, schema_integer};

static void decode_number(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    set_kind(field, object);
    decode_integer(reader, field, node, object);
}

static const struct pack_field_type type_number = {decode_number, schema_integer};

static void decode_twice(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    static const char *const words[] = {"true"};
    set_kind(field, object);
    (void)pack_reader_choice(reader, node, "value", words, 1);
}

static void schema_twice(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_boolean(json, "const", true);
}

static const struct pack_field_type type_twice = {decode_twice, schema_twice};

static const char *const losses[] = {
    [PACK_LOSS_RANDOM] = "random", [PACK_LOSS_ALL] = "all", [PACK_LOSS_NONE] = "none"};
enum { LOSSES = sizeof losses / sizeof losses[0] };

static void decode_loss(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    const char *word = pack_reader_choice(reader, node, "loss", losses, LOSSES);
    for (size_t i = 0; word != NULL && i < LOSSES; i++)
        if (losses[i] == word)
            *(enum pack_fault_loss *)device_member(field, object) = (enum pack_fault_loss)i;
}

static void schema_loss(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_choice_schema(json, losses, LOSSES);
}

static const struct pack_field_type type_loss = {decode_loss, schema_loss};

static void decode_sector(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    static const char *const sizes[] = {"512", "4096"};
    const char *word = pack_reader_choice(reader, node, "size of a sector", sizes, 2);
    if (word != NULL)
        *(unsigned *)device_member(field, object) = word == sizes[0] ? 512 : 4096;
}

static void schema_sector(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_array(json, "enum");
    pack_json_unsigned(json, NULL, 512);
    pack_json_unsigned(json, NULL, 4096);
    pack_json_end(json);
}

static const struct pack_field_type type_sector = {decode_sector, schema_sector};

/* --- the list -------------------------------------------------------------------------------- */

static const struct pack_field fault_fields[] = {
    {.key = "name",
     .type = &device_type_text,
     .offset = offsetof(struct pack_fault, name),
     .example = "name: brown-out",
     .summary = "What the report calls it"},
    {.key = "power-cut",
     .type = &type_points,
     .example = "power-cut: every 5",
     .summary = "The power goes before an operation of storage: its number, all, or every N"},
    {.key = "io-error",
     .type = &type_points,
     .example = "io-error: all",
     .summary = "An operation of storage fails"},
    {.key = "no-space",
     .type = &type_points,
     .example = "no-space: 17",
     .summary = "A write stores a part only, for want of space"},
    {.key = "network",
     .type = &type_number,
     .offset = offsetof(struct pack_fault, number),
     .example = "network: 100000",
     .summary = "The source fails from this byte on, until the next run"},
    {.key = "corrupt",
     .type = &type_number,
     .offset = offsetof(struct pack_fault, number),
     .example = "corrupt: 4096",
     .summary = "One bit of this byte of the bundle is another one, until the next run"},
    {.key = "battery",
     .type = &type_number,
     .offset = offsetof(struct pack_fault, number),
     .most = 100,
     .example = "battery: 5",
     .summary = "The battery has so many percent"},
    {.key = "twice",
     .type = &type_twice,
     .example = "twice: true",
     .summary = "A second installation begins while the first one writes"},
    {.key = "loss",
     .type = &type_loss,
     .offset = offsetof(struct pack_fault, loss),
     .fallback = "\"random\"",
     .example = "loss: all",
     .summary = "What a power cut takes of what was not flushed"},
    {.key = "sector",
     .type = &type_sector,
     .offset = offsetof(struct pack_fault, sector),
     .fallback = "512",
     .example = "sector: 4096",
     .summary = "Bytes that the medium writes together: what a random loss tears"},
    {.key = "seed",
     .type = &type_integer,
     .offset = offsetof(struct pack_fault, seed),
     .fallback = "0",
     .example = "seed: 3",
     .summary = "Another number, other random losses"},
    {.key = NULL},
};

/* Keys that mean something beside `power-cut` only. */
static void check_loss_keys(struct pack_descriptor_reader *reader, const struct pack_yaml *item)
{
    static const char *const keys[] = {"loss", "sector", "seed"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct pack_yaml *value = pack_yaml_get(item, keys[i]);
        if (value != NULL)
            (void)pack_reader_fault(reader, value->key, "'%s' belongs to 'power-cut' alone",
                                    keys[i]);
    }
}

static void check_kind(struct pack_descriptor_reader *reader, const struct pack_yaml *item,
                       const struct pack_fault *fault)
{
    const char *found = NULL;
    for (size_t i = 0; i < PACK_FAULT_KIND_COUNT; i++) {
        const struct pack_yaml *value = pack_yaml_get(item, kind_names[i]);
        if (value == NULL)
            continue;
        if (found != NULL)
            (void)pack_hint(pack_reader_fault(reader, value->key, "'%s' beside '%s', one wanted",
                                              kind_names[i], found),
                            "write two faults");
        found = kind_names[i];
    }
    if (found == NULL)
        (void)pack_hint(pack_reader_fault(reader, item, "no fault in it"),
                        "write one of power-cut, io-error, no-space, network, corrupt, battery, "
                        "twice");
    else if (fault->kind != PACK_FAULT_POWER_CUT)
        check_loss_keys(reader, item);
}

static void decode_fault(struct pack_descriptor_reader *reader, const struct pack_yaml *item,
                         struct pack_fault *fault)
{
    const size_t before = reader->findings.errors;
    fault->sector = DEFAULT_SECTOR;
    fault->place = pack_reader_place(reader, item);
    if (!pack_reader_expect(reader, item, PACK_YAML_MAP))
        return;
    pack_fields_decode(reader, fault_fields, item, fault);
    if (reader->findings.errors == before && reader->fatal.code == PACK_OK)
        check_kind(reader, item, fault);
}

static void decode_faults(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    struct pack_faults *faults = object;
    (void)field;
    if (!pack_reader_list(reader, node, PACK_MAX_FAULTS, "faults"))
        return;
    struct pack_fault *list = pack_reader_allocate(reader, node->count, sizeof *list);
    faults->list = list;
    for (const struct pack_yaml *item = node->first; list != NULL && item != NULL;
         item = item->next)
        decode_fault(reader, item, &list[faults->count++]);
}

static void schema_faults(struct pack_json *json, const struct pack_field *field)
{
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", PACK_MAX_FAULTS);
    pack_json_object(json, "items");
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, field->fields);
    pack_json_array(json, "oneOf");
    for (size_t i = 0; i < PACK_FAULT_KIND_COUNT; i++)
        device_keys_schema(json, (const char *const[]){kind_names[i], NULL});
    pack_json_end(json);
    pack_json_end(json);
}

static const struct pack_field_type type_faults = {decode_faults, schema_faults};

static const struct pack_field faults_fields[] = {
    {.key = FAULTS_KEY,
     .type = &yaml_file_type_format,
     .flags = PACK_FIELD_REQUIRED,
     .example = "fwpack-faults: 1",
     .summary = "Format of the faults"},
    {.key = "faults",
     .type = &type_faults,
     .flags = PACK_FIELD_REQUIRED,
     .fields = fault_fields,
     .example = "faults: [{power-cut: every 5}, {battery: 5}]",
     .summary = "What goes wrong, one at a time, 1 to 64 of them"},
    {.key = NULL},
};

/* --- reading --------------------------------------------------------------------------------- */

bool pack_faults_probe(const void *bytes, size_t size)
{
    return yaml_file_has_key(bytes, size, FAULTS_KEY);
}

int pack_faults_read(struct pack_faults **faults, const char *path, pack_finding_fn report,
                     void *user, struct pack_error *error)
{
    static const struct yaml_file file = {
        .fields = faults_fields,
        .size = sizeof(struct pack_faults),
        .path = offsetof(struct pack_faults, path),
        .storage = offsetof(struct pack_faults, storage),
    };
    void *object = NULL;
    const int code = yaml_file_read(&object, &file, path, report, user, error);
    *faults = object;
    return code;
}

void pack_faults_free(struct pack_faults **faults)
{
    if (*faults != NULL)
        yaml_file_free((*faults)->storage);
    *faults = NULL;
}

static void write_schema(struct pack_json *json)
{
    pack_schema_fields(json, faults_fields);
}

int pack_faults_schema(char **text, size_t *size, struct pack_error *error)
{
    return pack_schema_write(text, size, "fwpack faults",
                             "What goes wrong when an installation is simulated", write_schema,
                             error);
}
