/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_ENCODE_H
#define BUNDLE_ENCODE_H

/* One image on its way into a bundle: read once, hashed, and compressed where that pays. */

#include "base/bytes.h"
#include "bundle/blocks.h"
#include "pack/backend/codec.h"
#include "pack/bundle.h"
#include "pack/image.h"

struct encoded {
    const struct pack_descriptor_image *image;
    const struct pack_context *context;
    struct pack_image *segmented;   /* of a segmented format, NULL for raw */
    struct pack_input *plain;       /* the image's bytes */
    const struct pack_codec *codec; /* the one in use: none where another did not shrink */
    uint8_t sha256[PACK_SHA256_SIZE];
    struct pack_buffer blocks; /* the plain block table */
    struct pack_buffer stored_blocks;
    struct pack_buffer frames;
    uint64_t stored_size;
    uint64_t scratch_offset;    /* where the stored bytes lie in the scratch file */
    struct pack_sha256 *flat;   /* running, over plain bytes */
    struct block_hasher stored; /* of what the codec makes, into stored_blocks */
    char what[PACK_MAX_NAME + 32];
    char note[2 * PACK_NOTE_SIZE + 1]; /* the segmented format's, in hex */
    char library[64];                  /* the codec's, for delivery.json */
};

/* Opens the image's file, reading the segments of a segmented format, and checks its size. */
PACK_MUST_USE int encode_open(struct encoded *encoded, const struct pack_descriptor_image *image,
                              const struct pack_context *context, struct pack_error *error);
void encode_clear(struct encoded *encoded);

/*
 * Compresses into `scratch` from *offset on, which moves behind what was kept. Where the codec
 * does not shrink the image, nothing is kept and `codec` becomes none.
 */
PACK_MUST_USE int encode_compress(struct encoded *encoded, int scratch, uint64_t *offset,
                                  struct pack_error *error);

/* Copies an image that is not compressed to `at` of a file, hashing it on the way. */
PACK_MUST_USE int encode_store(struct encoded *encoded, int target, uint64_t at,
                               struct pack_error *error);
/* The same into `scratch` from *offset on, which moves behind it. */
PACK_MUST_USE int encode_keep(struct encoded *encoded, int scratch, uint64_t *offset,
                              struct pack_error *error);

#endif
