/* SPDX-License-Identifier: MIT */
#include "emit.h"

static const char body[] = "# The command so far, without options, their values and \"help\".\n"
                           "function __fwpack_path\n"
                           "    set -l words (commandline -opc)\n"
                           "    set -l skip 0\n"
                           "    for word in $words[2..-1]\n"
                           "        if test $skip = 1\n"
                           "            set skip 0\n"
                           "            continue\n"
                           "        end\n"
                           "        switch $word\n"
                           "            case $__fwpack_valued\n"
                           "                set skip 1\n"
                           "            case '-*' help\n"
                           "                continue\n"
                           "            case '*'\n"
                           "                echo $word\n"
                           "        end\n"
                           "    end\n"
                           "end\n"
                           "\n"
                           "# Whether the command so far begins with these words.\n"
                           "function __fwpack_at\n"
                           "    set -l path (__fwpack_path)\n"
                           "    test (count $path) -ge (count $argv); or return 1\n"
                           "    for i in (seq (count $argv))\n"
                           "        test $path[$i] = $argv[$i]; or return 1\n"
                           "    end\n"
                           "end\n"
                           "\n"
                           "# Whether it is these words.\n"
                           "function __fwpack_is\n"
                           "    set -l path (__fwpack_path)\n"
                           "    test \"$path\" = \"$argv\"\n"
                           "end\n"
                           "\n"
                           "complete -c fwpack -f\n";

static void quoted(FILE *stream, const char *text)
{
    fputc('\'', stream);
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', stream);
        fputc(*text, stream);
    }
    fputc('\'', stream);
}

/* What may stand as a value: files, folders, words, or what fish cannot know. */
static void value(FILE *stream, enum option_kind kind, choice_fn choices)
{
    static const char *const actions[] = {
        [OPTION_FLAG] = "",
        [OPTION_TEXT] = " -x",
        [OPTION_NUMBER] = " -x",
        [OPTION_SIZE] = " -x",
        [OPTION_ADDRESS] = " -x",
        [OPTION_PATH] = " -r -F",
        [OPTION_FOLDER] = " -x -a '(__fish_complete_directories)'",
        [OPTION_KEY] = " -r -F",
        [OPTION_PUBLIC_KEY] = " -r -F",
        [OPTION_CHOICE] = " -x -a '",
        [OPTION_DEFINITION] = " -x",
    };
    fputs(actions[kind], stream);
    for (size_t i = 0; kind == OPTION_CHOICE && choices(i) != NULL; i++)
        fprintf(stream, "%s%s", i > 0 ? " " : "", choices(i));
    if (kind == OPTION_CHOICE)
        fputc('\'', stream);
}

static void condition(FILE *stream, const char *how, const char *path)
{
    fprintf(stream, "complete -c fwpack -n '__fwpack_%s%s%s'", how, path[0] != '\0' ? " " : "",
            path);
}

static void option_line(FILE *stream, const struct option *option, const char *path)
{
    condition(stream, "at", path);
    fprintf(stream, " -l %s", option->name);
    if (option->letter != 0)
        fprintf(stream, " -s %c", option->letter);
    value(stream, option->kind, option->choices);
    fputs(" -d ", stream);
    quoted(stream, option->help);
    fputc('\n', stream);
}

static void command_lines(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    const struct option *option = NULL;
    const struct positional *positional = command->positionals;
    fputc('\n', stream);
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        condition(stream, "is", path);
        fprintf(stream, " -a %s -d ", command->subcommands[i]->name);
        quoted(stream, command->subcommands[i]->summary);
        fputc('\n', stream);
    }
    for (; positional != NULL && positional->name != NULL; positional++) {
        if (positional->kind == OPTION_TEXT)
            continue;
        condition(stream, positional->kind == OPTION_CHOICE ? "is" : "at", path);
        value(stream, positional->kind, positional->choices);
        fputc('\n', stream);
    }
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++)
        if (command->subcommands == NULL || path[0] == '\0')
            option_line(stream, option, path);
}

static void valued_options(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    const struct option *option = NULL;
    (void)path;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++) {
        if (option->kind == OPTION_FLAG)
            continue;
        fprintf(stream, " --%s", option->name);
        if (option->letter != 0)
            fprintf(stream, " -%c", option->letter);
    }
}

void emit_fish(FILE *stream, const struct command *program)
{
    fputs("# SPDX-License-Identifier: MIT\n# Printed from the tables of cli/: not to be edited.\n\n"
          "# The options that take the next word.\nset -g __fwpack_valued",
          stream);
    emit_walk(program, valued_options, stream);
    fputs("\n\n", stream);
    fputs(body, stream);
    emit_walk(program, command_lines, stream);
}
