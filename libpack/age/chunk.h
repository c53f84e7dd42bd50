/* SPDX-License-Identifier: MIT */
#ifndef AGE_CHUNK_H
#define AGE_CHUNK_H

/* The payload's chunks: STREAM with ChaCha20-Poly1305, 64 KiB plain each but the last. */

#include "age/wrap.h"
#include "pack/age.h"

enum { AGE_SEALED_CHUNK = PACK_AGE_CHUNK + AGE_TAG_SIZE };

/* A payload's secrets, in guarded memory. */
struct age_chunk {
    uint8_t key[AGE_KEY_SIZE];
    uint8_t plain[PACK_AGE_CHUNK];
    size_t size; /* of what is in `plain` */
};

/* Which chunk it is. */
struct age_place {
    uint64_t index;
    bool last;
};

/* chunk->plain into `sealed`, which has room for chunk->size and a tag. */
void age_chunk_seal(const struct age_chunk *chunk, struct age_place place, uint8_t *sealed);
/* Back; false where it is not authentic, and chunk->size is 0 then. */
bool age_chunk_open(struct age_chunk *chunk, struct age_place place, const uint8_t *sealed,
                    size_t size);

#endif
