/* SPDX-License-Identifier: MIT */
/* What device.yaml says of the bootloader. */
#include "device/boot_rules.h"
#include "device/values.h"

#include <stdio.h>
#include <string.h>

/* --- what each has --------------------------------------------------------------------------- */

/* "Boot0001", as EFI's own variables are named. */
static bool is_efi_entry(const char *text)
{
    static const char prefix[] = "Boot";
    const size_t length = sizeof prefix - 1;
    return strlen(text) == length + 4 && strncmp(text, prefix, length) == 0 &&
           strspn(text + length, "0123456789ABCDEF") == 4;
}

/* A partition's number from 1 to 63, as autoboot.txt has it. */
static bool is_partition(const char *text)
{
    const size_t size = strspn(text, "0123456789");
    const bool small = size == 1 || (size == 2 && (text[0] < '6' || text[1] <= '3'));
    return small && text[size] == '\0' && text[0] >= '1' && text[0] <= (size == 2 ? '6' : '9');
}

const struct device_boot_rules device_boot_rules[] = {
    {.name = "file", .uses = {"file"}, .most_tries = 99},
    {.name = "uboot", .uses = {"config"}, .most_tries = 9},
    {.name = "grub", .uses = {"file", "copy"}, .most_tries = 3},
    {.name = "efi",
     .uses = {"file", "entries"},
     .wants = {"entries"},
     .most_tries = 1,
     .is_entry = is_efi_entry,
     .entry = "an EFI boot entry such as Boot0001"},
    {.name = "raspberrypi",
     .uses = {"file", "entries"},
     .wants = {"file"},
     .most_tries = 1,
     .is_entry = is_partition,
     .entry = "a partition's number from 1 to 63"},
    {.name = "custom", .uses = {"command", "timeout"}, .wants = {"command"}, .most_tries = 99},
    {.name = NULL},
};
enum { BOOT_TYPES = sizeof device_boot_rules / sizeof device_boot_rules[0] - 1 };

const struct device_boot_rules *device_boot_rules_of(const char *type)
{
    const struct device_boot_rules *rules = device_boot_rules;
    while (rules->name != NULL && strcmp(rules->name, type) != 0)
        rules++;
    return rules->name != NULL ? rules : NULL;
}

/* --- keys ------------------------------------------------------------------------------------ */

static void boot_names(const char *names[BOOT_TYPES])
{
    for (size_t i = 0; i < BOOT_TYPES; i++)
        names[i] = device_boot_rules[i].name;
}

static void decode_type(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    const char *names[BOOT_TYPES];
    boot_names(names);
    *(const char **)device_member(field, object) =
        pack_reader_choice(reader, node, "bootloader that fwpack knows", names, BOOT_TYPES);
}

static void schema_type(struct pack_json *json, const struct pack_field *field)
{
    const char *names[BOOT_TYPES];
    (void)field;
    boot_names(names);
    device_choice_schema(json, names, BOOT_TYPES);
}

static const struct pack_field_type type_type = {decode_type, schema_type};

static const struct pack_field entries_fields[] = {
    {.key = "a",
     .type = &device_type_text,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_boot, entries[PACK_SET_A]),
     .example = "a: Boot0001",
     .summary = "The entry that starts set A"},
    {.key = "b",
     .type = &device_type_text,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_boot, entries[PACK_SET_B]),
     .example = "b: Boot0002",
     .summary = "The entry that starts set B"},
    {.key = NULL},
};

/* The name of a parameter of the kernel. */
static void decode_parameter(struct pack_descriptor_reader *reader, const struct pack_field *field,
                             const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    if (text == NULL)
        return;
    if (text[0] == '\0' || strpbrk(text, " \t\n\"=") != NULL)
        (void)pack_hint(pack_reader_fault(reader, node, "\"%s\" is no parameter's name",
                                          pack_yaml_show(text).text),
                        "write fwpack.set for fwpack.set=A on the kernel's command line");
    else
        *(const char **)device_member(field, object) = text;
}

static void schema_parameter(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_pattern_schema(json, "^[^ \\t\\n\"=]+$");
}

static const struct pack_field_type type_parameter = {decode_parameter, schema_parameter};

static const struct pack_field running_fields[] = {
    {.key = "cmdline",
     .type = &type_parameter,
     .offset = offsetof(struct pack_device_boot, running_cmdline),
     .example = "cmdline: fwpack.set",
     .summary = "The parameter of the kernel's command line that is A or B"},
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, running_file),
     .example = "file: /run/set",
     .summary = "A file that holds A or B"},
    {.key = NULL},
};

static void decode_running(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    const size_t before = reader->findings.errors;
    device_type_map.decode(reader, field, node, object);
    if (reader->findings.errors == before && node->count != 1)
        (void)pack_reader_fault(reader, node, "%zu keys, either 'cmdline' or 'file' wanted",
                                node->count);
}

