/* SPDX-License-Identifier: MIT */
#include "delta/refine.h"

#include "base/memory.h"
#include "delta/match_parts.h"
#include "delta/refine_predict.h"

/* A cover grows so far over its neighbours, and backwards at once. */
#define STEP ((size_t)256)
/* A cover grows by no more than this at each end. */
#define MOST_GROWTH ((size_t)1 << 16)
/* So many covers on each side of a gap are tried in it. */
#define NEIGHBOURS 6
/* Gaps below this are left to the growth of what lies beside them. */
#define LEAST_GAP 12

struct refiner {
    const struct delta_images *images;
    const struct delta_covers *covers;
    struct delta_costs costs;
    struct delta_predictions predictions;
    struct delta_candidates candidates;
};

static void refiner_free(struct refiner *refiner)
{
    delta_predictions_free(&refiner->predictions);
    delta_covers_free(&refiner->candidates.covers);
}

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* --- growth ---------------------------------------------------------------------------------- */

/* What one byte gains as part of a cover, against being extra. */
static int64_t gain_of(const struct delta_costs *costs, bool hit)
{
    return costs->extra - (hit ? costs->hit : costs->miss);
}

struct growth {
    size_t size, best;
    int64_t score, best_score;
};

/* Goes on by one byte. False where more is lost than growing can win back. */
static bool grow(struct growth *growth, const struct delta_costs *costs, bool hit)
{
    growth->score += gain_of(costs, hit);
    growth->size++;
    if (growth->score > growth->best_score) {
        growth->best = growth->size;
        growth->best_score = growth->score;
    }
    return growth->score >= growth->best_score - costs->cover;
}

static size_t grow_ahead(const struct refiner *refiner, const struct patch_cover *cover,
                         size_t most)
{
    size_t new_end = cover->new_offset + cover->size, old_end = cover->old_offset + cover->size;
    const uint8_t *wanted = refiner->images->new_bytes + new_end;
    struct delta_forecast forecast;
    struct growth growth = {0};
    delta_forecast_begin(&forecast, &refiner->predictions, old_end, new_end, most);
    while (growth.size < most) {
        delta_forecast_next(&forecast);
        for (size_t i = 0; i < forecast.size; i++) {
            if (!grow(&growth, &refiner->costs, wanted[growth.size] == forecast.bytes[i]))
                return growth.best;
        }
    }
    return growth.best;
}

static size_t grow_behind(const struct refiner *refiner, const struct patch_cover *cover,
                          size_t most)
{
    struct delta_forecast forecast;
    struct growth growth = {0};
    while (growth.size < most) {
        size_t part = smaller(STEP, most - growth.size);
        size_t from = growth.size + part;
        const uint8_t *wanted = refiner->images->new_bytes + cover->new_offset - from;
        delta_forecast_begin(&forecast, &refiner->predictions, cover->old_offset - from,
                             cover->new_offset - from, part);
        delta_forecast_next(&forecast);
        for (size_t i = part; i-- > 0;) {
            if (!grow(&growth, &refiner->costs, wanted[i] == forecast.bytes[i]))
                return growth.best;
        }
    }
    return growth.best;
}

/* Into the gaps beside the cover, and over as much of its neighbours as it may take from them. */
static int grow_cover(struct refiner *refiner, size_t index, struct pack_error *error)
{
    const struct delta_covers *covers = refiner->covers;
    const struct delta_images *images = refiner->images;
    struct patch_cover cover = covers->list[index];
    size_t new_end = cover.new_offset + cover.size, old_end = cover.old_offset + cover.size;
    size_t behind_end = 0, ahead_start = images->new_size;
    if (index > 0)
        behind_end = covers->list[index - 1].new_offset + covers->list[index - 1].size;
    if (index + 1 < covers->count)
        ahead_start = covers->list[index + 1].new_offset;

    size_t most_ahead = smaller(ahead_start - new_end + STEP, images->new_size - new_end);
    most_ahead = smaller(smaller(most_ahead, images->old_size - old_end), MOST_GROWTH);
    size_t most_behind = smaller(cover.new_offset - behind_end + STEP, cover.new_offset);
    most_behind = smaller(smaller(most_behind, cover.old_offset), MOST_GROWTH);
    size_t ahead = grow_ahead(refiner, &cover, most_ahead);
    size_t behind = grow_behind(refiner, &cover, most_behind);
    cover.new_offset -= behind;
    cover.old_offset -= behind;
    cover.size += behind + ahead;
    return delta_covers_add(&refiner->candidates.covers, &cover, error);
}

/* --- gaps ------------------------------------------------------------------------------------ */

struct gap {
    size_t start, end; /* in the new image */
    size_t shift;      /* that is tried */
};

