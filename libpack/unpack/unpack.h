/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_UNPACK_H
#define UNPACK_UNPACK_H

/*
 * Packed parts of images, opened for a delta and closed again bit for bit. A *plan* is a list of
 * pieces: bytes that stay as they are, and streams (one xz stream, one gzip member, one squashfs
 * block, the records of an Intel HEX file) that a named *recipe* packs again; pieces nest. The
 * maker searches for streams and proves each recipe; the device only follows the plan, so it
 * needs the codecs but no parser of containers.
 */

#include "pack/context.h"
#include "pack/io.h"

struct unpack_options {
    uint64_t memory; /* most bytes of plain data plus working memory */
    bool prove;      /* the new side: keep only streams that a recipe packs bit for bit */
    unsigned depth;  /* how deep streams in streams are looked for; 0 for none at all */
    unsigned effort; /* 0 to 2: how many guesses a recipe may cost */
};

struct unpacked {
    uint8_t *bytes; /* the expanded image; malloc()ed */
    size_t size;
    uint8_t *plan; /* serialised; empty (NULL, 0) when nothing was found: then bytes is NULL too */
    size_t plan_size;
    uint64_t memory;   /* what following the plan needs at most, beside the expanded image */
    size_t streams;    /* how many streams were opened */
    char summary[128]; /* for people: "1522 gzip blocks, 1 lzma stream" */
};

void unpacked_free(struct unpacked *unpacked);

/* Looks through an image in memory. */
int unpack_image(struct unpacked *unpacked, const uint8_t *bytes, size_t size,
                 const struct unpack_options *options, const struct pack_context *context,
                 struct pack_error *error);

struct unpack_bytes {
    const uint8_t *bytes;
    size_t size;
};

/*
 * The same for both images of a delta; `prove` is for the new one alone, and the memory for each.
 * Streams that both have stay packed in both, so that a device copies what did not change. Where
 * nothing is left to be opened, all is empty; else both have a plan.
 */
int unpack_pair(struct unpacked *old_unpacked, struct unpacked *new_unpacked,
                const struct unpack_bytes *old_image, const struct unpack_bytes *new_image,
                const struct unpack_options *options, const struct pack_context *context,
                struct pack_error *error);

/* Parsed, checked plan: PACK_E_MALFORMED, PACK_E_UNSUPPORTED (recipe or library version unknown).
 */
struct unpack_plan;
int unpack_plan_parse(struct unpack_plan **plan, const uint8_t *bytes, size_t size,
                      struct pack_error *error);
void unpack_plan_free(struct unpack_plan **plan);
uint64_t unpack_plan_memory(const struct unpack_plan *plan);

/*
 * Follows a plan over the packed old image; *bytes (malloc()ed) gets exactly `size` bytes, else
 * PACK_E_CORRUPT.
 */
int unpack_follow(const struct unpack_plan *plan, struct pack_input *packed, uint8_t **bytes,
                  size_t size, struct pack_error *error);

/*
 * Packs again: plain bytes are pushed in any sizes, packed bytes go to the sink as soon as a
 * piece is whole. Finish fails with PACK_E_CORRUPT when the plan wants more bytes.
 */
struct unpack_packer;
int unpack_packer_new(struct unpack_packer **packer, const struct unpack_plan *plan,
                      struct pack_sink *sink, struct pack_error *error);
int unpack_packer_push(struct unpack_packer *packer, const uint8_t *bytes, size_t size,
                       struct pack_error *error);
int unpack_packer_finish(struct unpack_packer *packer, struct pack_error *error);
void unpack_packer_free(struct unpack_packer **packer);

#endif
