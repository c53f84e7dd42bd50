/* SPDX-License-Identifier: MIT */
#include "image_edit.h"

#include "cli.h"
#include "pack/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- what is typed --------------------------------------------------------------------------- */

static bool parse_split(struct address_range *range, const char *text, size_t split)
{
    char start[40];
    uint64_t second = 0;
    if (split >= sizeof start)
        return false;
    snprintf(start, sizeof start, "%.*s", (int)split, text);
    if (!number_parse(start, true, &range->start) || !number_parse(text + split + 1, true, &second))
        return false;
    if (text[split] == ':')
        range->end = second;
    else if (__builtin_add_overflow(range->start, second, &range->end))
        return false;
    return true;
}

int address_range_parse(struct address_range *range, const char *text, struct pack_error *error)
{
    const size_t split = strcspn(text, ":+");
    if (text[split] == '\0' || !parse_split(range, text, split))
        return pack_fail(error, PACK_E_USAGE,
                         "\"%s\" is no range, START:END or START+LENGTH is wanted", text);
    if (range->end <= range->start)
        return pack_fail(error, PACK_E_USAGE, "the range \"%s\" is empty", text);
    return 0;
}

int address_offset_parse(bool *negative, uint64_t *distance, const char *text,
                         struct pack_error *error)
{
    *negative = text[0] == '-';
    const size_t sign = text[0] == '-' || text[0] == '+';
    if (number_parse(text + sign, true, distance))
        return 0;
    return pack_fail(error, PACK_E_USAGE, "\"%s\" is no offset, a number such as -0x1000 is wanted",
                     text);
}

/* --- building anew --------------------------------------------------------------------------- */

static int keep_rest(struct pack_image_builder *builder, const struct pack_image *image,
                     struct pack_error *error)
{
    if (image->has_entry)
        pack_image_entry(builder, image->entry);
    return pack_image_note(builder, image->note, image->note_size, error);
}

/* The new image takes the place of the old one. */
static int replace(struct pack_image **image, struct pack_image_builder **builder,
                   struct pack_error *error)
{
    struct pack_image *made = NULL;
    const int code = pack_image_builder_finish(builder, &made, error);
    if (code != 0)
        return code;
    pack_image_free(image);
    *image = made;
    return 0;
}

/* Adds the part of a segment that lies in the range. */
static int add_part(struct pack_image_builder *builder, const struct pack_segment *segment,
                    const uint8_t *bytes, const struct address_range *range,
                    struct pack_error *error)
{
    const uint64_t segment_end = segment->address + segment->size;
    const uint64_t start = segment->address > range->start ? segment->address : range->start;
    const uint64_t end = segment_end < range->end ? segment_end : range->end;
    if (start >= end)
        return 0;
    return pack_image_add(builder, start, bytes + (start - segment->address), (size_t)(end - start),
                          start, error);
}

static int add_all(struct pack_image_builder *builder, const struct pack_image *image,
                   struct pack_error *error)
{
    static const struct address_range everything = {.end = UINT64_MAX};
    const uint8_t *bytes = image->bytes;
    for (size_t i = 0; i < image->segment_count; i++) {
        const int code = add_part(builder, &image->segments[i], bytes, &everything, error);
        if (code != 0)
            return code;
        bytes += image->segments[i].size;
    }
    return keep_rest(builder, image, error);
}

/* --- crop ------------------------------------------------------------------------------------ */

static int check_apart(const struct address_range *ranges, size_t count, struct pack_error *error)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (ranges[i].start < ranges[j].end && ranges[j].start < ranges[i].end)
                return pack_fail(
                    error, PACK_E_USAGE, "two ranges to crop to overlap at 0x%08" PRIx64,
                    ranges[i].start > ranges[j].start ? ranges[i].start : ranges[j].start);
    return 0;
}

static int crop_all(struct pack_image_builder *builder, const struct pack_image *image,
                    const struct address_range *ranges, size_t count, struct pack_error *error)
{
    const uint8_t *bytes = image->bytes;
    int code = 0;
    for (size_t i = 0; code == 0 && i < image->segment_count; i++) {
        for (size_t j = 0; code == 0 && j < count; j++)
            code = add_part(builder, &image->segments[i], bytes, &ranges[j], error);
        bytes += image->segments[i].size;
    }
    return code == 0 ? keep_rest(builder, image, error) : code;
}

int image_crop(struct pack_image **image, const struct address_range *ranges, size_t count,
               struct pack_error *error)
{
    CLI_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    int code = check_apart(ranges, count, error);
    if (code == 0)
        code = pack_image_builder_new(&builder, error);
    if (code == 0)
        code = crop_all(builder, *image, ranges, count, error);
    if (code == 0)
        code = replace(image, &builder, error);
    if (code == 0 && (*image)->size == 0)
        code = pack_fail(error, PACK_E_USAGE, "there is no data in the range to crop to");
    return code;
}

/* --- fill ------------------------------------------------------------------------------------ */

