/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "pack/text.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- lines ----------------------------------------------------------------------------------- */

/* The longest escape of one byte is \xNN, of three bytes \u{NNNN}: four times are enough. */
PACK_PRINTF(3, 0)
static const char *escape_longer(char **longer, size_t length, const char *format,
                                 va_list arguments)
{
    CLI_AUTO_FREE char *text = malloc(length + 1);
    *longer = malloc(length * 4 + 1);
    if (text == NULL || *longer == NULL)
        return NULL;
    vsnprintf(text, length + 1, format, arguments);
    return pack_escape(*longer, length * 4 + 1, text, length);
}

const char *report_escaped(char room[REPORT_ROOM], char **longer, const char *format,
                           va_list arguments)
{
    char text[REPORT_PLAIN];
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    const char *escaped = NULL;
    if (length >= 0 && (size_t)length < sizeof text)
        escaped = pack_escape(room, REPORT_ROOM, text, (size_t)length);
    else if (length >= 0)
        escaped = escape_longer(longer, (size_t)length, format, again);
    va_end(again);
    return escaped;
}

void report_line(struct cli *cli, int descriptor, enum cli_style style, const char *label,
                 const char *text)
{
    static const char *const codes[] = {
        [STYLE_PLAIN] = "",           [STYLE_GOOD] = "\x1b[32m", [STYLE_BAD] = "\x1b[1;31m",
        [STYLE_WARNING] = "\x1b[33m", [STYLE_BOLD] = "\x1b[1m",
    };
    const bool colored = cli->color[descriptor] && style != STYLE_PLAIN;
    FILE *stream = descriptor == STDOUT_FILENO ? stdout : stderr;
    progress_pause(cli->progress);
    if (stream == stderr)
        fflush(stdout); /* where both go to one log, lines stand in the order they were said */
    fprintf(stream, "%s%s%s%s\n", colored ? codes[style] : "", label, colored ? "\x1b[0m" : "",
            text);
    progress_resume(cli->progress);
}

/* --- errors ---------------------------------------------------------------------------------- */

static const char *or_else(const char *text, const char *other)
{
    return text[0] != '\0' ? text : other;
}

void report_place(const struct cli *cli, const struct pack_error *error, char *text,
                  size_t capacity)
{
    char path[128], numbers[64] = "", offset[48] = "";
    arguments_path(cli->arguments, ' ', path, sizeof path);
    const bool has_place = error->file[0] != '\0' || error->member[0] != '\0';
    const char *file = has_place ? error->file : path;
    if (error->line != 0 && error->column != 0)
        snprintf(numbers, sizeof numbers, ":%u:%u", error->line, error->column);
    else if (error->line != 0)
        snprintf(numbers, sizeof numbers, ":%u", error->line);
    if (error->has_offset)
        snprintf(offset, sizeof offset, "%sbyte %llu",
                 file[0] != '\0' || error->member[0] ? ": " : "",
                 (unsigned long long)error->offset);
    /* A line belongs to the member where there is one. */
    const char *between = file[0] != '\0' && error->member[0] != '\0' ? ": " : "";
    snprintf(text, capacity, "%s%s%s%s%s", file, between, error->member, numbers, offset);
}

static void print_line(struct cli *cli, enum cli_style style, const char *label, const char *format,
                       ...) PACK_PRINTF(4, 5);
static void print_line(struct cli *cli, enum cli_style style, const char *label, const char *format,
                       ...)
{
    char room[REPORT_ROOM];
    CLI_AUTO_FREE char *longer = NULL;
    va_list arguments;
    va_start(arguments, format);
    const char *text = report_escaped(room, &longer, format, arguments);
    va_end(arguments);
    report_line(cli, STDERR_FILENO, style, label, text != NULL ? text : " out of memory");
}

void report_error(struct cli *cli, const struct pack_error *error)
{
    char place[768];
    report_place(cli, error, place, sizeof place);
    print_line(cli, STYLE_BAD, "fwpack:", " %s%s%s", place, place[0] != '\0' ? ": " : "",
               or_else(error->text, pack_code_summary(error->code)));
    if (error->hint[0] != '\0')
        print_line(cli, STYLE_BOLD, "hint:", " %s", error->hint);
    if (cli->annotate && error->line != 0)
        report_annotation(cli, STDERR_FILENO, "error", error);
}

static void json_text(struct pack_json *json, const char *name, const char *text)
{
    if (text[0] != '\0')
        pack_json_string(json, name, text);
    else
        pack_json_null(json, name);
}

static void json_number(struct pack_json *json, const char *name, bool has, uint64_t number)
{
    if (has)
        pack_json_unsigned(json, name, number);
    else
        pack_json_null(json, name);
}

void report_failure(struct cli *cli, const struct pack_error *failure, struct pack_error *error)
{
    report_error(cli, failure);
    cli->reported = true;
    if (error->code == 0)
        *error = *failure;
}

void report_error_json(struct pack_json *json, const char *name, const struct pack_error *error)
{
    pack_json_object(json, name);
    pack_json_string(json, "id", pack_code_id(error->code));
    pack_json_integer(json, "exit", pack_code_exit(error->code));
    json_text(json, "file", error->file);
    json_text(json, "member", error->member);
    json_number(json, "line", error->line != 0, error->line);
    json_number(json, "column", error->column != 0, error->column);
    json_number(json, "offset", error->has_offset, error->offset);
    pack_json_string(json, "message", or_else(error->text, pack_code_summary(error->code)));
    json_text(json, "hint", error->hint);
    pack_json_end(json);
}

/* --- annotations ----------------------------------------------------------------------------- */

/* Percent-encodes what would end a workflow command's property or message. */
static void encode(FILE *stream, const char *text, const char *special)
{
    for (; *text != '\0'; text++)
        if (strchr(special, *text) != NULL)
            fprintf(stream, "%%%02X", (unsigned char)*text);
        else
            fputc(*text, stream);
}

void report_annotation(struct cli *cli, int descriptor, const char *level,
                       const struct pack_error *error)
{
    FILE *stream = descriptor == STDOUT_FILENO ? stdout : stderr;
    char file[2048], message[4096];
    pack_escape(file, sizeof file, error->file, strlen(error->file));
    pack_escape(message, sizeof message, error->text, strlen(error->text));
    progress_pause(cli->progress);
    fprintf(stream, "::%s file=", level);
    encode(stream, file, "%\r\n:,");
    if (error->line != 0)
        fprintf(stream, ",line=%u", error->line);
    if (error->column != 0)
        fprintf(stream, ",col=%u", error->column);
    fputs("::", stream);
    encode(stream, message, "%\r\n");
    fputc('\n', stream);
    progress_resume(cli->progress);
}
