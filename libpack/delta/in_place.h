/* SPDX-License-Identifier: MIT */
#ifndef DELTA_IN_PLACE_H
#define DELTA_IN_PLACE_H

/*
 * How a patch replaces an image in its own slot: in which order its pages are made, and which
 * covers still find their source then. See patch/in_place.h for the device's side.
 */

#include "delta/match.h"
#include "patch/in_place.h"

struct delta_in_place_options {
    uint32_t page;      /* bytes that are erased at once, a power of two */
    uint32_t scratch;   /* bytes of replaced pages that the device can keep at once */
    size_t least_cover; /* bytes below which a cover does not pay */
    size_t most_covers; /* that the device can hold; the smallest ones are left out */
};

struct delta_in_place {
    /* Each page that changes, in the order of their making. The others are left as they are. */
    uint32_t *steps;
    size_t step_count;
    /*
     * As they were, but for what is destroyed before it is read: that is copied from where it went
     * (an old_offset from old_size on is one in the new image, in a page made before), or is not
     * covered any more.
     */
    struct delta_covers covers;
    uint64_t from_scratch, from_new, given_up; /* bytes */
};

void delta_in_place_free(struct delta_in_place *plan);

/* The same plan for the same input on every machine. The old image lies at the slot's start. */
int delta_in_place(struct delta_in_place *plan, const struct delta_covers *covers,
                   const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                   size_t new_size, const struct delta_in_place_options *options,
                   struct pack_error *error);

#endif
