/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_LOCAL_H
#define BUNDLE_LOCAL_H

/* Plain blocks that need not be read from a bundle, because who asks for them has them. */

#include "bundle/trusted.h"

struct local {
    const struct pack_local_blocks *blocks; /* borrowed; NULL: there are none */
    size_t image;
    const struct block_table *plain; /* the image's */
};

/* Block number `block` into `bytes`, unproved. */
PACK_MUST_USE int local_get(const struct local *local, uint64_t block, uint8_t *bytes, size_t size,
                            bool *found, struct pack_error *error);
/* The same of all blocks of `bytes`, from number `first` on; *found is false where one is not. */
PACK_MUST_USE int local_get_all(const struct local *local, uint64_t first, uint8_t *bytes,
                                size_t size, bool *found, struct pack_error *error);

#endif
