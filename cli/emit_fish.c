/* SPDX-License-Identifier: MIT */
#include "emit.h"

static const char body[] =
    "# The command so far, without options, their values and \"help\".\n"
    "function __fwpack_path\n"
    "    set -l words (commandline -opc)\n"
    "    set -l skip 0\n"
    "    for word in $words[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "            continue\n"
    "        end\n"
    "        if contains -- $word $__fwpack_valued\n"
    "            set skip 1\n"
    "        else if string match -qr -- \"^-[^-$__fwpack_letters]*[$__fwpack_letters]\\$\" "
    "$word\n"
    "            set skip 1\n"
    "        else if not string match -q -- '-*' $word; and test $word != help\n"
    "            echo $word\n"
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
        [OPTION_ADDRESS] = " -x",
        [OPTION_SIZE] = " -x",
        [OPTION_PATH] = " -r -F",
        [OPTION_FOLDER] = " -x -a '(__fish_complete_directories)'",
        [OPTION_KEY] = " -r -F -a '" EMIT_KEY_SCHEMES "'",
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
    if (emit_takes_word(option))
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

/* What was printed already: an option that several commands share is named once. */
struct seen {
    FILE *stream;
    size_t count;
    const struct option *options[256];
};

static bool is_new(struct seen *seen, const struct option *option)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->options[i] == option)
            return false;
    if (seen->count < sizeof seen->options / sizeof seen->options[0])
        seen->options[seen->count++] = option;
    return true;
}

static void valued_options(void *user, const struct command *command, const char *path)
{
    struct seen *seen = user;
    const struct option *option = NULL;
    (void)path;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++)
        if (emit_takes_word(option) && is_new(seen, option))
            fprintf(seen->stream, " --%s", option->name);
}

static void valued_letters(void *user, const struct command *command, const char *path)
{
    struct seen *seen = user;
    const struct option *option = NULL;
    (void)path;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++)
        if (emit_takes_word(option) && option->letter != 0 && is_new(seen, option))
            fputc(option->letter, seen->stream);
}

void emit_fish(FILE *stream, const struct command *program)
{
    struct seen names = {.stream = stream}, letters = {.stream = stream};
    fputs("# SPDX-License-Identifier: MIT\n# Printed from the tables of cli/: not to be edited.\n\n"
          "# The options that take the next word.\nset -g __fwpack_valued",
          stream);
    emit_walk(program, valued_options, &names);
    fputs("\nset -g __fwpack_letters ", stream);
    emit_walk(program, valued_letters, &letters);
    fputs("\n\n", stream);
    fputs(body, stream);
    emit_walk(program, command_lines, stream);
}
