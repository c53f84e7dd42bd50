/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_BASES_H
#define BUNDLE_BASES_H

/* The old images that a bundle's deltas may find. */

#include "bundle/trusted.h"

/*
 * The image of that size and hash among those that `trusted` may use; *found is NULL where there
 * is none, else the bases' own.
 */
PACK_MUST_USE int bases_find(const struct pack_trusted *trusted, uint64_t size,
                             const uint8_t sha256[PACK_SHA256_SIZE], struct pack_input **found,
                             struct pack_error *error);

/* What they are where bases_find was asked for `size` bytes: "old.img has sha256 …"; "" for none.
 */
void bases_describe(const struct pack_trusted *trusted, uint64_t size, char *text, size_t capacity);

#endif
