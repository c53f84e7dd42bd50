/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "commands.h"
#include "emit.h"
#include "environment.h"
#include "findings.h"
#include "formats/formats.h"
#include "process.h"
#include "progress.h"
#include "report.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- results --------------------------------------------------------------------------------- */

static bool shows_text(const struct cli *cli)
{
    return !cli->json && !cli->quiet;
}

static void print_result(struct cli *cli, enum cli_style style, const char *format,
                         va_list arguments) PACK_PRINTF(3, 0);
static void print_result(struct cli *cli, enum cli_style style, const char *format,
                         va_list arguments)
{
    char room[REPORT_ROOM];
    CLI_AUTO_FREE char *longer = NULL;
    const char *text = report_escaped(room, &longer, format, arguments);
    if (text == NULL)
        cli->failed = true;
    else
        report_line(cli, cli->to_stdout ? STDERR_FILENO : STDOUT_FILENO, style, text, "");
}

void cli_print(struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (shows_text(cli))
        print_result(cli, STYLE_PLAIN, format, arguments);
    va_end(arguments);
}

void cli_print_styled(struct cli *cli, enum cli_style style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (shows_text(cli))
        print_result(cli, style, format, arguments);
    va_end(arguments);
}

void cli_write(struct cli *cli, const char *text, size_t size)
{
    if (!cli->json)
        fwrite(text, 1, size, stdout);
}

struct pack_json *cli_json(struct cli *cli)
{
    return cli->result;
}

/* --- notes ----------------------------------------------------------------------------------- */

static void print_note(struct cli *cli, enum cli_style style, const char *label, const char *format,
                       va_list arguments) PACK_PRINTF(4, 0);
static void print_note(struct cli *cli, enum cli_style style, const char *label, const char *format,
                       va_list arguments)
{
    char room[REPORT_ROOM];
    CLI_AUTO_FREE char *longer = NULL;
    const char *text = report_escaped(room, &longer, format, arguments);
    if (text == NULL)
        cli->failed = true;
    else
        report_line(cli, STDERR_FILENO, style, label, text);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!cli->quiet)
        print_note(cli, STYLE_PLAIN, "fwpack: ", format, arguments);
    va_end(arguments);
}

void cli_warn(struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_note(cli, STYLE_WARNING, "fwpack: warning: ", format, arguments);
    va_end(arguments);
}

void cli_warn_text(void *cli, const char *text)
{
    cli_warn(cli, "%s", text);
}

/* --- the context ----------------------------------------------------------------------------- */

static void context_log(void *user, enum pack_log_level level, const char *text)
{
    struct cli *cli = user;
    if (level == PACK_LOG_WARNING)
        cli_warn(cli, "%s", text);
    else if (level == PACK_LOG_NOTE || cli->verbose)
        cli_note(cli, "%s", text);
}

static void context_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    const struct cli *cli = user;
    progress_report(cli->progress, what, done, total);
}

static bool context_cancelled(void *user)
{
    (void)user;
    return process_interrupted();
}

static void lend_context(struct cli *cli)
{
    uint64_t jobs = 0;
    arguments_number(cli->arguments, "jobs", &jobs);
    cli->lent = (struct pack_context){.log = context_log,
                                      .progress = context_progress,
                                      .cancelled = context_cancelled,
                                      .user = cli,
                                      .jobs = (unsigned)jobs,
                                      .formats = fwpack_formats};
    cli->context = &cli->lent;
}

/* --- begin ----------------------------------------------------------------------------------- */

static int open_result(struct cli *cli, struct pack_error *error)
{
    char path[128], schema[160];
    const int code = pack_json_new(&cli->result, false, error);
    if (code != 0)
        return code;
    arguments_path(cli->arguments, '-', path, sizeof path);
    snprintf(schema, sizeof schema, "fwpack%s%s/1", path[0] != '\0' ? "." : "", path);
    pack_json_object(cli->result, NULL);
    pack_json_string(cli->result, "schema", schema);
    pack_json_boolean(cli->result, "ok", true);
    return 0;
}

