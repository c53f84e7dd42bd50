/* SPDX-License-Identifier: MIT */
#include "emit.h"

#include <string.h>

enum { HELP_COLUMN = 30, NAME_COLUMN = 14 };

static void usage(FILE *stream, const struct command *command, const char *path)
{
    char form[512];
    const char *label = "Usage:";
    for (size_t i = 0; emit_line(command->synopsis, i, form, sizeof form); i++) {
        const unsigned column =
            (unsigned)fprintf(stream, "%-6s fwpack%s%s ", label, path[0] != '\0' ? " " : "", path);
        emit_filled(stream, form, column, column);
        label = "";
    }
}

static void subcommands(FILE *stream, const struct command *command)
{
    fputs("\nCommands:\n", stream);
    for (size_t i = 0; command->subcommands[i] != NULL; i++) {
        const struct command *below = command->subcommands[i];
        const unsigned column = (unsigned)fprintf(stream, "  %-*s", NAME_COLUMN - 2, below->name);
        emit_filled(stream, below->summary, column, NAME_COLUMN);
    }
}

static void option_line(FILE *stream, const struct option *option)
{
    char label[80];
    emit_label(label, sizeof label, option, true);
    const bool fits = strlen(label) <= HELP_COLUMN - 4;
    unsigned column = (unsigned)fprintf(stream, "  %-*s", fits ? HELP_COLUMN - 2 : 0, label);
    if (!fits)
        column = (unsigned)fprintf(stream, "\n%*s", HELP_COLUMN, "") - 1;
    emit_filled(stream, option->help, column, HELP_COLUMN);
}

static void options(FILE *stream, const struct command *command)
{
    const struct option *option = NULL;
    const char *section = NULL, *last = "";
    for (size_t i = 0; (option = command_option(command, i, &section)) != NULL; i++) {
        if (strcmp(section, last) != 0)
            fprintf(stream, "\n%s:\n", section);
        last = section;
        option_line(stream, option);
    }
}

static void examples(FILE *stream, const struct command *command)
{
    char line[256];
    if (command->examples != NULL)
        fputs("\nExamples:\n", stream);
    for (size_t i = 0; emit_line(command->examples, i, line, sizeof line); i++)
        fprintf(stream, "  %s\n", line);
}

void emit_help(FILE *stream, const struct command *command, const char *path)
{
    const unsigned column =
        (unsigned)fprintf(stream, "fwpack%s%s: ", path[0] != '\0' ? " " : "", path);
    emit_filled(stream, command->summary, column, 4);
    fputc('\n', stream);
    usage(stream, command, path);
    if (command->subcommands != NULL)
        subcommands(stream, command);
    options(stream, command);
    examples(stream, command);
    if (path[0] == '\0')
        fputs("\n'fwpack COMMAND --help' tells more; 'fwpack exit-codes' lists the exit\n"
              "statuses, 'fwpack env' the environment's variables.\n",
              stream);
}
