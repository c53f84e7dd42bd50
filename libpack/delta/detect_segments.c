/* SPDX-License-Identifier: MIT */
#include "delta/detect_parts.h"

#include "base/memory.h"
#include "image/parts.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Of parts that overlap, the first one counts. */
static size_t take_ranges(struct patch_range *ranges, size_t most, const struct pack_parts *parts)
{
    size_t count = 0;
    for (size_t i = 0; i < parts->count && count < most; i++) {
        const struct pack_part *part = &parts->list[i];
        if (!part->placed || (count > 0 && part->offset < ranges[count - 1].end))
            continue;
        ranges[count++] = (struct patch_range){.start = (patch_offset)part->offset,
                                               .end = (patch_offset)(part->offset + part->size),
                                               .address = part->address};
    }
    return count;
}

static uint8_t kind_of(const char *contents)
{
    const struct delta_architecture *known = delta_architectures();
    while (known->name && !same_text(known->name, contents))
        known++;
    return known->name ? known->region : PATCH_REGION_NONE;
}

static void take_regions(struct delta_tables *tables, const struct pack_parts *parts,
                         const uint8_t *bytes, size_t size)
{
    patch_offset end = 0;
    for (size_t i = 0; i < parts->count && tables->region_count < tables->most_regions; i++) {
        const struct pack_part *part = &parts->list[i];
        if (!part->contents || part->offset < end)
            continue;
        end = (patch_offset)(part->offset + part->size);
        if (same_text(part->contents, "code")) {
            delta_detect_regions(tables, bytes, size, part->offset, end);
            continue;
        }
        tables->regions[tables->region_count++] = (struct patch_region){
            .start = (patch_offset)part->offset,
            .end = end,
            .kind = kind_of(part->contents),
            .parameter = {part->parameter[0], part->parameter[1]},
        };
    }
}

int delta_detect_segments(struct delta_tables *tables, const struct delta_pair *pair,
                          const struct pack_context *context, struct pack_error *error)
{
    PACK_AUTO(pack_parts_clear) struct pack_parts old_parts = {0};
    PACK_AUTO(pack_parts_clear) struct pack_parts new_parts = {0};
    const struct pack_format *const *formats = context ? context->formats : NULL;
    int code = pack_parts_collect(&old_parts, formats, pair->old_bytes, pair->old_size, error);
    if (code == 0)
        code = pack_parts_collect(&new_parts, formats, pair->new_bytes, pair->new_size, error);
    if (code != 0 || old_parts.count == 0)
        return code;
    take_regions(tables, &old_parts, pair->old_bytes, pair->old_size);
    if (new_parts.count == 0)
        return 0;
    tables->old_range_count = take_ranges(tables->old_ranges, tables->most_ranges, &old_parts);
    tables->new_range_count = take_ranges(tables->new_ranges, tables->most_ranges, &new_parts);
    return 0;
}
