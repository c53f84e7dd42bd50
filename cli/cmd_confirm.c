/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "device.h"

static void print_check(struct cli *cli, const struct pack_health_result *check)
{
    if (check->good && check->attempts <= 1)
        cli_print(cli, "  check %s: good", check->name);
    else if (check->good)
        cli_print(cli, "  check %s: good at attempt %u", check->name, check->attempts);
    else
        cli_print_styled(cli, STYLE_BAD, "  %s", check->reason); /* which names it */
}

static void print_report(struct cli *cli, const struct pack_confirm_report *report, int code)
{
    if (code == 0 && report->changed)
        cli_print_styled(cli, STYLE_GOOD, "%s: confirmed", report->version);
    else if (code == 0)
        cli_print(cli, "nothing is on trial");
    else if (report->check_count != 0)
        cli_print_styled(cli, STYLE_BAD, "%s: not confirmed", report->version);
    for (size_t i = 0; i < report->check_count; i++)
        print_check(cli, &report->checks[i]);
}

static void json_report(struct pack_json *json, const struct pack_confirm_report *report)
{
    if (report->version[0] != '\0')
        pack_json_string(json, "version", report->version);
    else
        pack_json_null(json, "version");
    pack_json_boolean(json, "changed", report->changed);
    pack_json_boolean(json, "reboot", report->reboot);
    pack_json_array(json, "checks");
    for (size_t i = 0; i < report->check_count; i++) {
        const struct pack_health_result *check = &report->checks[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "name", check->name);
        pack_json_boolean(json, "good", check->good);
        pack_json_unsigned(json, "attempts", check->attempts);
        pack_json_string(json, "reason", check->reason);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(cli_device_close) struct cli_device device = {.path = NULL};
    CLI_AUTO_FREE struct pack_confirm_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return pack_fail_memory(error);
    int code = cli_device_open(&device, cli, error);
    if (code != 0)
        return code;
    code =
        pack_device_confirm(&device.engine, arguments_flag(arguments, "unchecked"), report, error);
    print_report(cli, report, code);
    json_report(cli_json(cli), report);
    return code;
}

static const struct option options[] = {
    {.name = "unchecked", .help = "confirm without running the health checks"},
    REBOOT_OPTION,
    {.name = NULL},
};

const struct command command_confirm = {
    .name = "confirm",
    .summary = "keep the release that a device runs on trial",
    .synopsis = "[-d DEVICE.yaml] [--unchecked] [--reboot]",
    .description =
        "Runs the health checks of the device file, one after the other, each with its deadline "
        "and "
        "attempts. When all of them pass, the release that runs on trial becomes the one that "
        "stays. "
        "Where nothing is on trial there is nothing to do, and the exit status is 0.\n\n"
        "A check that fails makes the exit status 1, and by policy (rollback-on-health) the set "
        "before is made to start again: restart, or give --reboot. Without that policy the trial "
        "goes on, until it is confirmed or its tries are used up.\n\n"
        "Run it once the system is up, from a service that starts late; --unchecked is for a "
        "service that knows by itself that all is well.",
    .examples = "# from a systemd unit, after the application\n"
                "fwpack confirm --reboot\n",
    .options = options,
    .groups = GROUP_DEVICE,
    .exits = EXITS(3, 5),
    .run = run,
};
