/* SPDX-License-Identifier: MIT */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

/* The variables of the environment that mean something to fwpack. */

#include <stdbool.h>

struct variable {
    const char *name;
    const char *help; /* one line, lower case, no final stop */
};

/* Ended by a NULL name. */
extern const struct variable environment_variables[];

/* Whether a variable is set to something but "0" and "false". */
bool environment_true(const char *name);

#endif
