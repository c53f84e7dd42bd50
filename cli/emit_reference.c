/* SPDX-License-Identifier: MIT */
#include "emit.h"

#include "environment.h"
#include "exits.h"

#include <string.h>

static const char common[] = "Common options";

/* Text of a table's cell. */
static void cell(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '<')
            fputc('\\', stream);
        fputc(*text, stream);
    }
}

static void option_row(FILE *stream, const struct option *option)
{
    char label[80];
    emit_label(label, sizeof label, option, false);
    fprintf(stream, "| `%s` | ", label);
    cell(stream, option->help);
    if (option->variable != NULL)
        fprintf(stream, " [`%s`]", option->variable);
    fputs(" |\n", stream);
}

static void options(FILE *stream, const struct command *command, bool is_common)
{
    const struct option *option = NULL;
    const char *section = NULL;
    bool begun = false;
    for (size_t i = 0; (option = command_option(command, i, &section)) != NULL; i++) {
        if ((strcmp(section, common) == 0) != is_common)
            continue;
        if (!begun)
            fputs("\n| option | |\n|---|---|\n", stream);
        begun = true;
        option_row(stream, option);
    }
}

static void synopsis(FILE *stream, const struct command *command, const char *path)
{
    char form[512];
    fputs("```\n", stream);
    for (size_t i = 0; emit_line(command->synopsis, i, form, sizeof form); i++)
        fprintf(stream, "fwpack%s%s %s\n", path[0] != '\0' ? " " : "", path, form);
    fputs("```\n", stream);
}

static void exits(FILE *stream, const struct command *command)
{
    fputs("\nExit status:", stream);
    const char *comma = " ";
    for (const struct exit_status *exit = exit_statuses; exit->meaning != NULL; exit++)
        if (exits_of(command, exit->status)) {
            fprintf(stream, "%s%d", comma, exit->status);
            comma = ", ";
        }
    fputs(".\n", stream);
}

static void description(FILE *stream, const struct command *command)
{
    char paragraph[4096];
    for (size_t i = 0; emit_paragraph(command->description, i, paragraph, sizeof paragraph); i++) {
        fputc('\n', stream);
        emit_filled(stream, paragraph, 0, 0);
    }
}

static void section(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    if (path[0] == '\0')
        return;
    fprintf(stream, "\n## fwpack %s\n\n", path);
    synopsis(stream, command, path);
    description(stream, command);
    options(stream, command, false);
    if (command->examples != NULL)
        fprintf(stream, "\n```sh\n%s```\n", command->examples);
    if (command->subcommands == NULL)
        exits(stream, command);
}

void emit_reference(FILE *stream, const struct command *program)
{
    fputs("<!-- Printed from the tables of cli/: not to be edited. -->\n# Commands\n\n", stream);
    fputs("Options and arguments stand in any order behind the command's name, and `--` ends the\n"
          "options. A long option takes its value as `--name VALUE` or `--name=VALUE`, and is\n"
          "never abbreviated; letters can be joined, as in `-nq`. What a variable of the\n"
          "environment stands in for names it in brackets. The exit statuses and error ids are\n"
          "in [errors.md](errors.md).\n\n",
          stream);
    synopsis(stream, program, "");
    options(stream, program, false);
    fputs("\n## Common options\n", stream);
    options(stream, program, true);
    emit_walk(program, section, stream);
    fputs("\n## Environment\n\n| variable | |\n|---|---|\n", stream);
    for (const struct variable *variable = environment_variables; variable->name; variable++)
        fprintf(stream, "| `%s` | %s |\n", variable->name, variable->help);
    fputs("\nAn option beats the environment. `fwpack env` prints the variables in force.\n",
          stream);
}
