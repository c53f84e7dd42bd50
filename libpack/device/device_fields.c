/* SPDX-License-Identifier: MIT */
/* The keys of device.yaml as tables. */
#include "device/values.h"

#include <stdio.h>
#include <string.h>

enum { MOST_HARDWARE = PACK_MAX_COMPATIBLE };

/* --- format ---------------------------------------------------------------------------------- */

static void decode_format(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    (void)field;
    (void)object;
    if (text != NULL && strcmp(text, "1") != 0)
        (void)pack_hint(pack_reader_fail(reader, node, PACK_E_UNSUPPORTED,
                                         "format %s, this version knows 1",
                                         pack_yaml_show(text).text),
                        "a newer fwpack may know it");
}

static void schema_format(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_unsigned(json, "const", 1);
}

const struct pack_field_type device_type_format = {decode_format, schema_format};

/* --- lists ----------------------------------------------------------------------------------- */

static void decode_hardware(struct pack_descriptor_reader *reader, const struct pack_field *field,
                            const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    const struct device_texts texts =
        device_texts_read(reader, node, MOST_HARDWARE, "names of hardware");
    (void)field;
    device->hardware = texts.list;
    device->hardware_count = texts.count;
}

static void schema_hardware(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_texts_schema(json, MOST_HARDWARE);
}

static const struct pack_field_type type_hardware = {decode_hardware, schema_hardware};

/* "ROLE=PATH": the path is joined, the role stays in front of it. */
static const char *trusted_path(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                                const char *text)
{
    const size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    const size_t role = text[length] == '=' ? length + 1 : 0;
    const char *path = device_path(reader, node, text + role);
    if (path == NULL || role == 0)
        return path;
    const size_t size = role + strlen(path) + 1;
    char *joined = pack_reader_allocate(reader, 1, size);
    if (joined != NULL)
        snprintf(joined, size, "%.*s%s", (int)role, text, path);
    return joined;
}

static void decode_trust(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    const struct device_texts texts =
        device_texts_read(reader, node, PACK_MAX_CHECKS, "trusted keys");
    const char **list = pack_reader_allocate(reader, texts.count, sizeof *list);
    (void)field;
    for (size_t i = 0; list != NULL && i < texts.count; i++)
        list[i] = trusted_path(reader, node, texts.list[i]);
    device->trust = list;
    device->trust_count = list != NULL ? texts.count : 0;
}

static void schema_many(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_texts_schema(json, PACK_MAX_CHECKS);
}

static const struct pack_field_type type_trust = {decode_trust, schema_many};

/* A path, or another place that keys are kept in: env:NAME, fd:N, tpm2:FILE, pkcs11:URI. */
static bool is_uri(const char *text)
{
    static const char *const schemes[] = {"env:", "fd:", "tpm2:", "pkcs11:"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

static void decode_identities(struct pack_descriptor_reader *reader, const struct pack_field *field,
                              const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    const struct device_texts texts =
        device_texts_read(reader, node, PACK_MAX_CHECKS, "identities");
    (void)field;
    for (size_t i = 0; i < texts.count; i++)
        if (!is_uri(texts.list[i]))
            texts.list[i] = device_path(reader, node, texts.list[i]);
    device->identities = texts.list;
    device->identity_count = texts.count;
}

static const struct pack_field_type type_identities = {decode_identities, schema_many};

/* --- targets and slots ----------------------------------------------------------------------- */

/* A target while it is read: which of the kinds' keys were there. */
struct target_work {
    const char *file, *mtd, *ubi, *directory, *label, *type;
    struct pack_device_program program;
};

/* Names of flash devices and volumes are no paths of device.yaml's folder. */
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
     .type = &device_type_text,
     .offset = offsetof(struct target_work, type),
     .example = "partition-type: 4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
     .summary = "The GPT partition of that type, of which there is one"},
    {.key = "mtd",
     .type = &device_type_text,
     .offset = offsetof(struct target_work, mtd),
     .example = "mtd: firmware-a",
     .summary = "Raw flash: /dev/mtdN, or a name of /proc/mtd"},
    {.key = "ubi",
     .type = &device_type_text,
     .offset = offsetof(struct target_work, ubi),
     .example = "ubi: ubi0:rootfs-a",
     .summary = "A UBI volume: /dev/ubiN_M, or ubiN:NAME"},
    {.key = "directory",
     .type = &device_type_path,
     .offset = offsetof(struct target_work, directory),
     .example = "directory: /data/app-a",
     .summary = "A folder that an image which is a tar is unpacked into"},
    {.key = "command",
     .type = &device_type_program,
     .offset = offsetof(struct target_work, program),
     .example = "command: [/usr/lib/acme/flash-mcu, /dev/ttyS1]",
     .summary = "A program that takes the image on standard input, as of a microcontroller"},
    {.key = "timeout",
     .type = &device_type_timeout,
     .offset =
         offsetof(struct target_work, program) + offsetof(struct pack_device_program, seconds),
     .example = "timeout: 5m",
     .summary = "When the program of command is killed"},
    {.key = NULL},
};

