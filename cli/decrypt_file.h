/* SPDX-License-Identifier: MIT */
#ifndef CLI_DECRYPT_FILE_H
#define CLI_DECRYPT_FILE_H

/* What `decrypt` does with an age file that is in no bundle. */

#include "cli.h"

/*
 * Whether it begins as an age file; or else as no bundle either (or cannot be read), and nothing
 * says whom to trust, as a bundle would need. Of standard input only the latter is known.
 */
bool is_age_file(const char *path, const struct arguments *arguments);
PACK_MUST_USE int decrypt_file(struct cli *cli, const struct arguments *arguments,
                               struct pack_error *error);

#endif
