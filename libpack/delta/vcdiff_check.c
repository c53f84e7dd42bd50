/* SPDX-License-Identifier: MIT */
/*
 * Applies a VCDIFF patch, to the new image that it shall give: what a window makes is compared at
 * once, so that the target is there already, wherever a copy looks for it.
 */
#include "base/checked.h"
#include "delta/foreign_vcdiff.h"

#include <lzma.h>
#include <string.h>

struct checker {
    const struct delta_foreign_job *job;
    lzma_stream streams[VCDIFF_SECTIONS];
    bool begun[VCDIFF_SECTIONS];
    struct pack_buffer plain[VCDIFF_SECTIONS];
    uint64_t done; /* bytes of the new image */
};

struct window {
    const uint8_t *source, *target;
    uint32_t source_size, target_size, position;
    struct pack_cursor sections[VCDIFF_SECTIONS];
    struct vcdiff_cache cache;
};

static void checker_end(struct checker *checker)
{
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++) {
        lzma_end(&checker->streams[i]);
        pack_buffer_clear(&checker->plain[i]);
    }
}

/* Whether a cursor says a number, and one of no more than `most`. */
static bool number_below(struct pack_cursor *cursor, uint64_t most, uint64_t *value)
{
    return vcdiff_get_number(cursor, value) && *value <= most;
}

/* Unpacks a section into the buffer kept for it. The streams go on from window to window. */
static bool unpack(struct checker *checker, size_t index, struct pack_cursor *section,
                   struct pack_error *error)
{
    lzma_stream *stream = &checker->streams[index];
    struct pack_buffer *plain = &checker->plain[index];
    uint64_t size = 0;
    if (!number_below(section, SIZE_MAX / 4, &size) || size == 0)
        return false;
    if (!checker->begun[index] && lzma_stream_decoder(stream, UINT64_MAX, 0) != LZMA_OK)
        return false;
    checker->begun[index] = true;
    pack_buffer_clear(plain);
    if (pack_buffer_reserve(plain, (size_t)size, error) != 0)
        return false;
    stream->next_in = section->bytes + section->position;
    stream->avail_in = pack_cursor_left(section);
    stream->next_out = plain->bytes;
    stream->avail_out = (size_t)size;
    while (stream->avail_out != 0)
        if (lzma_code(stream, LZMA_RUN) != LZMA_OK)
            return false;
    *section = (struct pack_cursor){plain->bytes, (size_t)size, 0};
    return stream->avail_in == 0;
}

static bool add_matches(struct window *window, uint32_t size)
{
    const uint8_t *bytes = pack_cursor_take(&window->sections[VCDIFF_DATA], size);
    return bytes != NULL && memcmp(bytes, window->target + window->position, size) == 0;
}

static bool run_matches(struct window *window, uint32_t size)
{
    const uint8_t *byte = pack_cursor_take(&window->sections[VCDIFF_DATA], 1);
    for (uint32_t i = 0; byte != NULL && i < size; i++)
        if (window->target[window->position + i] != *byte)
            return false;
    return byte != NULL;
}

static bool copy_matches(struct window *window, uint8_t mode, uint32_t size)
{
    uint32_t address = 0;
    if (!vcdiff_get_address(&window->cache, &window->sections[VCDIFF_ADDRESSES], mode,
                            window->source_size + window->position, &address))
        return false;
    const uint8_t *made = window->target + window->position;
    if (address >= window->source_size)
        return memcmp(window->target + (address - window->source_size), made, size) == 0;
    return size <= window->source_size - address &&
           memcmp(window->source + address, made, size) == 0;
}

static bool code_matches(struct window *window, const struct vcdiff_code *code)
{
    if (code->size > window->target_size - window->position)
        return false;
    const bool same = code->kind == VCDIFF_ADD   ? add_matches(window, code->size)
                      : code->kind == VCDIFF_RUN ? run_matches(window, code->size)
                                                 : copy_matches(window, code->mode, code->size);
    window->position += code->size;
    return same;
}

