/* SPDX-License-Identifier: MIT */
#include "findings.h"

#include "report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct findings {
    enum findings_format format;
    unsigned errors;
    unsigned warnings;
    struct pack_json *list; /* an open array */
};

int findings_new(struct findings **findings, struct pack_error *error)
{
    *findings = calloc(1, sizeof **findings);
    if (*findings == NULL)
        return pack_fail_memory(error);
    const int code = pack_json_new(&(*findings)->list, false, error);
    if (code == 0)
        pack_json_array((*findings)->list, NULL);
    else
        findings_free(findings);
    return code;
}

void findings_free(struct findings **findings)
{
    if (*findings == NULL)
        return;
    pack_json_free(&(*findings)->list);
    free(*findings);
    *findings = NULL;
}

unsigned findings_errors(const struct findings *findings)
{
    return findings->errors;
}

void findings_json(struct findings *findings, struct pack_json *json)
{
    struct pack_error error = {0};
    const char *text = NULL;
    size_t size = 0;
    pack_json_end(findings->list);
    if (findings->errors + findings->warnings == 0 ||
        pack_json_finish(findings->list, &text, &size, &error) != 0)
        return;
    CLI_AUTO_FREE char *line = strndup(text, size - 1); /* without its line feed */
    if (line != NULL)
        pack_json_raw(json, "findings", line);
}

static void keep(struct findings *findings, const char *level, const struct pack_error *finding)
{
    pack_json_object(findings->list, NULL);
    pack_json_string(findings->list, "level", level);
    report_error_json(findings->list, "error", finding);
    pack_json_end(findings->list);
}

static void print(struct cli *cli, const char *format, ...) PACK_PRINTF(2, 3);
static void print(struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char room[REPORT_ROOM];
    CLI_AUTO_FREE char *longer = NULL;
    const char *text = report_escaped(room, &longer, format, arguments);
    va_end(arguments);
    report_line(cli, STDERR_FILENO, STYLE_PLAIN, "", text != NULL ? text : "out of memory");
}

void cli_finding(void *user, bool is_error, const struct pack_error *finding)
{
    struct cli *cli = user;
    struct findings *findings = cli->findings;
    const char *level = is_error ? "error" : "warning";
    char place[768];
    report_place(cli, finding, place, sizeof place);
    findings->errors += is_error;
    findings->warnings += !is_error;
    keep(findings, level, finding);
    if (findings->format == FINDINGS_GITHUB && !cli->json) {
        report_annotation(cli, STDOUT_FILENO, level, finding);
        return;
    }
    print(cli, "%s: %s: %s", place, level, finding->text);
    if (finding->hint[0] != '\0')
        print(cli, "hint: %s", finding->hint);
    if (cli->annotate)
        report_annotation(cli, STDERR_FILENO, level, finding);
}

void cli_findings_format(struct cli *cli, enum findings_format format)
{
    cli->findings->format = format;
}
