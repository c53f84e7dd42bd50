/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "emit.h"

#include <string.h>

static const struct {
    const char *name;
    void (*emit)(FILE *stream, const struct command *program);
} shells[] = {{"bash", emit_bash}, {"zsh", emit_zsh}, {"fish", emit_fish}};

static const char *choice_shell(size_t index)
{
    return index < sizeof shells / sizeof shells[0] ? shells[index].name : NULL;
}

static int print_script(struct cli *cli, size_t shell, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        return pack_fail_memory(error);
    shells[shell].emit(stream, &command_program);
    if (fclose(stream) != 0)
        return pack_fail_memory(error);
    cli_write(cli, text, size);
    pack_json_string(cli_json(cli), "script", text);
    return 0;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    const char *shell = arguments_at(arguments, 0);
    pack_json_string(cli_json(cli), "shell", shell);
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].name, shell) == 0)
            return print_script(cli, i, error);
    return pack_fail(error, PACK_E_INTERNAL, "no completion for %s", shell);
}

static const struct positional positionals[] = {
    {.name = "SHELL", .kind = OPTION_CHOICE, .choices = choice_shell},
    {.name = NULL},
};

const struct command command_completion = {
    .name = "completion",
    .summary = "print the completion script of a shell",
    .synopsis = "bash|zsh|fish",
    .description = "Prints a script that completes fwpack's commands, options, their values and "
                   "file names. Packages install it; by hand it goes where the shell looks: "
                   "~/.local/share/bash-completion/completions/fwpack, a folder of zsh's $fpath as "
                   "_fwpack, or ~/.config/fish/completions/fwpack.fish.",
    .examples = "# for this bash only\n"
                "source <(fwpack completion bash)\n",
    .positionals = positionals,
    .run = run,
};
