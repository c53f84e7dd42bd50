/* SPDX-License-Identifier: MIT */
/* What several keys of device.yaml say together. */
#include "device/boot_rules.h"
#include "device/values.h"

#include <stdio.h>
#include <string.h>

/* The value at a key of a key of the file, or NULL. */
static const struct pack_yaml *find(const struct pack_descriptor_reader *reader, const char *group,
                                    const char *key)
{
    const struct pack_yaml *map = pack_yaml_get(reader->source->root, group);
    return map != NULL && map->kind == PACK_YAML_MAP ? pack_yaml_get(map, key) : NULL;
}

/* Given, no more than the loader counts; not given, as many as it can. */
static void check_tries(struct pack_descriptor_reader *reader, struct pack_device *device)
{
    const struct pack_yaml *tries = find(reader, "policy", "tries");
    const struct device_boot_rules *rules =
        device->boot.type != NULL ? device_boot_rules_of(device->boot.type) : NULL;
    if (rules == NULL || device->policy.tries <= rules->most_tries)
        return;
    char taken[16]; /* what is not taken has a fault already */
    snprintf(taken, sizeof taken, "%u", device->policy.tries);
    if (tries != NULL && tries->kind == PACK_YAML_TEXT && strcmp(tries->text, taken) == 0)
        (void)pack_reader_fault(reader, tries, "%u tries, the bootloader %s counts at most %u",
                                device->policy.tries, rules->name, rules->most_tries);
    device->policy.tries = rules->most_tries;
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

static void check_times(struct pack_descriptor_reader *reader, const struct pack_device *device)
{
    const struct pack_yaml *window = find(reader, "policy", "window");
    const struct pack_yaml *time = find(reader, "policy", "window-time");
    if (window != NULL && device->no_clock)
        (void)pack_reader_fault(reader, window->key,
                                "a window needs a clock, and 'clock' says that there is none");
    if (time != NULL && window == NULL)
        (void)pack_reader_warn(reader, time->key, "'window-time' means nothing without 'window'");
}

static void check_health(struct pack_descriptor_reader *reader)
{
    const struct pack_yaml *rollback = find(reader, "policy", "rollback-on-health");
    if (rollback != NULL && pack_yaml_get(reader->source->root, "health") == NULL)
        (void)pack_reader_warn(reader, rollback->key,
                               "'rollback-on-health' means nothing without 'health'");
}

/* --- files that an image would overwrite ----------------------------------------------------- */

/* Past "." and doubled slashes. */
static const char *next_part(const char *at)
{
    for (;;) {
        while (*at == '/')
            at++;
        if (at[0] != '.' || (at[1] != '/' && at[1] != '\0'))
            return at;
        at++;
    }
}

bool device_same_path(const char *a, const char *b)
{
    if ((a[0] == '/') != (b[0] == '/'))
        return false;
    for (;;) {
        a = next_part(a);
        b = next_part(b);
        const size_t size = strcspn(a, "/");
        if (size != strcspn(b, "/") || strncmp(a, b, size) != 0)
            return false;
        if (size == 0)
            return true;
        a += size;
        b += size;
    }
}

static void check_file(struct pack_descriptor_reader *reader, const struct pack_device *device,
                       const char *path, const struct pack_yaml *node)
{
    for (size_t i = 0; path != NULL && node != NULL && i < device->slot_count; i++)
        for (size_t set = 0; set < PACK_SETS; set++) {
            const char *target = device->slots[i].targets[set].path;
            if (target == NULL || !device_same_path(target, path))
                continue;
            (void)pack_reader_fault(reader, node, "'%s' is a target of the slot in line %u too",
                                    node->key->text, device->slots[i].place.line);
            return;
        }
}

/* What stands in the state folder under names of its own (device-state.md). */
static const char *const own_names[] = {"state", "state.0",     "state.1",
                                        "lock",  "patch-state", "roots"};

static void check_own(struct pack_descriptor_reader *reader, const struct pack_device *device,
                      const char *path, const struct pack_yaml *node)
{
    if (path == NULL || node == NULL || device->state == NULL)
        return;
    for (size_t i = 0; i < sizeof own_names / sizeof own_names[0]; i++) {
        const char *own = pack_reader_join(reader, device->state, own_names[i]);
        if (own != NULL && device_same_path(own, path))
            (void)pack_reader_fault(reader, node, "'%s' is what the state folder keeps as \"%s\"",
                                    node->key->text, own_names[i]);
    }
}

/* A slot among them would be written over what the device remembers. */
static void check_own_slots(struct pack_descriptor_reader *reader, const struct pack_device *device)
{
    const struct pack_yaml *node = pack_yaml_get(reader->source->root, "state");
    for (size_t i = 0; device->state != NULL && i < sizeof own_names / sizeof own_names[0]; i++)
        check_file(reader, device, pack_reader_join(reader, device->state, own_names[i]), node);
    if (device->state != NULL && device->events_file == NULL)
        check_file(reader, device, pack_reader_join(reader, device->state, "events.jsonl"), node);
}

static void check_files(struct pack_descriptor_reader *reader, const struct pack_device *device)
{
    check_file(reader, device, device->state, pack_yaml_get(reader->source->root, "state"));
    check_file(reader, device, device->boot.file, find(reader, "bootloader", "file"));
    check_file(reader, device, device->boot.copy, find(reader, "bootloader", "copy"));
    check_file(reader, device, device->events_file, find(reader, "events", "file"));
    check_own_slots(reader, device);
    check_own(reader, device, device->boot.file, find(reader, "bootloader", "file"));
    check_own(reader, device, device->boot.copy, find(reader, "bootloader", "copy"));
    check_own(reader, device, device->events_file, find(reader, "events", "file"));
    if (device->boot.file != NULL && device->boot.copy != NULL &&
        device_same_path(device->boot.file, device->boot.copy))
        (void)pack_reader_fault(reader, find(reader, "bootloader", "copy"),
                                "'copy' is the same file as 'file'");
}

void device_check(struct pack_descriptor_reader *reader, struct pack_device *device)
{
    check_tries(reader, device);
    check_id(reader, device);
    check_sets(reader, device);
    check_times(reader, device);
    check_health(reader);
    check_files(reader, device);
    if (device->events_file == NULL && device->state != NULL)
        device->events_file = pack_reader_join(reader, device->state, "events.jsonl");
}
