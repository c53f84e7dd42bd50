/* SPDX-License-Identifier: MIT */
#ifndef DELTA_REFINE_PREDICT_H
#define DELTA_REFINE_PREDICT_H

/* What the predictor says of bytes that are copied, while covers are still being chosen. */

#include "delta/match_parts.h"
#include "patch/predict.h"

/* Made from the covers as they were at the beginning. */
struct delta_predictions {
    const struct delta_images *images;
    struct patch_covers covers;
    struct patch_cover *list;
    struct patch_interval *intervals;
    struct patch_predictor predictor; /* before its first window */
};

/* `images` and `layout` must outlive it; the covers are copied. */
int delta_predictions_make(struct delta_predictions *predictions, const struct delta_images *images,
                           const struct patch_layout *layout, const struct delta_covers *covers,
                           struct pack_error *error);
void delta_predictions_free(struct delta_predictions *predictions);

#define DELTA_FORECAST ((size_t)512)

/* The bytes predicted for one range, window by window. */
struct delta_forecast {
    struct patch_predictor predictor;
    const struct delta_images *images;
    size_t old_offset, new_offset, left; /* of the next window */
    size_t carry;                        /* its bytes that the last field of this one holds */
    size_t size;                         /* of this window */
    uint8_t bytes[DELTA_FORECAST + PATCH_AHEAD];
};

/* `size` bytes, copied from old_offset to new_offset; both ranges lie in the images. */
void delta_forecast_begin(struct delta_forecast *forecast,
                          const struct delta_predictions *predictions, size_t old_offset,
                          size_t new_offset, size_t size);
/* The next window: `bytes` and `size`, which is 0 at the end. */
void delta_forecast_next(struct delta_forecast *forecast);

#endif
