/* SPDX-License-Identifier: MIT */
#include "unpack/varint.h"

enum { LONGEST = 10 };

int varint_append(struct pack_buffer *buffer, uint64_t value, struct pack_error *error)
{
    uint8_t bytes[LONGEST];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    return pack_buffer_append(buffer, bytes, size, error);
}

bool varint_read(struct pack_cursor *cursor, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < LONGEST; i++) {
        const uint8_t *byte = pack_cursor_take(cursor, 1);
        if (byte == NULL || (i == LONGEST - 1 && *byte > 1) || (i != 0 && *byte == 0))
            return false;
        result |= (uint64_t)(*byte & 0x7f) << 7 * i;
        if (*byte < 0x80) {
            *value = result;
            return true;
        }
    }
    return false;
}
