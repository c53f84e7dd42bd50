/* SPDX-License-Identifier: MIT */
#include "delta/refine_hits.h"

#include "base/memory.h"

#include <string.h>

#define WINDOW ((size_t)4096)

int delta_hits_begin(struct delta_hits *hits, const struct delta_images *images,
                     const struct patch_layout *layout, const struct delta_covers *covers,
                     struct pack_error *error)
{
    PACK_AUTO_FREE uint32_t *order = NULL;
    hits->images = images;
    hits->layout = layout;
    int status = pack_allocate(&hits->list, covers->count, sizeof *hits->list, error);
    if (status == 0)
        status = pack_allocate(&hits->intervals, covers->count, sizeof *hits->intervals, error);
    if (status == 0)
        status = pack_allocate(&order, covers->count, sizeof *order, error);
    if (status != 0)
        return status;
    memcpy(hits->list, covers->list, covers->count * sizeof *hits->list);
    hits->covers = (struct patch_covers){.list = hits->list, .count = covers->count};
    patch_covers_index(&hits->covers, hits->intervals, order);
    patch_predict_begin(&hits->predictor, layout, &hits->covers);
    return 0;
}

void delta_hits_free(struct delta_hits *hits)
{
    free(hits->list);
    free(hits->intervals);
    *hits = (struct delta_hits){0};
}

static void set_bits(uint64_t *bits, size_t first, const uint8_t *one, const uint8_t *other,
                     size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t bit = (uint64_t)1 << (first + i) % 64;
        uint64_t *word = &bits[(first + i) / 64];
        *word = one[i] == other[i] ? *word | bit : *word & ~bit;
    }
}

void delta_hits_predict(struct delta_hits *hits, size_t old_offset, size_t new_offset, size_t size,
                        uint64_t *bits, size_t first)
{
    const struct delta_images *images = hits->images;
    uint8_t predicted[WINDOW + PATCH_AHEAD], kinds[WINDOW + PATCH_AHEAD], rest[PATCH_AHEAD];
    size_t start = 0; /* where the first field may begin; the last window's reaches that far */
    for (size_t done = 0; done < size;) {
        size_t part = size - done < WINDOW ? size - done : WINDOW;
        size_t old = old_offset + done;
        size_t ahead = images->old_size - old - part;
        if (ahead > PATCH_AHEAD)
            ahead = PATCH_AHEAD;
        memcpy(predicted, images->old_bytes + old, part + ahead);
        memset(predicted + part + ahead, 0, PATCH_AHEAD - ahead);
        memset(kinds, 0, part + PATCH_AHEAD);
        memcpy(predicted, rest, start);
        size_t end = patch_predict(&hits->predictor, images->old_bytes + old, part, ahead, old,
                                   new_offset + done, start, predicted, kinds);
        set_bits(bits, first + done, predicted, images->new_bytes + new_offset + done, part);
        start = end - part;
        memcpy(rest, predicted + part, start);
        done += part;
    }
}
