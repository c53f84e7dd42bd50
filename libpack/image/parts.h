/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_PARTS_H
#define IMAGE_PARTS_H

/* The parts that a format's `parts` names. */

#include "pack/backend/format.h"

struct pack_parts {
    struct pack_part *list;
    size_t count, capacity;
};

void pack_parts_clear(struct pack_parts *parts);

/*
 * Asks the format that knows the bytes; nothing is found where none does, or where their headers
 * contradict. Sorted by offset.
 */
PACK_MUST_USE int pack_parts_collect(struct pack_parts *parts,
                                     const struct pack_format *const *formats, const void *bytes,
                                     size_t size, struct pack_error *error);

#endif
