/* SPDX-License-Identifier: MIT */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

/* A buffer that grows up to a cap, a cursor over bytes, and integers in both byte orders. */

#include "pack/error.h"

#include <string.h>

/* --- buffer ---------------------------------------------------------------------------------- */

/* Starts as {.limit = N}; bytes[size] is always a zero byte once something was appended. */
struct pack_buffer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    size_t limit; /* most bytes it may hold; PACK_E_LIMIT beyond */
};

PACK_MUST_USE int pack_buffer_append(struct pack_buffer *buffer, const void *bytes, size_t size,
                                     struct pack_error *error);
PACK_MUST_USE int pack_buffer_print(struct pack_buffer *buffer, struct pack_error *error,
                                    const char *format, ...) PACK_PRINTF(3, 4);
/* Room for `size` more bytes, so that they can be written at bytes + size. */
PACK_MUST_USE int pack_buffer_reserve(struct pack_buffer *buffer, size_t size,
                                      struct pack_error *error);
/* Frees the bytes; the limit stays. */
void pack_buffer_clear(struct pack_buffer *buffer);
#define PACK_AUTO_BUFFER __attribute__((cleanup(pack_buffer_clear)))
/* The bytes become the caller's (free()); the buffer is empty again. Never NULL. */
PACK_MUST_USE int pack_buffer_take(struct pack_buffer *buffer, void *address, size_t *size,
                                   struct pack_error *error);

/* --- cursor ---------------------------------------------------------------------------------- */

/* Reading moves it; a read past the end fails and moves nothing. */
struct pack_cursor {
    const uint8_t *bytes;
    size_t size;
    size_t position;
};

static inline size_t pack_cursor_left(const struct pack_cursor *cursor)
{
    return cursor->size - cursor->position;
}

/* The next `size` bytes, or NULL when there are fewer. */
static inline const uint8_t *pack_cursor_take(struct pack_cursor *cursor, size_t size)
{
    if (size > pack_cursor_left(cursor))
        return NULL;
    const uint8_t *bytes = cursor->bytes + cursor->position;
    cursor->position += size;
    return bytes;
}

/* --- integers -------------------------------------------------------------------------------- */

static inline uint16_t pack_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pack_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t pack_le64(const uint8_t *p)
{
    return (uint64_t)pack_le32(p) | (uint64_t)pack_le32(p + 4) << 32;
}

static inline uint16_t pack_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t pack_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t pack_be64(const uint8_t *p)
{
    return (uint64_t)pack_be32(p) << 32 | (uint64_t)pack_be32(p + 4);
}

static inline void pack_put_le16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void pack_put_le32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static inline void pack_put_le64(uint8_t *p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

#endif
