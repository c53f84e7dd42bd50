/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "key_command.h"

static const struct command *const subcommands[] = {&command_key_generate, &command_key_show,
                                                    &command_key_list, &command_key_seal, NULL};

const struct command command_key = {
    .name = "key",
    .summary = "make keys, and say what they are",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description = "Keys are minisign's: fwpack takes what minisign -G makes, and minisign takes "
                   "what fwpack makes.",
    .examples = "fwpack key generate release\n"
                "fwpack key show release.pub\n",
    .subcommands = subcommands,
};
