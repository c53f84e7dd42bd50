/* SPDX-License-Identifier: MIT */
#include "device/values.h"

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

/* --- is it one ------------------------------------------------------------------------------- */

static void ignore_fault(void *user, const struct pack_error *fault)
{
    (void)user;
    (void)fault;
}

/* Of what is no good YAML: a line that begins with the key. */
static bool has_line(const char *text, size_t size, const char *key)
{
    const size_t length = strlen(key);
    while (size > length) {
        if (memcmp(text, key, length) == 0 && text[length] == ':')
            return true;
        const char *end = memchr(text, '\n', size);
        if (end == NULL)
            return false;
        size -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    return false;
}

bool device_has_key(const void *bytes, size_t size, const char *key)
{
    const struct pack_yaml_report report = {.fault = ignore_fault};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct pack_yaml *root = NULL;
    struct pack_error error = {0};
    if (pack_arena_new(&arena, &error) != 0 ||
        pack_yaml_read(&root, arena, bytes, size, &report, &error) != 0)
        return has_line(bytes, size, key);
    return root->kind == PACK_YAML_MAP && pack_yaml_get(root, key) != NULL;
}

bool pack_device_probe(const void *bytes, size_t size)
{
    return device_has_key(bytes, size, DEVICE_KEY);
}

/* --- reading --------------------------------------------------------------------------------- */

static int read_all(struct pack_descriptor_reader *reader, struct pack_device *device,
                    pack_finding_fn report, void *user, struct pack_error *error)
{
    pack_reader_load(reader, device->path);
    if (reader->fatal.code == PACK_OK) {
        reader->source = reader->sources[0];
        if (reader->source->root != NULL) {
            pack_fields_decode(reader, device_fields, reader->source->root, device);
            device_check(reader, device);
        }
    }
    if (reader->fatal.code != PACK_OK) {
        *error = reader->fatal;
        return (int)error->code;
    }
    return pack_findings_report(&reader->findings, report, user, error);
}

int pack_device_read(struct pack_device **device, const char *path, pack_finding_fn report,
                     void *user, struct pack_error *error)
{
    static const struct pack_descriptor_options options = {.allow_outside = true};
    PACK_AUTO(pack_device_free) struct pack_device *reading = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    *device = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &reading, 1, sizeof *reading, error);
    if (code == 0)
        code = pack_arena_string(arena, &reading->path, path, strlen(path), error);
    if (code != 0) {
        reading = NULL; /* lies in the arena */
        return code;
    }
    struct pack_descriptor_reader reader = {.arena = arena, .options = &options};
    reading->storage = pack_steal(&arena);
    device_defaults(reading);
    code = read_all(&reader, reading, report, user, error);
    pack_findings_clear(&reader.findings);
    if (code == 0)
        *device = pack_steal(&reading);
    return code;
}

void pack_device_free(struct pack_device **device)
{
    if (*device == NULL)
        return;
    struct pack_arena *arena = (*device)->storage;
    *device = NULL; /* lies in the arena, as all of it does */
    pack_arena_free(&arena);
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
