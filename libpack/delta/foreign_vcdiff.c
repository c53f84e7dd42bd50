/* SPDX-License-Identifier: MIT */
/*
 * VCDIFF patches as xdelta3 writes them: windows of the new image, each with a source segment, and
 * from the default level on with xdelta3's extensions, an Adler-32 of each window and sections that
 * are compressed by LZMA. The fast level keeps to RFC 3284, for any decoder.
 */
#include "delta/foreign_vcdiff.h"
#include "base/checked.h"

#include <lzma.h>
#include <stdio.h>
#include <zlib.h>

enum {
    WINDOW_MAX = 8 << 20, /* xdelta3's own; it refuses more than 16 MiB */
    WINDOW_MIN = 64 << 10,
    PLACE_MEMORY = 8,      /* working memory for each byte of a window */
    SEGMENT_MAX = 1 << 30, /* and a window stay below VCDIFF_ADDRESS_MAX */
    DICTIONARY_MIN = 4096,
    DICTIONARY_MAX = 8 << 20,
    CHUNK = 32 << 10,
};

struct window {
    uint64_t source_offset;
    uint32_t source_size, target_size, adler32;
    struct pack_buffer sections[VCDIFF_SECTIONS];
};

struct windows {
    struct window *list;
    size_t count;
    bool packed[VCDIFF_SECTIONS]; /* whether these sections are compressed */
};

static void windows_free(struct windows *windows)
{
    for (size_t i = 0; i < windows->count; i++)
        for (size_t k = 0; k < VCDIFF_SECTIONS; k++)
            pack_buffer_clear(&windows->list[i].sections[k]);
    free(windows->list);
}

uint32_t vcdiff_adler32(const uint8_t *bytes, size_t size)
{
    return (uint32_t)adler32_z(1, bytes, size);
}

/* --- windows --------------------------------------------------------------------------------- */

static uint32_t window_size(const struct delta_foreign_job *job)
{
    const uint64_t affordable = job->memory != 0 ? job->memory / PLACE_MEMORY : WINDOW_MAX;
    return affordable < WINDOW_MIN ? WINDOW_MIN : (uint32_t)pack_min(affordable, WINDOW_MAX);
}

/*
 * The covers that touch the window, and the window's end. It ends early where the next cover lies
 * too far from the others in the old image.
 */
static void select_covers(const struct delta_foreign_job *job, size_t *first,
                          struct vcdiff_parse *parse)
{
    const struct patch_cover *list = job->covers->list;
    const size_t count = job->covers->count;
    const uint64_t start = parse->target_offset;
    uint64_t end = start + pack_min(job->new_size - start, window_size(job));
    uint64_t low = UINT64_MAX, high = 0;
    while (*first < count && list[*first].new_offset + list[*first].size <= start)
        (*first)++;
    size_t next = *first;
    for (; next < count && list[next].new_offset < end; next++) {
        const uint64_t from = pack_min(low, list[next].old_offset);
        const uint64_t cover_end = list[next].old_offset + list[next].size;
        const uint64_t to = high > cover_end ? high : cover_end;
        if (to - from <= SEGMENT_MAX) {
            low = from;
            high = to;
        } else if (list[next].new_offset >= start + WINDOW_MIN) {
            end = list[next].new_offset;
            break;
        }
    }
    parse->covers = *first < next ? list + *first : NULL;
    parse->cover_count = next - *first;
    parse->target_size = (uint32_t)(end - start);
}

/*
 * The part of the old image that holds the most covers, from the largest one on: one that would
 * make it longer than a segment may be is left out.
 */
static void select_segment(const struct delta_foreign_job *job, struct vcdiff_parse *parse)
{
    uint64_t start = 0, end = 0, largest = 0;
    for (size_t i = 0; i < parse->cover_count; i++)
        if (parse->covers[i].size > largest) {
            largest = parse->covers[i].size;
            start = parse->covers[i].old_offset;
            end = start + pack_min(largest, SEGMENT_MAX);
        }
    for (size_t i = 0; i < parse->cover_count; i++) {
        const struct patch_cover *cover = &parse->covers[i];
        const uint64_t from = pack_min(start, cover->old_offset);
        const uint64_t cover_end = cover->old_offset + cover->size;
        const uint64_t to = end > cover_end ? end : cover_end;
        if (to - from <= SEGMENT_MAX) {
            start = from;
            end = to;
        }
    }
    parse->source = job->old_bytes + start;
    parse->source_offset = start;
    parse->source_size = (uint32_t)(end - start);
}

