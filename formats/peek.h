/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_PEEK_H
#define FORMATS_PEEK_H

/*
 * What a compressed file begins with: as many bytes as a probe takes are decompressed, never
 * more, and said as the fact "inside".
 */

#include "pack/backend/format.h"

/* Most memory that a decoder may want; a file that needs more is not looked into. */
#define PEEK_MEMORY (UINT64_C(128) << 20)

/* Input that is left, and room for output that is left. */
struct peek_bytes {
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size;
};

enum peek_result {
    PEEK_MORE,     /* it goes on */
    PEEK_BOUNDARY, /* it may go on, or end here */
    PEEK_END,
    PEEK_DAMAGED,
    PEEK_REFUSED,
};

/*
 * Decompresses from `offset` on: `step` moves the pointers and sizes. Damage is
 * PACK_E_MALFORMED; PEEK_REFUSED ends it without a fact.
 */
PACK_MUST_USE int fwpack_peek(struct pack_facts *facts, struct pack_input *input, uint64_t offset,
                              enum peek_result (*step)(void *state, struct peek_bytes *bytes),
                              void *state, struct pack_error *error);

#endif
