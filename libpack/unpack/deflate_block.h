/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_DEFLATE_BLOCK_H
#define UNPACK_DEFLATE_BLOCK_H

/*
 * One block of deflate (RFC 1951, 3.2.3) from its tokens. The lengths of codes, the ways to send
 * them and the choice among stored, fixed and dynamic are those of gzip and zlib, which agree.
 */

#include "pack/io.h"

enum {
    LITERALS = 286,
    DISTANCES = 30,
    TOKENS = 0x7fff, /* most that a block of gzip has */
};

/* A distance of 0 makes it a literal. */
struct deflate_token {
    uint16_t distance;
    uint8_t value; /* the literal, or the length less 3 */
};

struct bit_writer {
    struct pack_sink *sink;
    uint64_t bits;
    unsigned count;
    size_t used;
    uint8_t bytes[16 << 10];
};

struct deflate_block {
    size_t count;
    uint32_t literals[LITERALS]; /* how often each occurs, the end of the block not counted */
    uint32_t distances[DISTANCES];
    struct deflate_token tokens[TOKENS];
};

void deflate_block_clear(struct deflate_block *block);
void deflate_block_add(struct deflate_block *block, unsigned distance, unsigned value);
/* An upper bound for the bits of the distances so far: five each and the extra ones. */
uint64_t deflate_block_distance_bits(const struct deflate_block *block);
/*
 * Writes the block and empties it. `plain` are the bytes it stands for, NULL where they are gone,
 * so that they cannot be stored.
 */
PACK_MUST_USE int deflate_block_write(struct deflate_block *block, const uint8_t *plain,
                                      size_t size, bool last, struct bit_writer *writer,
                                      struct pack_error *error);
PACK_MUST_USE int bit_writer_finish(struct bit_writer *writer, struct pack_error *error);

#endif
