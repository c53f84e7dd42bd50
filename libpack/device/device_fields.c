/* SPDX-License-Identifier: MIT */
/* The keys of device.yaml itself. */
#include "device/values.h"
#include "device/yaml_file.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

/* --- hardware -------------------------------------------------------------------------------- */

/* A name, or a list of them. */
static void decode_hardware(struct pack_descriptor_reader *reader, const struct pack_field *field,
                            const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    (void)field;
    if (node->kind != PACK_YAML_TEXT) {
        device->hardware = pack_reader_hardware(reader, node, &device->hardware_count);
        return;
    }
    const char **texts = pack_reader_allocate(reader, 1, sizeof *texts);
    if (texts == NULL)
        return;
    texts[0] = pack_reader_hardware_name(reader, node);
    device->hardware = texts;
    device->hardware_count = 1;
}

static void schema_one_name(struct pack_json *json)
{
    device_pattern_schema(json, "^[^- ].{0,1023}$");
}

static void schema_hardware(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_some_schema(json, PACK_MAX_COMPATIBLE, schema_one_name);
}

static const struct pack_field_type type_hardware = {decode_hardware, schema_hardware};

/* --- id -------------------------------------------------------------------------------------- */

enum { MOST_ID = 255 };

static void decode_id(struct pack_descriptor_reader *reader, const struct pack_field *field,
                      const struct pack_yaml *node, void *object)
{
    const char **id = device_member(field, object);
    device_type_text.decode(reader, field, node, object);
    if (*id != NULL && strlen(*id) > MOST_ID)
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "an id of %zu bytes, at most %d allowed",
                               strlen(*id), MOST_ID);
}

static void schema_id(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "string");
    pack_json_unsigned(json, "minLength", 1);
    pack_json_unsigned(json, "maxLength", MOST_ID);
}

static const struct pack_field_type type_id = {decode_id, schema_id};

/* --- trust ----------------------------------------------------------------------------------- */

/* Those of pack/trust.h, which is above this layer. */
const char *const device_roles[] = {"any", "release", "delivery", "rollout", NULL};
enum { ROLES = sizeof device_roles / sizeof device_roles[0] - 1 };

static bool is_role(struct pack_descriptor_reader *reader, const struct device_text *key,
                    size_t length)
{
    char role[64] = "";
    snprintf(role, sizeof role, "%.*s", (int)(length < sizeof role ? length : sizeof role - 1),
             key->text);
    for (size_t i = 0; i < ROLES; i++)
        if (strcmp(device_roles[i], role) == 0)
            return true;
    struct pack_error *fault = pack_reader_fault(reader, key->node, "\"%s\" is no role", role);
    const char *nearest = pack_nearest(role, device_roles, ROLES);
    if (nearest != NULL)
        (void)pack_hint(fault, "did you mean %s=%s?", nearest,
                        pack_yaml_show(key->text + length + 1).text);
    else
        (void)pack_hint(fault, "a path with '=' is written ./%s", pack_yaml_show(key->text).text);
    return false;
}

/* "ROLE=PATH": the path is joined to the folder, the role stays in front of it. */
static const char *trusted_path(struct pack_descriptor_reader *reader,
                                const struct device_text *key)
{
    const size_t length = strspn(key->text, "abcdefghijklmnopqrstuvwxyz");
    const size_t role = key->text[length] == '=' ? length + 1 : 0;
    if (role != 0 && !is_role(reader, key, length))
        return NULL;
    const char *path = device_path(reader, key->node, key->text + role);
    if (path == NULL || role == 0)
        return path;
    const size_t size = role + strlen(path) + 1;
    char *joined = pack_reader_allocate(reader, 1, size);
    if (joined != NULL)
        snprintf(joined, size, "%.*s%s", (int)role, key->text, path);
    return joined;
}

/* --- lists of paths -------------------------------------------------------------------------- */

typedef const char *(*place_fn)(struct pack_descriptor_reader *reader,
                                const struct device_text *text);

