/* SPDX-License-Identifier: MIT */
#include "simulation.h"

#include "pack/simulate.h"

static void print_result(struct cli *cli, const struct pack_fault_result *result)
{
    cli_print_styled(cli, result->failures == 0 ? STYLE_GOOD : STYLE_BAD,
                     "  %s: %llu point%s, %s; the old release started after %llu, the new one "
                     "after %llu",
                     result->what, (unsigned long long)result->points,
                     result->points == 1 ? "" : "s", result->failures == 0 ? "all good" : "FAILED",
                     (unsigned long long)result->started_old,
                     (unsigned long long)result->started_new);
    if (result->failures != 0)
        cli_print(cli, "    %llu failed, the first %s", (unsigned long long)result->failures,
                  result->failure);
}

static void print_report(struct cli *cli, const char *name,
                         const struct pack_simulate_report *report)
{
    cli_print(cli, "%s: %s, rehearsed on a copy of the device: %llu point%s", name, report->version,
              (unsigned long long)report->points, report->points == 1 ? "" : "s");
    cli_print(cli, "  an installation takes %llu operations of the storage",
              (unsigned long long)report->operations);
    for (size_t i = 0; i < report->result_count; i++)
        print_result(cli, &report->results[i]);
    for (size_t i = 0; i < report->note_count; i++)
        cli_note(cli, "%s", report->notes[i]);
}

static void json_report(struct cli *cli, const struct pack_simulate_report *report)
{
    struct pack_json *json = cli_json(cli);
    pack_json_object(json, "simulation");
    pack_json_string(json, "version", report->version);
    pack_json_unsigned(json, "operations", report->operations);
    pack_json_unsigned(json, "points", report->points);
    pack_json_array(json, "faults");
    for (size_t i = 0; i < report->result_count; i++) {
        const struct pack_fault_result *result = &report->results[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "what", result->what);
        pack_json_unsigned(json, "points", result->points);
        pack_json_unsigned(json, "started_old", result->started_old);
        pack_json_unsigned(json, "started_new", result->started_new);
        pack_json_unsigned(json, "failures", result->failures);
        if (result->failures != 0)
            pack_json_string(json, "first_failure", result->failure);
        pack_json_end(json);
    }
    pack_json_end(json);
    pack_json_array(json, "notes");
    for (size_t i = 0; i < report->note_count; i++)
        pack_json_string(json, NULL, report->notes[i]);
    pack_json_end(json);
    pack_json_end(json);
}

int simulation_run(struct cli *cli, const struct cli_device *device, struct pack_input *source,
                   const char *name, const char *path, struct pack_error *error)
{
    CLI_AUTO_FREE struct pack_simulate_report *report = calloc(1, sizeof *report);
    CLI_AUTO(pack_faults_free) struct pack_faults *faults = NULL;
    const char *folder = cli_variable("TMPDIR");
    if (report == NULL)
        return pack_fail_memory(error);
    if (device->engine.dry_run || device->engine.reboot)
        return pack_fail(error, PACK_E_USAGE, "--simulate goes without --dry-run and --reboot");
    int code = pack_faults_read(&faults, path, cli_finding, cli, error);
    if (code != 0)
        return code;
    code = pack_simulate(&device->engine, source, faults,
                         folder != NULL && folder[0] != '\0' ? folder : "/tmp", report, error);
    if (report->result_count != 0) {
        json_report(cli, report);
        print_report(cli, name, report);
    }
    return code;
}