static bool given(const struct cli *cli, const char *name)
{
    return command_option_named(cli->command, name, strlen(name)) != NULL &&
           arguments_flag(cli->arguments, name);
}

static void read_common_options(struct cli *cli)
{
    const char *color = arguments_value(cli->arguments, "color");
    cli->json = given(cli, "json");
    cli->quiet = given(cli, "quiet");
    cli->verbose = given(cli, "verbose");
    cli->dry_run = given(cli, "dry-run");
    cli->no_input = given(cli, "no-input") || environment_true("CI");
    cli->annotate = environment_true("GITHUB_ACTIONS");
    cli->to_stdout =
        given(cli, "output") && strcmp(arguments_value(cli->arguments, "output"), "-") == 0;
    cli->color[STDOUT_FILENO] = terminal_color(STDOUT_FILENO, color);
    cli->color[STDERR_FILENO] = terminal_color(STDERR_FILENO, color);
}

static int cli_open(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    cli->arguments = arguments;
    cli->command = arguments_command(arguments);
    read_common_options(cli);
    lend_context(cli);
    const enum progress_mode mode =
        progress_mode(arguments_value(arguments, "progress"), cli->quiet);
    int code = open_result(cli, error);
    if (code == 0)
        code = progress_new(&cli->progress, mode, error);
    if (code == 0)
        code = findings_new(&cli->findings, error);
    return code;
}

/* --- run ------------------------------------------------------------------------------------- */

static int run(struct cli *cli, struct pack_error *error)
{
    if (cli->json && cli->to_stdout)
        return pack_fail(error, PACK_E_USAGE, "--json and '-o -' both want standard output");
    const int code = cli->command->run(cli, cli->arguments, error);
    const char *fault = arguments_fault(cli->arguments);
    if (code == 0 && fault != NULL)
        return pack_fail(error, PACK_E_INTERNAL, "the option '%s' is in no table", fault);
    if (code == 0 && cli->failed)
        return pack_fail_memory(error);
    /* The code decides: what failed on the way and was made good is no failure of the command. */
    if (code == 0)
        pack_error_clear(error);
    return code;
}

static int show_help(struct cli *cli, struct pack_error *error)
{
    char path[128];
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        return pack_fail_memory(error);
    arguments_path(cli->arguments, ' ', path, sizeof path);
    emit_help(stream, cli->command, path);
    if (fclose(stream) != 0)
        return pack_fail_memory(error);
    pack_json_string(cli->result, "help", text);
    cli_write(cli, text, size);
    return 0;
}

/* --- end ------------------------------------------------------------------------------------- */

/* A failure after a signal is the signal's, whatever call noticed it first. */
static int judge_interruption(int code, struct pack_error *error)
{
    if (code == 0 || code == PACK_E_INTERRUPTED || !process_interrupted())
        return code;
    return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
}

/* The text with "ok" made false: it was written before the outcome was known. */
static void write_failed(const char *text, size_t size)
{
    static const char good[] = "\"ok\":true";
    const char *at = memmem(text, size, good, sizeof good - 1);
    if (at == NULL)
        return;
    const char *behind = at + sizeof good - 1;
    fwrite(text, 1, (size_t)(at - text), stdout);
    fputs("\"ok\":false", stdout);
    fwrite(behind, 1, size - (size_t)(behind - text), stdout);
}

static int write_json(struct cli *cli, const struct pack_error *failure, struct pack_error *error)
{
    const char *text = NULL;
    size_t size = 0;
    if (cli->findings != NULL)
        findings_json(cli->findings, cli->result);
    if (failure->code != 0)
        report_error_json(cli->result, "error", failure);
    pack_json_end(cli->result);
    const int code = pack_json_finish(cli->result, &text, &size, error);
    if (code == 0 && failure->code != 0)
        write_failed(text, size);
    else if (code == 0)
        fwrite(text, 1, size, stdout);
    return code;
}