static int write_sections(struct window *window, const struct vcdiff_parse *parse,
                          const struct vcdiff_steps *steps, struct pack_error *error)
{
    struct vcdiff_writer writer = {.sections = window->sections};
    uint32_t position = 0;
    int code = 0;
    for (size_t i = 0; code == 0 && i < steps->count; i++) {
        code = vcdiff_put_step(&writer, &steps->list[i], parse->source_size + position,
                               parse->target + position, error);
        position += steps->list[i].size;
    }
    return code != 0 ? code : vcdiff_put_end(&writer, error);
}

static int make_window(const struct delta_foreign_job *job, uint64_t start, size_t *first_cover,
                       struct window *window, struct pack_error *error)
{
    static const unsigned efforts[] = {
        [PACK_DELTA_FAST] = 4,
        [PACK_DELTA_DEFAULT] = 16,
        [PACK_DELTA_BEST] = 64,
    };
    struct vcdiff_steps steps PACK_AUTO(vcdiff_steps_free) = {0};
    struct vcdiff_parse parse = {
        .target = job->new_bytes + start,
        .target_offset = start,
        .effort = efforts[job->level],
    };
    select_covers(job, first_cover, &parse);
    select_segment(job, &parse);
    window->source_offset = parse.source_offset;
    window->source_size = parse.source_size;
    window->target_size = parse.target_size;
    window->adler32 = vcdiff_adler32(parse.target, parse.target_size);
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++)
        window->sections[i].limit = SIZE_MAX / 2;
    const int code = vcdiff_choose(&parse, &steps, error);
    return code != 0 ? code : write_sections(window, &parse, &steps, error);
}

static int add_window(struct windows *windows, struct window **window, struct pack_error *error)
{
    struct window *list = reallocarray(windows->list, windows->count + 1, sizeof *list);
    if (list == NULL)
        return pack_fail_memory(error);
    windows->list = list;
    *window = &list[windows->count++];
    **window = (struct window){0};
    return 0;
}

static int make_windows(const struct delta_foreign_job *job, struct windows *windows,
                        struct pack_error *error)
{
    size_t first_cover = 0;
    uint64_t start = 0;
    int code = 0;
    do { /* xdelta3 wants a window for nothing too */
        struct window *window = NULL;
        code = pack_check_cancelled(job->context, error);
        if (code == 0)
            code = add_window(windows, &window, error);
        if (code == 0)
            code = make_window(job, start, &first_cover, window, error);
        if (code == 0)
            start += window->target_size;
        pack_progress(job->context, "delta", start, job->new_size);
    } while (code == 0 && start < job->new_size);
    return code;
}

/* --- secondary compression ------------------------------------------------------------------- */

static int lzma_fault(const char *what, lzma_ret status, struct pack_error *error)
{
    if (status == LZMA_MEM_ERROR)
        return pack_fail_memory(error);
    return pack_fail(error, PACK_E_INTERNAL, "liblzma: %s failed (%d)", what, (int)status);
}

static void stream_end(lzma_stream *stream)
{
    lzma_end(stream);
}

/* One section: its size, then what the stream gives for it. Nothing for an empty one. */
static int compress_section(lzma_stream *stream, const struct pack_buffer *plain,
                            struct pack_buffer *packed, struct pack_error *error)
{
    int code = plain->size != 0 ? vcdiff_put_number(packed, plain->size, error) : 0;
    lzma_ret status = plain->size != 0 ? LZMA_OK : LZMA_STREAM_END;
    stream->next_in = plain->bytes;
    stream->avail_in = plain->size;
    while (code == 0 && status == LZMA_OK) {
        code = pack_buffer_reserve(packed, CHUNK, error);
        if (code != 0)
            break;
        stream->next_out = packed->bytes + packed->size;
        stream->avail_out = CHUNK;
        status = lzma_code(stream, LZMA_SYNC_FLUSH);
        packed->size += CHUNK - stream->avail_out;
    }
    if (code == 0 && status != LZMA_STREAM_END)
        code = lzma_fault("lzma_code", status, error);
    return code;
}

