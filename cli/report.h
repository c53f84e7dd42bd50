/* SPDX-License-Identifier: MIT */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

/* Lines for people: escaped, coloured, and out of the way of the progress bar. */

#include "cli.h"

#include <stdarg.h>

enum { REPORT_PLAIN = 2048, REPORT_ROOM = 4 * REPORT_PLAIN };

/*
 * The formatted text escaped as one line. A text of less than REPORT_PLAIN bytes, as that of every
 * struct pack_error is, comes to stand in `room`, and cannot fail; a longer one in *longer, which
 * is the caller's to free. NULL when out of memory.
 */
const char *report_escaped(char room[REPORT_ROOM], char **longer, const char *format,
                           va_list arguments) PACK_PRINTF(3, 0);

/* One line on a descriptor's stream: `label` in the style and plain text of our own, then `text`.
 */
void report_line(struct cli *cli, int descriptor, enum cli_style style, const char *label,
                 const char *text);

/*
 * Where a failure is, "out.fwb: release.json: line 3" or "product.yaml:3:5"; what the command line
 * says where it is in no file. Not escaped.
 */
void report_place(const struct cli *cli, const struct pack_error *error, char *text,
                  size_t capacity);

/* "fwpack: WHAT: WHY", "hint: …", and the annotation where one is wanted. */
void report_error(struct cli *cli, const struct pack_error *error);

/* Tells one of several failures as it is met; the first of them gives the exit status. */
void report_failure(struct cli *cli, const struct pack_error *failure, struct pack_error *error);

/* The members of an error as a JSON object. */
void report_error_json(struct pack_json *json, const char *name, const struct pack_error *error);

/* A GitHub workflow command, "::error file=…,line=…,col=…::…"; `level` "error" or "warning". */
void report_annotation(struct cli *cli, int descriptor, const char *level,
                       const struct pack_error *error);

#endif
