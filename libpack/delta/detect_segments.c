/* SPDX-License-Identifier: MIT */
#include "delta/detect_parts.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "image/parts.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int larger_first(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a > *b ? -1 : *a < *b;
}

/* The size below which parts are left out, so that at most `most` stay. */
static int find_least(const struct pack_parts *parts, bool placed, size_t most, uint64_t *least,
                      struct pack_error *error)
{
    PACK_AUTO_FREE uint64_t *sizes = NULL;
    size_t count = 0;
    *least = 0;
    const int code = pack_allocate(&sizes, parts->count, sizeof *sizes, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < parts->count; i++)
        if (placed ? parts->list[i].placed : parts->list[i].contents != NULL)
            sizes[count++] = parts->list[i].size;
    qsort(sizes, count, sizeof *sizes, larger_first);
    if (count > most)
        *least = sizes[most] + 1;
    return 0;
}

/* Of parts that overlap, the first one counts. */
static int take_ranges(struct patch_range *ranges, size_t *count, size_t most,
                       const struct pack_parts *parts, struct pack_error *error)
{
    uint64_t least = 0;
    const int code = find_least(parts, true, most, &least, error);
    for (size_t i = 0; code == 0 && i < parts->count && *count < most; i++) {
        const struct pack_part *part = &parts->list[i];
        if (!part->placed || part->size < least ||
            (*count > 0 && part->offset < ranges[*count - 1].end))
            continue;
        ranges[(*count)++] = (struct patch_range){.start = (patch_offset)part->offset,
                                                  .end = (patch_offset)(part->offset + part->size),
                                                  .address = part->address};
    }
    return code;
}

static uint8_t kind_of(const char *contents)
{
    const struct delta_architecture *known = delta_architectures();
    while (known->name && !same_text(known->name, contents))
        known++;
    return known->name ? known->region : PATCH_REGION_NONE;
}

static int take_regions(struct delta_tables *tables, const struct pack_parts *parts,
                        const uint8_t *bytes, size_t size, struct pack_error *error)
{
    patch_offset end = 0;
    uint64_t least = 0;
    const int code = find_least(parts, false, tables->most_regions, &least, error);
    for (size_t i = 0; code == 0 && i < parts->count; i++) {
        const struct pack_part *part = &parts->list[i];
        if (!part->contents || part->size < least || part->offset < end ||
            tables->region_count == tables->most_regions)
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
    return code;
}

/* --- distances ------------------------------------------------------------------------------- */

enum { SAMPLE = 65536, FAR = 65536, LEAST_FAR = 32 };

static const struct patch_range *range_at(const struct delta_tables *tables, patch_offset offset)
{
    for (size_t i = 0; i < tables->old_range_count; i++)
        if (offset - tables->old_ranges[i].start <
            tables->old_ranges[i].end - tables->old_ranges[i].start)
            return &tables->old_ranges[i];
    return NULL;
}

static bool is_code(const struct delta_tables *tables, uint64_t address)
{
    const struct patch_range *range = tables->old_ranges;
    const struct patch_range *end = range + tables->old_range_count;
    while (range < end && address - range->address >= range->end - range->start)
        range++;
    if (range == end)
        return false;
    const uint64_t offset = range->start + (address - range->address);
    for (size_t i = 0; i < tables->region_count; i++)
        if (offset - tables->regions[i].start < tables->regions[i].end - tables->regions[i].start)
            return tables->regions[i].kind < PATCH_REGION_POINTERS32_LE;
    return false;
}

/* Kernels write most of their tables as distances; far ones to code are the sign. */
static bool holds_distances(const struct delta_tables *tables, const struct patch_region *region,
                            const uint8_t *bytes)
{
    const struct patch_range *range = range_at(tables, region->start);
    size_t far = 0, words = 0;
    const patch_offset size =
        region->end - region->start < SAMPLE ? region->end - region->start : SAMPLE;
    if (!range)
        return false;
    for (patch_offset i = -region->start & 3; i + 4 <= size; i += 4) {
        const uint64_t place = range->address + (region->start + i - range->start);
        const uint64_t distance = (uint64_t)(int32_t)pack_le32(bytes + region->start + i);
        words += distance != 0;
        far += distance + FAR >= 2 * (uint64_t)FAR && is_code(tables, place + distance);
    }
    return far >= LEAST_FAR && far * 6 >= words;
}

static void find_distances(struct delta_tables *tables, const uint8_t *bytes)
{
    for (size_t i = 0; i < tables->region_count; i++)
        if (tables->regions[i].kind == PATCH_REGION_POINTERS64_LE &&
            holds_distances(tables, &tables->regions[i], bytes))
            tables->regions[i].kind = PATCH_REGION_RELATIVE32;
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
    code = take_regions(tables, &old_parts, pair->old_bytes, pair->old_size, error);
    if (code != 0 || new_parts.count == 0)
        return code;
    code = take_ranges(tables->old_ranges, &tables->old_range_count, tables->most_ranges,
                       &old_parts, error);
    if (code == 0)
        code = take_ranges(tables->new_ranges, &tables->new_range_count, tables->most_ranges,
                           &new_parts, error);
    if (code == 0)
        find_distances(tables, pair->old_bytes);
    return code;
}
