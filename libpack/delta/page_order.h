/* SPDX-License-Identifier: MIT */
#ifndef DELTA_PAGE_ORDER_H
#define DELTA_PAGE_ORDER_H

/* The order in which the pages of one slot are replaced. */

#include "pack/error.h"

#include <stddef.h>
#include <stdint.h>

/* `before` is made from old bytes of `after`: made later, it loses what `weight` says. */
struct delta_page_edge {
    uint32_t before, after;
    uint64_t weight; /* not 0 */
};

/*
 * An order of the pages 0 to count - 1 that loses little: nothing where nothing must be lost, for
 * then the edges have no cycle. Else a heuristic's answer, the same on every machine. Among orders
 * that lose the same it prefers runs of neighbours. Sorts the edges and joins those between the
 * same two pages; none leads from a page to itself.
 */
int delta_page_order(uint32_t *order, size_t count, struct delta_page_edge *edges,
                     size_t *edge_count, struct pack_error *error);

#endif
