/* SPDX-License-Identifier: MIT */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

/* What is known of the terminal, and asking on it. */

#include "pack/error.h"

/* Whether colour goes to a descriptor; `when` is --color's value or NULL. */
bool terminal_color(int descriptor, const char *when);
/* Whether a line can be redrawn there. */
bool terminal_redraws(int descriptor);
/* Columns, 80 where unknown. */
unsigned terminal_width(int descriptor);

/*
 * Shows `prompt` (escaped already) on /dev/tty and reads one line into `line` without its end.
 * `echo` false hides what is typed; the terminal is restored whatever happens.
 * PACK_E_INTERRUPTED after a signal; PACK_E_IO when there is no terminal or it was closed.
 */
PACK_MUST_USE int terminal_ask(const char *prompt, bool echo, char *line, size_t capacity,
                               size_t *length, struct pack_error *error);

/*
 * One line from a descriptor, byte by byte so that no buffer keeps a copy and the next line stays
 * unread; the line feed is taken and left out. *ended is true at the end of the file.
 */
PACK_MUST_USE int terminal_read_line(int descriptor, char *line, size_t capacity, size_t *length,
                                     bool *ended, struct pack_error *error);

#endif
