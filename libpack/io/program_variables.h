/* SPDX-License-Identifier: MIT */
#ifndef IO_PROGRAM_VARIABLES_H
#define IO_PROGRAM_VARIABLES_H

/*
 * The environment of a program that a device runs: PATH of the system's folders and LANG=C, and
 * what is added; nothing of ours, so no LD_…, IFS, BASH_ENV or secret can come through (A113).
 */

#include "pack/error.h"

#include <stddef.h>

enum { PROGRAM_VARIABLES = 16 };

struct program_variables {
    size_t count;
    char *words[PROGRAM_VARIABLES + 1]; /* ended by NULL; owned */
};

PACK_MUST_USE int program_variables_begin(struct program_variables *variables,
                                          struct pack_error *error);
/* A NULL value is none at all. PACK_E_INTERNAL where there are too many. */
PACK_MUST_USE int program_variables_add(struct program_variables *variables, const char *name,
                                        const char *value, struct pack_error *error);
void program_variables_clear(struct program_variables *variables);
#define PROGRAM_VARIABLES_AUTO __attribute__((cleanup(program_variables_clear)))

#endif
