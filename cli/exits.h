/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXITS_H
#define CLI_EXITS_H

/* The exit statuses and what they mean: a contract with scripts. */

#include <stdbool.h>

struct exit_status {
    int status;
    const char *meaning; /* NULL ends the table */
};

extern const struct exit_status exit_statuses[];

struct command;
/* Whether `command` may give `status`. */
bool exits_of(const struct command *command, int status);

#endif