/* Adds the parts of a gap that pay for themselves at one shift. */
static int add_parts(struct refiner *refiner, const struct gap *gap, struct pack_error *error)
{
    const struct delta_costs *costs = &refiner->costs;
    struct delta_forecast forecast;
    struct growth growth = {0};
    size_t start = gap->start; /* of the part that grows */
    int status = 0;
    delta_forecast_begin(&forecast, &refiner->predictions, gap->start - gap->shift, gap->start,
                         gap->end - gap->start);
    for (size_t at = gap->start, within = 0; at < gap->end && status == 0; at++, within++) {
        if (within == forecast.size) {
            delta_forecast_next(&forecast);
            within = 0;
        }
        bool hit = refiner->images->new_bytes[at] == forecast.bytes[within];
        if (grow(&growth, costs, hit) && growth.score > 0 && at + 1 < gap->end)
            continue;
        struct patch_cover cover = {
            .new_offset = start, .old_offset = start - gap->shift, .size = growth.best};
        if (growth.best_score > costs->cover)
            status = delta_covers_add(&refiner->candidates.covers, &cover, error);
        growth = (struct growth){0};
        start = at + 1;
    }
    return status;
}

/* Tries what lies near a gap in it: `index` is the cover after it. */
static int fill_gap(struct refiner *refiner, size_t index, size_t start, size_t end,
                    struct pack_error *error)
{
    const struct delta_covers *covers = refiner->covers;
    size_t first = index > NEIGHBOURS ? index - NEIGHBOURS : 0;
    size_t last = smaller(index + NEIGHBOURS, covers->count);
    size_t tried[2 * NEIGHBOURS];
    size_t count = 0;
    int status = 0;
    for (size_t i = first; i < last && status == 0; i++) {
        size_t shift = covers->list[i].new_offset - covers->list[i].old_offset, seen = 0;
        while (seen < count && tried[seen] != shift)
            seen++;
        if (seen < count)
            continue;
        tried[count++] = shift;
        /* What of the gap the old image has at this shift. */
        struct gap gap = {.start = start, .end = end, .shift = shift};
        if ((ptrdiff_t)(gap.start - shift) < 0)
            gap.start = shift;
        if ((ptrdiff_t)(gap.end - shift) > (ptrdiff_t)refiner->images->old_size)
            gap.end = refiner->images->old_size + shift;
        if (gap.start < gap.end && gap.start >= start && gap.end <= end)
            status = add_parts(refiner, &gap, error);
    }
    return status;
}

static int fill_gaps(struct refiner *refiner, struct pack_error *error)
{
    const struct delta_covers *covers = refiner->covers;
    size_t end = 0;
    int status = 0;
    for (size_t i = 0; i <= covers->count && status == 0; i++) {
        size_t start = i < covers->count ? covers->list[i].new_offset : refiner->images->new_size;
        if (start - end >= LEAST_GAP)
            status = fill_gap(refiner, i, end, start, error);
        if (i < covers->count)
            end = start + covers->list[i].size;
    }
    return status;
}

/* --- candidates ------------------------------------------------------------------------------ */

/* One candidate of those that hold each other's bytes at the same shift. */
static void join_candidates(struct delta_covers *covers)
{
    size_t kept = 0;
    for (size_t i = 0; i < covers->count; i++) {
        struct patch_cover cover = covers->list[i];
        size_t shift = cover.new_offset - cover.old_offset, back = 0;
        for (; back < smaller(kept, 4 * NEIGHBOURS); back++) {
            struct patch_cover *before = &covers->list[kept - 1 - back];
            if (before->new_offset - before->old_offset != shift ||
                before->new_offset + before->size < cover.new_offset)
                continue;
            if (cover.new_offset + cover.size > before->new_offset + before->size)
                before->size = cover.new_offset + cover.size - before->new_offset;
            break;
        }
        if (back == smaller(kept, 4 * NEIGHBOURS))
            covers->list[kept++] = cover;
    }
    covers->count = kept;
}

int delta_refine(struct delta_covers *covers, const struct patch_layout *layout,
                 const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                 size_t new_size, const struct delta_match_options *options,
                 struct pack_error *error)
{
    const struct delta_images images = {old_bytes, old_size, new_bytes, new_size};
    PACK_AUTO(refiner_free)
    struct refiner refiner = {
        .images = &images, .covers = covers, .costs = delta_costs_of(options)};
    if (covers->count == 0)
        return 0;
    int status = delta_predictions_make(&refiner.predictions, &images, layout, covers, error);
    for (size_t i = 0; i < covers->count && status == 0; i++)
        status = grow_cover(&refiner, i, error);
    if (status == 0 && options->effort == DELTA_BEST)
        status = fill_gaps(&refiner, error);
    if (status != 0)
        return status;
    delta_covers_sort(&refiner.candidates.covers);
    join_candidates(&refiner.candidates.covers);
    refiner.candidates.predictions = &refiner.predictions;
    covers->count = 0;
    return delta_choose_few(covers, &refiner.candidates, &images, refiner.costs,
                            options->most_covers, error);
}
