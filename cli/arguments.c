/* SPDX-License-Identifier: MIT */
#include "command.h"

#include "arguments.h"
#include "cli.h"

#include <string.h>

const struct command *arguments_command(const struct arguments *arguments)
{
    return arguments->path[arguments->depth - 1];
}

void arguments_path(const struct arguments *arguments, char separator, char *text, size_t capacity)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 1; i < arguments->depth; i++) {
        const char *name = arguments->path[i]->name;
        const size_t length = strlen(name);
        if (used + length + 2 > capacity)
            return;
        if (i > 1)
            text[used++] = separator;
        memcpy(text + used, name, length + 1);
        used += length;
    }
}

const char *arguments_fault(const struct arguments *arguments)
{
    return arguments->fault[0];
}

/*
 * NULL where the option was not given. A name that is in no table is kept for arguments_fault:
 * asking for it is a fault of the command, and must not look like "not given".
 */
static const struct setting *find(const struct arguments *arguments, const char *name)
{
    const struct option *option =
        command_option_named(arguments_command(arguments), name, strlen(name));
    if (option == NULL && arguments->fault[0] == NULL)
        arguments->fault[0] = name;
    for (size_t i = 0; option != NULL && i < arguments->setting_count; i++)
        if (arguments->settings[i].option == option && arguments->settings[i].count != 0)
            return &arguments->settings[i];
    return NULL;
}

bool arguments_flag(const struct arguments *arguments, const char *name)
{
    return find(arguments, name) != NULL;
}

const char *arguments_value(const struct arguments *arguments, const char *name)
{
    const struct setting *setting = find(arguments, name);
    return setting != NULL ? arguments->values[setting->first] : NULL;
}

const char *const *arguments_values(const struct arguments *arguments, const char *name,
                                    size_t *count)
{
    const struct setting *setting = find(arguments, name);
    *count = setting != NULL ? setting->count : 0;
    return setting != NULL ? arguments->values + setting->first : NULL;
}

bool arguments_number(const struct arguments *arguments, const char *name, uint64_t *number)
{
    const struct setting *setting = find(arguments, name);
    if (setting != NULL)
        *number = setting->number;
    return setting != NULL;
}

bool arguments_from_variable(const struct arguments *arguments, const char *name)
{
    const struct setting *setting = find(arguments, name);
    return setting != NULL && setting->from_variable;
}

size_t arguments_count(const struct arguments *arguments)
{
    return arguments->positional_count;
}

const char *arguments_at(const struct arguments *arguments, size_t index)
{
    return index < arguments->positional_count ? arguments->positionals[index] : NULL;
}

void arguments_free(struct arguments **arguments)
{
    if (*arguments == NULL)
        return;
    free((*arguments)->given);
    free((*arguments)->values);
    free((*arguments)->positionals);
    free((*arguments)->fault);
    free(*arguments);
    *arguments = NULL;
}
