/* SPDX-License-Identifier: MIT */
#ifndef DELTA_MATCH_PARTS_H
#define DELTA_MATCH_PARTS_H

/*
 * The parts of delta_match. A finder proposes places of the old image; candidates grow from them
 * bytewise, with mismatches; the choice takes those that cost least together.
 */

#include "delta/match.h"

struct delta_predictions;

struct delta_images {
    const uint8_t *old_bytes;
    size_t old_size;
    const uint8_t *new_bytes;
    size_t new_size;
};

/* Costs in 1/256 bit. */
struct delta_costs {
    int64_t cover, miss, extra, hit;
    int64_t again; /* a miss that differs by as much as one shortly before */
};

struct delta_costs delta_costs_of(const struct delta_match_options *options);

/* How many bytes are equal at both places, `most` of them looked at. */
size_t delta_equal(const uint8_t *one, const uint8_t *other, size_t most);

/* Appends; capacity grows. */
int delta_covers_add(struct delta_covers *covers, const struct patch_cover *cover,
                     struct pack_error *error);

/* --- finders --------------------------------------------------------------------------------- */

#define DELTA_MOST_PLACES 32

struct delta_place {
    size_t old_offset, length;
};

/* Where the old image has the bytes that the new one has at some offset. */
struct delta_finder {
    /* Fills `places`, the best first; returns how many. `shift` is that of what lies before. */
    size_t (*find)(const void *state, size_t new_offset, size_t shift, struct delta_place *places,
                   size_t most);
    const void *state;
};

struct delta_suffixes {
    const struct delta_images *images;
    int32_t *order;   /* the old image's suffixes */
    int32_t *buckets; /* where those begin that start with two given bytes; 65,537 of them */
    size_t count;
};

/* Bytes that a suffix array over `size` bytes takes. */
uint64_t delta_suffixes_memory(size_t size);
int delta_suffixes_make(struct delta_suffixes *suffixes, const struct delta_images *images,
                        struct pack_error *error);
void delta_suffixes_free(struct delta_suffixes *suffixes);
size_t delta_suffixes_find(const void *state, size_t new_offset, size_t shift,
                           struct delta_place *places, size_t most);

/* The places of blocks of the old image, taken every `stride` bytes. */
struct delta_blocks {
    const struct delta_images *images;
    uint32_t *slots; /* block index + 1, by hash */
    unsigned bits;
    size_t stride, block;
};

/* The smallest stride from `least` on that takes at most `memory` bytes. */
int delta_blocks_make(struct delta_blocks *blocks, const struct delta_images *images, size_t least,
                      uint64_t memory, struct pack_error *error);
void delta_blocks_free(struct delta_blocks *blocks);
size_t delta_blocks_find(const void *state, size_t new_offset, size_t shift,
                         struct delta_place *places, size_t most);

/* --- candidates ------------------------------------------------------------------------------ */

struct delta_scan {
    const struct delta_images *images;
    struct delta_costs costs;
    struct delta_finder finder;
    size_t most_places; /* candidates at one offset */
    size_t least;       /* bytes that a place must have equal */
    size_t enough;      /* equal bytes ahead of a candidate, for which none else is sought */
    size_t patience;    /* steps of growth for each offset that is looked at */
    size_t most;        /* candidates that are kept; what lies beyond is left uncovered */
};

/* Candidates for new bytes [start, end), by ascending offset of their discovery. */
int delta_scan_run(const struct delta_scan *scan, size_t start, size_t end,
                   struct delta_covers *candidates, const struct pack_context *context,
                   struct pack_error *error);

/*
 * Candidates with a suffix array over the whole old image, or where that is too large or not
 * wanted, with its blocks.
 */
int delta_match_small(struct delta_covers *candidates, const struct delta_images *images,
                      const struct delta_match_options *options, const struct pack_context *context,
                      struct pack_error *error);

/*
 * Candidates of large images: first by blocks that lie far apart, then, in what those leave, by
 * suffix arrays or by blocks that lie close, in windows that fit the memory.
 */
int delta_match_large(struct delta_covers *candidates, const struct delta_images *images,
                      const struct delta_match_options *options, const struct pack_context *context,
                      struct pack_error *error);

/* --- choice ---------------------------------------------------------------------------------- */

/* What is chosen from. */
struct delta_candidates {
    struct delta_covers covers;                  /* ascending by new_offset; they may overlap */
    const struct delta_predictions *predictions; /* NULL: old bytes are taken as they are */
};

void delta_covers_sort(struct delta_covers *covers);

/* Appends those parts of the candidates to `chosen` that cost least together. */
int delta_choose(struct delta_covers *chosen, const struct delta_candidates *candidates,
                 const struct delta_images *images, const struct delta_costs *costs,
                 struct pack_error *error);

/* The same for at most `most` covers: those that would be chosen if a cover cost more. */
int delta_choose_few(struct delta_covers *chosen, const struct delta_candidates *candidates,
                     const struct delta_images *images, struct delta_costs costs, size_t most,
                     struct pack_error *error);

#endif
