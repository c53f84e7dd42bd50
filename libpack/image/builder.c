/* SPDX-License-Identifier: MIT */
#include "image/builder.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"

#include <inttypes.h>

enum {
    MAX_RUNS = 1 << 20,  /* pieces that do not continue the one before */
    MAX_MARKS = 1 << 18, /* beyond, an overlap is reported at or after the right place */
};

/* Pieces that continue each other. */
struct run {
    uint64_t address;
    size_t start; /* in the builder's bytes */
    size_t size;
};

/* `count` pieces of `piece` bytes (the last may be smaller), each `step` further in the file. */
struct mark {
    size_t start;
    size_t piece;
    size_t count;
    uint64_t where;
    uint64_t step;
};

struct pack_image_builder {
    bool lines;
    struct pack_buffer bytes; /* in the order of arrival */
    struct pack_buffer runs;
    struct pack_buffer marks;
    bool has_entry;
    uint64_t entry;
    size_t note_size;
    uint8_t note[PACK_NOTE_SIZE];
};

int pack_image_builder_make(struct pack_image_builder **builder, bool lines,
                            struct pack_error *error)
{
    const int code = pack_allocate(builder, 1, sizeof **builder, error);
    if (code != 0)
        return code;
    (*builder)->lines = lines;
    (*builder)->bytes.limit = PACK_MAX_SEGMENTED;
    (*builder)->runs.limit = MAX_RUNS * sizeof(struct run);
    (*builder)->marks.limit = MAX_MARKS * sizeof(struct mark);
    return 0;
}

int pack_image_builder_new(struct pack_image_builder **builder, struct pack_error *error)
{
    return pack_image_builder_make(builder, false, error);
}

void pack_image_builder_free(struct pack_image_builder **builder)
{
    if (*builder == NULL)
        return;
    pack_buffer_clear(&(*builder)->bytes);
    pack_buffer_clear(&(*builder)->runs);
    pack_buffer_clear(&(*builder)->marks);
    free(*builder);
    *builder = NULL;
}

/* --- places ---------------------------------------------------------------------------------- */

static int at_place(const struct pack_image_builder *builder, uint64_t where,
                    struct pack_error *error)
{
    if (builder->lines)
        return pack_at_line(error, where > UINT32_MAX ? UINT32_MAX : (unsigned)where, 0);
    return pack_at_offset(error, where);
}

static struct mark *last_mark(const struct pack_image_builder *builder)
{
    const size_t count = builder->marks.size / sizeof(struct mark);
    return count != 0 ? (struct mark *)builder->marks.bytes + count - 1 : NULL;
}

/* Whether a piece at the end of the bytes so far goes on as the mark's pieces did. */
static bool mark_continues(struct mark *mark, size_t start, size_t size, uint64_t where)
{
    if (size > mark->piece || start != mark->start + mark->count * mark->piece ||
        where <= mark->where)
        return false;
    if (mark->count == 1)
        mark->step = where - mark->where;
    return (where - mark->where) / mark->count == mark->step &&
           (where - mark->where) % mark->count == 0;
}

static int mark_piece(struct pack_image_builder *builder, size_t size, uint64_t where,
                      struct pack_error *error)
{
    struct mark *mark = last_mark(builder);
    if (mark != NULL && mark_continues(mark, builder->bytes.size, size, where)) {
        mark->count++;
        return 0;
    }
    if (builder->marks.size == builder->marks.limit)
        return 0;
    const struct mark next = {
        .start = builder->bytes.size, .piece = size, .count = 1, .where = where};
    return pack_buffer_append(&builder->marks, &next, sizeof next, error);
}

/* Where in the file the byte came from that arrived as number `position`. */
static uint64_t place_of(const struct pack_image_builder *builder, size_t position)
{
    const struct mark *marks = (const struct mark *)builder->marks.bytes;
    size_t low = 0, high = builder->marks.size / sizeof *marks;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (marks[middle].start <= position)
            low = middle;
        else
            high = middle;
    }
    const size_t piece = (position - marks[low].start) / marks[low].piece;
    return marks[low].where + pack_min(piece, marks[low].count - 1) * marks[low].step;
}

/* --- collecting ------------------------------------------------------------------------------ */

static int extend_runs(struct pack_image_builder *builder, uint64_t address, size_t size,
                       struct pack_error *error)
{
    const size_t count = builder->runs.size / sizeof(struct run);
    struct run *last = count != 0 ? (struct run *)builder->runs.bytes + count - 1 : NULL;
    if (last != NULL && last->address + last->size == address) {
        last->size += size;
        return 0;
    }
    if (count == MAX_RUNS)
        return pack_fail(error, PACK_E_LIMIT, "more than %d pieces of data out of order", MAX_RUNS);
    const struct run next = {.address = address, .start = builder->bytes.size, .size = size};
    return pack_buffer_append(&builder->runs, &next, sizeof next, error);
}

