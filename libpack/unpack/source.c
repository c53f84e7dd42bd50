/* SPDX-License-Identifier: MIT */
#include "unpack/source.h"

#include <stdlib.h>

enum { WINDOW = 64 << 10 };

static int make_room(struct source *source, size_t wanted, struct pack_error *error)
{
    const size_t left = source_left(source);
    if (left != 0)
        memmove(source->buffer, source_bytes(source), left);
    if (wanted > source->capacity) {
        const size_t capacity = wanted > WINDOW ? wanted : WINDOW;
        uint8_t *buffer = realloc(source->buffer, capacity);
        if (buffer == NULL)
            return pack_fail_memory(error);
        source->buffer = buffer;
        source->capacity = capacity;
    }
    source->window = (struct pack_cursor){.bytes = source->buffer, .size = left};
    return 0;
}

int source_fill(struct source *source, size_t wanted, struct pack_error *error)
{
    if (source->input == NULL || source_left(source) >= wanted)
        return 0;
    int code = make_room(source, wanted, error);
    if (code != 0)
        return code;
    const size_t left = source->window.size;
    size_t got = 0;
    code = pack_input_read(source->input, source->offset, source->buffer + left,
                           source->capacity - left, &got, error);
    source->window.size = left + got;
    source->offset += got;
    return code;
}

int source_take(struct source *source, const uint8_t **bytes, size_t size, struct pack_error *error)
{
    const int code = source_fill(source, size, error);
    if (code != 0)
        return code;
    *bytes = pack_cursor_take(&source->window, size);
    return *bytes != NULL ? 0 : pack_fail(error, PACK_E_CORRUPT, "the packed image is cut short");
}

void source_clear(struct source *source)
{
    free(source->buffer);
    *source = (struct source){.input = NULL};
}
