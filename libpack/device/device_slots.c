/* SPDX-License-Identifier: MIT */
/* Where images go. */
#include "device/values.h"

#include <stdio.h>
#include <string.h>

/* --- targets --------------------------------------------------------------------------------- */

/* A target while it is read. */
struct target_work {
    const char *file, *label, *type, *mtd, *ubi, *directory;
    struct pack_device_program program;
    bool absolute_links;
};

/* Which key says which kind; the order of pack_device's. */
static const struct {
    const char *key;
    enum pack_target_kind kind;
    size_t path; /* of the path in target_work, where the kind has one */
    bool has_path;
} kinds[] = {
    {"file", PACK_TARGET_FILE, offsetof(struct target_work, file), true},
    {"partition-label", PACK_TARGET_PARTITION, 0, false},
    {"partition-type", PACK_TARGET_PARTITION, 0, false},
    {"mtd", PACK_TARGET_MTD, offsetof(struct target_work, mtd), true},
    {"ubi", PACK_TARGET_UBI, offsetof(struct target_work, ubi), true},
    {"directory", PACK_TARGET_DIRECTORY, offsetof(struct target_work, directory), true},
    {"command", PACK_TARGET_COMMAND, 0, false},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char guid_pattern[] =
    "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";

static bool is_guid(const char *text)
{
    static const char form[] = "00000000-0000-0000-0000-000000000000";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '-' ? text[i] != '-'
                           : strchr("0123456789abcdefABCDEF", text[i]) == NULL || text[i] == '\0')
            return false;
    return text[sizeof form - 1] == '\0';
}

/* In lower case, as they are compared. */
static void decode_guid(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    if (text == NULL)
        return;
    if (!is_guid(text)) {
        (void)pack_hint(
            pack_reader_fault(reader, node, "\"%s\" is no GUID", pack_yaml_show(text).text),
            "`lsblk -o NAME,PARTLABEL,PARTTYPE` shows those of a device");
        return;
    }
    char *lower = pack_reader_allocate(reader, strlen(text) + 1, 1);
    for (size_t i = 0; lower != NULL && text[i] != '\0'; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
    *(const char **)device_member(field, object) = lower;
}

static void schema_guid(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_pattern_schema(json, guid_pattern);
}

static const struct pack_field_type type_guid = {decode_guid, schema_guid};

static const struct pack_field target_fields[] = {
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct target_work, file),
     .example = "file: /dev/disk/by-partlabel/rootfs-a",
     .summary = "A plain file or a block device; a text alone means this"},
    {.key = "partition-label",
     .type = &device_type_text,
     .offset = offsetof(struct target_work, label),
     .example = "partition-label: rootfs-a",
     .summary = "The GPT partition of that name"},
    {.key = "partition-type",
     .type = &type_guid,
     .offset = offsetof(struct target_work, type),
     .example = "partition-type: 4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
     .summary = "The GPT partition of that type, of which there is one"},
    {.key = "mtd",
     .type = &device_type_flash,
     .offset = offsetof(struct target_work, mtd),
     .example = "mtd: firmware-a",
     .summary = "Raw flash: /dev/mtdN, or a name of /proc/mtd"},
    {.key = "ubi",
     .type = &device_type_flash,
     .offset = offsetof(struct target_work, ubi),
     .example = "ubi: ubi0:rootfs-a",
     .summary = "A UBI volume: /dev/ubiN_M, or ubiN:NAME"},
    {.key = "directory",
     .type = &device_type_path,
     .offset = offsetof(struct target_work, directory),
     .example = "directory: /data/app-a",
     .summary = "A folder that an image which is a tar is unpacked into"},
    {.key = "absolute-links",
     .type = &device_type_boolean,
     .offset = offsetof(struct target_work, absolute_links),
     .fallback = "false",
     .example = "absolute-links: true",
     .summary = "Of directory: symbolic links may be absolute, as in a root file system"},
    {.key = "command",
     .type = &device_type_words,
     .offset = offsetof(struct target_work, program),
     .example = "command: [/usr/lib/acme/flash-mcu, /dev/ttyS1]",
     .summary = "A program that takes the image on standard input, as of a microcontroller"},
    {.key = "timeout",
     .type = &device_type_seconds,
     .offset = offsetof(struct target_work, program.seconds),
     .least = 1,
     .most = DEVICE_MOST_SECONDS,
     .fallback = "\"60s\"",
     .example = "timeout: 5m",
     .summary = "When the program of command is killed"},
    {.key = NULL},
};

