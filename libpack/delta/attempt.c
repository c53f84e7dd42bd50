/* SPDX-License-Identifier: MIT */
#include "delta/attempt.h"

#include "delta/align.h"
#include "delta/device.h"
#include "delta/refine.h"
#include "pack/limits.h"

#define TWO_ROUNDS_BELOW ((size_t)16 << 20)

void delta_attempt_free(struct delta_attempt *attempt)
{
    delta_covers_free(&attempt->covers);
    delta_layout_free(&attempt->layout);
    delta_in_place_free(&attempt->in_place);
    pack_buffer_clear(&attempt->patch);
}

uint64_t delta_memory_of(const struct pack_delta_options *options)
{
    return options->memory ? options->memory : PACK_GIB;
}

struct delta_bytes delta_attempt_old(const struct delta_attempt *attempt,
                                     const struct delta_pair *pair)
{
    if (attempt->opened)
        return (struct delta_bytes){pair->old_unpacked.bytes, pair->old_unpacked.size};
    return pair->old_image;
}

struct delta_bytes delta_attempt_new(const struct delta_attempt *attempt,
                                     const struct delta_pair *pair)
{
    if (attempt->opened)
        return (struct delta_bytes){pair->new_unpacked.bytes, pair->new_unpacked.size};
    return pair->new_image;
}

/* --- what the images have in common ------------------------------------------------------- */

static struct delta_match_options match_options(const struct delta_way *way,
                                                const struct pack_delta_options *options)
{
    return (struct delta_match_options){
        .effort = way->effort,
        .memory = delta_memory_of(options) / 2,
        .most_covers = delta_most_covers(options),
        .cost_cover = way->cost_cover,
        .cost_miss = way->cost_miss,
        .cost_extra = way->cost_extra,
    };
}

static int compare(struct delta_attempt *attempt, const struct delta_pair *pair,
                   const struct delta_match_options *how, const struct delta_detect_options *detect,
                   struct pack_error *error)
{
    struct delta_bytes old_image = delta_attempt_old(attempt, pair);
    struct delta_bytes new_image = delta_attempt_new(attempt, pair);
    int status = delta_match(&attempt->covers, old_image.bytes, old_image.size, new_image.bytes,
                             new_image.size, how, detect->context, error);
    /* Images far larger than the memory hold many files: no layout fits, and a pass takes long. */
    if (status || new_image.size > how->memory)
        return status;
    status = delta_detect(&attempt->layout, old_image.bytes, old_image.size, new_image.bytes,
                          new_image.size, &attempt->covers, detect, error);
    if (!status)
        status = delta_align(&attempt->covers, &attempt->layout.layout, old_image.bytes,
                             old_image.size, new_image.bytes, new_image.size, error);
    /* The second round starts from covers that predict better; large images do without it. */
    size_t rounds = how->effort != DELTA_FAST && new_image.size < TWO_ROUNDS_BELOW ? 2 : 1;
    for (size_t i = 0; !status && i < rounds; i++)
        status = delta_refine(&attempt->covers, &attempt->layout.layout, old_image.bytes,
                              old_image.size, new_image.bytes, new_image.size, how, error);
    return status;
}

/*
 * Whether all values are alike frequent, as in encrypted or compressed bytes: for random ones the
 * squares of the 256 counts sum up to about size² / 256 + size.
 */
static bool looks_random(const struct delta_bytes *image)
{
    uint64_t counts[256] = {0}, squares = 0;
    for (size_t i = 0; i < image->size; i++)
        counts[image->bytes[i]]++;
    for (size_t i = 0; i < 256; i++)
        squares += counts[i] * counts[i];
    uint64_t size = image->size;
    return size < UINT32_MAX && squares < size * size / 256 + size * size / 25600 + 2 * size;
}

static bool is_hopeless(const struct delta_attempt *attempt, const struct delta_bytes *image)
{
    uint64_t copied = 0;
    for (size_t i = 0; i < attempt->covers.count; i++)
        copied += attempt->covers.list[i].size;
    return image->size > 4096 && copied < image->size / 64 && looks_random(image);
}

/* Which covers a device with one slot still can use, and in which order it makes the pages. */
static int plan_in_place(struct delta_attempt *attempt, const struct delta_pair *pair,
                         const struct pack_delta_options *options, struct pack_error *error)
{
    const uint32_t page = options->in_place;
    if (page == 0)
        return 0;
    struct delta_in_place_options how = {.page = page,
                                         .scratch = options->scratch,
                                         .least_cover = 8,
                                         .most_covers = delta_most_covers(options)};
    return delta_in_place(&attempt->in_place, &attempt->covers, pair->old_image.bytes,
                          pair->old_image.size, pair->new_image.bytes, pair->new_image.size, &how,
                          error);
}

