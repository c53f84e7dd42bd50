/* SPDX-License-Identifier: MIT */
#include "io/program_variables.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

int program_variables_add(struct program_variables *variables, const char *name, const char *value,
                          struct pack_error *error)
{
    char *word = NULL;
    if (value == NULL)
        return 0;
    if (variables->count == PROGRAM_VARIABLES)
        return pack_fail(error, PACK_E_INTERNAL, "more than %d variables", PROGRAM_VARIABLES);
    const size_t size = strlen(name) + strlen(value) + 2;
    const int code = pack_allocate(&word, size, 1, error);
    if (code != 0)
        return code;
    snprintf(word, size, "%s=%s", name, value);
    variables->words[variables->count++] = word;
    return 0;
}

int program_variables_begin(struct program_variables *variables, struct pack_error *error)
{
    const int code =
        program_variables_add(variables, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", error);
    return code != 0 ? code : program_variables_add(variables, "LANG", "C", error);
}

void program_variables_clear(struct program_variables *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        free(variables->words[i]);
    *variables = (struct program_variables){.count = 0};
}
