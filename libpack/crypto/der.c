/* SPDX-License-Identifier: MIT */
#include "crypto/der.h"

#include <sodium.h>

int pack_der_peek(const struct pack_cursor *cursor)
{
    return pack_cursor_left(cursor) == 0 ? -1 : cursor->bytes[cursor->position];
}

/* Up to 65,535: no key file is larger. */
static bool take_length(struct pack_cursor *cursor, size_t *length)
{
    const uint8_t *first = pack_cursor_take(cursor, 1);
    if (first == NULL)
        return false;
    *length = *first;
    if (*first < 0x80)
        return true;
    const size_t digits = *first & 0x7f;
    const uint8_t *bytes = digits == 1 || digits == 2 ? pack_cursor_take(cursor, digits) : NULL;
    if (bytes == NULL)
        return false;
    *length = digits == 1 ? bytes[0] : pack_be16(bytes);
    return *length >= (digits == 1 ? 0x80 : 0x100);
}

bool pack_der_take(struct pack_cursor *cursor, int tag, struct pack_cursor *content)
{
    struct pack_cursor at = *cursor;
    size_t length = 0;
    if (pack_der_peek(&at) != tag)
        return false;
    at.position++;
    const uint8_t *bytes = take_length(&at, &length) ? pack_cursor_take(&at, length) : NULL;
    if (bytes == NULL)
        return false;
    *content = (struct pack_cursor){.bytes = bytes, .size = length};
    *cursor = at;
    return true;
}

bool pack_der_take_unsigned(struct pack_cursor *cursor, uint64_t *value)
{
    struct pack_cursor at = *cursor, content;
    if (!pack_der_take(&at, PACK_DER_INTEGER, &content) || content.size == 0)
        return false;
    const uint8_t *bytes = content.bytes;
    const bool padded = bytes[0] == 0 && content.size > 1;
    if ((bytes[0] & 0x80) != 0 || (padded && (bytes[1] & 0x80) == 0) ||
        content.size - padded > sizeof *value)
        return false;
    *value = 0;
    for (size_t i = 0; i < content.size; i++)
        *value = *value << 8 | bytes[i];
    *cursor = at;
    return true;
}

bool pack_der_take_oid(struct pack_cursor *cursor, const struct pack_der_oid *table,
                       const struct pack_der_oid **found)
{
    struct pack_cursor content;
    if (!pack_der_take(cursor, PACK_DER_OID, &content))
        return false;
    for (*found = table; (*found)->name != NULL; (*found)++)
        if ((*found)->size == content.size &&
            sodium_memcmp((*found)->bytes, content.bytes, content.size) == 0)
            break;
    return true;
}