static uint64_t section_total(const struct windows *windows, size_t section)
{
    uint64_t total = 0;
    for (size_t i = 0; i < windows->count; i++)
        total += windows->list[i].sections[section].size;
    return total;
}

/* All windows' sections of a kind, one after the other, as one stream of xz. */
static int compress_all(const struct windows *windows, size_t section,
                        const lzma_options_lzma *options, struct pack_buffer *packed,
                        struct pack_error *error)
{
    lzma_stream stream PACK_AUTO(stream_end) = LZMA_STREAM_INIT;
    lzma_options_lzma copy = *options;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &copy}, {LZMA_VLI_UNKNOWN, NULL}};
    const lzma_ret status = lzma_stream_encoder(&stream, filters, LZMA_CHECK_NONE);
    if (status != LZMA_OK)
        return lzma_fault("lzma_stream_encoder", status, error);
    int code = 0;
    for (size_t i = 0; code == 0 && i < windows->count; i++) {
        packed[i] = (struct pack_buffer){.limit = SIZE_MAX / 2};
        code = compress_section(&stream, &windows->list[i].sections[section], &packed[i], error);
    }
    return code;
}

struct packed_sections {
    struct pack_buffer *list;
    size_t count;
};

static void packed_free(struct packed_sections *packed)
{
    for (size_t i = 0; i < packed->count; i++)
        pack_buffer_clear(&packed->list[i]);
    free(packed->list);
}

/* Replaces a kind of sections by what these options make of them, where that is smaller. */
static int try_options(struct windows *windows, size_t section, const lzma_options_lzma *options,
                       struct packed_sections *best, uint64_t *best_size, struct pack_error *error)
{
    struct packed_sections packed PACK_AUTO(packed_free) = {.count = windows->count};
    int code = pack_allocate(&packed.list, packed.count, sizeof *packed.list, error);
    if (code != 0) {
        packed.count = 0;
        return code;
    }
    code = compress_all(windows, section, options, packed.list, error);
    uint64_t size = 0;
    for (size_t i = 0; i < packed.count; i++)
        size += packed.list[i].size;
    if (code == 0 && size < *best_size) {
        const struct packed_sections worse = *best;
        *best = packed;
        packed = worse;
        *best_size = size;
    }
    return code;
}

/* LZMA's settings that suit code, addresses and text, in that order: bits of context. */
static const struct {
    uint32_t literal, low, position;
} contexts[] = {{3, 0, 0}, {0, 2, 2}, {0, 0, 0}, {1, 1, 1}, {0, 1, 1}, {8 - 4, 0, 0}};

static int compress_sections(struct windows *windows, size_t section, unsigned tries,
                             struct pack_error *error)
{
    struct packed_sections best PACK_AUTO(packed_free) = {0};
    const uint64_t total = section_total(windows, section);
    uint64_t best_size = total;
    lzma_options_lzma options;
    if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME))
        return lzma_fault("lzma_lzma_preset", LZMA_OPTIONS_ERROR, error);
    options.dict_size = DICTIONARY_MIN;
    while (options.dict_size < DICTIONARY_MAX && options.dict_size < total)
        options.dict_size *= 2;
    int code = 0;
    for (unsigned i = 0; code == 0 && i < tries; i++) {
        options.lc = contexts[i].literal;
        options.lp = contexts[i].low;
        options.pb = contexts[i].position;
        code = try_options(windows, section, &options, &best, &best_size, error);
    }
    windows->packed[section] = code == 0 && best.list != NULL;
    for (size_t i = 0; windows->packed[section] && i < windows->count; i++) {
        const struct pack_buffer plain = windows->list[i].sections[section];
        windows->list[i].sections[section] = best.list[i];
        best.list[i] = plain;
    }
    return code;
}