int pack_image_add(struct pack_image_builder *builder, uint64_t address, const void *bytes,
                   size_t size, uint64_t where, struct pack_error *error)
{
    uint64_t end = 0;
    int code = 0;
    if (size == 0)
        return 0;
    if (!pack_add(address, size, &end))
        code = pack_fail(error, PACK_E_MALFORMED,
                         "%zu bytes at 0x%" PRIx64 " wrap around the end of all addresses", size,
                         address);
    else if (size > builder->bytes.limit - builder->bytes.size)
        code = pack_fail(error, PACK_E_LIMIT, "more than %llu MiB of data in a segmented image",
                         (unsigned long long)(PACK_MAX_SEGMENTED / PACK_MIB));
    if (code == 0)
        code = mark_piece(builder, size, where, error);
    if (code == 0)
        code = extend_runs(builder, address, size, error);
    if (code == 0)
        code = pack_buffer_append(&builder->bytes, bytes, size, error);
    if (code != 0)
        return at_place(builder, where, error);
    return 0;
}

void pack_image_entry(struct pack_image_builder *builder, uint64_t entry)
{
    builder->has_entry = true;
    builder->entry = entry;
}

int pack_image_note(struct pack_image_builder *builder, const void *bytes, size_t size,
                    struct pack_error *error)
{
    if (size > sizeof builder->note)
        return pack_fail(error, PACK_E_LIMIT, "a note of %zu bytes, at most %zu are kept", size,
                         sizeof builder->note);
    if (size != 0)
        memcpy(builder->note, bytes, size);
    builder->note_size = size;
    return 0;
}

/* --- finishing ------------------------------------------------------------------------------- */

static int compare_runs(const void *left, const void *right)
{
    const struct run *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

static int fail_overlap(const struct pack_image_builder *builder, const struct run *low,
                        const struct run *high, struct pack_error *error)
{
    const uint64_t one = place_of(builder, low->start + (size_t)(high->address - low->address));
    const uint64_t other = place_of(builder, high->start);
    const uint64_t first = pack_min(one, other);
    pack_fail(error, PACK_E_MALFORMED,
              "address 0x%08" PRIx64 " is given twice, first at %s %" PRIu64, high->address,
              builder->lines ? "line" : "offset", first);
    return at_place(builder, first == one ? other : one, error);
}

/* Sorts the runs and counts the segments that they make. */
static int arrange(struct pack_image_builder *builder, size_t *segments, struct pack_error *error)
{
    struct run *runs = (struct run *)builder->runs.bytes;
    const size_t count = builder->runs.size / sizeof *runs;
    *segments = count != 0;
    if (count > 1)
        qsort(runs, count, sizeof *runs, compare_runs);
    for (size_t i = 1; i < count; i++) {
        const uint64_t end = runs[i - 1].address + runs[i - 1].size;
        if (end > runs[i].address)
            return fail_overlap(builder, &runs[i - 1], &runs[i], error);
        *segments += end != runs[i].address;
    }
    if (*segments > PACK_MAX_SEGMENTS)
        return pack_fail(error, PACK_E_LIMIT, "%zu segments, at most %d are allowed", *segments,
                         PACK_MAX_SEGMENTS);
    return 0;
}

static void merge_segments(const struct pack_image_builder *builder, struct pack_image *image)
{
    const struct run *runs = (const struct run *)builder->runs.bytes;
    const size_t count = builder->runs.size / sizeof *runs;
    size_t segment = 0;
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && runs[i - 1].address + runs[i - 1].size == runs[i].address) {
            image->segments[segment - 1].size += runs[i].size;
            continue;
        }
        image->segments[segment++] =
            (struct pack_segment){.address = runs[i].address, .size = runs[i].size};
    }
}

static bool arrived_in_order(const struct pack_image_builder *builder)
{
    const struct run *runs = (const struct run *)builder->runs.bytes;
    const size_t count = builder->runs.size / sizeof *runs;
    for (size_t i = 1; i < count; i++)
        if (runs[i].start < runs[i - 1].start)
            return false;
    return true;
}

static int gather_bytes(struct pack_image_builder *builder, struct pack_image *image,
                        struct pack_error *error)
{
    size_t size = builder->bytes.size;
    image->size = size;
    if (arrived_in_order(builder))
        return pack_buffer_take(&builder->bytes, &image->bytes, &size, error);
    const struct run *runs = (const struct run *)builder->runs.bytes;
    const int code = pack_allocate(&image->bytes, size, 1, error);
    if (code != 0)
        return code;
    uint8_t *out = image->bytes;
    for (size_t i = 0; i < builder->runs.size / sizeof *runs; i++) {
        memcpy(out, builder->bytes.bytes + runs[i].start, runs[i].size);
        out += runs[i].size;
    }
    return 0;
}

int pack_image_builder_finish(struct pack_image_builder **builder, struct pack_image **image,
                              struct pack_error *error)
{
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *made = pack_steal(builder);
    PACK_AUTO(pack_image_free) struct pack_image *result = NULL;
    *image = NULL;
    size_t segments = 0;
    int code = arrange(made, &segments, error);
    if (code == 0)
        code = pack_allocate(&result, 1, sizeof *result, error);
    if (code == 0)
        code = pack_allocate(&result->segments, segments, sizeof *result->segments, error);
    if (code == 0)
        code = gather_bytes(made, result, error);
    if (code != 0)
        return code;
    merge_segments(made, result);
    result->segment_count = segments;
    result->has_entry = made->has_entry;
    result->entry = made->entry;
    result->note_size = made->note_size;
    memcpy(result->note, made->note, sizeof result->note);
    *image = pack_steal(&result);
    return 0;
}

void pack_image_free(struct pack_image **image)
{
    if (*image == NULL)
        return;
    free((*image)->segments);
    free((*image)->bytes);
    free(*image);
    *image = NULL;
}