static void set_target(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       struct target_work *work, struct pack_device_target *target)
{
    const struct {
        bool given;
        enum pack_target_kind kind;
        const char *path;
    } kinds[] = {
        {work->file != NULL, PACK_TARGET_FILE, work->file},
        {work->label != NULL || work->type != NULL, PACK_TARGET_PARTITION, NULL},
        {work->mtd != NULL, PACK_TARGET_MTD, work->mtd},
        {work->ubi != NULL, PACK_TARGET_UBI, work->ubi},
        {work->directory != NULL, PACK_TARGET_DIRECTORY, work->directory},
        {work->program.count != 0, PACK_TARGET_COMMAND, NULL},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].given) {
            *target = (struct pack_device_target){.kind = kinds[i].kind,
                                                  .path = kinds[i].path,
                                                  .label = work->label,
                                                  .type = work->type,
                                                  .program = work->program};
            count++;
        }
    if (count != 1)
        (void)pack_hint(pack_reader_fault(reader, node, "a target of %zu kinds, one wanted", count),
                        "file, partition-label, partition-type, mtd, ubi, directory or command");
    if (work->program.seconds != 0 && work->program.count == 0)
        (void)pack_reader_fault(reader, node, "'timeout' goes with 'command'");
}

static void decode_target(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    struct target_work work = {.file = NULL};
    const size_t before = reader->findings.errors;
    if (node->kind == PACK_YAML_TEXT) {
        const char *text = pack_reader_text(reader, node);
        work.file = text != NULL ? device_path(reader, node, text) : NULL;
    } else if (pack_reader_expect(reader, node, PACK_YAML_MAP)) {
        pack_fields_decode(reader, target_fields, node, &work);
    }
    if (reader->findings.errors == before)
        set_target(reader, node, &work, device_member(field, object));
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
    pack_json_end(json);
    pack_json_end(json);
}

static const struct pack_field_type type_target = {decode_target, schema_target};

/* A slot while it is read. */
struct slot_work {
    struct pack_device_slot slot;
    struct pack_device_target single;
};

static const struct pack_field slot_fields[] = {
    {.key = "name",
     .type = &pack_type_name,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct slot_work, slot.name),
     .example = "name: rootfs",
     .summary = "What an image of a release names as its slot"},
    {.key = "image",
     .type = &pack_type_name,
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
     .summary = "Where it is, if there is only one: written last, and not taken back"},
    {.key = NULL},
};

static void check_slot(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       struct slot_work *work)
{
    const bool a = pack_yaml_get(node, "a") != NULL, b = pack_yaml_get(node, "b") != NULL;
    const bool single = pack_yaml_get(node, "single") != NULL;
    work->slot.redundant = !single;
    if (single && (a || b))
        (void)pack_hint(pack_reader_fault(reader, node, "'single' goes without 'a' and 'b'"),
                        "a slot has one target, or one in each set");
    else if (!single && !(a && b))
        (void)pack_hint(pack_reader_fault(reader, node, "missing key '%s'", a ? "b" : "a"),
                        "a slot has 'a' and 'b', or 'single'");
    if (single)
        work->slot.targets[PACK_SET_A] = work->single;
    work->slot.place = pack_reader_place(reader, node);
}

static bool is_known(const struct pack_device *device, const char *name)
{
    for (size_t i = 0; name != NULL && i < device->slot_count; i++)
        if (device->slots[i].name != NULL && strcmp(device->slots[i].name, name) == 0)
            return true;
    return false;
}

static const char *first_path(const struct pack_device_target *target)
{
    return target->path != NULL ? target->path : target->label;
}

/* Under one name; what are two names for one thing, the engine finds. */
static void check_paths(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const struct pack_device *device, const struct pack_device_slot *slot)
{
    const struct pack_device_target *a = &slot->targets[PACK_SET_A],
                                    *b = &slot->targets[PACK_SET_B];
    const char *path = first_path(a), *other = first_path(b);
    if (slot->redundant && path != NULL && other != NULL && a->kind == b->kind &&
        strcmp(path, other) == 0)
        (void)pack_reader_fault(reader, node, "both sets have the target %s", path);
    for (size_t i = 0; i < device->slot_count; i++)
        for (size_t set = 0; set < PACK_SETS * (size_t)PACK_SETS; set++) {
            const char *mine = first_path(&slot->targets[set / PACK_SETS]);
            const char *theirs = first_path(&device->slots[i].targets[set % PACK_SETS]);
            if (mine != NULL && theirs != NULL && strcmp(mine, theirs) == 0)
                (void)pack_reader_fault(reader, node, "slot \"%s\" has the target %s already",
                                        device->slots[i].name, mine);
        }
}

