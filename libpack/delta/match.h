/* SPDX-License-Identifier: MIT */
#ifndef DELTA_MATCH_H
#define DELTA_MATCH_H

/* Finding what the new image copies from the old one. */

#include "pack/context.h"
#include "patch/covers.h"

enum delta_effort {
    DELTA_FAST,    /* hashes of blocks, no suffix array */
    DELTA_DEFAULT, /* a suffix array where it fits */
    DELTA_BEST,    /* the same, with covers chosen by their cost */
};

struct delta_match_options {
    enum delta_effort effort;
    uint64_t memory;    /* most bytes of working memory, beside the two images */
    size_t most_covers; /* what the device can hold; the ones that pay least are left out */
    /* Estimated costs in 1/16 bit, by which covers are judged. */
    uint32_t cost_cover; /* one more cover */
    uint32_t cost_miss;  /* a byte of a cover that differs from its prediction */
    uint32_t cost_extra; /* a byte that no cover holds */
};

struct delta_covers {
    struct patch_cover *list; /* ascending by new_offset, not overlapping there */
    size_t count, capacity;
};

void delta_covers_free(struct delta_covers *covers);

/* The same for the same inputs, whatever the machine and the number of threads. */
int delta_match(struct delta_covers *covers, const uint8_t *old_bytes, size_t old_size,
                const uint8_t *new_bytes, size_t new_size,
                const struct delta_match_options *options, const struct pack_context *context,
                struct pack_error *error);

#endif
