/* SPDX-License-Identifier: MIT */
#include "descriptor_input.h"

#include "cli.h"

#include <string.h>

/* Neither the first nor the last one wins. */
static int check_distinct(const struct pack_definition *definitions, size_t last,
                          struct pack_error *error)
{
    for (size_t i = 0; i < last; i++)
        if (strcmp(definitions[i].name, definitions[last].name) == 0)
            return pack_fail(error, PACK_E_USAGE, "--define: %.256s is given twice",
                             definitions[last].name);
    return 0;
}

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
        const int code = check_distinct(*definitions, i, error);
        if (code != 0)
            return code;
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

int descriptor_load(struct pack_descriptor **descriptor, const char *path,
                    const struct pack_descriptor_options *options,
                    const struct pack_context *context, pack_finding_fn report, void *user,
                    struct pack_error *error)
{
    struct pack_error files = {0};
    CLI_AUTO(pack_descriptor_free) struct pack_descriptor *read = NULL;
    *descriptor = NULL;
    const int code = pack_descriptor_read(&read, path, options, report, user, error);
    if (read == NULL)
        return code;
    const int checked = pack_descriptor_check(read, context, report, user, &files);
    if (checked != 0 && (code == 0 || checked == PACK_E_INTERRUPTED)) {
        *error = files;
        return checked;
    }
    if (code == 0) {
        *descriptor = read;
        read = NULL;
    }
    return code;
}
