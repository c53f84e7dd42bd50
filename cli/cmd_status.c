/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "device.h"

#include "pack/text.h"

#include <stdio.h>

/* --- text ------------------------------------------------------------------------------------ */

static void print_set(struct cli *cli, const struct pack_device_status *status, enum pack_set set)
{
    const struct pack_set_status *one = &status->sets[set];
    const char *mark = status->running == set ? " (runs)" : "";
    if (one->known)
        cli_print(cli, "set %s%s: %s, %s, security version %llu", pack_set_name(set), mark,
                  one->version, one->condition, (unsigned long long)one->security_version);
    else
        cli_print(cli, "set %s%s: %s", pack_set_name(set), mark, one->condition);
}

static void print_trial(struct cli *cli, const struct pack_device_status *status)
{
    const char *other = pack_set_name(status->running == PACK_SET_A ? PACK_SET_B : PACK_SET_A);
    const char *tries = status->tries == 1 ? "1 try" : "tries";
    char left[32];
    snprintf(left, sizeof left, "%s", tries);
    if (status->tries != 1)
        snprintf(left, sizeof left, "%u tries", status->tries);
    if (status->trial == PACK_TRIAL_WAITS)
        cli_print_styled(cli, STYLE_BOLD, "trial: set %s begins at the next restart, %s", other,
                         left);
    else if (status->trial == PACK_TRIAL_RUNS)
        cli_print_styled(cli, STYLE_BOLD, "trial: set %s runs, not confirmed yet, %s left",
                         pack_set_name(status->running), left);
    else if (status->trial == PACK_TRIAL_FAILED)
        cli_print_styled(cli, STYLE_BAD, "trial: set %s failed, the device fell back to set %s",
                         other, pack_set_name(status->running));
    else
        cli_print(cli, "trial: none");
}

/* A rollback that waits for its restart, or a trial that runs for the last time. */
static void print_next(struct cli *cli, const struct pack_device_status *status)
{
    if (status->next != status->running && status->trial != PACK_TRIAL_WAITS)
        cli_print_styled(cli, STYLE_BOLD, "set %s starts at the next restart",
                         pack_set_name(status->next));
}

static void print_result(struct cli *cli, const struct pack_result_status *result)
{
    char time[PACK_TIME_TEXT];
    cli_print(cli, "%s: %s %s%s%s", pack_time_text(time, result->time), result->version,
              result->outcome, result->reason[0] != '\0' ? ": " : "", result->reason);
}

static void print_status(struct cli *cli, const struct pack_device *device,
                         const struct pack_device_status *status)
{
    cli_print(cli, "product %s", device->product);
    for (enum pack_set set = PACK_SET_A; set < PACK_SETS; set++)
        print_set(cli, status, set);
    print_trial(cli, status);
    print_next(cli, status);
    cli_print(cli, "accepts security version %llu and data epoch %llu, or higher",
              (unsigned long long)status->security_version, (unsigned long long)status->data_epoch);
    if (status->root_version != 0)
        cli_print(cli, "trust root %llu", (unsigned long long)status->root_version);
    for (size_t i = 0; i < status->result_count; i++)
        print_result(cli, &status->results[i]);
    if (status->fresh)
        cli_note(cli, "the device has no state yet: 'fwpack install --first' begins one");
    if (status->repaired)
        cli_warn(cli, "one copy of the state is damaged: the next install repairs it");
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_set(struct pack_json *json, const struct pack_device_status *status,
                     enum pack_set set)
{
    const struct pack_set_status *one = &status->sets[set];
    pack_json_object(json, NULL);
    pack_json_string(json, "set", pack_set_name(set));
    pack_json_boolean(json, "running", status->running == set);
    pack_json_string(json, "condition", one->condition);
    if (one->known) {
        pack_json_string(json, "version", one->version);
        pack_json_unsigned(json, "security_version", one->security_version);
        pack_json_hex(json, "release_sha256", one->release_sha256, PACK_SHA256_SIZE);
    } else {
        pack_json_null(json, "version");
    }
    pack_json_end(json);
}

static void json_results(struct pack_json *json, const struct pack_device_status *status)
{
    char time[PACK_TIME_TEXT];
    pack_json_array(json, "results");
    for (size_t i = 0; i < status->result_count; i++) {
        const struct pack_result_status *result = &status->results[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "time", pack_time_text(time, result->time));
        pack_json_string(json, "version", result->version);
        pack_json_string(json, "outcome", result->outcome);
        pack_json_string(json, "reason", result->reason);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void json_status(struct pack_json *json, const struct pack_device *device,
                        const struct pack_device_status *status)
{
    pack_json_string(json, "product", device->product);
    pack_json_array(json, "hardware");
    for (size_t i = 0; i < device->hardware_count; i++)
        pack_json_string(json, NULL, device->hardware[i]);
    pack_json_end(json);
    cli_device_set_json(json, "running", true, status->running);
    cli_device_set_json(json, "next", true, status->next);
    pack_json_array(json, "sets");
    for (enum pack_set set = PACK_SET_A; set < PACK_SETS; set++)
        json_set(json, status, set);
    pack_json_end(json);
    pack_json_string(json, "trial", pack_trial_name(status->trial));
    pack_json_unsigned(json, "tries", status->tries);
    pack_json_unsigned(json, "security_version", status->security_version);
    pack_json_unsigned(json, "data_epoch", status->data_epoch);
    pack_json_unsigned(json, "root_version", status->root_version);
    pack_json_boolean(json, "fresh", status->fresh);
    pack_json_boolean(json, "repaired", status->repaired);
    json_results(json, status);
}

/* --- the command ----------------------------------------------------------------------------- */

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(cli_device_close) struct cli_device device = {.path = NULL};
    CLI_AUTO_FREE struct pack_device_status *status = calloc(1, sizeof *status);
    (void)arguments;
    if (status == NULL)
        return pack_fail_memory(error);
    int code = cli_device_open(&device, cli, error);
    if (code == 0)
        code = pack_device_status(&device.engine, status, error);
    if (code != 0)
        return code;
    print_status(cli, device.device, status);
    json_status(cli_json(cli), device.device, status);
    return 0;
}

const struct command command_status = {
    .name = "status",
    .summary = "tell what a device runs, and how its last updates went",
    .synopsis = "[-d DEVICE.yaml]",
    .description =
        "Tells of both sets of slots which release is in them and what became of it, which set "
        "runs and, where it is the other one, starts next, whether a new one is on trial and how "
        "many tries it has left, the security version "
        "and data epoch below which nothing is accepted, and the last results. It reads, and "
        "changes nothing: what it says of a set is what was recorded, not measured.\n\n"
        "A set is \"good\", on \"trial\", \"failed\", \"incomplete\" (an install was stopped and "
        "goes "
        "on with the next one), or \"unknown\". A trial \"waits-for-reboot\", is \"running\", or "
        "\"fell-back\".",
    .examples = "fwpack status\n"
                "# whether an update waits for a restart\n"
                "fwpack status --json | jq -e '.trial == \"waits-for-reboot\"'\n",
    .groups = GROUP_DEVICE,
    .exits = EXITS(3, 5),
    .run = run,
};
