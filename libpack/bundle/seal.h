/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_SEAL_H
#define BUNDLE_SEAL_H

/* A payload on its way to its place: encrypted where it is to be, and cut into hashed blocks. */

#include "bundle/blocks.h"
#include "io/file.h"
#include "pack/age.h"
#include "pack/document.h"

/* Where it goes. */
struct seal_place {
    const struct pack_age_recipients *recipients; /* NULL: it is not encrypted */
    int descriptor;
    uint64_t offset;
    uint64_t size; /* of what is written there */
    uint32_t block_size;
    struct pack_buffer *blocks; /* gets the block table of it */
};

struct seal {
    struct pack_sink *sink; /* takes what the codec made */
    struct pack_age_writer *writer;
    struct block_hasher hasher;
    struct pack_descriptor_sink file;
    uint64_t end;
};

PACK_MUST_USE int seal_open(struct seal *seal, const struct seal_place *place,
                            struct pack_error *error);
PACK_MUST_USE int seal_finish(struct seal *seal, struct pack_error *error);
void seal_clear(struct seal *seal);

/*
 * What an encoding's members become when it is encrypted, but for the hash of its blocks.
 * PACK_E_LIMIT beyond what documents can say.
 */
PACK_MUST_USE int seal_describe(struct pack_encoding *encoding,
                                const struct pack_age_recipients *recipients,
                                struct pack_error *error);
/* The same when it no longer is. */
void seal_describe_open(struct pack_encoding *encoding);

#endif
