/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "device.h"

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(cli_device_close) struct cli_device device = {.path = NULL};
    const char *reason = arguments_value(arguments, "reason");
    bool reboot = false;
    int code = cli_device_open(&device, cli, error);
    if (code == 0)
        code = pack_device_rollback(&device.engine, reason, &reboot, error);
    if (code != 0)
        return code;
    cli_print_styled(cli, STYLE_GOOD,
                     reboot ? "the other set starts at the next restart"
                            : "the trial is called off: the set that runs stays");
    pack_json_boolean(cli_json(cli), "reboot", reboot);
    return 0;
}

static const struct option options[] = {
    {.name = "reason",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help = "why, for the event log and status (by hand)"},
    REBOOT_OPTION,
    {.name = NULL},
};

const struct command command_rollback = {
    .name = "rollback",
    .summary = "return a device to the set of slots before",
    .synopsis = "[-d DEVICE.yaml] [--reason TEXT] [--reboot]",
    .description =
        "Ends a trial, or returns from a confirmed release to the one in the other set, which "
        "starts at the next restart. That one must be whole and still be allowed: a release below "
        "the device's security version or data epoch is refused with 14, for which there is no "
        "--force; a signed permit and an install are the way to it.",
    .examples = "fwpack rollback --reason \"modem does not register\" --reboot\n",
    .options = options,
    .groups = GROUP_DEVICE,
    .exits = EXITS(3, 5, 14),
    .run = run,
};
