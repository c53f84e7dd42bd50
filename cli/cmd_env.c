/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "environment.h"

static void print_variable(struct cli *cli, const struct variable *variable)
{
    struct pack_json *json = cli_json(cli);
    const char *value = cli_environment(variable->name);
    if (value != NULL || cli->verbose)
        cli_print(cli, "%s%s%s", variable->name, value != NULL ? "=" : " is not set",
                  value != NULL ? value : "");
    if (cli->verbose)
        cli_print(cli, "    %s", variable->help);
    pack_json_object(json, NULL);
    pack_json_string(json, "name", variable->name);
    if (value != NULL)
        pack_json_string(json, "value", value);
    else
        pack_json_null(json, "value");
    pack_json_string(json, "meaning", variable->help);
    pack_json_end(json);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    (void)arguments;
    (void)error;
    pack_json_array(cli_json(cli), "variables");
    for (const struct variable *variable = environment_variables; variable->name; variable++)
        print_variable(cli, variable);
    pack_json_end(cli_json(cli));
    return 0;
}

const struct command command_env = {
    .name = "env",
    .summary = "print the variables of the environment that are in force",
    .synopsis = "[-v]",
    .description = "Prints each variable that means something to fwpack and is set, as NAME=VALUE. "
                   "With -v the others too, and what each is for. An option of the command line "
                   "beats the variable that stands in for it.",
    .run = run,
};
