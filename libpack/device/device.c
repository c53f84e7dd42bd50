/* SPDX-License-Identifier: MIT */
#include "device/values.h"
#include "device/yaml_file.h"

#include <stdio.h>
#include <string.h>

const char *pack_set_name(enum pack_set set)
{
    return set == PACK_SET_A ? "A" : "B";
}

const char *pack_phase_name(enum pack_phase phase)
{
    static const char *const names[] = {
        [PACK_PHASE_CHECK] = "check",       [PACK_PHASE_WRITE] = "write",
        [PACK_PHASE_SWITCH] = "switch",     [PACK_PHASE_CONFIRM] = "confirm",
        [PACK_PHASE_ROLLBACK] = "rollback",
    };
    return names[phase];
}

const struct pack_device_slot *pack_device_slot_named(const struct pack_device *device,
                                                      const char *name)
{
    for (size_t i = 0; i < device->slot_count; i++)
        if (strcmp(device->slots[i].name, name) == 0)
            return &device->slots[i];
    return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

bool pack_device_probe(const void *bytes, size_t size)
{
    return yaml_file_has_key(bytes, size, DEVICE_KEY);
}

static void prepare(void *object)
{
    device_defaults(object);
}

static void check(struct pack_descriptor_reader *reader, void *object)
{
    device_check(reader, object);
}

int pack_device_read(struct pack_device **device, const char *path, pack_finding_fn report,
                     void *user, struct pack_error *error)
{
    static const struct yaml_file file = {
        .fields = device_fields,
        .size = sizeof(struct pack_device),
        .path = offsetof(struct pack_device, path),
        .storage = offsetof(struct pack_device, storage),
        .prepare = prepare,
        .check = check,
    };
    void *object = NULL;
    const int code = yaml_file_read(&object, &file, path, report, user, error);
    *device = object;
    return code;
}

void pack_device_free(struct pack_device **device)
{
    if (*device != NULL)
        yaml_file_free((*device)->storage);
    *device = NULL;
}

static void write_schema(struct pack_json *json)
{
    pack_schema_fields(json, device_fields);
}

int pack_device_schema(char **text, size_t *size, struct pack_error *error)
{
    return pack_schema_write(text, size, "fwpack device file",
                             "What a device is, and how it is updated", write_schema, error);
}
