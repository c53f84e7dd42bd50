/* SPDX-License-Identifier: MIT */
/* Health checks, hooks, the hardware counter and the event log. */
#include "device/values.h"

#include <string.h>

enum { DEFAULT_COOLDOWN = 86400, DEFAULT_TRIES = 3, DEFAULT_PAUSE = 5, DEFAULT_KEEP = 4 };

void device_defaults(struct pack_device *device)
{
    device->policy = (struct pack_device_policy){
        .cooldown = DEFAULT_COOLDOWN,
        .tries = DEFAULT_TRIES,
        .retries = DEFAULT_TRIES,
        .rollback_on_health = true,
        .reuse = true,
        .decoder_memory = PACK_DEFAULT_DECODER_MEMORY,
        .confine = PACK_CONFINE_REQUIRED,
    };
    device->events_size = PACK_MIB;
    device->events_keep = DEFAULT_KEEP;
}

/* --- health ---------------------------------------------------------------------------------- */

const struct pack_field device_health_fields[] = {
    {.key = "name",
     .type = &device_type_name,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_health, name),
     .example = "name: network",
     .summary = "Name of the check, for reports"},
    {.key = "command",
     .type = &device_type_words,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_health, program),
     .example = "command: [ping, -c1, gateway]",
     .summary = "The program, which ends with 0 where all is well"},
    {.key = "timeout",
     .type = &device_type_seconds,
     .offset = offsetof(struct pack_device_health, program.seconds),
     .least = 1,
     .most = DEVICE_MOST_SECONDS,
     .fallback = "\"60s\"",
     .example = "timeout: 30s",
     .summary = "When it is killed, and has failed"},
    {.key = "attempts",
     .type = &device_type_number,
     .least = 1,
     .most = 100,
     .offset = offsetof(struct pack_device_health, attempts),
     .fallback = "1",
     .example = "attempts: 5",
     .summary = "How often it is run until it succeeds once"},
    {.key = "pause",
     .type = &device_type_seconds,
     .most = DEVICE_MOST_SECONDS,
     .offset = offsetof(struct pack_device_health, pause),
     .fallback = "\"5s\"",
     .example = "pause: 10s",
     .summary = "Time between attempts"},
    {.key = NULL},
};

static void check_name(struct pack_descriptor_reader *reader, const struct pack_device *device,
                       const struct pack_yaml *item)
{
    const char *name = device->health[device->health_count - 1].name;
    for (size_t i = 0; name != NULL && i + 1 < device->health_count; i++)
        if (device->health[i].name != NULL && strcmp(device->health[i].name, name) == 0) {
            (void)pack_reader_fault(reader, pack_yaml_get(item, "name"),
                                    "there are two health checks \"%s\"", name);
            return;
        }
}

static void decode_health(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    if (!pack_reader_list(reader, node, PACK_MAX_CHECKS, "health checks"))
        return;
    struct pack_device_health *checks = pack_reader_allocate(reader, node->count, sizeof *checks);
    device->health = checks;
    for (const struct pack_yaml *item = node->first; checks != NULL && item != NULL;
         item = item->next) {
        struct pack_device_health *check = &checks[device->health_count++];
        *check = (struct pack_device_health){.attempts = 1, .pause = DEFAULT_PAUSE};
        device_type_map.decode(reader, &(const struct pack_field){.fields = field->fields}, item,
                               check);
        check_name(reader, device, item);
    }
}

static void schema_health(struct pack_json *json, const struct pack_field *field)
{
    device_maps_schema(json, 1, PACK_MAX_CHECKS, field->fields);
}

const struct pack_field_type device_type_health = {decode_health, schema_health};

/* --- hooks ----------------------------------------------------------------------------------- */

const struct pack_field device_hook_fields[] = {
    {.key = "before-check",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_CHECK]),
     .example = "before-check: [/usr/lib/acme/hook]",
     .summary = "When a release may be installed; failing, it is not"},
    {.key = "after-check",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_CHECK]),
     .example = "after-check: [/usr/lib/acme/hook]",
     .summary = "The same, as the last word"},
    {.key = "before-write",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_WRITE]),
     .example = "before-write: [/usr/lib/acme/hook]",
     .summary = "Before the slots are written; failing, nothing is"},
    {.key = "after-write",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_WRITE]),
     .example = "after-write: [/usr/lib/acme/hook]",
     .summary = "When all is written; failing, nothing is switched"},
    {.key = "before-switch",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_SWITCH]),
     .example = "before-switch: [/usr/lib/acme/hook]",
     .summary = "Before the switch; failing, nothing is switched"},
    {.key = "after-switch",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_SWITCH]),
     .example = "after-switch: [/usr/lib/acme/hook]",
     .summary = "After the switch; failing, it is taken back"},
    {.key = "before-confirm",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_CONFIRM]),
     .example = "before-confirm: [/usr/lib/acme/hook]",
     .summary = "Before it is kept; failing, it stays on trial"},
    {.key = "after-confirm",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_CONFIRM]),
     .example = "after-confirm: [/usr/lib/acme/hook]",
     .summary = "When it is kept; failing only warns"},
    {.key = "before-rollback",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_ROLLBACK]),
     .example = "before-rollback: [/usr/lib/acme/hook]",
     .summary = "Before a rollback by hand; failing, there is none"},
    {.key = "after-rollback",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_ROLLBACK]),
     .example = "after-rollback: [/usr/lib/acme/hook]",
     .summary = "After one; failing only warns"},
    {.key = NULL},
};

/* --- counter, events ------------------------------------------------------------------------- */

const struct pack_field device_counter_fields[] = {
    {.key = "read",
     .type = &device_type_program,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, counter_read),
     .example = "read: [otp-counter]",
     .summary = "A program that prints the counter"},
    {.key = "raise",
     .type = &device_type_program,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, counter_raise),
     .example = "raise: [otp-counter, --raise]",
     .summary = "A program that raises it to its last argument, which is added"},
    {.key = NULL},
};

const struct pack_field device_events_fields[] = {
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device, events_file),
     .example = "file: /var/log/fwpack-events.jsonl",
     .summary = "Where events are written; events.jsonl in the state folder unless given"},
    {.key = "size",
     .type = &device_type_size,
     .offset = offsetof(struct pack_device, events_size),
     .least = 4 * PACK_KIB,
     .most = PACK_GIB,
     .fallback = "\"1MiB\"",
     .example = "size: 256KiB",
     .summary = "Bytes after which the file is rotated"},
    {.key = "keep",
     .type = &device_type_number,
     .most = 100,
     .offset = offsetof(struct pack_device, events_keep),
     .fallback = "4",
     .example = "keep: 2",
     .summary = "How many rotated files are kept"},
    {.key = NULL},
};
