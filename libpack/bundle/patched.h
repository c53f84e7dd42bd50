/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_PATCHED_H
#define BUNDLE_PATCHED_H

/* An image rebuilt from an old one: by a patch, or because it is the same. */

#include "bundle/keeper.h"
#include "bundle/trusted.h"
#include "pack/delta.h"

/* The plain blocks, each proved, in order. */
typedef int (*patched_block_fn)(void *user, const uint8_t *bytes, size_t size,
                                struct pack_error *error);

struct patched {
    const struct pack_context *context;
    const struct pack_release_image *image;
    const struct pack_encoding *encoding;
    const struct block_table *plain;
    struct pack_input *base;     /* its first bytes are the old image, */
    bool base_proved;            /* which has been hashed, and cannot become another one */
    struct pack_input *stored;   /* the patch, proved, forward only; NULL for `keep` */
    const struct keeper *keeper; /* NULL: no state is kept */
    patched_block_fn block;
    void *user;
};

PACK_MUST_USE int patched_read(const struct patched *patched, struct pack_error *error);

#endif