static void decode_slots(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    (void)field;
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST))
        return;
    if (node->count == 0 || node->count > PACK_MAX_SLOTS) {
        (void)pack_reader_fault(reader, node, "%zu slots, 1 to %d wanted", node->count,
                                PACK_MAX_SLOTS);
        return;
    }
    struct pack_device_slot *slots = pack_reader_allocate(reader, node->count, sizeof *slots);
    struct slot_work *work = pack_reader_allocate(reader, 1, sizeof *work);
    if (slots == NULL || work == NULL)
        return;
    device->slots = slots;
    for (const struct pack_yaml *item = node->first; item != NULL; item = item->next) {
        if (!pack_reader_expect(reader, item, PACK_YAML_MAP))
            continue;
        memset(work, 0, sizeof *work);
        pack_fields_decode(reader, slot_fields, item, work);
        check_slot(reader, item, work);
        if (is_known(device, work->slot.name))
            (void)pack_reader_fault(reader, item, "slot \"%s\" twice", work->slot.name);
        check_paths(reader, item, device, &work->slot);
        slots[device->slot_count++] = work->slot;
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
    pack_json_end(json);
}

static const struct pack_field_type type_slots = {decode_slots, schema_slots};

/* --- the file -------------------------------------------------------------------------------- */

const struct pack_field device_fields[] = {
    {.key = DEVICE_KEY,
     .type = &device_type_format,
     .flags = PACK_FIELD_REQUIRED,
     .example = "fwpack-device: 1",
     .summary = "Format of the device file"},
    {.key = "product",
     .type = &pack_type_product,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, product),
     .example = "product: acme-gateway",
     .summary = "The product, which a release must name exactly"},
    {.key = "hardware",
     .type = &type_hardware,
     .flags = PACK_FIELD_REQUIRED,
     .example = "hardware: [\"acme,gateway-r2\"]",
     .summary = "What the hardware is: one of them must be in a release's compatible"},
    {.key = "id",
     .type = &device_type_text,
     .offset = offsetof(struct pack_device, id),
     .example = "id: gw-0001",
     .summary = "Name of this device, for permits and events"},
    {.key = "id-file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device, id_file),
     .example = "id-file: /etc/machine-id",
     .summary = "A file whose first line is the id"},
    {.key = "group",
     .type = &device_type_text,
     .offset = offsetof(struct pack_device, group),
     .example = "group: beta",
     .summary = "Devices that this one belongs to, for permits"},
    {.key = "trust",
     .type = &type_trust,
     .flags = PACK_FIELD_REQUIRED,
     .example = "trust: root.json",
     .summary = "The trust root, or public keys, each as PATH or ROLE=PATH"},
    {.key = "allow-demo-keys",
     .type = &device_type_boolean,
     .offset = offsetof(struct pack_device, allow_demo_keys),
     .fallback = "false",
     .example = "allow-demo-keys: true",
     .summary = "Trust keys that anybody can sign with, to try things out"},
    {.key = "clock",
     .type = &device_type_negated,
     .offset = offsetof(struct pack_device, no_clock),
     .fallback = "true",
     .example = "clock: false",
     .summary = "Whether the device has a clock that can be believed; dates are not judged else"},
    {.key = "state",
     .type = &device_type_path,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, state),
     .example = "state: /data/fwpack",
     .summary = "A folder that survives updates: what the device remembers"},
    {.key = "slots",
     .type = &type_slots,
     .flags = PACK_FIELD_REQUIRED,
     .example = "slots: [{name: rootfs, a: /dev/mmcblk0p2, b: /dev/mmcblk0p3}]",
     .summary = "Where images go, 1 to 64 slots"},
    {.key = "bootloader",
     .type = &device_type_boot,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, boot),
     .example = "bootloader: {type: uboot}",
     .summary = "How the sets are switched"},
    {.key = "policy",
     .type = &device_type_policy,
     .offset = offsetof(struct pack_device, policy),
     .example = "policy: {window: [\"02:00-05:00\"], tries: 3}",
     .summary = "When it may update, and how often it tries"},
    {.key = "health",
     .type = &device_type_health,
     .example = "health: [{name: network, command: [ping, -c1, gateway]}]",
     .summary = "Programs that must succeed before a new release is kept"},
    {.key = "hooks",
     .type = &device_type_hooks,
     .example = "hooks: {before-write: [/usr/lib/acme/is-idle]}",
     .summary = "Programs that run before and after each phase, and may say no"},
    {.key = "counter",
     .type = &device_type_counter,
     .example = "counter: {read: [otp-counter], raise: [otp-counter, --raise]}",
     .summary = "A hardware counter of security versions"},
    {.key = "reboot",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, reboot),
     .example = "reboot: [systemctl, reboot]",
     .summary = "What --reboot runs when a restart is due"},
    {.key = "events",
     .type = &device_type_events,
     .example = "events: {size: 1MiB, keep: 4}",
     .summary = "The event log"},
    {.key = "identities",
     .type = &type_identities,
     .example = "identities: device.age",
     .summary = "age identities that open encrypted payloads: paths, env:NAME, tpm2:FILE"},
    {.key = NULL},
};