static void schema_running(struct pack_json *json, const struct pack_field *field)
{
    device_type_map.schema(json, field);
    pack_json_array(json, "oneOf");
    device_keys_schema(json, (const char *const[]){"cmdline", NULL});
    device_keys_schema(json, (const char *const[]){"file", NULL});
    pack_json_end(json);
}

static const struct pack_field_type type_running = {decode_running, schema_running};

const struct pack_field device_boot_fields[] = {
    {.key = "type",
     .type = &type_type,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_boot, type),
     .example = "type: uboot",
     .summary = "Which bootloader it is"},
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, file),
     .example = "file: /boot/firmware",
     .summary = "Where the state is kept: of file a file, of grub the environment block, of "
                "raspberrypi the folder of autoboot.txt, of efi that of the variables"},
    {.key = "copy",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, copy),
     .example = "copy: /boot/grub/grubenv2",
     .summary = "Of grub: a second environment block"},
    {.key = "config",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, config),
     .example = "config: /etc/fw_env.config",
     .summary = "Of uboot: the file that says where the environment is"},
    {.key = "entries",
     .type = &device_type_map,
     .fields = entries_fields,
     .example = "entries: {a: Boot0001, b: Boot0002}",
     .summary = "Of efi: the boot entry of each set; of raspberrypi: its partition's number"},
    {.key = "command",
     .type = &device_type_words,
     .offset = offsetof(struct pack_device_boot, program),
     .example = "command: [/usr/lib/acme/boot-state]",
     .summary = "Of custom: the program that reads and writes the state"},
    {.key = "timeout",
     .type = &device_type_seconds,
     .offset = offsetof(struct pack_device_boot, program.seconds),
     .least = 1,
     .most = DEVICE_MOST_SECONDS,
     .fallback = "\"60s\"",
     .example = "timeout: 10s",
     .summary = "Of custom: when the program is killed"},
    {.key = "running",
     .type = &type_running,
     .fields = running_fields,
     .example = "running: {cmdline: fwpack.set}",
     .summary = "How the set that runs is found; as the type does it unless given"},
    {.key = NULL},
};

/* --- what goes with the type ----------------------------------------------------------------- */

static bool is_among(const char *const *keys, size_t count, const char *key)
{
    for (size_t i = 0; i < count && keys[i] != NULL; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static void check_keys(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       const struct device_boot_rules *rules)
{
    static const char *const common[] = {"type", "running"};
    for (const struct pack_yaml *value = node->first; value != NULL; value = value->next)
        if (!is_among(common, 2, value->key->text) &&
            !is_among(rules->uses, sizeof rules->uses / sizeof rules->uses[0], value->key->text))
            (void)pack_reader_fault(reader, value->key, "'%s' means nothing to the bootloader %s",
                                    pack_yaml_show(value->key->text).text, rules->name);
    for (const struct pack_field *field = device_boot_fields; field->key != NULL; field++)
        if (is_among(rules->wants, sizeof rules->wants / sizeof rules->wants[0], field->key) &&
            pack_yaml_get(node, field->key) == NULL)
            (void)pack_hint(pack_reader_fault(reader, node,
                                              "missing key '%s', which the bootloader %s needs",
                                              field->key, rules->name),
                            "for example %s", field->example);
}

static void check_entries(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                          const struct pack_device_boot *boot,
                          const struct device_boot_rules *rules)
{
    static const char *const keys[PACK_SETS] = {"a", "b"};
    const struct pack_yaml *entries = pack_yaml_get(node, "entries");
    if (entries == NULL || rules->is_entry == NULL)
        return;
    for (size_t set = 0; set < PACK_SETS; set++)
        if (!rules->is_entry(boot->entries[set]))
            (void)pack_reader_fault(reader, pack_yaml_get(entries, keys[set]), "\"%s\", %s wanted",
                                    pack_yaml_show(boot->entries[set]).text, rules->entry);
    if (strcmp(boot->entries[PACK_SET_A], boot->entries[PACK_SET_B]) == 0)
        (void)pack_reader_fault(reader, entries, "both sets have the entry %s",
                                pack_yaml_show(boot->entries[PACK_SET_A]).text);
}

static void decode_boot(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    struct pack_device_boot *boot = device_member(field, object);
    const size_t before = reader->findings.errors;
    device_type_map.decode(reader, field, node, object);
    if (node->kind != PACK_YAML_MAP || boot->type == NULL || reader->fatal.code != PACK_OK)
        return;
    const struct device_boot_rules *rules = device_boot_rules_of(boot->type);
    const bool whole = reader->findings.errors == before;
    check_keys(reader, node, rules);
    if (whole)
        check_entries(reader, node, boot, rules);
}

static void schema_boot(struct pack_json *json, const struct pack_field *field)
{
    device_type_map.schema(json, field);
}

const struct pack_field_type device_type_boot = {decode_boot, schema_boot};
