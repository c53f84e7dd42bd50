/* SPDX-License-Identifier: MIT */
#include "delta/map.h"

#include "base/checked.h"
#include "base/memory.h"
#include "delta/refine_predict.h"

struct map {
    struct delta_images images;
    struct pack_delta_cell *cells;
    uint64_t cell_size;
};

static void count(struct map *map, uint64_t offset, uint64_t size, enum pack_delta_change change)
{
    while (size > 0) {
        const uint64_t part = pack_min(size, map->cell_size - offset % map->cell_size);
        map->cells[offset / map->cell_size].bytes[change] += part;
        offset += part;
        size -= part;
    }
}

static void count_copied(struct map *map, const struct delta_predictions *predictions,
                         const struct patch_cover *cover)
{
    const bool stayed = cover->old_offset == cover->new_offset;
    struct delta_forecast forecast;
    size_t old = (size_t)cover->old_offset, new = (size_t)cover->new_offset;
    delta_forecast_begin(&forecast, predictions, old, new, (size_t)cover->size);
    for (delta_forecast_next(&forecast); forecast.size > 0; delta_forecast_next(&forecast))
        for (size_t i = 0; i < forecast.size; i++, old++, new ++) {
            const uint8_t byte = map->images.new_bytes[new];
            enum pack_delta_change change = PACK_CHANGE_CHANGED;
            if (byte == map->images.old_bytes[old])
                change = stayed ? PACK_CHANGE_SAME : PACK_CHANGE_MOVED;
            else if (byte == forecast.bytes[i])
                change = PACK_CHANGE_PREDICTED;
            count(map, new, 1, change);
        }
}

static int count_all(struct map *map, const struct delta_attempt *attempt, struct pack_error *error)
{
    struct delta_predictions predictions = {.images = NULL};
    uint64_t at = 0;
    int code = delta_predictions_make(&predictions, &map->images, &attempt->layout.layout,
                                      &attempt->covers, error);
    for (size_t i = 0; code == 0 && i < attempt->covers.count; i++) {
        const struct patch_cover *cover = &attempt->covers.list[i];
        count(map, at, cover->new_offset - at, PACK_CHANGE_NEW);
        count_copied(map, &predictions, cover);
        at = cover->new_offset + cover->size;
    }
    if (code == 0)
        count(map, at, map->images.new_size - at, PACK_CHANGE_NEW);
    delta_predictions_free(&predictions);
    return code;
}

int delta_map_fill(const struct delta_attempt *attempt, const struct delta_pair *pair,
                   struct pack_delta_cell *cells, size_t cell_count, uint64_t *cell_size,
                   struct pack_error *error)
{
    const struct delta_bytes old_image = delta_attempt_old(attempt, pair);
    const struct delta_bytes new_image = delta_attempt_new(attempt, pair);
    struct map map = {.images = {.old_bytes = old_image.bytes,
                                 .old_size = old_image.size,
                                 .new_bytes = new_image.bytes,
                                 .new_size = new_image.size},
                      .cells = cells,
                      .cell_size = pack_pieces(new_image.size, cell_count)};
    if (map.cell_size == 0)
        map.cell_size = 1;
    *cell_size = map.cell_size;
    memset(cells, 0, cell_count * sizeof *cells);
    return count_all(&map, attempt, error);
}
