/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "delta/match_parts.h"

#include <string.h>

#define MIB ((size_t)1 << 20)

/* What an equal byte of a cover costs, in 1/256 bit: little, but not nothing. */
#define COST_HIT 8

/* What a miss costs that differs by as much as one shortly before, in 1/16 of another's cost. */
#define AGAIN 8

/* Blocks of small images are taken so close. */
#define LEAST_STRIDE 4

struct delta_costs delta_costs_of(const struct delta_match_options *options)
{
    return (struct delta_costs){.cover = (int64_t)options->cost_cover * 16,
                                .miss = (int64_t)options->cost_miss * 16,
                                .extra = (int64_t)options->cost_extra * 16,
                                .hit = COST_HIT,
                                .again = (int64_t)options->cost_miss * 16 * AGAIN / 16};
}

int delta_covers_add(struct delta_covers *covers, const struct patch_cover *cover,
                     struct pack_error *error)
{
    if (covers->count == covers->capacity) {
        size_t capacity = covers->capacity < 64 ? 64 : covers->capacity + covers->capacity / 2;
        struct patch_cover *list = reallocarray(covers->list, capacity, sizeof *list);
        if (list == NULL)
            return pack_fail_memory(error);
        covers->list = list;
        covers->capacity = capacity;
    }
    covers->list[covers->count++] = *cover;
    return 0;
}

/* How thoroughly each effort looks. */
static const struct effort {
    size_t most_places, least, enough, patience; /* see struct delta_scan */
    size_t large;                                /* bytes of an image from which on it is large */
} efforts[] = {
    [DELTA_FAST] =
        {.most_places = 1, .least = 8, .enough = 8, .patience = 16, .large = SIZE_MAX / 2},
    [DELTA_DEFAULT] =
        {.most_places = 2, .least = 6, .enough = 12, .patience = 64, .large = 16 * MIB},
    [DELTA_BEST] =
        {.most_places = 16, .least = 5, .enough = 24, .patience = 256, .large = 64 * MIB},
};

static bool has_suffixes(const struct delta_images *images,
                         const struct delta_match_options *options)
{
    return options->effort != DELTA_FAST && images->old_size <= INT32_MAX &&
           delta_suffixes_memory(images->old_size) <= options->memory / 2;
}

static bool is_large(const struct delta_images *images, const struct delta_match_options *options)
{
    size_t large = efforts[options->effort].large;
    return images->old_size > large || images->new_size > large ||
           (options->effort != DELTA_FAST && !has_suffixes(images, options));
}

int delta_match_small(struct delta_covers *candidates, const struct delta_images *images,
                      const struct delta_match_options *options, const struct pack_context *context,
                      struct pack_error *error)
{
    PACK_AUTO(delta_suffixes_free) struct delta_suffixes suffixes = {0};
    PACK_AUTO(delta_blocks_free) struct delta_blocks blocks = {0};
    const struct effort *effort = &efforts[options->effort];
    struct delta_scan scan = {.images = images,
                              .costs = delta_costs_of(options),
                              .most_places = effort->most_places,
                              .least = effort->least,
                              .enough = effort->enough,
                              .patience = effort->patience,
                              .most = options->memory / 8 / sizeof *candidates->list};
    int status;
    if (has_suffixes(images, options)) {
        status = delta_suffixes_make(&suffixes, images, error);
        scan.finder = (struct delta_finder){.find = delta_suffixes_find, .state = &suffixes};
    } else {
        status = delta_blocks_make(&blocks, images, LEAST_STRIDE, options->memory / 2, error);
        scan.finder = (struct delta_finder){.find = delta_blocks_find, .state = &blocks};
    }
    if (status != 0)
        return status;
    return delta_scan_run(&scan, 0, images->new_size, candidates, context, error);
}

static void candidates_free(struct delta_candidates *candidates)
{
    delta_covers_free(&candidates->covers);
}

int delta_match(struct delta_covers *covers, const uint8_t *old_bytes, size_t old_size,
                const uint8_t *new_bytes, size_t new_size,
                const struct delta_match_options *options, const struct pack_context *context,
                struct pack_error *error)
{
    const struct delta_images images = {old_bytes, old_size, new_bytes, new_size};
    const struct delta_costs costs = delta_costs_of(options);
    PACK_AUTO(candidates_free) struct delta_candidates candidates = {0};

    covers->count = 0;
    if (old_size == 0 || new_size == 0)
        return 0;
    int status = is_large(&images, options)
                     ? delta_match_large(&candidates.covers, &images, options, context, error)
                     : delta_match_small(&candidates.covers, &images, options, context, error);
    if (status != 0)
        return status;
    delta_covers_sort(&candidates.covers);
    return delta_choose_few(covers, &candidates, &images, costs, options->most_covers, error);
}
