/* SPDX-License-Identifier: MIT */
#include "delta/refine_predict.h"

#include "base/memory.h"

#include <string.h>

int delta_predictions_make(struct delta_predictions *predictions, const struct delta_images *images,
                           const struct patch_layout *layout, const struct delta_covers *covers,
                           struct pack_error *error)
{
    PACK_AUTO_FREE uint32_t *order = NULL;
    predictions->images = images;
    int status = pack_allocate(&predictions->list, covers->count, sizeof *covers->list, error);
    if (status == 0)
        status = pack_allocate(&predictions->intervals, covers->count,
                               sizeof *predictions->intervals, error);
    if (status == 0)
        status = pack_allocate(&order, covers->count, sizeof *order, error);
    if (status != 0)
        return status;
    if (covers->count != 0) /* images with nothing in common have no list */
        memcpy(predictions->list, covers->list, covers->count * sizeof *covers->list);
    predictions->covers = (struct patch_covers){.list = predictions->list, .count = covers->count};
    patch_covers_index(&predictions->covers, predictions->intervals, order);
    patch_predict_begin(&predictions->predictor, layout, &predictions->covers);
    return 0;
}

void delta_predictions_free(struct delta_predictions *predictions)
{
    free(predictions->list);
    free(predictions->intervals);
    *predictions = (struct delta_predictions){0};
}

void delta_forecast_begin(struct delta_forecast *forecast,
                          const struct delta_predictions *predictions, size_t old_offset,
                          size_t new_offset, size_t size)
{
    forecast->predictor = predictions->predictor;
    forecast->images = predictions->images;
    forecast->old_offset = old_offset;
    forecast->new_offset = new_offset;
    forecast->left = size;
    forecast->carry = 0;
    forecast->size = 0;
}

void delta_forecast_next(struct delta_forecast *forecast)
{
    const struct delta_images *images = forecast->images;
    uint8_t kinds[DELTA_FORECAST + PATCH_AHEAD] = {0}, carried[PATCH_AHEAD];
    size_t size = forecast->left < DELTA_FORECAST ? forecast->left : DELTA_FORECAST;
    size_t ahead = images->old_size - forecast->old_offset - size;
    if (ahead > PATCH_AHEAD)
        ahead = PATCH_AHEAD;
    memcpy(carried, forecast->bytes + forecast->size, forecast->carry);
    forecast->size = size;
    if (size == 0)
        return;
    const uint8_t *old = images->old_bytes + forecast->old_offset;
    memcpy(forecast->bytes, old, size + ahead);
    memset(forecast->bytes + size + ahead, 0, PATCH_AHEAD - ahead);
    memcpy(forecast->bytes, carried, forecast->carry);
    forecast->carry = patch_predict(&forecast->predictor, old, size, ahead, forecast->old_offset,
                                    forecast->new_offset, forecast->carry, forecast->bytes, kinds) -
                      size;
    forecast->old_offset += size;
    forecast->new_offset += size;
    forecast->left -= size;
}
