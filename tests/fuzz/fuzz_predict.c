/* SPDX-License-Identifier: MIT */
/*
 * Any covers and any layout: maker and device must agree, whatever the predictors of each
 * architecture see. The first byte chooses the decoder and whether to swap the images' roles; then
 * come counts and fields of covers, ranges and regions, and the rest is both images.
 */
#include "patch_target.h"

#include "delta/encode.h"
#include "patch/decoder.h"

enum { MOST_COVERS = 16, MOST_SPANS = 4, MOST = 16 << 10 };

struct tables {
    struct patch_cover covers[MOST_COVERS];
    struct patch_range old_ranges[MOST_SPANS], new_ranges[MOST_SPANS];
    struct patch_region regions[MOST_SPANS];
    struct patch_layout layout;
    size_t cover_count;
};

/* Numbers from the data's start; zeros when there are no more. */
static uint32_t number(struct pack_cursor *cursor, size_t size)
{
    const uint8_t *bytes = pack_cursor_take(cursor, size);
    uint32_t value = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++)
        value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

/* The next span of an image: [*start, *end) after the last one. */
static void next_span(struct pack_cursor *cursor, size_t size, patch_offset *last,
                      patch_offset *start, patch_offset *end)
{
    *start = *last + number(cursor, 1) % (size - *last + 1);
    *end = *start + number(cursor, 2) % (size - *start + 1);
    *last = *end;
}

static size_t read_ranges(struct pack_cursor *cursor, size_t size, struct patch_range *ranges)
{
    const size_t count = number(cursor, 1) % (MOST_SPANS + 1);
    patch_offset last = 0;
    for (size_t i = 0; i < count; i++) {
        next_span(cursor, size, &last, &ranges[i].start, &ranges[i].end);
        ranges[i].address = (uint64_t)number(cursor, 4) << 8 * (number(cursor, 1) % 5);
    }
    return count;
}

static size_t read_regions(struct pack_cursor *cursor, size_t size, struct patch_region *regions)
{
    const size_t count = number(cursor, 1) % (MOST_SPANS + 1);
    patch_offset last = 0;
    for (size_t i = 0; i < count; i++) {
        next_span(cursor, size, &last, &regions[i].start, &regions[i].end);
        regions[i].kind = (uint8_t)(number(cursor, 1) % PATCH_REGION_KINDS);
        regions[i].parameter[0] = number(cursor, 2);
        regions[i].parameter[1] = number(cursor, 2);
    }
    return count;
}

static void read_covers(struct pack_cursor *cursor, size_t old_size, size_t new_size,
                        struct tables *tables)
{
    const size_t count = number(cursor, 1) % (MOST_COVERS + 1);
    patch_offset at = 0;
    for (size_t i = 0; i < count && old_size != 0; i++) {
        struct patch_cover cover = {.new_offset = at + number(cursor, 1) % 16,
                                    .old_offset = number(cursor, 2) % old_size,
                                    .size = number(cursor, 2) + 1};
        if (cover.new_offset >= new_size)
            break;
        cover.size =
            cover.size < new_size - cover.new_offset ? cover.size : new_size - cover.new_offset;
        cover.size =
            cover.size < old_size - cover.old_offset ? cover.size : old_size - cover.old_offset;
        at = cover.new_offset + cover.size;
        tables->covers[tables->cover_count++] = cover;
    }
}

static void read_tables(struct pack_cursor *cursor, size_t old_size, size_t new_size,
                        struct tables *tables)
{
    struct patch_layout *layout = &tables->layout;
    *tables = (struct tables){.cover_count = 0};
    layout->old_ranges = tables->old_ranges;
    layout->new_ranges = tables->new_ranges;
    layout->regions = tables->regions;
    layout->old_range_count = read_ranges(cursor, old_size, tables->old_ranges);
    layout->new_range_count = read_ranges(cursor, new_size, tables->new_ranges);
    layout->region_count = read_regions(cursor, old_size, tables->regions);
    read_covers(cursor, old_size, new_size, tables);
}

static void check(const struct delta_script *script, uint8_t profile)
{
    const struct delta_bytes *from = &script->old_image, *to = &script->new_image;
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer patch PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct delta_spent spent;
    struct patch_header header = {.profile = profile,
                                  .old_size = from->size,
                                  .new_size = to->size,
                                  .plain_old_size = from->size,
                                  .plain_new_size = to->size};
    if (pack_sha256_bytes(from->bytes, from->size, header.old_hash, &error) != 0 ||
        pack_sha256_bytes(to->bytes, to->size, header.new_hash, &error) != 0)
        return;
    if (delta_encode(&patch, &header, script, UINT64_MAX, &spent, &error) != 0)
        abort();
    patch_target_proves(&patch, from->bytes, from->size, to->bytes, to->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_cursor cursor = {data, size, 0};
    struct tables tables;
    if (size == 0 || size > MOST)
        return 0;
    const uint32_t choice = number(&cursor, 1);
    /* The last three quarters of the data are both images, which share two of them. */
    const size_t part = size / 4;
    const struct delta_bytes images[2] = {{data + part, 2 * part}, {data + 2 * part, 2 * part}};
    const struct delta_bytes *from = &images[choice >> 7], *to = &images[!(choice >> 7)];
    cursor.size = part > 1 ? part : 1;
    read_tables(&cursor, from->size, to->size, &tables);
    const struct delta_covers covers = {tables.covers, tables.cover_count, 0};
    const struct delta_script script = {
        .old_image = *from, .new_image = *to, .covers = &covers, .layout = &tables.layout};
    check(&script, (uint8_t)(choice % PATCH_PROFILES));
    return 0;
}
