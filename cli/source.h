/* SPDX-License-Identifier: MIT */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

/* Where a bundle comes from: a file, standard input, or what a URL names. */

#include "cli.h"

#include "pack/io.h"

/*
 * `name` is a path, "-", or SCHEME://…, whose scheme stands in the table of source.c (PACK_E_USAGE
 * with those that do). A file that is called so is ./SCHEME://….
 */
PACK_MUST_USE int cli_source_open(struct pack_input **input, struct cli *cli, const char *name,
                                  struct pack_error *error);

#endif
