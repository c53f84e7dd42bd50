/* SPDX-License-Identifier: MIT */
#include "emit.h"

#include "environment.h"
#include "exits.h"

#include <string.h>

static const char common[] = "Common options";

/*
 * Text for roff: the minus that can be copied, no escape, no control line. `start` says that the
 * text begins a line.
 */
static void roff(FILE *stream, const char *text, bool start)
{
    if (start && (*text == '.' || *text == '\''))
        fputs("\\&", stream);
    for (; *text != '\0'; text++)
        if (*text == '-')
            fputs("\\-", stream);
        else if (*text == '\\')
            fputs("\\e", stream);
        else if (*text == '\'')
            fputs("\\(aq", stream);
        else
            fputc(*text, stream);
}

/* Words filled into lines that a reader of the source can bear. */
static void paragraph(FILE *stream, const char *text)
{
    size_t column = 0;
    for (text += strspn(text, " \n"); *text != '\0'; text += strspn(text, " \n")) {
        const size_t length = strcspn(text, " \n");
        char word[256];
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        if (column > 0 && column + 1 + length > 72) {
            fputc('\n', stream);
            column = 0;
        }
        fputs(column > 0 ? " " : "", stream);
        roff(stream, word, column == 0);
        column += length + (column > 0);
        text += length;
    }
    fputc('\n', stream);
}

static void paragraphs(FILE *stream, const char *text)
{
    char one[4096];
    for (size_t i = 0; emit_paragraph(text, i, one, sizeof one); i++) {
        if (i > 0)
            fputs(".PP\n", stream);
        paragraph(stream, one);
    }
}

/* A help line as a sentence. */
static void sentence(FILE *stream, const char *text)
{
    char one[512];
    snprintf(one, sizeof one, "%s.", text);
    if (one[0] >= 'a' && one[0] <= 'z')
        one[0] = (char)(one[0] - 'a' + 'A');
    paragraph(stream, one);
}

static void synopsis(FILE *stream, const struct command *command, const char *path)
{
    char form[512];
    for (size_t i = 0; emit_line(command->synopsis, i, form, sizeof form); i++) {
        fputs(i > 0 ? ".br\n.B fwpack" : ".B fwpack", stream);
        roff(stream, path[0] != '\0' ? " " : "", false);
        roff(stream, path, false);
        fputc('\n', stream);
        paragraph(stream, form);
    }
}

