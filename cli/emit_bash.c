/* SPDX-License-Identifier: MIT */
#include "emit.h"

static const char head[] =
    "# bash completion for fwpack                              -*- shell-script -*-\n"
    "# SPDX-License-Identifier: MIT\n"
    "# Printed from the tables of cli/: not to be edited.\n"
    "\n";

/* The script proper. Its tables, printed in front of it, set variables of _fwpack's. */
static const char body[] =
    "\n"
    "# The kind of the value that the last letter of a word like -nj wants, if it wants one.\n"
    "_fwpack_letters() {\n"
    "    local letters=${2#-}\n"
    "    while [[ -n $letters ]]; do\n"
    "        _fwpack_kind \"$1\" \"-${letters:0:1}\"\n"
    "        letters=${letters:1}\n"
    "        [[ -n $kind ]] && break\n"
    "    done\n"
    "    [[ -z $letters ]] || kind=\n"
    "}\n"
    "\n"
    "# Fills COMPREPLY with what a value $2 of kind $1 can become, each behind the prefix $3.\n"
    "_fwpack_values() {\n"
    "    local kind=$1 text=$2 prefix=$3\n"
    "    if [[ $kind == @pubkey && $text == *=* ]]; then\n"
    "        prefix+=${text%%=*}=\n"
    "        text=${text#*=}\n"
    "    fi\n"
    "    case $kind in\n"
    "    @file | @key | @pubkey)\n"
    "        mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -f -- \"$text\")\n"
    "        if [[ $kind == @key && ${#COMPREPLY[@]} == 0 ]]; then\n"
    "            compopt -o nospace 2>/dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -W '" EMIT_KEY_SCHEMES
    "' -- \"$text\")\n"
    "        else\n"
    "            compopt -o filenames 2>/dev/null\n"
    "        fi\n"
    "        ;;\n"
    "    @folder)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -d -- \"$text\")\n"
    "        ;;\n"
    "    @*) ;;\n"
    "    *) mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -W \"${kind//|/ }\" -- \"$text\") ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_fwpack() {\n"
    "    local commands options kind wants='' ended='' path='' count=0 word current\n"
    "    local line=${COMP_LINE:0:COMP_POINT}\n"
    "    local -a words arguments\n"
    "    COMPREPLY=()\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    current=${words[${#words[@]} - 1]}\n"
    "    _fwpack_table ''\n"
    "    for word in \"${words[@]:1:${#words[@]}-2}\"; do\n"
    "        kind=\n"
    "        if [[ -n $wants ]]; then\n"
    "            wants=\n"
    "        elif [[ -n $ended || $word != -?* ]]; then\n"
    "            if [[ \" $commands \" == *\" $word \"* ]]; then\n"
    "                path+=${path:+ }$word\n"
    "                _fwpack_table \"$path\"\n"
    "            elif [[ -z $commands ]]; then\n"
    "                ((count += 1))\n"
    "            fi\n"
    "        elif [[ $word == -- ]]; then\n"
    "            ended=1\n"
    "        elif [[ $word == --*=* ]]; then\n"
    "            :\n"
    "        elif [[ $word == --* ]]; then\n"
    "            _fwpack_kind \"$path\" \"$word\"\n"
    "            wants=$kind\n"
    "        else\n"
    "            _fwpack_letters \"$path\" \"$word\"\n"
    "            wants=$kind\n"
    "        fi\n"
    "    done\n"
    "    if [[ -n $wants ]]; then\n"
    "        _fwpack_values \"$wants\" \"$current\" ''\n"
    "    elif [[ -z $ended && $current == --*=* ]]; then\n"
    "        _fwpack_kind \"$path\" \"${current%%=*}\"\n"
    "        _fwpack_values \"${kind:-@none}\" \"${current#*=}\" \"${current%%=*}=\"\n"
    "    elif [[ -z $ended && $current == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
    "    elif [[ -n $commands ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$current\")\n"
    "    elif ((${#arguments[@]} > 0)); then\n"
    "        [[ ${arguments[${#arguments[@]} - 1]} == ... ]] || arguments+=(@none)\n"
    "        ((count < ${#arguments[@]} - 1)) || ((count = ${#arguments[@]} - 2))\n"
    "        kind=${arguments[count]}\n"
    "        _fwpack_values \"$kind\" \"$current\" ''\n"
    "    fi\n"
    "    # What stands before the last = or : is a word of its own to bash, and stays.\n"
    "    local breaks=${COMP_WORDBREAKS//[^=:]/}\n"
    "    if [[ -n $breaks && ${#COMPREPLY[@]} -gt 0 ]]; then\n"
    "        local kept=${current%\"${current##*[\"$breaks\"]}\"}\n"
    "        COMPREPLY=(\"${COMPREPLY[@]#\"$kept\"}\")\n"
    "    fi\n"
    "}\n"
    "complete -F _fwpack fwpack\n";

static void kind(FILE *stream, enum option_kind kind, choice_fn choices)
{
    static const char *const names[] = {
        [OPTION_FLAG] = "",
        [OPTION_TEXT] = "@none",
        [OPTION_NUMBER] = "@none",
        [OPTION_ADDRESS] = "@none",
        [OPTION_SIZE] = "@none",
        [OPTION_PATH] = "@file",
        [OPTION_FOLDER] = "@folder",
        [OPTION_KEY] = "@key",
        [OPTION_CHOICE] = "",
        [OPTION_PUBLIC_KEY] = "@pubkey",
        [OPTION_DEFINITION] = "@none",
    };
    fputs(names[kind], stream);
    for (size_t i = 0; kind == OPTION_CHOICE && choices(i) != NULL; i++)
        fprintf(stream, "%s%s", i > 0 ? "|" : "", choices(i));
}

static void table_row(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    const struct option *option = NULL;
    fprintf(stream, "    '%s')\n        commands='", path);
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++)
        fprintf(stream, "%s%s", i > 0 ? " " : "", command->subcommands[i]->name);
    fputs("'\n        options='", stream);
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++) {
        fprintf(stream, "%s--%s", i > 0 ? " " : "", option->name);
        if (option->letter != 0)
            fprintf(stream, " -%c", option->letter);
    }
    fputs("'\n        arguments=(", stream);
    const struct positional *positional = command->positionals;
    for (; positional != NULL && positional->name != NULL; positional++) {
        fputs("'", stream);
        kind(stream, positional->kind, positional->choices);
        fputs(positional->many ? "' ..." : "' ", stream);
    }
    fputs(")\n        ;;\n", stream);
}

static void kind_row(void *user, const struct command *command, const char *path)
{
    FILE *stream = user;
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++) {
        if (!emit_takes_word(option))
            continue;
        fprintf(stream, "    '%s --%s'", path, option->name);
        if (option->letter != 0)
            fprintf(stream, " | '%s -%c'", path, option->letter);
        fputs(") kind='", stream);
        kind(stream, option->kind, option->choices);
        fputs("' ;;\n", stream);
    }
}

void emit_bash(FILE *stream, const struct command *program)
{
    fputs(head, stream);
    fputs("# What may follow the command $1: commands, options, and the kinds of its arguments;\n"
          "# the last one may be repeated where \"...\" stands behind it.\n"
          "_fwpack_table() {\n    case $1 in\n",
          stream);
    emit_walk(program, table_row, stream);
    fputs(
        "    esac\n}\n\n# The kind of the value of the command $1's option $2; empty for a flag.\n"
        "_fwpack_kind() {\n    kind=\n    case \"$1 $2\" in\n",
        stream);
    emit_walk(program, kind_row, stream);
    fputs("    esac\n}\n", stream);
    fputs(body, stream);
}