/* --- the patch ------------------------------------------------------------------------------ */

static void start_header(struct delta_attempt *attempt, const struct delta_pair *pair,
                         const struct pack_delta_options *options, uint8_t flags)
{
    attempt->header = (struct patch_header){
        .profile = (uint8_t)options->decoder,
        .flags = flags,
        .old_size = (patch_offset)pair->old_image.size,
        .new_size = (patch_offset)pair->new_image.size,
        .plain_old_size = (patch_offset)delta_attempt_old(attempt, pair).size,
        .plain_new_size = (patch_offset)delta_attempt_new(attempt, pair).size,
    };
    memcpy(attempt->header.old_hash, pair->old_hash, PATCH_HASH_SIZE);
    memcpy(attempt->header.new_hash, pair->new_hash, PATCH_HASH_SIZE);
}

static void add_plans(struct delta_attempt *attempt, const struct delta_pair *pair,
                      struct delta_script *script)
{
    const struct unpacked *was = &pair->old_unpacked, *is = &pair->new_unpacked;
    script->old_plan = (struct delta_bytes){was->plan, was->plan_size};
    script->new_plan = (struct delta_bytes){is->plan, is->plan_size};
    attempt->header.flags |= PATCH_UNPACKED;
    attempt->header.old_plan_size = (uint32_t)was->plan_size;
    attempt->header.new_plan_size = (uint32_t)is->plan_size;
    attempt->header.memory = was->memory > is->memory ? was->memory : is->memory;
}

static int write_coded(struct delta_attempt *attempt, const struct delta_pair *pair,
                       const struct pack_delta_options *options, const struct pack_context *context,
                       struct pack_error *error)
{
    struct delta_script script = {.old_image = delta_attempt_old(attempt, pair),
                                  .new_image = delta_attempt_new(attempt, pair),
                                  .covers = &attempt->covers,
                                  .layout = &attempt->layout.layout,
                                  .context = context};
    start_header(attempt, pair, options, 0);
    if (attempt->opened)
        add_plans(attempt, pair, &script);
    if (options->in_place) {
        script.covers = &attempt->in_place.covers;
        script.in_place = &attempt->in_place;
        attempt->header.flags |= PATCH_IN_PLACE;
        attempt->header.page_size = options->in_place;
        attempt->header.scratch_size = options->scratch;
    }
    attempt->patch.limit = SIZE_MAX / 2;
    return delta_encode(&attempt->patch, &attempt->header, &script,
                        options->decoder_memory ? options->decoder_memory
                                                : PACK_DEFAULT_PATCH_MEMORY,
                        &attempt->spent, error);
}

int delta_attempt(struct delta_attempt *attempt, const struct delta_pair *pair,
                  const struct delta_way *way, const struct pack_delta_options *options,
                  const struct pack_context *context, struct pack_error *error)
{
    const struct patch_profile *profile = patch_profile((unsigned)options->decoder);
    struct delta_match_options how = match_options(way, options);
    struct delta_detect_options detect = {.architecture = options->architecture,
                                          .most_ranges = profile->most_ranges,
                                          .most_regions = profile->most_regions,
                                          .context = context};
    attempt->opened = way->opened;
    int status = compare(attempt, pair, &how, &detect, error);
    struct delta_bytes image = delta_attempt_new(attempt, pair);
    attempt->hopeless = !status && !options->in_place && is_hopeless(attempt, &image);
    if (status || attempt->hopeless)
        return status;
    status = plan_in_place(attempt, pair, options, error);
    return status ? status : write_coded(attempt, pair, options, context, error);
}

int delta_attempt_stored(struct delta_attempt *attempt, const struct delta_pair *pair,
                         const struct pack_delta_options *options, struct pack_error *error)
{
    uint8_t bytes[PATCH_MAX_HEADER];
    attempt->opened = false;
    start_header(attempt, pair, options, PATCH_STORED);
    attempt->header.profile = PATCH_TINY; /* what the smallest decoder can, all can */
    attempt->patch.limit = SIZE_MAX / 2;
    int status = pack_buffer_append(&attempt->patch, bytes,
                                    patch_header_encode(&attempt->header, bytes), error);
    return status ? status
                  : pack_buffer_append(&attempt->patch, pair->new_image.bytes, pair->new_image.size,
                                       error);
}
