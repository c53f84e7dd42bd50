/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_BLOCKS_H
#define BUNDLE_BLOCKS_H

/* The block table of bytes that come in any pieces. */

#include "base/bytes.h"
#include "pack/digest.h"
#include "pack/io.h"

struct block_hasher {
    struct pack_sink sink;   /* passes what is written on, hashed */
    struct pack_sink *inner; /* to this one; NULL where nothing is passed on */
    uint32_t block_size;
    uint32_t in_block;          /* bytes of the block that is open */
    struct pack_sha256 *hash;   /* running, over it */
    struct pack_buffer *blocks; /* the caller's: the SHA-256 of each block is appended */
};

PACK_MUST_USE int block_hasher_open(struct block_hasher *hasher, uint32_t block_size,
                                    struct pack_buffer *blocks, struct pack_error *error);
void block_hasher_clear(struct block_hasher *hasher);
PACK_MUST_USE int block_hasher_update(struct block_hasher *hasher, const uint8_t *bytes,
                                      size_t size, struct pack_error *error);
/* Ends the last block, which may be shorter. */
PACK_MUST_USE int block_hasher_finish(struct block_hasher *hasher, struct pack_error *error);

#endif
