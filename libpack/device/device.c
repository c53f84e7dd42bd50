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

/* A line that begins with the key: nothing else of the format looks so. */
bool pack_device_probe(const void *bytes, size_t size)
{
    const char *text = bytes;
    const size_t length = strlen(DEVICE_KEY ":");
    for (size_t at = 0; at + length <= size;) {
        if (memcmp(text + at, DEVICE_KEY ":", length) == 0)
            return true;
        const char *end = memchr(text + at, '\n', size - at);
        if (end == NULL)
            break;
        at = (size_t)(end - text) + 1;
    }
    return false;
}

/* --- checks over several keys ---------------------------------------------------------------- */

static void check_tries(struct pack_descriptor_reader *reader, const struct pack_device *device)
{
    const struct pack_yaml *map = pack_yaml_get(reader->source->root, "policy");
    const struct pack_yaml *tries =
        map != NULL && map->kind == PACK_YAML_MAP ? pack_yaml_get(map, "tries") : NULL;
    if (tries != NULL && device->boot.type != NULL &&
        device->policy.tries > device_most_tries(device->boot.type))
        (void)pack_reader_fault(reader, tries, "the bootloader %s counts at most %u",
                                device->boot.type, device_most_tries(device->boot.type));
}

static void check_id(struct pack_descriptor_reader *reader, const struct pack_device *device)
{
    if (device->id != NULL && device->id_file != NULL)
        (void)pack_reader_fault(reader, pack_yaml_get(reader->source->root, "id-file"),
                                "'id' and 'id-file' exclude each other");
}

static void check_sets(struct pack_descriptor_reader *reader, const struct pack_device *device)
{
    for (size_t i = 0; i < device->slot_count; i++)
        if (device->slots[i].redundant)
            return;
    if (device->slot_count != 0)
        (void)pack_hint(pack_reader_warn(reader, pack_yaml_get(reader->source->root, "slots"),
                                         "no slot has two targets: nothing can fall back"),
                        "give slots that must start 'a' and 'b'");
}

static void name_events(struct pack_descriptor_reader *reader, struct pack_device *device)
{
    if (device->events_file == NULL && device->state != NULL)
        device->events_file = pack_reader_join(reader, device->state, "events.jsonl");
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
            check_tries(reader, device);
            check_id(reader, device);
            check_sets(reader, device);
            name_events(reader, device);
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

int pack_device_schema(char **text, size_t *size, struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    *text = NULL;
    int code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    pack_json_string(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    pack_json_string(json, "title", "fwpack device file");
    pack_json_string(json, "description", "What a device is, and how it is updated");
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, device_fields);
    pack_json_end(json);
    code = pack_json_finish(json, &written, size, error);
    return code != 0 ? code : pack_copy_string(text, written, error);
}
