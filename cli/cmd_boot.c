/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "device.h"

#include "pack/text.h"

#include <stdio.h>
#include <string.h>

/* --- targets --------------------------------------------------------------------------------- */

static int unknown_slot(const struct pack_device *device, const char *name,
                        struct pack_error *error)
{
    const char *names[PACK_MAX_SLOTS];
    size_t count = 0;
    for (; count < device->slot_count && count < PACK_MAX_SLOTS; count++)
        names[count] = device->slots[count].name;
    const char *nearest = pack_nearest(name, names, count);
    pack_fail(error, PACK_E_USAGE, "--target: the device has no slot \"%.64s\"", name);
    return nearest != NULL ? pack_hint(error, "did you mean '%s'?", nearest) : PACK_E_USAGE;
}

static const struct pack_device_target *target_of(const struct pack_device_slot *slot,
                                                  enum pack_set set)
{
    return &slot->targets[slot->redundant ? set : PACK_SET_A];
}

/* How the kernel and mount(8) name it; "" for what has no name. */
static const char *target_text(const struct pack_device_target *target, char *text, size_t capacity)
{
    text[0] = '\0';
    if (target->kind == PACK_TARGET_PARTITION && target->label != NULL)
        snprintf(text, capacity, "PARTLABEL=%s", target->label);
    else if (target->path != NULL)
        snprintf(text, capacity, "%s", target->path);
    return text;
}

enum { TARGET_ROOM = 4200 };

/* Before a try is counted, for a mistake of the command line is none of the release. */
static int check_targets(const struct pack_device *device, const char *const *names, size_t count,
                         struct pack_error *error)
{
    char text[TARGET_ROOM];
    for (size_t i = 0; i < count; i++) {
        const struct pack_device_slot *slot = pack_device_slot_named(device, names[i]);
        if (slot == NULL)
            return unknown_slot(device, names[i], error);
        for (enum pack_set set = PACK_SET_A; set < PACK_SETS; set++)
            if (target_text(target_of(slot, set), text, sizeof text)[0] == '\0')
                return pack_fail(error, PACK_E_USAGE, "--target: slot \"%.64s\" has no path",
                                 names[i]);
    }
    return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static void write_line(struct cli *cli, const char *text)
{
    cli_write(cli, text, strlen(text));
    cli_write(cli, "\n", 1);
}

static void tell(struct cli *cli, const struct pack_device *device, enum pack_set set)
{
    char text[TARGET_ROOM];
    size_t count = 0;
    const char *const *names = arguments_values(cli->arguments, "target", &count);
    struct pack_json *json = cli_json(cli);
    cli_device_set_json(json, "set", true, set);
    if (count == 0)
        write_line(cli, pack_set_name(set));
    pack_json_array(json, "targets");
    for (size_t i = 0; i < count; i++) {
        const struct pack_device_slot *slot = pack_device_slot_named(device, names[i]);
        write_line(cli, target_text(target_of(slot, set), text, sizeof text));
        pack_json_object(json, NULL);
        pack_json_string(json, "slot", names[i]);
        pack_json_string(json, "target", text);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(cli_device_close) struct cli_device device = {.path = NULL};
    enum pack_set set = PACK_SET_A;
    size_t count = 0;
    const char *const *names = arguments_values(arguments, "target", &count);
    int code = cli_device_open(&device, cli, error);
    if (code == 0)
        code = check_targets(device.device, names, count, error);
    if (code == 0)
        code = pack_device_boot(&device.engine, &set, error);
    if (code == 0)
        tell(cli, device.device, set);
    return code;
}

static const struct option options[] = {
    {.name = "target",
     .kind = OPTION_TEXT,
     .value = "SLOT",
     .repeatable = true,
     .help = "print where slot SLOT of the set is, in place of A or B; repeatable"},
    {.name = NULL},
};

const struct command command_boot = {
    .name = "boot",
    .summary = "say which set of slots starts, and count a try",
    .synopsis = "[-d DEVICE.yaml] [--target SLOT]...",
    .description =
        "For start scripts and initramfs of systems whose bootloader does not choose (bootloader "
        "type \"file\"): prints A or B, the set that is to start now. Each call counts one try of "
        "a "
        "set on trial, so call it once for each start; when the tries are used up, it prints the "
        "set before.\n\n"
        "With --target it prints where the slot is in that set, as mount(8) takes it: a path, or "
        "PARTLABEL=NAME; a line for each, in the order given. A mistake in a slot's name is found "
        "before the try is counted.",
    .examples = "# in an initramfs\n"
                "mount -o ro \"$(fwpack boot --target rootfs)\" /newroot\n",
    .options = options,
    .groups = GROUP_DEVICE,
    .exits = EXITS(3, 5),
    .run = run,
};
