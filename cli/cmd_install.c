/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "device.h"
#include "signers.h"
#include "simulation.h"
#include "source.h"

#include "pack/text.h"

#include <stdio.h>
#include <string.h>

struct installing {
    struct cli *cli;
    const char *name; /* of the source */
    struct cli_device device;
    struct pack_input *source;
    struct pack_install_report *report;
};

static void installing_clear(struct installing *installing)
{
    pack_input_close(&installing->source);
    cli_device_close(&installing->device);
    free(installing->report);
}

/* --- text ------------------------------------------------------------------------------------ */

static void print_decision(const struct installing *installing)
{
    struct cli *cli = installing->cli;
    const struct pack_install_report *report = installing->report;
    if (report->decision == PACK_DECIDE_CURRENT)
        cli_print(cli, "%s: %s runs already", installing->name, report->version);
    else if (report->decision == PACK_DECIDE_WAITS)
        cli_print(cli, "%s: %s is installed already", installing->name, report->version);
    else
        cli_print_styled(cli, STYLE_GOOD, "%s: %s %s set %s", installing->name, report->version,
                         cli->dry_run ? "would be installed into" : "installed into",
                         pack_set_name(report->set));
}

/* "delta, 64.0 MiB: 1.2 MiB transferred, 60.0 MiB reused, 3.1 MiB written" */
static void print_image(const struct installing *installing, const struct pack_install_image *image)
{
    char size[PACK_SIZE_TEXT], transferred[PACK_SIZE_TEXT], reused[PACK_SIZE_TEXT],
        written[PACK_SIZE_TEXT], resumed[PACK_SIZE_TEXT], more[64] = "";
    pack_size_text(size, image->size);
    if (image->encoding == NULL) { /* not chosen: nothing is written */
        cli_print(installing->cli, "  image %s: %s", image->name, size);
        return;
    }
    if (strcmp(image->encoding, "present") == 0) {
        cli_print(installing->cli, "  image %s: there already, %s proved again", image->name, size);
        return;
    }
    const char *between = image->codec[0] != '\0' ? ", " : "";
    if (image->resumed != 0)
        snprintf(more, sizeof more, ", %s kept of an earlier run",
                 pack_size_text(resumed, image->resumed));
    cli_print(installing->cli, "  image %s: %s%s%s, %s: %s transferred, %s reused, %s written%s",
              image->name, image->encoding, between, image->codec, size,
              pack_size_text(transferred, image->transferred),
              pack_size_text(reused, image->reused), pack_size_text(written, image->written), more);
}

/* Beside what full images would have cost. */
static void print_total(const struct installing *installing)
{
    const struct pack_install_report *report = installing->report;
    char transferred[PACK_SIZE_TEXT], full[PACK_SIZE_TEXT], less[32] = "";
    if (report->full_size > report->transferred)
        snprintf(less, sizeof less, " (%.1f %% less)",
                 100.0 - 100.0 * (double)report->transferred / (double)report->full_size);
    cli_print(installing->cli, "  transferred %s, where full images take %s%s",
              pack_size_text(transferred, report->transferred),
              pack_size_text(full, report->full_size), less);
    if (report->battery_before >= 0 && report->battery_after >= 0)
        cli_print(installing->cli, "  battery %lld %% before, %lld %% after",
                  (long long)report->battery_before, (long long)report->battery_after);
}

