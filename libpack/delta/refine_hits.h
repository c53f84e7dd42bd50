/* SPDX-License-Identifier: MIT */
#ifndef DELTA_REFINE_HITS_H
#define DELTA_REFINE_HITS_H

/* Which bytes of the new image come out as the predictor says. */

#include "delta/match_parts.h"
#include "patch/predict.h"

struct delta_hits {
    const struct delta_images *images;
    const struct patch_layout *layout;
    struct patch_covers covers;
    struct patch_cover *list; /* as they were at the beginning */
    struct patch_interval *intervals;
    struct patch_predictor predictor;
};

/* `images` and `layout` must outlive it; the covers are copied. */
int delta_hits_begin(struct delta_hits *hits, const struct delta_images *images,
                     const struct patch_layout *layout, const struct delta_covers *covers,
                     struct pack_error *error);
void delta_hits_free(struct delta_hits *hits);

/*
 * Sets or clears `size` bits from bit `first`: whether each byte of the new image from new_offset
 * on is what is predicted for it if it is copied from old_offset. Both ranges lie in the images.
 */
void delta_hits_predict(struct delta_hits *hits, size_t old_offset, size_t new_offset, size_t size,
                        uint64_t *bits, size_t first);

#endif
