/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "pack/descriptor.h"

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    (void)arguments;
    const int code = pack_descriptor_schema(&text, &size, error);
    if (code != 0)
        return code;
    cli_write(cli, text, size);
    pack_json_raw(cli_json(cli), "descriptor_schema", text);
    return 0;
}

const struct command command_schema = {
    .name = "schema",
    .summary = "print the JSON Schema of the descriptor",
    .synopsis = "[--json]",
    .description =
        "Prints a JSON Schema (2020-12) of the descriptor, for editors that check and complete "
        "YAML as it is typed. What a schema cannot say, 'fwpack lint' checks.",
    .examples = "fwpack schema > fwpack.schema.json\n"
                "# then, as the first line of a descriptor:\n"
                "# yaml-language-server: $schema=fwpack.schema.json\n",
    .run = run,
};
