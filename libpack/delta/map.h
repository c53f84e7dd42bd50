/* SPDX-License-Identifier: MIT */
#ifndef DELTA_MAP_H
#define DELTA_MAP_H

/* What became of each byte of a new image, counted in cells. */

#include "delta/attempt.h"

PACK_MUST_USE int delta_map_fill(const struct delta_attempt *attempt, const struct delta_pair *pair,
                                 struct pack_delta_cell *cells, size_t cell_count,
                                 uint64_t *cell_size, struct pack_error *error);

#endif
