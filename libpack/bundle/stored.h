/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_STORED_H
#define BUNDLE_STORED_H

/*
 * The stored bytes of a payload as an input: none comes out before its block's hash matched,
 * whatever the bundle is read from. Any range of a bundle that can seek reads its blocks only.
 */

#include "bundle/trusted.h"

struct stored {
    struct pack_input input; /* lent to readers; never closed */
    struct pack_bundle *bundle;
    const struct layout_entry *entry;
    struct block_table table;
    uint8_t *block; /* the last one that was read */
    bool has_block;
    uint64_t number; /* its number */
    uint64_t next;   /* blocks proved from the beginning on, without a gap */
    struct pack_sha256 *hash;
};

/* All that is pointed to is borrowed, and must outlive it. */
PACK_MUST_USE int stored_open(struct stored *stored, struct pack_bundle *bundle,
                              const struct layout_entry *entry, const struct block_table *table,
                              struct pack_error *error);
void stored_clear(struct stored *stored);

/* Proves what no reader needed to look at, to the last block. */
PACK_MUST_USE int stored_prove_rest(struct stored *stored, struct pack_error *error);

#endif
