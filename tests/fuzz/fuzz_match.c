/* SPDX-License-Identifier: MIT */
/*
 * Covers between any two images, and their refinement. The first byte chooses effort and memory,
 * the second one the machine and how many covers there may be; two say where the new image begins.
 */
#include "base/bytes.h"
#include "base/memory.h"
#include "delta/refine.h"

enum { FIELDS = 4, MOST = 16 << 10 };

/* Ascending, apart, inside of both images, and no more than wanted. */
static void check(const struct delta_covers *covers, size_t old_size, size_t new_size,
                  size_t most_covers)
{
    size_t end = 0;
    if (covers->count > most_covers)
        abort();
    for (size_t i = 0; i < covers->count; i++) {
        const struct patch_cover *cover = &covers->list[i];
        if (cover->size == 0 || cover->new_offset < end || cover->new_offset > new_size ||
            cover->size > new_size - cover->new_offset || cover->old_offset > old_size ||
            cover->size > old_size - cover->old_offset)
            abort();
        end = cover->new_offset + cover->size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pack_context context = {.jobs = 1};
    if (size < FIELDS || size > MOST)
        return 0;
    const uint8_t *old_bytes = data + FIELDS;
    const size_t old_size = pack_le16(data + 2) % (size - FIELDS + 1);
    const uint8_t *new_bytes = old_bytes + old_size;
    const size_t new_size = size - FIELDS - old_size;
    const struct delta_match_options options = {
        .effort = (enum delta_effort)(data[0] % 3),
        .memory = UINT64_C(64) << data[0] / 3 % 20,
        .most_covers = data[1] & 1 ? (size_t)data[1] : SIZE_MAX,
        .cost_cover = 32 * 16,
        .cost_miss = 10 * 16,
        .cost_extra = 88,
    };
    const struct patch_range old_range = {0, old_size, 0x1000}, new_range = {0, new_size, 0x1000};
    const struct patch_region region = {
        0, old_size, (uint8_t)(data[1] / 2 % PATCH_REGION_KINDS), {0, 0}};
    const struct patch_layout layout = {&old_range,    old_size != 0, &new_range,
                                        new_size != 0, &region,       old_size != 0};

    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(delta_covers_free) struct delta_covers covers = {0};
    if (delta_match(&covers, old_bytes, old_size, new_bytes, new_size, &options, &context,
                    &error) != 0)
        abort();
    check(&covers, old_size, new_size, options.most_covers);
    if (delta_refine(&covers, &layout, old_bytes, old_size, new_bytes, new_size, &options,
                     &error) != 0)
        abort();
    check(&covers, old_size, new_size, options.most_covers);
    return 0;
}
