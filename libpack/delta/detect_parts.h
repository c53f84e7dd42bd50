/* SPDX-License-Identifier: MIT */
#ifndef DELTA_DETECT_PARTS_H
#define DELTA_DETECT_PARTS_H

/* The steps of delta_detect. */

#include "delta/detect.h"

/* The tables of a layout while they are made; the layout points into them. */
struct delta_tables {
    struct patch_range old_ranges[PATCH_MAX_RANGES_FULL];
    struct patch_range new_ranges[PATCH_MAX_RANGES_FULL];
    struct patch_region regions[PATCH_MAX_REGIONS_FULL];
    size_t old_range_count, new_range_count, region_count;
    size_t most_ranges, most_regions; /* at most as many as above */
};

/* A pair of images and what the new one copies. */
struct delta_pair {
    const uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
    struct patch_covers covers; /* with its index */
};

/* Ranges and regions as a known format tells them; none where no format knows the old image. */
int delta_detect_segments(struct delta_tables *tables, const struct delta_pair *pair,
                          const struct pack_context *context, struct pack_error *error);

/*
 * Adds regions for bytes [start, end) by the statistics of instructions, part by part. Nothing is
 * found in what is packed, encrypted, or of a machine that is not known.
 */
void delta_detect_regions(struct delta_tables *tables, const uint8_t *bytes, size_t size,
                          size_t start, size_t end);

/* Ranges by votes, as detect.h says; words as the regions' machines write pointers. */
int delta_detect_bases(struct delta_tables *tables, const struct delta_pair *pair,
                       struct pack_error *error);

#endif
