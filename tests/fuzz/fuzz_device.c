/* SPDX-License-Identifier: MIT */

/*
 * device.yaml. What is taken is whole: nothing that the engine relies on is missing, and no number
 * is beyond what it may be. What is refused has a place.
 */

#include "base/memory.h"
#include "device/boot_rules.h"
#include "pack/device.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_finding(void *user, bool is_error, const struct pack_error *finding)
{
    (void)user;
    if (finding->text[0] == '\0' || strchr(finding->text, '\n') != NULL ||
        finding->file[0] == '\0' || finding->code == PACK_OK ||
        (is_error && finding->line == 0 && finding->code != PACK_E_LIMIT))
        abort();
}

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_program(const struct pack_device_program *program)
{
    if (program->count == 0)
        return;
    demand(program->seconds >= 1 && program->seconds <= 3600);
    for (size_t i = 0; i < program->count; i++)
        demand(program->words[i] != NULL);
    demand(program->words[program->count] == NULL && program->words[0][0] != '\0');
}

static void check_target(const struct pack_device_target *target)
{
    const bool path = target->kind != PACK_TARGET_PARTITION && target->kind != PACK_TARGET_COMMAND;
    demand(path == (target->path != NULL));
    demand((target->kind == PACK_TARGET_PARTITION) ==
           (target->label != NULL) + (target->type != NULL));
    demand((target->kind == PACK_TARGET_COMMAND) == (target->program.count != 0));
    check_program(&target->program);
}

static void check_slots(const struct pack_device *device)
{
    demand(device->slot_count >= 1 && device->slot_count <= PACK_MAX_SLOTS);
    for (size_t i = 0; i < device->slot_count; i++) {
        const struct pack_device_slot *slot = &device->slots[i];
        demand(slot->name != NULL && slot->place.line != 0);
        demand(pack_device_slot_named(device, slot->name) == slot);
        check_target(&slot->targets[PACK_SET_A]);
        if (slot->redundant)
            check_target(&slot->targets[PACK_SET_B]);
    }
}

static void check_policy(const struct pack_device *device)
{
    const struct pack_device_policy *policy = &device->policy;
    const struct device_boot_rules *rules = device_boot_rules_of(device->boot.type);
    demand(policy->tries >= 1 && policy->tries <= rules->most_tries);
    demand(policy->battery_minimum <= 100);
    demand(policy->battery_minimum == 0 ||
           (policy->battery_file != NULL) != (policy->battery_program.count != 0));
    for (size_t i = 0; i < policy->window_count; i++) {
        const struct pack_device_window *window = &policy->windows[i];
        demand(window->days != 0 && window->days < 128 && window->from < 1440);
        demand(window->to <= 1440 && window->to != window->from);
    }
    check_program(&policy->battery_program);
}

static void check_device(const struct pack_device *device)
{
    demand(device->product != NULL && device->state != NULL && device->boot.type != NULL);
    demand(device->hardware_count >= 1 && device->trust_count >= 1 && device->events_file != NULL);
    for (size_t i = 0; i < device->hardware_count; i++)
        demand(device->hardware[i] != NULL);
    for (size_t i = 0; i < device->trust_count; i++)
        demand(device->trust[i] != NULL);
    for (size_t i = 0; i < device->identity_count; i++)
        demand(device->identities[i] != NULL);
    for (size_t i = 0; i < device->health_count; i++) {
        demand(device->health[i].name != NULL && device->health[i].attempts >= 1);
        demand(device->health[i].program.count != 0);
        check_program(&device->health[i].program);
    }
    for (size_t phase = 0; phase < PACK_PHASES; phase++) {
        check_program(&device->before[phase]);
        check_program(&device->after[phase]);
    }
    check_slots(device);
    check_policy(device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PACK_AUTO(pack_device_free) struct pack_device *device = NULL;
    struct pack_error error = {0};
    char path[64];
    const int file = memfd_create("device", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const int code = pack_device_read(&device, path, check_finding, NULL, &error);
    close(file);
    demand((code == 0) == (device != NULL) && code == (int)error.code);
    (void)pack_device_probe(data, size);
    if (device != NULL)
        check_device(device);
    return 0;
}
