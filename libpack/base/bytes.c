/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

int pack_buffer_reserve(struct pack_buffer *buffer, size_t size, struct pack_error *error)
{
    size_t wanted = 0;
    if (__builtin_add_overflow(buffer->size, size, &wanted) || wanted > buffer->limit ||
        wanted == SIZE_MAX)
        return pack_fail(error, PACK_E_LIMIT, "larger than %zu bytes", buffer->limit);
    if (wanted < buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity < 128 ? 256 : buffer->capacity * 2;
    if (capacity > buffer->limit)
        capacity = buffer->limit + 1;
    if (capacity <= wanted)
        capacity = wanted + 1;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return pack_fail_memory(error);
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

int pack_buffer_append(struct pack_buffer *buffer, const void *bytes, size_t size,
                       struct pack_error *error)
{
    const int code = pack_buffer_reserve(buffer, size, error);
    if (code != 0)
        return code;
    if (size != 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = 0;
    return 0;
}

int pack_buffer_print(struct pack_buffer *buffer, struct pack_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return pack_fail_memory(error);
    const int code = pack_buffer_append(buffer, text, (size_t)length, error);
    free(text);
    return code;
}

void pack_buffer_clear(struct pack_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct pack_buffer){.limit = buffer->limit};
}

int pack_buffer_take(struct pack_buffer *buffer, void *address, size_t *size,
                     struct pack_error *error)
{
    const int code = pack_buffer_append(buffer, NULL, 0, error);
    if (code != 0)
        return code;
    *size = buffer->size;
    memcpy(address, &buffer->bytes, sizeof buffer->bytes);
    buffer->bytes = NULL;
    pack_buffer_clear(buffer);
    return 0;
}
