/* SPDX-License-Identifier: MIT */
#ifndef DELTA_ALIGN_H
#define DELTA_ALIGN_H

/*
 * Tables of relocations and symbols look alike from entry to entry, so that bytes that match say
 * little of which old entry a new one comes from. Here entries are paired by what the predictor
 * makes of the old ones: by the places that they relocate or the targets that they name.
 */

#include "delta/match.h"
#include "patch/layout.h"

/* Replaces the covers of the new image's tables, where pairs of entries are found. */
int delta_align(struct delta_covers *covers, const struct patch_layout *layout,
                const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                size_t new_size, struct pack_error *error);

#endif