static int add_filling(struct pack_image_builder *builder, uint64_t start, uint64_t end,
                       uint8_t byte, struct pack_error *error)
{
    uint8_t piece[16384];
    memset(piece, byte, sizeof piece);
    if (end > start && end - start > PACK_MAX_SEGMENTED)
        return pack_fail(error, PACK_E_LIMIT,
                         "the hole from 0x%08" PRIx64 " to 0x%08" PRIx64
                         " is too large to fill, at most %llu MiB",
                         start, end, (unsigned long long)(PACK_MAX_SEGMENTED / PACK_MIB));
    while (start < end) {
        const uint64_t size = end - start < sizeof piece ? end - start : sizeof piece;
        const int code = pack_image_add(builder, start, piece, (size_t)size, start, error);
        if (code != 0)
            return code;
        start += size;
    }
    return 0;
}

/* What no segment covers of the range. */
static int fill_range(struct pack_image_builder *builder, const struct pack_image *image,
                      struct address_range range, uint8_t byte, struct pack_error *error)
{
    for (size_t i = 0; i < image->segment_count && range.start < range.end; i++) {
        const struct pack_segment *segment = &image->segments[i];
        const uint64_t end = segment->address + segment->size;
        if (end <= range.start)
            continue;
        const uint64_t until = segment->address < range.end ? segment->address : range.end;
        const int code = add_filling(builder, range.start, until, byte, error);
        if (code != 0)
            return code;
        range.start = end;
    }
    return add_filling(builder, range.start, range.end, byte, error);
}

int image_fill(struct pack_image **image, const struct address_range *ranges, size_t count,
               uint8_t byte, struct pack_error *error)
{
    CLI_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    const struct pack_segment *first = (*image)->segments;
    const struct pack_segment *last = first + (*image)->segment_count - 1;
    const struct address_range all = {first->address, last->address + last->size};
    int code = pack_image_builder_new(&builder, error);
    if (code == 0)
        code = add_all(builder, *image, error);
    if (code == 0 && count == 0)
        code = fill_range(builder, *image, all, byte, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = fill_range(builder, *image, ranges[i], byte, error);
    return code == 0 ? replace(image, &builder, error) : code;
}

/* --- move ------------------------------------------------------------------------------------ */

static int move(uint64_t *address, bool negative, uint64_t distance, struct pack_error *error)
{
    const bool lost = negative ? __builtin_sub_overflow(*address, distance, address)
                               : __builtin_add_overflow(*address, distance, address);
    if (lost)
        return pack_fail(error, PACK_E_USAGE, "the offset takes an address out of 64 bits");
    return 0;
}

int image_move(struct pack_image **image, bool negative, uint64_t distance,
               struct pack_error *error)
{
    CLI_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    const uint8_t *bytes = (*image)->bytes;
    uint64_t entry = (*image)->entry;
    int code = pack_image_builder_new(&builder, error);
    for (size_t i = 0; code == 0 && i < (*image)->segment_count; i++) {
        struct pack_segment segment = (*image)->segments[i];
        code = move(&segment.address, negative, distance, error);
        if (code == 0)
            code = pack_image_add(builder, segment.address, bytes, (size_t)segment.size,
                                  segment.address, error);
        bytes += segment.size;
    }
    /* What is kept of an Intel HEX file's layout are addresses, which are others now. */
    if (code == 0 && ((*image)->note_size < 4 || memcmp((*image)->note, "ihex", 4) != 0))
        code = keep_rest(builder, *image, error);
    if (code == 0 && (*image)->has_entry)
        code = move(&entry, negative, distance, error);
    if (code == 0 && (*image)->has_entry)
        pack_image_entry(builder, entry);
    return code == 0 ? replace(image, &builder, error) : code;
}

/* --- merge ----------------------------------------------------------------------------------- */

/* Both have ascending segments that do not touch. */
static int check_no_overlap(const struct pack_image *image, const char *name,
                            const struct pack_image *other, const char *other_name,
                            struct pack_error *error)
{
    size_t i = 0, j = 0;
    while (i < image->segment_count && j < other->segment_count) {
        const struct pack_segment *a = &image->segments[i], *b = &other->segments[j];
        if (a->address + a->size <= b->address) {
            i++;
        } else if (b->address + b->size <= a->address) {
            j++;
        } else {
            pack_fail(error, PACK_E_MALFORMED, "both it and \"%s\" have data at 0x%08" PRIx64, name,
                      a->address > b->address ? a->address : b->address);
            return pack_at_file(error, other_name);
        }
    }
    return 0;
}

int image_merge(struct pack_image **image, const char *name, const struct pack_image *other,
                const char *other_name, struct pack_error *error)
{
    CLI_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    int code = check_no_overlap(*image, name, other, other_name, error);
    if (code == 0)
        code = pack_image_builder_new(&builder, error);
    if (code == 0)
        code = add_all(builder, other, error);
    if (code == 0)
        code = add_all(builder, *image, error);
    return code == 0 ? replace(image, &builder, error) : code;
}
