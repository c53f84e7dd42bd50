/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_SOURCE_H
#define UNPACK_SOURCE_H

/* Packed bytes on their way into a decoder: a window over memory, or over an input read in order.
 */

#include "base/bytes.h"
#include "pack/io.h"

struct source {
    struct pack_cursor window; /* what can be read without asking for more */
    struct pack_input *input;  /* NULL: the window is all there is */
    uint64_t offset;           /* of the next read of the input */
    uint8_t *buffer;           /* behind the window of an input */
    size_t capacity;
};

static inline struct source source_of_memory(const uint8_t *bytes, size_t size)
{
    return (struct source){.window = {.bytes = bytes, .size = size}};
}

static inline struct source source_of_input(struct pack_input *input)
{
    return (struct source){.input = input};
}

/* What is left in the window. */
static inline const uint8_t *source_bytes(const struct source *source)
{
    return source->window.bytes + source->window.position;
}

static inline size_t source_left(const struct source *source)
{
    return pack_cursor_left(&source->window);
}

static inline void source_skip(struct source *source, size_t size)
{
    source->window.position += size;
}

/* Tries to have at least `wanted` bytes in the window; fewer are left only at the end. */
PACK_MUST_USE int source_fill(struct source *source, size_t wanted, struct pack_error *error);
/* The next `size` bytes, passed over; PACK_E_CORRUPT when there are fewer. */
PACK_MUST_USE int source_take(struct source *source, const uint8_t **bytes, size_t size,
                              struct pack_error *error);
void source_clear(struct source *source);

#endif
