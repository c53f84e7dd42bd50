/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "pack/descriptor.h"
#include "pack/install.h"
#include "pack/simulate.h"

#include <string.h>

static const struct schema {
    const char *name;
    const char *member; /* of the JSON result */
    int (*write)(char **text, size_t *size, struct pack_error *error);
} schemas[] = {
    {"descriptor", "descriptor_schema", pack_descriptor_schema},
    {"device", "device_schema", pack_device_schema},
    {"events", "event_schema", pack_event_schema},
    {"faults", "faults_schema", pack_faults_schema},
};
enum { SCHEMAS = sizeof schemas / sizeof schemas[0] };

static const char *choice_schema(size_t index)
{
    return index < SCHEMAS ? schemas[index].name : NULL;
}

static const struct schema *find_schema(const char *name)
{
    const struct schema *schema = schemas;
    while (strcmp(schema->name, name) != 0) /* the parser knows the choices */
        schema++;
    return schema;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const struct schema *schema =
        arguments_count(arguments) != 0 ? find_schema(arguments_at(arguments, 0)) : &schemas[0];
    const int code = schema->write(&text, &size, error);
    if (code != 0)
        return code;
    cli_write(cli, text, size);
    pack_json_raw(cli_json(cli), schema->member, text);
    return 0;
}

static const struct positional positionals[] = {
    {.name = "FILE-KIND", .kind = OPTION_CHOICE, .optional = true, .choices = choice_schema},
    {.name = NULL},
};

const struct command command_schema = {
    .name = "schema",
    .summary = "print the JSON Schema of a file",
    .synopsis = "[descriptor|device|events|faults] [--json]",
    .description =
        "Prints a JSON Schema (2020-12) of the descriptor, or of a device file (device.yaml), for "
        "editors that check and complete YAML as it is typed. What a schema cannot say, "
        "'fwpack lint' checks. The schema of events is that of a line of a device's event log, "
        "for what collects them; that of faults is of the file of \"install --simulate\".",
    .examples = "fwpack schema > fwpack.schema.json\n"
                "fwpack schema device > device.schema.json\n"
                "# then, as the first line of a descriptor:\n"
                "# yaml-language-server: $schema=fwpack.schema.json\n",
    .positionals = positionals,
    .run = run,
};
