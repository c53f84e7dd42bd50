/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "exits.h"

#include <stdio.h>

/* The ids of the errors that give `status`, "io not-found"; in JSON as members of an array. */
static void list_ids(struct cli *cli, int status, char *text, size_t capacity)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned code = PACK_OK + 1; code < PACK_ERROR_COUNT; code++) {
        if (pack_code_exit(code) != status)
            continue;
        pack_json_string(cli_json(cli), NULL, pack_code_id(code));
        const int length = snprintf(text + used, capacity - used, "%s%s", used != 0 ? " " : "",
                                    pack_code_id(code));
        used = (size_t)length < capacity - used ? used + (size_t)length : used;
    }
}

static void print_status(struct cli *cli, const struct exit_status *exit)
{
    char ids[256];
    struct pack_json *json = cli_json(cli);
    pack_json_object(json, NULL);
    pack_json_integer(json, "exit", exit->status);
    pack_json_string(json, "meaning", exit->meaning);
    pack_json_array(json, "ids");
    list_ids(cli, exit->status, ids, sizeof ids);
    pack_json_end(json);
    pack_json_end(json);
    cli_print(cli, "%3d  %s", exit->status, exit->meaning);
    if (cli->verbose && ids[0] != '\0')
        cli_print(cli, "     %s", ids);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    (void)arguments;
    (void)error;
    pack_json_array(cli_json(cli), "exit_codes");
    for (const struct exit_status *exit = exit_statuses; exit->meaning != NULL; exit++)
        print_status(cli, exit);
    pack_json_end(cli_json(cli));
    return 0;
}

const struct command command_exit_codes = {
    .name = "exit-codes",
    .summary = "print the exit statuses and what they mean",
    .synopsis = "[-v]",
    .description = "Prints the exit statuses. Scripts may depend on them: an entry is added, never "
                   "changed or reused. With -v also the ids of the errors that give each, which "
                   "--json prints as error.id.",
    .run = run,
};
