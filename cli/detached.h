/* SPDX-License-Identifier: MIT */
#ifndef CLI_DETACHED_H
#define CLI_DETACHED_H

/* Signatures beside any file, as minisign makes and checks them. */

#include "cli.h"

/* `sign --detached FILE`: writes FILE.minisig, or what -o names. */
PACK_MUST_USE int detached_sign(struct cli *cli, const struct arguments *arguments,
                                struct pack_error *error);
/* `verify --detached FILE`: any of the trusted keys suffices. */
PACK_MUST_USE int detached_verify(struct cli *cli, const struct arguments *arguments,
                                  struct pack_error *error);

#endif
