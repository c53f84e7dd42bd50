/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/memory.h"
#include "delta/match_rest.h"

/* Blocks of large images are taken no closer. */
#define FAR_STRIDE 32
/* Equal bytes ahead for which the blocks of large images are not asked again. */
#define FAR_ENOUGH 32
#define FAR_PATIENCE 16
/* What is too short to be looked at again, and how much of its neighbours is looked at too. */
#define LEAST_PIECE 16
#define MARGIN 64
/* Of the memory, this part is for one window of the old image with its index. */
#define WINDOW_SHARE 16
#define LEAST_WINDOW ((uint64_t)1 << 16)

struct large {
    const struct delta_images *images;
    const struct delta_match_options *options;
    const struct pack_context *context;
    struct delta_candidates far;
    struct delta_covers covers; /* those chosen of `far` */
    struct delta_rest old_rest, new_rest;
};

static void large_free(struct large *large)
{
    delta_covers_free(&large->far.covers);
    delta_covers_free(&large->covers);
    delta_rest_free(&large->old_rest);
    delta_rest_free(&large->new_rest);
}

static int match_far(struct large *large, struct pack_error *error)
{
    PACK_AUTO(delta_blocks_free) struct delta_blocks blocks = {0};
    const struct delta_images *images = large->images;
    const struct delta_costs costs = delta_costs_of(large->options);
    struct delta_scan scan = {.images = images,
                              .costs = costs,
                              .finder = {.find = delta_blocks_find, .state = &blocks},
                              .most_places = 1,
                              .least = FAR_STRIDE,
                              .enough = FAR_ENOUGH,
                              .patience = FAR_PATIENCE,
                              .most = large->options->memory / 8 / sizeof(struct patch_cover)};
    int status = delta_blocks_make(&blocks, images, FAR_STRIDE, large->options->memory / 4, error);
    if (status == 0)
        status =
            delta_scan_run(&scan, 0, images->new_size, &large->far.covers, large->context, error);
    if (status != 0)
        return status;
    delta_covers_sort(&large->far.covers);
    return delta_choose(&large->covers, &large->far, images, &costs, error);
}

static int find_rest(struct large *large, struct pack_error *error)
{
    const struct delta_images *images = large->images;
    int status =
        delta_rest_new(&large->new_rest, &large->covers, images->new_size, LEAST_PIECE, error);
    return status == 0 ? delta_rest_old(&large->old_rest, &large->covers, images->old_size,
                                        LEAST_PIECE, MARGIN, error)
                       : status;
}

/* One window of what is left of each image. */
struct window {
    size_t old_start, old_end, new_start, new_end;
};

static int match_window(const struct large *large, const struct window *window,
                        struct delta_covers *candidates, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *old_bytes = NULL;
    PACK_AUTO_FREE uint8_t *new_bytes = NULL;
    PACK_AUTO(delta_covers_free) struct delta_covers found = {0};
    size_t old_size = window->old_end - window->old_start;
    size_t new_size = window->new_end - window->new_start;
    if (old_size == 0 || new_size == 0)
        return 0;
    int status = pack_allocate(&old_bytes, old_size, 1, error);
    if (status == 0)
        status = pack_allocate(&new_bytes, new_size, 1, error);
    if (status != 0)
        return status;
    delta_rest_copy(&large->old_rest, large->images->old_bytes, window->old_start, window->old_end,
                    old_bytes);
    delta_rest_copy(&large->new_rest, large->images->new_bytes, window->new_start, window->new_end,
                    new_bytes);

    const struct delta_images images = {old_bytes, old_size, new_bytes, new_size};
    struct delta_match_options options = *large->options;
    /* Suffixes take long to sort: only the best effort does it for as much as this. */
    if (options.effort == DELTA_DEFAULT)
        options.effort = DELTA_FAST;
    status = delta_match_small(&found, &images, &options, large->context, error);
    for (size_t i = 0; i < found.count && status == 0; i++)
        status = delta_rest_place(&large->old_rest, window->old_start, &large->new_rest,
                                  window->new_start, &found.list[i], candidates, error);
    return status;
}

/* The start of window `index` of `count` in `size` bytes. */
static size_t window_start(size_t size, size_t index, size_t count)
{
    return size / count * index + size % count * index / count;
}

/* Windows of both at about the same place, so that the work grows with the images only. */
static int match_windows(const struct large *large, struct delta_covers *candidates,
                         struct pack_error *error)
{
    size_t old_size = large->old_rest.size, new_size = large->new_rest.size;
    uint64_t most = large->options->memory / WINDOW_SHARE;
    if (most < LEAST_WINDOW)
        most = LEAST_WINDOW;
    size_t count = (size_t)pack_pieces(old_size > new_size ? old_size : new_size, most);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct window window = {.old_start = window_start(old_size, i, count),
                                .old_end = window_start(old_size, i + 1, count),
                                .new_start = window_start(new_size, i, count),
                                .new_end = window_start(new_size, i + 1, count)};
        status = match_window(large, &window, candidates, error);
    }
    return status;
}

int delta_match_large(struct delta_covers *candidates, const struct delta_images *images,
                      const struct delta_match_options *options, const struct pack_context *context,
                      struct pack_error *error)
{
    PACK_AUTO(large_free)
    struct large large = {.images = images, .options = options, .context = context};
    int status = match_far(&large, error);
    if (status == 0)
        status = find_rest(&large, error);
    if (status == 0)
        status = match_windows(&large, candidates, error);
    for (size_t i = 0; i < large.covers.count && status == 0; i++)
        status = delta_covers_add(candidates, &large.covers.list[i], error);
    return status;
}
