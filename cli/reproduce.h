/* SPDX-License-Identifier: MIT */
#ifndef CLI_REPRODUCE_H
#define CLI_REPRODUCE_H

/* Whether a bundle comes out the same elsewhere: `build --check`. */

#include "cli.h"

#include "pack/bundle.h"

struct reproduction {
    const char *descriptor; /* as the user named it */
    const struct arguments *arguments;
    const struct pack_build_options *options;
    struct cli *cli;
};

/*
 * Builds again in a child process that stands in another folder, time zone, locale and number of
 * threads, and compares with the `size` bytes of the first bundle. PACK_E_DIFFERENT names the
 * first byte that differs.
 */
PACK_MUST_USE int reproduce_compare(const struct reproduction *again, int first, uint64_t size,
                                    struct pack_error *error);

#endif
