/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "key_command.h"

static const struct command *const subcommands[] = {
    &command_key_generate, &command_key_show,       &command_key_list, &command_key_import,
    &command_key_export,   &command_key_passphrase, &command_key_seal, NULL};

const struct command command_key = {
    .name = "key",
    .summary = "make and convert keys, and say what they are",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description =
        "Keys are Ed25519. fwpack makes minisign's files, and takes those of minisign, OpenSSL "
        "(PEM), OpenSSH and signify, told by their content.",
    .examples = "fwpack key generate release\n"
                "fwpack key show release.pub\n"
                "fwpack key import ~/.ssh/id_ed25519 -o release\n",
    .subcommands = subcommands,
};