/* For want of memory: the same members, from the little that needs none. */
static void print_bare_json(const struct arguments *arguments, const struct pack_error *failure)
{
    char path[128] = "";
    if (arguments != NULL)
        arguments_path(arguments, '-', path, sizeof path);
    printf("{\"schema\":\"fwpack%s%s/1\",\"ok\":false,\"error\":{\"id\":\"%s\",\"exit\":%d,"
           "\"file\":null,\"member\":null,\"line\":null,\"column\":null,\"offset\":null,"
           "\"message\":\"%s\",\"hint\":null}}\n",
           path[0] != '\0' ? "." : "", path, pack_code_id(failure->code),
           pack_code_exit(failure->code), pack_code_summary(failure->code));
}

/* What a failure left half open is of no use: begin anew, with the error alone. */
static int print_json(struct cli *cli, const struct pack_error *failure, struct pack_error *error)
{
    if (cli->result != NULL && write_json(cli, failure, error) == 0)
        return 0;
    if (failure->code == 0)
        return error->code;
    pack_json_free(&cli->result);
    findings_free(&cli->findings);
    if (open_result(cli, error) == 0 && write_json(cli, failure, error) == 0)
        return 0;
    print_bare_json(cli->arguments, failure);
    return 0;
}

/* The errors stand above already: one line sums them up. */
static void sum_up_findings(const struct cli *cli, struct pack_error *error)
{
    const unsigned count = cli->findings != NULL ? findings_errors(cli->findings) : 0;
    if (count == 0)
        return;
    struct pack_error sum = {0};
    pack_fail(&sum, error->code, count == 1 ? "%u error" : "%u errors", count);
    pack_at_file(&sum, error->file);
    *error = sum;
}

static int flush_output(struct pack_error *error)
{
    if (fflush(stdout) == 0 && !ferror(stdout) && fclose(stdout) == 0)
        return 0;
    pack_fail_errno(error, errno, "cannot write");
    return pack_at_file(error, "standard output");
}

static int finish(struct cli *cli, int code, struct pack_error *error)
{
    struct pack_error late = {0};
    if (judge_interruption(code, error) != 0 && error->code == 0)
        pack_fail(error, PACK_E_INTERNAL, "a failure without an error (%d)", code);
    progress_free(&cli->progress);
    if (cli->json && print_json(cli, error, &late) != 0) {
        *error = late;
        print_json(cli, error, &late);
    }
    if (error->code != 0 && !cli->reported) {
        sum_up_findings(cli, error);
        report_error(cli, error);
    }
    if (flush_output(&late) != 0 && error->code == 0) {
        report_error(cli, &late);
        *error = late;
    }
    pack_json_free(&cli->result);
    findings_free(&cli->findings);
    return pack_code_exit(error->code);
}

/* There was no memory to read the arguments with. */
static int fail_early(const char *const argv[], const struct pack_error *error)
{
    bool json = false;
    for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
        json = json || strcmp(*argv, "--json") == 0;
    if (json)
        print_bare_json(NULL, error);
    fprintf(stderr, "fwpack: %s\n", error->text);
    return pack_code_exit(error->code);
}

int cli_main(int argc, const char *const argv[])
{
    struct cli cli = {0};
    struct pack_error error = {0};
    process_prepare();
    CLI_AUTO(arguments_free) struct arguments *arguments = NULL;
    int code = arguments_parse(&arguments, &command_program, argc, argv, cli_environment, &error);
    if (arguments == NULL)
        return fail_early(argv, &error);
    struct pack_error failure = {0};
    if (cli_open(&cli, arguments, &failure) != 0) {
        code = failure.code;
        error = failure;
    } else if (arguments_flag(arguments, "help")) {
        pack_error_clear(&error);
        code = show_help(&cli, &error);
    } else if (code == 0) {
        code = run(&cli, &error);
    }
    return finish(&cli, code, &error);
}
