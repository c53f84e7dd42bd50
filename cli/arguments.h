/* SPDX-License-Identifier: MIT */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

/* What parse.c leaves behind for arguments.c. Commands see command.h only. */

#include "command.h"

enum { MAX_OPTIONS = 64, MAX_DEPTH = 4 };

/* An option that was given, or whose variable is set. */
struct setting {
    const struct option *option;
    size_t first; /* of its values */
    size_t count;
    uint64_t number;
    bool from_variable;
};

/* A value, in the order of the command line. */
struct given {
    size_t setting;
    const char *value;
};

struct arguments {
    const struct command *path[MAX_DEPTH]; /* from the program down; at least one */
    size_t depth;
    struct setting settings[MAX_OPTIONS];
    size_t setting_count;
    struct given *given;
    size_t given_count;
    const char **values; /* grouped by setting */
    const char **positionals;
    size_t positional_count;
    const char **fault; /* one; behind a pointer, for it is noted while all else is const */
};

#endif