static void set_target(struct pack_device_target *target, size_t kind,
                       const struct target_work *work)
{
    *target = (struct pack_device_target){.kind = kinds[kind].kind,
                                          .label = work->label,
                                          .type = work->type,
                                          .program = work->program,
                                          .absolute_links = work->absolute_links};
    if (kinds[kind].has_path)
        target->path = *(const char *const *)(const void *)((const char *)work + kinds[kind].path);
}

static void check_needs(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *key, const char *needed)
{
    const struct pack_yaml *found = pack_yaml_get(node, key);
    if (found != NULL && pack_yaml_get(node, needed) == NULL)
        (void)pack_reader_fault(reader, found->key, "'%s' means nothing without '%s'", key, needed);
}

/* Exactly one key says what it is. */
static void check_kind(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       struct pack_device_target *target, const struct target_work *work)
{
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (pack_yaml_get(node, kinds[i].key) != NULL) {
            set_target(target, i, work);
            count++;
        }
    if (count != 1)
        (void)pack_hint(pack_reader_fault(reader, node, "a target of %zu kinds, one wanted", count),
                        "file, partition-label, partition-type, mtd, ubi, directory or command");
    check_needs(reader, node, "timeout", "command");
    check_needs(reader, node, "absolute-links", "directory");
}

/* A text alone is a file. */
static void decode_target(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    struct pack_device_target *target = device_member(field, object);
    struct target_work work = {.file = NULL};
    if (node->kind == PACK_YAML_TEXT) {
        const char *text = pack_reader_text(reader, node);
        target->path = text != NULL ? device_path(reader, node, text) : NULL;
    } else if (pack_reader_expect(reader, node, PACK_YAML_MAP)) {
        pack_fields_decode(reader, target_fields, node, &work);
        check_kind(reader, node, target, &work);
    }
}

static void schema_target(struct pack_json *json, const struct pack_field *field)
{
    pack_json_array(json, "oneOf");
    pack_json_object(json, NULL);
    device_type_text.schema(json, field);
    pack_json_end(json);
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, target_fields);
    pack_json_array(json, "oneOf");
    for (size_t i = 0; i < KINDS; i++)
        device_keys_schema(json, (const char *const[]){kinds[i].key, NULL});
    pack_json_end(json);
    pack_json_end(json);
    pack_json_end(json);
}

static const struct pack_field_type type_target = {decode_target, schema_target};

/* --- slots ----------------------------------------------------------------------------------- */

/* A slot while it is read. */
struct slot_work {
    struct pack_device_slot slot;
    struct pack_device_target single;
    const struct pack_yaml *nodes[PACK_SETS]; /* of the targets, NULL where there is none */
};

static const struct pack_field slot_fields[] = {
    {.key = "name",
     .type = &device_type_name,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct slot_work, slot.name),
     .example = "name: rootfs",
     .summary = "What an image of a release names as its slot"},
    {.key = "image",
     .type = &device_type_name,
     .offset = offsetof(struct slot_work, slot.image),
     .example = "image: rootfs-eu",
     .summary = "The only image that may go there; any that names the slot unless given"},
    {.key = "a",
     .type = &type_target,
     .offset = offsetof(struct slot_work, slot.targets[PACK_SET_A]),
     .example = "a: {partition-label: rootfs-a}",
     .summary = "Where it is in set A"},
    {.key = "b",
     .type = &type_target,
     .offset = offsetof(struct slot_work, slot.targets[PACK_SET_B]),
     .example = "b: {partition-label: rootfs-b}",
     .summary = "Where it is in set B"},
    {.key = "single",
     .type = &type_target,
     .offset = offsetof(struct slot_work, single),
     .example = "single: {command: [flash-mcu]}",
     .summary = "Where it is, if there is only one; what is written there is not taken back"},
    {.key = NULL},
};