static bool window_matches(struct window *window)
{
    struct pack_cursor *instructions = &window->sections[VCDIFF_INSTRUCTIONS];
    while (pack_cursor_left(instructions) != 0) {
        struct vcdiff_code codes[2];
        size_t count = 0;
        if (!vcdiff_get_codes(instructions, codes, &count))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!code_matches(window, &codes[i]))
                return false;
    }
    return window->position == window->target_size &&
           pack_cursor_left(&window->sections[VCDIFF_DATA]) == 0 &&
           pack_cursor_left(&window->sections[VCDIFF_ADDRESSES]) == 0;
}

/* The head of a window, up to its target's size; `segment` says whether it has a source. */
static bool read_place(const struct checker *checker, struct pack_cursor *patch,
                       struct window *window, uint8_t *indicator)
{
    const struct delta_foreign_job *job = checker->job;
    const uint8_t *byte = pack_cursor_take(patch, 1);
    uint64_t size = 0, offset = 0, encoding = 0;
    if (byte == NULL)
        return false;
    *indicator = *byte;
    if ((*byte & VCDIFF_WINDOW_SOURCE) != 0) {
        if (!number_below(patch, VCDIFF_ADDRESS_MAX, &size) ||
            !number_below(patch, job->old_size, &offset) || size > job->old_size - offset)
            return false;
        window->source = job->old_bytes + offset;
        window->source_size = (uint32_t)size;
    }
    if (!number_below(patch, pack_cursor_left(patch), &encoding) ||
        !number_below(patch, job->new_size - checker->done, &size) || size > VCDIFF_ADDRESS_MAX)
        return false;
    window->target = job->new_bytes + checker->done;
    window->target_size = (uint32_t)size;
    return true;
}

static bool check_window(struct checker *checker, struct pack_cursor *patch,
                         struct pack_error *error)
{
    struct window window = {0};
    uint8_t indicator = 0;
    uint64_t sizes[VCDIFF_SECTIONS];
    if (!read_place(checker, patch, &window, &indicator))
        return false;
    const uint8_t *packed = pack_cursor_take(patch, 1);
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++)
        if (packed == NULL || !number_below(patch, pack_cursor_left(patch), &sizes[i]))
            return false;
    if ((indicator & VCDIFF_WINDOW_ADLER32) != 0) {
        const uint8_t *sum = pack_cursor_take(patch, 4);
        if (sum == NULL || pack_be32(sum) != vcdiff_adler32(window.target, window.target_size))
            return false;
    }
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++) {
        const uint8_t *bytes = pack_cursor_take(patch, (size_t)sizes[i]);
        if (bytes == NULL)
            return false;
        window.sections[i] = (struct pack_cursor){bytes, (size_t)sizes[i], 0};
        if ((*packed >> i & 1) != 0 && !unpack(checker, i, &window.sections[i], error))
            return false;
    }
    if (!window_matches(&window))
        return false;
    checker->done += window.target_size;
    return true;
}

static bool check_header(struct pack_cursor *patch)
{
    const uint8_t *header = pack_cursor_take(patch, sizeof vcdiff_magic + 1);
    if (header == NULL || memcmp(header, vcdiff_magic, sizeof vcdiff_magic) != 0)
        return false;
    const uint8_t indicator = header[sizeof vcdiff_magic];
    if (indicator == 0)
        return true;
    const uint8_t *compressor = pack_cursor_take(patch, 1);
    return indicator == VCDIFF_HEADER_SECONDARY && compressor != NULL &&
           *compressor == VCDIFF_SECONDARY_LZMA;
}

int vcdiff_check(const struct delta_foreign_job *job, const uint8_t *patch, size_t size,
                 struct pack_error *error)
{
    struct checker checker PACK_AUTO(checker_end) = {.job = job};
    struct pack_cursor cursor = {patch, size, 0};
    for (size_t i = 0; i < VCDIFF_SECTIONS; i++)
        checker.plain[i].limit = SIZE_MAX / 2;
    bool same = check_header(&cursor);
    while (same && pack_cursor_left(&cursor) != 0)
        same = check_window(&checker, &cursor, error);
    if (error->code != PACK_OK)
        return error->code;
    if (!same || checker.done != job->new_size)
        return delta_foreign_fault(&delta_foreign_vcdiff, checker.done, error);
    return 0;
}
