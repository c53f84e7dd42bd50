/* SPDX-License-Identifier: MIT */
#ifndef PATCH_MODEL_H
#define PATCH_MODEL_H

/*
 * What a profile is: how well the next byte can be foretold with the memory that a device has.
 * Every model answers the same four questions; the body (body.h) asks them in the same order on
 * both sides.
 */

#include "patch/coder.h"

/* A build of the tiny profile alone leaves out what its model does not ask for. */
#if defined PATCH_WITHOUT_SMALL && defined PATCH_WITHOUT_FULL
#define PATCH_TINY_ONLY
#endif

#define PATCH_BEHIND 8       /* old bytes that are known before a place */
#define PATCH_DIFFERENCES 32 /* how far back differences are known; a power of two */

/* What both sides know of a byte before it is coded. */
struct patch_place {
    patch_offset offset; /* in the new image */
    uint32_t last[2];    /* the last eight new bytes, the newest lowest in last[0] */
    uint32_t misses;     /* a bit for each of the last 32 copied bytes, 1 for a miss */
    uint32_t since_miss; /* copied bytes since the last miss */
#ifndef PATCH_TINY_ONLY
    uint8_t differences[PATCH_DIFFERENCES]; /* new − predicted, by offset modulo the size */
    uint8_t kind_difference[256];           /* the last one of each kind of field byte */
    uint32_t group_misses[16];              /* a bit for each of the last 32 fields of a group */
#endif

    /* In a cover. */
    const uint8_t *old; /* old[-PATCH_BEHIND .. PATCH_AHEAD] */
    uint8_t predicted;
    uint8_t kind; /* predict.h */

    /* Between covers: what the neighbours' shifts would give, and how well they did. */
    bool has_ghost[2];
    uint8_t ghost[2];
    uint8_t ghost_misses[2]; /* a bit for each of the last 8 bytes */
    uint8_t ghost_differences[2];
};

/* How a model reads bytes of the old image that no cover names. */
typedef bool (*patch_old_function)(void *user, patch_offset offset, uint8_t *buffer, size_t size);

/* What the patch's header says of a model's size; 0 where a profile has no choice. */
struct patch_model_size {
    uint8_t slot_bits;    /* hashed contexts */
    uint8_t history_bits; /* new bytes that are kept for repeats */
    uint8_t index_bits;   /* places of the old image that are indexed for repeats */
};

struct patch_model;

struct patch_model_kind {
    /* Bytes that the model takes, or 0 for a size that it cannot have. */
    size_t (*memory)(const struct patch_model_size *size);
    /* In `memory` bytes, aligned to 8. */
    void (*begin)(void *memory, const struct patch_model_size *size);
    /* After a copy of the memory to another place: sets inner pointers anew. */
    void (*bind)(void *memory, const struct patch_model_size *size);
    /* Shows the model the old image, from its start, before the first byte is coded. */
    void (*train)(void *memory, const uint8_t *bytes, size_t size);

    /* "Are the next bytes, 2^level of them, as predicted?" `risk` is 0 to 3. */
    unsigned (*run)(void *memory, struct patch_coder *coder, unsigned level, unsigned risk,
                    const struct patch_place *place, unsigned bit);
    /* "Is the next byte as predicted?" */
    unsigned (*hit)(void *memory, struct patch_coder *coder, const struct patch_place *place,
                    unsigned bit);
    /* The byte of a cover that is not as predicted. */
    uint8_t (*miss)(void *memory, struct patch_coder *coder, const struct patch_place *place,
                    uint8_t byte);
    /* A byte that no cover holds. */
    uint8_t (*extra)(void *memory, struct patch_coder *coder, const struct patch_place *place,
                     patch_old_function old, void *user, uint8_t byte);
    /* Bytes that are in place now, in order, however they were coded. NULL: no interest. */
    void (*learn)(void *memory, const uint8_t *bytes, size_t size);
};

extern const struct patch_model_kind patch_model_tiny;
extern const struct patch_model_kind patch_model_small;
extern const struct patch_model_kind patch_model_full;

#endif
