/* SPDX-License-Identifier: MIT */
#include "emit.h"

#include <string.h>

/* Text inside '…[…]' of an _arguments specification. */
static void quoted(FILE *stream, const char *text, const char *special)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", stream);
        else if (strchr(special, *text) != NULL)
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
}

static void action(FILE *stream, enum option_kind kind, choice_fn choices)
{
    static const char *const actions[] = {
        [OPTION_FLAG] = " ",
        [OPTION_TEXT] = " ",
        [OPTION_NUMBER] = " ",
        [OPTION_ADDRESS] = " ",
        [OPTION_SIZE] = " ",
        [OPTION_PATH] = "_files",
        [OPTION_FOLDER] = "_files -/",
        [OPTION_KEY] = "_fwpack_key",
        [OPTION_PUBLIC_KEY] = "_fwpack_pubkey",
        [OPTION_CHOICE] = "",
        [OPTION_DEFINITION] = " ",
    };
    fputs(actions[kind], stream);
    for (size_t i = 0; kind == OPTION_CHOICE && choices(i) != NULL; i++)
        fprintf(stream, "%s%s", i > 0 ? " " : "(", choices(i));
    if (kind == OPTION_CHOICE)
        fputc(')', stream);
}

static void option_spec(FILE *stream, const struct option *option)
{
    const bool valued = option->kind != OPTION_FLAG;
    const bool optional = option->implied != NULL; /* then without a letter */
    fputs(" \\\n        ", stream);
    if (option->repeatable)
        fputs("'*'", stream);
    else if (option->letter != 0)
        fprintf(stream, "'(-%c --%s)'", option->letter, option->name);
    if (option->letter != 0)
        fprintf(stream, "{-%c%s,--%s%s}", option->letter, valued ? "+" : "", option->name,
                valued ? "=" : "");
    else
        fprintf(stream, "--%s%s%s", option->name, valued ? "=" : "", optional ? "-" : "");
    fputs("'[", stream);
    quoted(stream, option->help, "[]\\");
    fputc(']', stream);
    if (valued) {
        fputs(optional ? "::" : ":", stream);
        quoted(stream, option->value, ":\\");
        fputc(':', stream);
        action(stream, option->kind, option->choices);
    }
    fputc('\'', stream);
}

static void option_specs(FILE *stream, const struct command *command)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++)
        option_spec(stream, option);
}

/* "key generate" → "__key__generate": a function's name. */
static void function_name(FILE *stream, const char *path)
{
    fputs("_fwpack", stream);
    if (*path != '\0')
        fputs("__", stream);
    for (; *path != '\0'; path++)
        if (*path == ' ')
            fputs("__", stream);
        else
            fputc(*path == '-' ? '_' : *path, stream);
}

static void leaf(FILE *stream, const struct command *command)
{
    fputs("    _arguments -s -S :", stream);
    option_specs(stream, command);
    const struct positional *positional = command->positionals;
    for (unsigned i = 1; positional != NULL && positional->name != NULL; positional++, i++) {
        fputs(" \\\n        '", stream);
        if (positional->many)
            fputc('*', stream);
        else
            fprintf(stream, "%u", i);
        fprintf(stream, "%s%s:", positional->optional && !positional->many ? "::" : ":",
                positional->name);
        action(stream, positional->kind, positional->choices);
        fputc('\'', stream);
    }
    fputc('\n', stream);
}

static void group(FILE *stream, const struct command *command, const char *path)
{
    fputs("    local curcontext=\"$curcontext\" state line\n    typeset -A opt_args\n"
          "    _arguments -C -s -S :",
          stream);
    option_specs(stream, command);
    fputs(" \\\n        '1: :->command' '*:: :->argument'\n    case $state in\n    command)\n"
          "        local -a commands=(",
          stream);
    for (size_t i = 0; command->subcommands[i] != NULL; i++) {
        fprintf(stream, "\n            '%s:", command->subcommands[i]->name);
        quoted(stream, command->subcommands[i]->summary, "\\");
        fputc('\'', stream);
    }
    fputs("\n        )\n        _describe -t commands command commands\n        ;;\n    argument)\n"
          "        case $line[1] in\n",
          stream);
    for (size_t i = 0; command->subcommands[i] != NULL; i++) {
        char below[128];
        snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? " " : "",
                 command->subcommands[i]->name);
        fprintf(stream, "        %s) ", command->subcommands[i]->name);
        function_name(stream, below);
        fputs(" ;;\n", stream);
    }
    if (path[0] == '\0')
        fputs("        help) _fwpack ;;\n", stream);
    fputs("        esac\n        ;;\n    esac\n", stream);
}

static void function(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    fputc('\n', stream);
    function_name(stream, path);
    fputs("() {\n", stream);
    if (command->subcommands != NULL)
        group(stream, command, path);
    else
        leaf(stream, command);
    fputs("}\n", stream);
}

void emit_zsh(FILE *stream, const struct command *program)
{
    fputs("#compdef fwpack\n# SPDX-License-Identifier: MIT\n"
          "# Printed from the tables of cli/: not to be edited.\n\n"
          "# A public key's file, behind ROLE= where that is given.\n"
          "_fwpack_pubkey() {\n    compset -P '*='\n    _files\n}\n\n"
          "# A secret key's file, or the beginning of what else a key may be.\n"
          "_fwpack_key() {\n    _files || compadd -S '' -- " EMIT_KEY_SCHEMES "\n}\n",
          stream);
    emit_walk(program, function, stream);
    fputs("\nif [ \"$funcstack[1]\" = \"_fwpack\" ]; then\n    _fwpack \"$@\"\nelse\n"
          "    compdef _fwpack fwpack\nfi\n",
          stream);
}
