/* SPDX-License-Identifier: MIT */
#ifndef CLI_RECRYPT_H
#define CLI_RECRYPT_H

/* What `encrypt` and `decrypt` share: a finished bundle, written anew with another delivery. */

#include "cli.h"

#define RECRYPT_GROUPS (GROUP_WRITES | GROUP_SIGNS | GROUP_TRUST | GROUP_IDENTITY)
#define RECRYPT_EXITS EXITS(3, 4, 10, 11, 12, 13, 14, 17, 18)

/* Encrypts to GROUP_RECIPIENTS where `encrypts`, else takes encryption away. */
PACK_MUST_USE int recrypt_bundle(struct cli *cli, const struct arguments *arguments, bool encrypts,
                                 struct pack_error *error);

#endif
