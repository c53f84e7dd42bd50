/* SPDX-License-Identifier: MIT */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

/*
 * What a file is, told for `image info`, `key show` and `trust show`, and for `inspect`, which
 * takes all of them.
 */

#include "cli.h"

/* Each prints lines and adds one object to the JSON array that stands open. */
PACK_MUST_USE int describe_image(struct cli *cli, const char *path, struct pack_error *error);
PACK_MUST_USE int describe_key(struct cli *cli, const char *path, struct pack_error *error);
PACK_MUST_USE int describe_root(struct cli *cli, const char *path, struct pack_error *error);
/* Whether it can be read as a trust root. */
bool is_root(const char *path);

#endif