static void print_report(const struct installing *installing)
{
    const struct pack_install_report *report = installing->report;
    print_decision(installing);
    if (report->decision == PACK_DECIDE_INSTALL) {
        for (size_t i = 0; i < report->image_count; i++)
            print_image(installing, &report->images[i]);
        if (!installing->cli->dry_run)
            print_total(installing);
    }
    if (report->reboot && !installing->device.engine.reboot)
        cli_print_styled(installing->cli, STYLE_BOLD, "restart to begin the trial");
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_text(struct pack_json *json, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        pack_json_string(json, name, text);
    else
        pack_json_null(json, name);
}

static void json_percent(struct pack_json *json, const char *name, int64_t percent)
{
    if (percent >= 0)
        pack_json_integer(json, name, percent);
    else
        pack_json_null(json, name);
}

static void json_image(struct pack_json *json, const struct pack_install_image *image)
{
    pack_json_object(json, NULL);
    pack_json_string(json, "name", image->name);
    pack_json_string(json, "slot", image->slot);
    json_text(json, "encoding", image->encoding);
    json_text(json, "codec", image->codec);
    pack_json_unsigned(json, "size", image->size);
    pack_json_unsigned(json, "transferred", image->transferred);
    pack_json_unsigned(json, "reused", image->reused);
    pack_json_unsigned(json, "written", image->written);
    pack_json_unsigned(json, "resumed", image->resumed);
    pack_json_end(json);
}

static void json_totals(struct pack_json *json, const struct pack_install_report *report)
{
    pack_json_unsigned(json, "transferred", report->transferred);
    pack_json_unsigned(json, "reused", report->reused);
    pack_json_unsigned(json, "written", report->written);
    pack_json_unsigned(json, "resumed", report->resumed);
    pack_json_unsigned(json, "full_size", report->full_size);
    json_percent(json, "battery_before", report->battery_before);
    json_percent(json, "battery_after", report->battery_after);
    pack_json_array(json, "images");
    for (size_t i = 0; i < report->image_count; i++)
        json_image(json, &report->images[i]);
    pack_json_end(json);
}

static bool is_written(const struct pack_install_report *report)
{
    return report->decision == PACK_DECIDE_INSTALL || report->decision == PACK_DECIDE_WAITS;
}

/* A refusal's word always; "install" only once there was something to decide on. */
static bool is_decided(const struct pack_install_report *report)
{
    return report->decision != PACK_DECIDE_INSTALL || report->version[0] != '\0';
}

static void json_report(const struct installing *installing, const struct pack_error *error)
{
    struct pack_json *json = cli_json(installing->cli);
    const struct pack_install_report *report = installing->report;
    const bool decided = is_decided(report);
    pack_json_string(json, "source", installing->name);
    json_text(json, "decision", decided ? pack_decision_name(report->decision) : NULL);
    json_text(json, "reason", error->text);
    json_text(json, "version", report->version);
    cli_device_set_json(json, "set", decided && is_written(report), report->set);
    pack_json_boolean(json, "changed", report->changed);
    pack_json_boolean(json, "reboot", report->reboot);
    if (report->trust.release.required != 0) {
        pack_json_object(json, "documents");
        signers_json(json, "release", &report->trust.release);
        signers_json(json, "delivery", &report->trust.delivery);
        pack_json_end(json);
        pack_json_unsigned(json, "root_version", report->trust.root_version);
    }
    json_totals(json, report);
}

/* --- the command ----------------------------------------------------------------------------- */

static int install(struct installing *installing, struct pack_error *error)
{
    int code = cli_source_open(&installing->source, installing->cli, installing->name, error);
    if (code == 0)
        code = cli_device_open(&installing->device, installing->cli, error);
    if (code == 0)
        code = cli_device_identities(&installing->device, installing->cli, error);
    const char *faults = arguments_value(installing->cli->arguments, "simulate");
    if (code == 0 && faults != NULL)
        return simulation_run(installing->cli, &installing->device, installing->source,
                              installing->name, faults, error);
    if (code != 0)
        return code;
    code = pack_install(&installing->device.engine, installing->source, installing->report, error);
    json_report(installing, error);
    if (code == 0)
        print_report(installing);
    return code;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(installing_clear)
    struct installing installing = {.cli = cli,
                                    .name = arguments_at(arguments, 0),
                                    .report = calloc(1, sizeof *installing.report)};
    if (installing.report == NULL)
        return pack_fail_memory(error);
    return install(&installing, error);
}

static const struct option options[] = {
    {.name = "first", .help = "the device may have no state yet: begin one then"},
    {.name = "retry", .help = "also a release that failed, and before its cooldown ends"},
    REBOOT_OPTION,
    {.name = "simulate",
     .kind = OPTION_PATH,
     .value = "FAULTS",
     .help = "rehearse it on a copy of the device, under the faults of a file"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "SOURCE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_install = {
    .name = "install",
    .summary = "update the device that this runs on",
    .synopsis = "SOURCE [-d DEVICE.yaml] [--first] [--retry] [--reboot] [-n]\n"
                "SOURCE --simulate FAULTS.yaml [-d DEVICE.yaml]",
    .description =
        "Decides whether the bundle is for this device and may be installed now; if so, writes its "
        "images into the set of slots that does not run, reads them back, and has the bootloader "
        "start that set on trial. The set that runs is never opened for writing. SOURCE is a file, "
        "- for standard input, or file:///PATH. Nothing is staged: bytes are proved as they come "
        "in, and written.\n\n"
        "For each image the first encoding that fits is taken: a delta where the set that runs is "
        "its base, else the full image, of which blocks that the device has already are copied, "
        "not transferred, and blocks that are in the slot already are not written. An install that "
        "was stopped, by a power cut too, goes on where it was when it is run again.\n\n"
        "The decision asks, in this order: signatures, formats, another trial, product, hardware, "
        "slots, security version, data epoch, version, revision, required releases, halts, "
        "failures and cooldown, an encoding that fits, battery and window, hooks, space. Each no "
        "has its word in --json, \"decision\", and its exit status: 5 may be tried again later, "
        "14 is older than allowed, 15 not for this device, 16 lacks a base, 17 is halted or "
        "expired. What is installed already is 0 with \"changed\" false. -n says what would be "
        "decided, and writes nothing; so it does not look whether the slots have room.\n\n"
        "--first begins the device's state where it has none; without it a device that has lost "
        "its state is an "
        "error, for the state holds what protects from downgrades. --retry passes over the "
        "cooldown "
        "of a release that failed, never over anything else. Identities that open encrypted "
        "images are the device file's, unless --identity names others.\n\n"
        "--simulate copies what the device's slots hold into plain files below TMPDIR, lets the "
        "faults of FAULTS.yaml happen there one by one (power, storage, network, battery, two at "
        "once), starts the copy after each, and installs again: it fails where anything but the "
        "old or the new release would have started. The device itself is only read, and none of "
        "its programs is run. docs/simulate.md has the file.\n\n"
        "After the restart, \"fwpack confirm\" keeps the new release; without it the device falls "
        "back by itself when the tries are used up.",
    .examples = "fwpack install acme-1.3.0.fwb\n"
                "# as it comes in, and restart into the trial\n"
                "curl -fsS https://example.org/acme-1.3.0.fwb | fwpack install --reboot -\n"
                "# on a workstation, with a device made of files\n"
                "fwpack install acme-1.2.0.fwb -d device.yaml --first\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_DEVICE | GROUP_DRY_RUN | GROUP_OPENS,
    .exits = EXITS(3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18),
    .run = run,
};