/* --- the patch ------------------------------------------------------------------------------- */

static int put_byte(struct pack_buffer *patch, unsigned value, struct pack_error *error)
{
    const uint8_t byte = (uint8_t)value;
    return pack_buffer_append(patch, &byte, 1, error);
}

static int put_header(const struct windows *windows, struct pack_buffer *patch,
                      struct pack_error *error)
{
    bool secondary = false;
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++)
        secondary = secondary || windows->packed[i];
    int code = pack_buffer_append(patch, vcdiff_magic, sizeof vcdiff_magic, error);
    if (code == 0)
        code = put_byte(patch, secondary ? VCDIFF_HEADER_SECONDARY : 0, error);
    if (code == 0 && secondary)
        code = put_byte(patch, VCDIFF_SECONDARY_LZMA, error);
    return code;
}

/* From the target's size to the last section: what the delta encoding's size counts. */
static int put_encoding(const struct windows *windows, const struct window *window, bool checked,
                        struct pack_buffer *encoding, struct pack_error *error)
{
    unsigned packed = 0;
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++)
        if (windows->packed[i] && window->sections[i].size != 0)
            packed |= 1U << i;
    int code = vcdiff_put_number(encoding, window->target_size, error);
    if (code == 0)
        code = put_byte(encoding, packed, error);
    for (size_t i = 0; code == 0 && i < VCDIFF_SECTIONS; i++)
        code = vcdiff_put_number(encoding, window->sections[i].size, error);
    for (int shift = 24; code == 0 && checked && shift >= 0; shift -= 8)
        code = put_byte(encoding, window->adler32 >> shift & 255, error);
    for (size_t i = 0; code == 0 && i < VCDIFF_SECTIONS; i++)
        code = pack_buffer_append(encoding, window->sections[i].bytes, window->sections[i].size,
                                  error);
    return code;
}

static int put_window(const struct windows *windows, const struct window *window, bool checked,
                      struct pack_buffer *patch, struct pack_error *error)
{
    struct pack_buffer encoding PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    const bool source = window->source_size != 0;
    int code = put_byte(
        patch, (source ? VCDIFF_WINDOW_SOURCE : 0) | (checked ? VCDIFF_WINDOW_ADLER32 : 0), error);
    if (code == 0 && source)
        code = vcdiff_put_number(patch, window->source_size, error);
    if (code == 0 && source)
        code = vcdiff_put_number(patch, window->source_offset, error);
    if (code == 0)
        code = put_encoding(windows, window, checked, &encoding, error);
    if (code == 0)
        code = vcdiff_put_number(patch, encoding.size, error);
    return code != 0 ? code : pack_buffer_append(patch, encoding.bytes, encoding.size, error);
}

static int vcdiff_write(const struct delta_foreign_job *job, struct pack_buffer *patch,
                        struct pack_error *error)
{
    static const unsigned tries[] = {
        [PACK_DELTA_FAST] = 0,
        [PACK_DELTA_DEFAULT] = 3,
        [PACK_DELTA_BEST] = sizeof contexts / sizeof contexts[0],
    };
    struct windows windows PACK_AUTO(windows_free) = {0};
    int code = make_windows(job, &windows, error);
    for (size_t i = 0; code == 0 && i < VCDIFF_SECTIONS; i++)
        code = compress_sections(&windows, i, tries[job->level], error);
    if (code == 0)
        code = put_header(&windows, patch, error);
    for (size_t i = 0; code == 0 && i < windows.count; i++)
        code = put_window(&windows, &windows.list[i], job->level != PACK_DELTA_FAST, patch, error);
    return code;
}

const struct delta_foreign delta_foreign_vcdiff = {
    .format = PACK_DELTA_VCDIFF,
    .name = "vcdiff",
    .uses_covers = true,
    .cost_cover = 16 * 30,
    .cost_miss = 16 * 28, /* a byte added, and another copy after it */
    .cost_extra = 16 * 6,
    .write = vcdiff_write,
    .check = vcdiff_check,
};
