/* SPDX-License-Identifier: MIT */
#ifndef PATCH_COVERS_H
#define PATCH_COVERS_H

/*
 * The cover map: which ranges of the new image are copied from which places of the old one. It
 * stands at the head of a patch, because the predictor asks it where a reference's target went.
 */

#include "patch/types.h"

struct patch_cover {
    patch_offset new_offset;
    patch_offset old_offset;
    patch_offset size; /* bytes, not 0 */
};

/* A piece of the old image with one answer: disjoint, ascending, made by patch_covers_index. */
struct patch_interval {
    patch_offset old_start, old_end;
    patch_offset shift; /* new offset - old offset, modulo the type */
};

struct patch_covers {
    const struct patch_cover *list; /* ascending by new_offset, not overlapping there */
    size_t count;
    const struct patch_interval *intervals; /* NULL: the list itself is searched, from its start */
    size_t interval_count;
};

/*
 * Fills `intervals` (room for as many as there are covers) from the list; `order` is scratch of
 * the same length. In order of their old offsets (then of the list), a cover that begins inside
 * the one before it takes over where it is longer, else it holds only from that one's end.
 */
void patch_covers_index(struct patch_covers *covers, struct patch_interval *intervals,
                        uint32_t *order);

/*
 * Where the byte at `old` went. True when a cover holds it; without an index the first one of the
 * list counts. Otherwise the answer is a guess: the shift of what ends last at or before `old`
 * (of equals, the first), or 0 where nothing does.
 */
bool patch_covers_map(const struct patch_covers *covers, patch_offset old, patch_offset *moved);

#endif
