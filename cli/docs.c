/* SPDX-License-Identifier: MIT */

/*
 * fwpack-docs: prints what is generated from the tables. Part of the build, never installed.
 *
 *     fwpack-docs bash|zsh|fish|reference|errors|schema|device-schema
 *     fwpack-docs man          the names of the manual pages
 *     fwpack-docs man PAGE     one of them
 */

#include "cli.h"
#include "commands.h"
#include "emit.h"
#include "pack/descriptor.h"
#include "pack/device.h"

#include <string.h>

static void print_errors(FILE *stream, const struct command *program)
{
    (void)program;
    emit_errors(stream);
}

static void print_written(FILE *stream,
                          int (*write)(char **text, size_t *size, struct pack_error *error))
{
    struct pack_error error = {0};
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    if (write(&text, &size, &error) == 0)
        fwrite(text, 1, size, stream);
}

static void print_schema(FILE *stream, const struct command *program)
{
    (void)program;
    print_written(stream, pack_descriptor_schema);
}

static void print_device_schema(FILE *stream, const struct command *program)
{
    (void)program;
    print_written(stream, pack_device_schema);
}

static const struct {
    const char *name;
    void (*print)(FILE *stream, const struct command *program);
} kinds[] = {
    {"bash", emit_bash},
    {"zsh", emit_zsh},
    {"fish", emit_fish},
    {"reference", emit_reference},
    {"errors", print_errors},
    {"schema", print_schema},
    {"device-schema", print_device_schema},
};

static bool print_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            kinds[i].print(stdout, &command_program);
            return true;
        }
    return false;
}

static bool print_page(const char *page)
{
    if (strcmp(page, "fwpack") == 0) {
        emit_man(stdout, &command_program, &command_program);
        return true;
    }
    for (size_t i = 0; command_program.subcommands[i] != NULL; i++) {
        const struct command *command = command_program.subcommands[i];
        if (strncmp(page, "fwpack-", 7) == 0 && strcmp(page + 7, command->name) == 0) {
            emit_man(stdout, &command_program, command);
            return true;
        }
    }
    return false;
}

static bool list_pages(void)
{
    puts("fwpack");
    for (size_t i = 0; command_program.subcommands[i] != NULL; i++)
        printf("fwpack-%s\n", command_program.subcommands[i]->name);
    return true;
}

int main(int argc, char *argv[])
{
    bool known = false;
    if (argc == 2)
        known = strcmp(argv[1], "man") == 0 ? list_pages() : print_kind(argv[1]);
    else if (argc == 3 && strcmp(argv[1], "man") == 0)
        known = print_page(argv[2]);
    if (!known) {
        fputs("usage: fwpack-docs bash|zsh|fish|reference|errors|schema|device-schema|man [PAGE]\n",
              stderr);
        return 2;
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
