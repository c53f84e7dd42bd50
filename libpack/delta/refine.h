/* SPDX-License-Identifier: MIT */
#ifndef DELTA_REFINE_H
#define DELTA_REFINE_H

/*
 * The second pass over covers, which judges them by *predicted* mismatches: a call whose target
 * moved is no miss. Moves the border between neighbours, grows them into what no cover holds,
 * joins those of one shift, and drops those that cost more than they save.
 */

#include "delta/match.h"
#include "patch/layout.h"

int delta_refine(struct delta_covers *covers, const struct patch_layout *layout,
                 const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                 size_t new_size, const struct delta_match_options *options,
                 struct pack_error *error);

#endif
