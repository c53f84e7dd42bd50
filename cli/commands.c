/* SPDX-License-Identifier: MIT */
#include "commands.h"

/*
 * The only list of commands, in the order of the help. A new command: write cmd_<name>.c (see
 * command.h), declare it in commands.h, and add its line here and its file in CMakeLists.txt.
 */
/* clang-format off */
static const struct command *const commands[] = {
    &command_init,
    &command_lint,
    &command_build,
    &command_sign,
    &command_permit,
    &command_verify,
    &command_attest,
    &command_inspect,
    &command_extract,
    &command_encrypt,
    &command_decrypt,
    &command_delta,
    &command_patch,
    &command_diff,
    &command_key,
    &command_journal,
    &command_trust,
    &command_image,
    &command_install,
    &command_status,
    &command_confirm,
    &command_rollback,
    &command_boot,
    &command_completion,
    &command_schema,
    &command_env,
    &command_exit_codes,
    &command_version,
    NULL,
};
/* clang-format on */

static const struct option options[] = {
    {.name = "version", .help = "print the version"},
    {.name = NULL},
};

const struct command command_program = {
    .name = "fwpack",
    .summary = "build, sign and verify firmware updates",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description =
        "fwpack turns build outputs into firmware updates that a device can trust: one YAML "
        "descriptor in; one signed, verified, reproducible bundle out. A bundle is a tar of "
        "JSON documents, minisign signatures and compressed images, each of which opens with "
        "a stock tool.",
    .examples = "# the first bundle\n"
                "fwpack key generate release\n"
                "fwpack init\n"
                "fwpack build fwpack.yaml -k release.key -o product.fwb\n"
                "fwpack verify product.fwb -p release.pub\n",
    .options = options,
    .subcommands = commands,
};