static void check_sets(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       struct slot_work *work)
{
    const struct pack_yaml *a = pack_yaml_get(node, "a"), *b = pack_yaml_get(node, "b");
    const struct pack_yaml *single = pack_yaml_get(node, "single");
    work->slot.redundant = single == NULL || a != NULL || b != NULL;
    work->nodes[PACK_SET_A] = single != NULL ? single : a;
    work->nodes[PACK_SET_B] = single != NULL ? NULL : b;
    if (single != NULL)
        work->slot.targets[PACK_SET_A] = work->single;
    if (single != NULL && (a != NULL || b != NULL))
        (void)pack_hint(pack_reader_fault(reader, single->key, "'single' beside 'a' or 'b'"),
                        "a slot has 'a' and 'b', one target in each set, or 'single'");
    else if (single == NULL && a == NULL && b == NULL)
        (void)pack_hint(pack_reader_fault(reader, node, "a slot without a target"),
                        "give it 'a' and 'b', one target in each set, or 'single'");
    else if (single == NULL && (a == NULL || b == NULL))
        (void)pack_hint(pack_reader_fault(reader, node, "missing key '%s'", a == NULL ? "a" : "b"),
                        "a slot that is there once has its target under 'single'");
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Under one name; what are two names for one thing, the engine finds. Programs know by themselves.
 */
static bool same_target(const struct pack_device_target *a, const struct pack_device_target *b)
{
    const bool tree = a->kind == PACK_TARGET_DIRECTORY || b->kind == PACK_TARGET_DIRECTORY;
    const bool file = a->kind == PACK_TARGET_FILE || b->kind == PACK_TARGET_FILE;
    if (a->path != NULL && b->path != NULL && (a->kind == b->kind || (tree && file)))
        return device_same_path(a->path, b->path);
    return same_text(a->label, b->label) || same_text(a->type, b->type);
}

/* With the targets in front of it: those of earlier slots, and of its own first set. */
static void check_target(struct pack_descriptor_reader *reader, const struct slot_work *works,
                         size_t last, size_t last_set)
{
    const struct slot_work *work = &works[last];
    if (work->nodes[last_set] == NULL)
        return;
    for (size_t i = 0; i <= last; i++)
        for (size_t set = 0; set < (i == last ? last_set : PACK_SETS); set++) {
            if (works[i].nodes[set] == NULL ||
                !same_target(&works[i].slot.targets[set], &work->slot.targets[last_set]))
                continue;
            (void)pack_reader_fault(reader, work->nodes[last_set],
                                    "this is the target in line %u column %u already",
                                    works[i].nodes[set]->line, works[i].nodes[set]->column);
            return;
        }
}

static void check_name(struct pack_descriptor_reader *reader, const struct slot_work *works,
                       size_t last, const struct pack_yaml *item)
{
    for (size_t i = 0; i < last; i++)
        if (same_text(works[i].slot.name, works[last].slot.name)) {
            (void)pack_reader_fault(reader, pack_yaml_get(item, "name"),
                                    "slot \"%s\" stands in line %u already", works[i].slot.name,
                                    works[i].slot.place.line);
            return;
        }
}

static void decode_slot(struct pack_descriptor_reader *reader, const struct pack_yaml *item,
                        struct slot_work *works, size_t last)
{
    struct slot_work *work = &works[last];
    work->slot.place = pack_reader_place(reader, item);
    if (!pack_reader_expect(reader, item, PACK_YAML_MAP))
        return;
    pack_fields_decode(reader, slot_fields, item, work);
    check_sets(reader, item, work);
    check_name(reader, works, last, item);
    for (size_t set = 0; set < PACK_SETS; set++)
        check_target(reader, works, last, set);
}

static void decode_slots(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    (void)field;
    if (!pack_reader_list(reader, node, PACK_MAX_SLOTS, "slots"))
        return;
    struct pack_device_slot *slots = pack_reader_allocate(reader, node->count, sizeof *slots);
    struct slot_work *works = pack_reader_allocate(reader, node->count, sizeof *works);
    if (slots == NULL || works == NULL)
        return;
    device->slots = slots;
    for (const struct pack_yaml *item = node->first; item != NULL; item = item->next) {
        decode_slot(reader, item, works, device->slot_count);
        slots[device->slot_count] = works[device->slot_count].slot;
        device->slot_count++;
    }
}

static void schema_slots(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "minItems", 1);
    pack_json_unsigned(json, "maxItems", PACK_MAX_SLOTS);
    pack_json_object(json, "items");
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, slot_fields);
    pack_json_array(json, "oneOf");
    device_keys_schema(json, (const char *const[]){"a", "b", NULL});
    device_keys_schema(json, (const char *const[]){"single", NULL});
    pack_json_end(json);
    pack_json_end(json);
}

const struct pack_field_type device_type_slots = {decode_slots, schema_slots};
