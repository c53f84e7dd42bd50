/* SPDX-License-Identifier: MIT */
#include "delta/device.h"

#include "base/checked.h"
#include "patch/decoder.h"

/*
 * Sizes on a device of 32 bits; tests/device runs with no more than they sum up to. `fixed` is for
 * what does not depend on the patch, by profile.
 */
enum { COVER = 12, RANGE = 16, REGION = 32 };

static const struct {
    uint32_t fixed;
    uint32_t memory; /* for the whole, by default */
} devices[] = {
    [PATCH_TINY] = {1120, 6144},
    [PATCH_SMALL] = {1472, 49152},
};

static uint64_t small_memory(const struct patch_header *header, const struct patch_profile *profile)
{
    const size_t model = profile->kind->memory(&header->model);
    uint64_t sum = devices[header->profile].fixed + profile->window;
    sum += (uint64_t)header->cover_count * COVER + (uint64_t)header->region_count * REGION;
    sum += ((uint64_t)header->old_range_count + header->new_range_count) * RANGE;
    sum += patch_body_buffer(profile->window) +
           (model > PATCH_TABLES_WORK ? model : PATCH_TABLES_WORK);
    if (header->flags & PATCH_IN_PLACE)
        sum += patch_page_map_size(patch_header_pages(header));
    return sum;
}

uint64_t delta_device_memory(const struct patch_header *header, uint64_t plan_memory)
{
    const struct patch_profile *profile = patch_profile(header->profile);
    if (header->profile != PATCH_FULL)
        return small_memory(header, profile);
    uint64_t sum = patch_decoder_size(header) + profile->window;
    if (header->flags & PATCH_UNPACKED)
        sum += header->plain_old_size + header->old_plan_size + header->new_plan_size + plan_memory;
    return sum;
}

size_t delta_most_covers(const struct pack_delta_options *options)
{
    const struct patch_profile *profile = patch_profile((unsigned)options->decoder);
    if (options->decoder == PACK_DECODER_FULL)
        return profile->most_covers;
    /* As many tables as there may be, and a model of the largest size that is chosen. */
    const struct patch_header header = {
        .profile = (uint8_t)options->decoder,
        .old_range_count = 1,
        .new_range_count = 1,
        .region_count = profile->most_regions,
        .model = {.slot_bits = options->decoder == PACK_DECODER_SMALL ? 12 : 0},
    };
    const uint64_t memory =
        options->decoder_memory ? options->decoder_memory : devices[header.profile].memory;
    const uint64_t taken = small_memory(&header, profile);
    return (size_t)pack_min(profile->most_covers, memory > taken ? (memory - taken) / COVER : 0);
}