static const char *const *read_places(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *node, const char *what,
                                      place_fn place, size_t *count)
{
    const struct device_texts texts = device_texts_read(reader, node, PACK_MAX_CHECKS, what);
    const char **places = pack_reader_allocate(reader, texts.count, sizeof *places);
    *count = places != NULL ? texts.count : 0;
    for (size_t i = 0; i < *count; i++)
        places[i] = place(reader, &texts.list[i]);
    return places;
}

static void decode_trust(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    (void)field;
    device->trust = read_places(reader, node, "trusted keys", trusted_path, &device->trust_count);
}

static void schema_places(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_texts_schema(json, PACK_MAX_CHECKS);
}

static const struct pack_field_type type_trust = {decode_trust, schema_places};

/* A path, with or without tpm2: in front, or env:NAME. */
static const char *identity_place(struct pack_descriptor_reader *reader,
                                  const struct device_text *text)
{
    static const char tpm[] = "tpm2:", variable[] = "env:";
    if (strncmp(text->text, variable, strlen(variable)) == 0)
        return text->text;
    const bool sealed = strncmp(text->text, tpm, strlen(tpm)) == 0;
    const char *path = device_path(reader, text->node, text->text + (sealed ? strlen(tpm) : 0));
    if (path == NULL || !sealed)
        return path;
    const size_t size = strlen(tpm) + strlen(path) + 1;
    char *joined = pack_reader_allocate(reader, 1, size);
    if (joined != NULL)
        snprintf(joined, size, "%s%s", tpm, path);
    return joined;
}

static void decode_identities(struct pack_descriptor_reader *reader, const struct pack_field *field,
                              const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    (void)field;
    device->identities =
        read_places(reader, node, "identities", identity_place, &device->identity_count);
}

static const struct pack_field_type type_identities = {decode_identities, schema_places};

/* --- the file -------------------------------------------------------------------------------- */

const struct pack_field device_fields[] = {
    {.key = DEVICE_KEY,
     .type = &yaml_file_type_format,
     .flags = PACK_FIELD_REQUIRED,
     .example = "fwpack-device: 1",
     .summary = "Format of the device file"},
    {.key = "product",
     .type = &device_type_product,
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
     .type = &type_id,
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
     .type = &device_type_slots,
     .flags = PACK_FIELD_REQUIRED,
     .example = "slots: [{name: rootfs, a: /dev/mmcblk0p2, b: /dev/mmcblk0p3}]",
     .summary = "Where images go, 1 to 64 slots"},
    {.key = "bootloader",
     .type = &device_type_boot,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, boot),
     .fields = device_boot_fields,
     .example = "bootloader: {type: uboot}",
     .summary = "How the sets are switched"},
    {.key = "policy",
     .type = &device_type_map,
     .fields = device_policy_fields,
     .example = "policy: {window: [\"02:00-05:00\"], tries: 3}",
     .summary = "When it may update, and how often it tries"},
    {.key = "health",
     .type = &device_type_health,
     .fields = device_health_fields,
     .example = "health: [{name: network, command: [ping, -c1, gateway]}]",
     .summary = "Programs that must succeed before a new release is kept"},
    {.key = "hooks",
     .type = &device_type_map,
     .fields = device_hook_fields,
     .example = "hooks: {before-write: [/usr/lib/acme/is-idle]}",
     .summary = "Programs that run before and after each phase, and may say no"},
    {.key = "counter",
     .type = &device_type_map,
     .fields = device_counter_fields,
     .example = "counter: {read: [otp-counter], raise: [otp-counter, --raise]}",
     .summary = "A hardware counter of security versions"},
    {.key = "reboot",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, reboot),
     .example = "reboot: [systemctl, reboot]",
     .summary = "What --reboot runs when a restart is due"},
    {.key = "events",
     .type = &device_type_map,
     .fields = device_events_fields,
     .example = "events: {size: 1MiB, keep: 4}",
     .summary = "The event log"},
    {.key = "identities",
     .type = &type_identities,
     .example = "identities: device.age",
     .summary = "age identities that open encrypted payloads: paths, env:NAME, tpm2:FILE"},
    {.key = NULL},
};
