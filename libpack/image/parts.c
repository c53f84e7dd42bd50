/* SPDX-License-Identifier: MIT */
#include "image/parts.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum { MOST_PARTS = 1 << 16 };

void pack_parts_clear(struct pack_parts *parts)
{
    free(parts->list);
    *parts = (struct pack_parts){0};
}

static int grow(struct pack_parts *parts, struct pack_error *error)
{
    struct pack_part *list = NULL;
    const size_t capacity = parts->capacity == 0 ? 64 : parts->capacity * 2;
    if (parts->count == MOST_PARTS)
        return pack_fail(error, PACK_E_LIMIT, "more than %d parts", MOST_PARTS);
    const int code = pack_allocate(&list, capacity, sizeof *list, error);
    if (code != 0)
        return code;
    if (parts->count > 0)
        memcpy(list, parts->list, parts->count * sizeof *list);
    free(parts->list);
    parts->list = list;
    parts->capacity = capacity;
    return 0;
}

int pack_parts_add(struct pack_parts *parts, const struct pack_part *part, struct pack_error *error)
{
    if (part->size == 0)
        return 0;
    const int code = parts->count == parts->capacity ? grow(parts, error) : 0;
    if (code == 0)
        parts->list[parts->count++] = *part;
    return code;
}

static int by_offset(const void *left, const void *right)
{
    const struct pack_part *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->size > b->size ? -1 : a->size < b->size;
}

/* Parts that reach beyond the file, or come out of contradicting headers, are not used. */
static void keep_sound(struct pack_parts *parts, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < parts->count; i++) {
        uint64_t end = 0;
        if (pack_add(parts->list[i].offset, parts->list[i].size, &end) && end <= size)
            parts->list[kept++] = parts->list[i];
    }
    parts->count = kept;
}

int pack_parts_collect(struct pack_parts *parts, const struct pack_format *const *formats,
                       const void *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error ignored = {0};
    const struct pack_format *format =
        formats ? pack_format_probe(formats, bytes, (size_t)pack_min(size, PACK_PROBE_SIZE), size)
                : NULL;
    if (!format || !format->parts)
        return 0;
    int code = pack_input_memory(&input, bytes, size, "image", error);
    if (code != 0)
        return code;
    code = format->parts(input, parts, &ignored);
    if (code == PACK_E_NO_MEMORY) {
        *error = ignored;
        return code;
    }
    if (code != 0)
        parts->count = 0;
    keep_sound(parts, size);
    if (parts->count > 0)
        qsort(parts->list, parts->count, sizeof *parts->list, by_offset);
    return 0;
}