static void option_item(FILE *stream, const struct option *option)
{
    fputs(".TP\n", stream);
    if (option->letter != 0)
        fprintf(stream, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", stream);
    roff(stream, option->name, false);
    fputs("\\fR", stream);
    if (option->value != NULL) {
        fputs(option->implied != NULL ? "[=\\fI" : " \\fI", stream);
        roff(stream, option->value, false);
        fputs(option->implied != NULL ? "\\fR]" : "\\fR", stream);
    }
    fputc('\n', stream);
    sentence(stream, option->help);
}

/* The options of one side of the line between a command's own and the common ones. */
static bool has_options(const struct command *command, bool is_common)
{
    const char *section = NULL;
    for (size_t i = 0; command_option(command, i, &section) != NULL; i++)
        if ((strcmp(section, common) == 0) == is_common)
            return true;
    return false;
}

static void options(FILE *stream, const struct command *command, bool is_common)
{
    const struct option *option = NULL;
    const char *section = NULL;
    for (size_t i = 0; (option = command_option(command, i, &section)) != NULL; i++)
        if ((strcmp(section, common) == 0) == is_common)
            option_item(stream, option);
}

static void example_lines(FILE *stream, const struct command *command)
{
    char line[256];
    fputs(".EX\n", stream);
    for (size_t i = 0; emit_line(command->examples, i, line, sizeof line); i++) {
        roff(stream, line, true);
        fputc('\n', stream);
    }
    fputs(".EE\n", stream);
}

static void examples(FILE *stream, const struct command *command)
{
    if (command->examples == NULL)
        return;
    fputs(".SH EXAMPLES\n", stream);
    example_lines(stream, command);
}

static void subcommand(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    if (command->subcommands != NULL)
        return;
    fputs(".SS fwpack ", stream);
    roff(stream, path, false);
    fputc('\n', stream);
    synopsis(stream, command, path);
    fputs(".PP\n", stream);
    paragraphs(stream, command->description);
    options(stream, command, false);
    if (command->examples != NULL) {
        fputs(".PP\n", stream);
        example_lines(stream, command);
    }
}

/* The commands below, with their own pages (of the program) or in full (of a group). */
static void commands(FILE *stream, const struct command *program, const struct command *command)
{
    fputs(".SH COMMANDS\n", stream);
    if (command != program) {
        const struct command *const alone[] = {command, NULL};
        const struct command root = {.name = program->name, .subcommands = alone};
        emit_walk(&root, subcommand, stream);
        return;
    }
    for (size_t i = 0; command->subcommands[i] != NULL; i++) {
        fputs(".TP\n\\fBfwpack\\-", stream);
        roff(stream, command->subcommands[i]->name, false);
        fputs("\\fR(1)\n", stream);
        sentence(stream, command->subcommands[i]->summary);
    }
}

static void exits(FILE *stream, const struct command *command)
{
    fputs(".SH EXIT STATUS\n", stream);
    for (const struct exit_status *exit = exit_statuses; exit->meaning != NULL; exit++)
        if (exits_of(command, exit->status)) {
            fprintf(stream, ".TP\n%d\n", exit->status);
            sentence(stream, exit->meaning);
        }
}

static void environment(FILE *stream)
{
    fputs(".SH ENVIRONMENT\n", stream);
    for (const struct variable *variable = environment_variables; variable->name; variable++) {
        fprintf(stream, ".TP\n%s\n", variable->name);
        sentence(stream, variable->help);
    }
}

static void see_also(FILE *stream, const struct command *program, const struct command *command)
{
    fputs(".SH SEE ALSO\n", stream);
    if (command != program)
        fputs(".BR fwpack (1),\n", stream);
    for (size_t i = 0; program->subcommands[i] != NULL; i++) {
        if (program->subcommands[i] == command)
            continue;
        fputs(".BR fwpack\\-", stream);
        roff(stream, program->subcommands[i]->name, false);
        fputs(" (1),\n", stream);
    }
    fputs(".BR minisign (1)\n", stream);
}

static void upper(char *text, size_t capacity, const char *name)
{
    snprintf(text, capacity, "%s", name);
    for (; *text != '\0'; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
}

static void head(FILE *stream, const char *page, const struct command *command)
{
    char title[80];
    upper(title, sizeof title, page);
    fprintf(stream,
            ".\\\" SPDX-License-Identifier: MIT\n.\\\" Printed from the tables of cli/: not "
            "to be edited.\n.TH ");
    roff(stream, title, false);
    fprintf(stream, " 1 " FWPACK_DATE " \"fwpack " FWPACK_VERSION "\" \"fwpack manual\"\n");
    fputs(".SH NAME\n", stream);
    roff(stream, page, false);
    fputs(" \\- ", stream);
    roff(stream, command->summary, false);
    fputc('\n', stream);
}

void emit_man(FILE *stream, const struct command *program, const struct command *command)
{
    const bool is_program = command == program;
    const char *path = is_program ? "" : command->name;
    char page[80];
    snprintf(page, sizeof page, "fwpack%s%s", is_program ? "" : "-", path);
    head(stream, page, command);
    fputs(".SH SYNOPSIS\n", stream);
    synopsis(stream, command, path);
    fputs(".SH DESCRIPTION\n", stream);
    paragraphs(stream, command->description);
    if (command->subcommands != NULL)
        commands(stream, program, command);
    if (has_options(command, false)) {
        fputs(".SH OPTIONS\n", stream);
        options(stream, command, false);
    }
    fputs(".SH COMMON OPTIONS\n", stream);
    options(stream, command, true);
    exits(stream, command);
    if (is_program)
        environment(stream);
    examples(stream, command);
    see_also(stream, program, command);
}
