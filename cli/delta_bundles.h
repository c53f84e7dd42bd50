/* SPDX-License-Identifier: MIT */
#ifndef CLI_DELTA_BUNDLES_H
#define CLI_DELTA_BUNDLES_H

/* `fwpack delta` on bundles. */

#include "cli.h"

#include "pack/delta.h"

/* The arguments are OLD… NEW, all of them bundles. */
PACK_MUST_USE int delta_bundles(struct cli *cli, const struct arguments *arguments,
                                const struct pack_delta_options *options, struct pack_error *error);

#endif
