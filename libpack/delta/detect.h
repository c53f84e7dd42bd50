/* SPDX-License-Identifier: MIT */
#ifndef DELTA_DETECT_H
#define DELTA_DETECT_H

/* Which machine's code an image holds, and at which addresses it lies. */

#include "delta/match.h"
#include "patch/layout.h"

/* A layout that owns its tables. */
struct delta_layout {
    struct patch_layout layout;
    void *storage; /* private */
};

struct delta_detect_options {
    const char *architecture; /* a name of delta_architectures, or NULL to find out */
    size_t most_ranges, most_regions;
    /* Named by the caller's context: formats that know their own segments (ELF, PE, ESP). */
    const struct pack_context *context;
};

/* Names and summaries for `--architecture` and for messages, ended by a NULL name. */
struct delta_architecture {
    const char *name;    /* "thumb" */
    const char *summary; /* "ARM Thumb and Thumb-2 (Cortex-M)" */
    uint8_t region;      /* enum patch_region_kind */
};
const struct delta_architecture *delta_architectures(void);

/*
 * The layout of a pair. Segment tables of a known format say it outright; else the architecture
 * is found by its instructions' statistics, and base addresses by votes: each aligned word that
 * changed by d inside a cover votes for the bases B for which (word − B) falls into a cover whose
 * shift is d. An image of several parts gets a region for each. PACK_E_USAGE for a name that is
 * none of delta_architectures.
 */
int delta_detect(struct delta_layout *layout, const uint8_t *old_bytes, size_t old_size,
                 const uint8_t *new_bytes, size_t new_size, const struct delta_covers *covers,
                 const struct delta_detect_options *options, struct pack_error *error);

void delta_layout_free(struct delta_layout *layout);

#endif
