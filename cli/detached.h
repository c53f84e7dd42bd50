/* SPDX-License-Identifier: MIT */
#ifndef CLI_DETACHED_H
#define CLI_DETACHED_H

/* Signatures beside any file, as minisign makes and checks them, and ssh-keygen's. */

#include "cli.h"

/* `sign --detached FILE`: writes FILE.minisig, or what -o names. */
PACK_MUST_USE int detached_sign(struct cli *cli, const struct arguments *arguments,
                                struct pack_error *error);
/* `verify --detached FILE`: any of the trusted keys suffices, with a .minisig or SSH signature. */
PACK_MUST_USE int detached_verify(struct cli *cli, const struct arguments *arguments,
                                  struct pack_error *error);

/* The one file that the command line names; the name of the signature beside it. */
PACK_MUST_USE int detached_file(const struct arguments *arguments, const char **file,
                                struct pack_error *error);
PACK_MUST_USE int detached_name(char **name, const char *file, struct pack_error *error);

#endif
