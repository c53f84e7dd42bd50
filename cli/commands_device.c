/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include "formats/formats.h"

/*
 * The commands of fwpack-device, in place of commands.c: what a device needs, and no more. Images
 * are bytes there, so the list of image formats is empty.
 */
/* clang-format off */
static const struct command *const commands[] = {
    &command_install,
    &command_status,
    &command_confirm,
    &command_rollback,
    &command_boot,
    &command_verify,
    &command_env,
    &command_exit_codes,
    &command_version,
    NULL,
};
/* clang-format on */

const struct pack_format *const fwpack_formats[] = {NULL};

static const struct option options[] = {
    {.name = "version", .help = "print the version"},
    {.name = NULL},
};

const struct command command_program = {
    .name = "fwpack",
    .summary = "install firmware updates on a device",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description = "The part of fwpack that a device needs.",
    .examples = "fwpack install acme-1.3.0.fwb --reboot\n"
                "fwpack confirm\n",
    .options = options,
    .subcommands = commands,
};
