/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "descriptor_input.h"

#include "pack/descriptor.h"
#include "pack/device.h"
#include "pack/io.h"
#include "pack/simulate.h"

#include <string.h>
#include <sys/stat.h>

struct lint {
    struct cli *cli;
    struct pack_descriptor_options options;
    size_t errors, warnings; /* of the file that is checked */
    size_t all_errors, all_warnings;
    size_t bad_files;
    const char *bad_file; /* the first, and what it was */
    enum pack_code bad_code;
    enum pack_code code; /* of the file that is checked */
    struct pack_json *results;
};

static void count_finding(void *user, bool is_error, const struct pack_error *finding)
{
    struct lint *lint = user;
    lint->errors += is_error;
    lint->warnings += !is_error;
    cli_finding(lint->cli, is_error, finding);
}

/* What is no finding of the file ends the run: a signal, no memory. */
static bool ends_the_run(int code)
{
    return code == PACK_E_INTERRUPTED || code == PACK_E_NO_MEMORY || code == PACK_E_INTERNAL;
}

/* Told by their key where reading them twice gives the same: else it is a descriptor. */
static bool has_probe(const char *path, bool (*probe)(const void *bytes, size_t size))
{
    CLI_AUTO_FREE void *bytes = NULL;
    struct pack_error ignored = {0};
    struct stat status;
    size_t size = 0;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           pack_read_file(&bytes, &size, path, PACK_MAX_DESCRIPTOR, &ignored) == 0 &&
           probe(bytes, size);
}

static int check_descriptor(struct lint *lint, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    return descriptor_load(&descriptor, path, &lint->options, lint->cli->context, count_finding,
                           lint, error);
}

static int check_device_file(struct lint *lint, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_device_free) struct pack_device *device = NULL;
    return pack_device_read(&device, path, count_finding, lint, error);
}

static int check_faults_file(struct lint *lint, const char *path, struct pack_error *error)
{
    CLI_AUTO(pack_faults_free) struct pack_faults *faults = NULL;
    return pack_faults_read(&faults, path, count_finding, lint, error);
}

/* Returns what ends the run. All else is reported, also that the file cannot be read. */
static int check_file(struct lint *lint, const char *path, struct pack_error *error)
{
    const int code = has_probe(path, pack_device_probe)   ? check_device_file(lint, path, error)
                     : has_probe(path, pack_faults_probe) ? check_faults_file(lint, path, error)
                                                          : check_descriptor(lint, path, error);
    if (ends_the_run(code))
        return code;
    lint->code = PACK_E_DESCRIPTOR;
    if (code != 0 && lint->errors == 0) {
        count_finding(lint, true, error);
        lint->code = error->code;
    }
    return 0;
}

static void print_result(struct lint *lint, const char *path)
{
    if (lint->errors == 0 && lint->warnings == 0)
        cli_print_styled(lint->cli, STYLE_GOOD, "%s: ok", path);
    else if (lint->errors == 0)
        cli_print_styled(lint->cli, STYLE_WARNING, "%s: ok, %zu %s", path, lint->warnings,
                         lint->warnings == 1 ? "warning" : "warnings");
    pack_json_object(lint->results, NULL);
    pack_json_string(lint->results, "file", path);
    pack_json_boolean(lint->results, "ok", lint->errors == 0);
    pack_json_unsigned(lint->results, "errors", lint->errors);
    pack_json_unsigned(lint->results, "warnings", lint->warnings);
    pack_json_end(lint->results);
}

static int check_files(struct lint *lint, const struct arguments *arguments,
                       struct pack_error *error)
{
    for (size_t i = 0; i < arguments_count(arguments); i++) {
        const char *path = arguments_at(arguments, i);
        lint->errors = lint->warnings = 0;
        const int code = check_file(lint, path, error);
        if (code != 0)
            return code;
        path = strcmp(path, "-") == 0 ? "standard input" : path;
        print_result(lint, path);
        if (lint->errors != 0 && lint->bad_files++ == 0) {
            lint->bad_file = path;
            lint->bad_code = lint->code;
        }
        lint->all_errors += lint->errors;
        lint->all_warnings += lint->warnings;
    }
    return 0;
}

static int keep_results(struct lint *lint, struct pack_error *error)
{
    const char *text = NULL;
    size_t size = 0;
    pack_json_end(lint->results);
    const int code = pack_json_finish(lint->results, &text, &size, error);
    if (code != 0)
        return code;
    CLI_AUTO_FREE char *line = strndup(text, size - 1); /* without its line end */
    if (line == NULL)
        return pack_fail_memory(error);
    pack_json_raw(cli_json(lint->cli), "results", line);
    return 0;
}

static int judge(const struct lint *lint, bool strict, struct pack_error *error)
{
    if (lint->all_errors != 0) {
        pack_fail(error, lint->bad_code, "%zu %s", lint->all_errors,
                  lint->all_errors == 1 ? "error" : "errors");
        return lint->bad_files == 1 ? pack_at_file(error, lint->bad_file) : (int)error->code;
    }
    if (strict && lint->all_warnings != 0)
        return pack_fail(error, PACK_E_DESCRIPTOR, "%zu %s, none allowed with --strict",
                         lint->all_warnings, lint->all_warnings == 1 ? "warning" : "warnings");
    return 0;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(definitions_free) struct pack_definition *definitions = NULL;
    CLI_AUTO(pack_json_free) struct pack_json *results = NULL;
    struct lint lint = {.cli = cli};
    const char *format = arguments_value(arguments, "format");
    if (format != NULL && strcmp(format, "github") == 0)
        cli_findings_format(cli, FINDINGS_GITHUB);
    int code = definitions_read(arguments, &definitions, &lint.options, error);
    if (code == 0)
        code = pack_json_new(&results, false, error);
    if (code != 0)
        return code;
    lint.results = results;
    pack_json_array(results, NULL);
    code = check_files(&lint, arguments, error);
    if (code == 0)
        code = keep_results(&lint, error);
    return code != 0 ? code : judge(&lint, arguments_flag(arguments, "strict"), error);
}

static const char *choice_report(size_t index)
{
    static const char *const words[] = {"text", "github"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const struct option options[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = choice_report,
     .help = "how findings are printed: text (default), or annotations for github"},
    {.name = "strict", .help = "fail for a warning too"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "DESCRIPTOR", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

const struct command command_lint = {
    .name = "lint",
    .summary = "check descriptors and device files",
    .synopsis = "DESCRIPTOR... [-D NAME=VALUE]... [--format=github] [--strict]",
    .description =
        "Reads each descriptor as build would, and reports every error and warning in one run, "
        "each with file, line and column and a next step where one is known. The files that it "
        "names are looked at too: whether they are there, keep their budgets, and parse in their "
        "format.\n\n"
        "A file with the key 'fwpack-device:' is a device file, device.yaml, and checked as the "
        "commands of a device would read it; the files that it names are the device's, and not "
        "looked at. One with 'fwpack-faults:' is the faults file of \"install --simulate\". "
        "Standard "
        "input is a descriptor.\n\n"
        "Errors of a segmented image have the line or offset in the image's own file. A warning "
        "leaves the descriptor usable; --strict makes it a failure.",
    .examples = "fwpack lint fwpack.yaml device.yaml\n"
                "fwpack lint -D VERSION=1.2.3 --format=github products/*.yaml\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_DESCRIPTOR,
    .exits = EXITS(3),
    .run = run,
};
