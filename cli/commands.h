/* SPDX-License-Identifier: MIT */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* Every command, each defined in its own cmd_<name>.c. The order of the list is commands.c's. */

#include "command.h"

/* The root: the program itself, with all commands as its subcommands. */
extern const struct command command_program;

extern const struct command command_attest;
extern const struct command command_init;
extern const struct command command_lint;
extern const struct command command_build;
extern const struct command command_decrypt;
extern const struct command command_delta;
extern const struct command command_diff;
extern const struct command command_encrypt;
extern const struct command command_extract;
extern const struct command command_image;
extern const struct command command_inspect;
extern const struct command command_journal;
extern const struct command command_key;
extern const struct command command_patch;
extern const struct command command_permit;
extern const struct command command_sign;
extern const struct command command_trust;
extern const struct command command_verify;
extern const struct command command_boot;
extern const struct command command_confirm;
extern const struct command command_install;
extern const struct command command_rollback;
extern const struct command command_status;
extern const struct command command_completion;
extern const struct command command_env;
extern const struct command command_exit_codes;
extern const struct command command_schema;
extern const struct command command_version;

#endif
