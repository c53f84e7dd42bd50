/* SPDX-License-Identifier: MIT */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

/* Lines for people: escaped, coloured, and out of the way of the progress bar. */

#include "cli.h"

#include <stdarg.h>

/* The formatted text escaped as one line, to be freed with free(); NULL when out of memory. */
char *report_escaped(const char *format, va_list arguments) PACK_PRINTF(1, 0);

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

/* The members of an error as a JSON object. */
void report_error_json(struct pack_json *json, const char *name, const struct pack_error *error);

/* A GitHub workflow command, "::error file=…,line=…,col=…::…"; `level` "error" or "warning". */
void report_annotation(struct cli *cli, int descriptor, const char *level,
                       const struct pack_error *error);

#endif
