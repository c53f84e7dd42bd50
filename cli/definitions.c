/* SPDX-License-Identifier: MIT */
#include "definitions.h"

#include "cli.h"

#include <string.h>

/* Ended by an entry without a name, so that its strings can be freed. */
int definitions_read(const struct arguments *arguments, struct pack_definition **definitions,
                     struct pack_descriptor_options *options, struct pack_error *error)
{
    size_t count = 0;
    const char *const *values = arguments_values(arguments, "define", &count);
    *options = (struct pack_descriptor_options){
        .environment = cli_variable,
        .allow_outside = arguments_flag(arguments, "allow-outside"),
    };
    *definitions = calloc(count + 1, sizeof **definitions);
    if (*definitions == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(values[i], '='); /* the parser has seen to it */
        char *name = strndup(values[i], (size_t)(equals - values[i]));
        if (name == NULL)
            return pack_fail_memory(error);
        (*definitions)[i] = (struct pack_definition){.name = name, .value = equals + 1};
    }
    options->definition_count = count;
    options->definitions = *definitions;
    return 0;
}

void definitions_free(struct pack_definition **definitions)
{
    for (size_t i = 0; *definitions != NULL && (*definitions)[i].name != NULL; i++)
        free((void *)(uintptr_t)(*definitions)[i].name);
    free(*definitions);
    *definitions = NULL;
}
