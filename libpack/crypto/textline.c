/* SPDX-License-Identifier: MIT */
#include "crypto/textline.h"

#include "pack/text.h"

#include <sodium.h>
#include <string.h>

bool pack_span_skip(struct pack_span *span, const char *prefix)
{
    const size_t length = strlen(prefix);
    if (span->size < length || strncmp(span->text, prefix, length) != 0)
        return false;
    span->text += length;
    span->size -= length;
    return true;
}

static bool is_control(const uint8_t *at, const uint8_t *end)
{
    const bool c1 = at[0] == 0xc2 && at + 1 < end && at[1] < 0xa0;
    return c1 || at[0] == 0x7f || (at[0] < 0x20 && at[0] != '\t');
}

bool pack_comment_valid(struct pack_span comment)
{
    const uint8_t *end = (const uint8_t *)comment.text + comment.size;
    for (const uint8_t *at = (const uint8_t *)comment.text; at < end; at++)
        if (is_control(at, end))
            return false;
    return pack_utf8_valid(comment.text, comment.size);
}

static bool is_base64_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* The decoded size, from the length and the padding alone; false where it cannot be base64. */
static bool decoded_size(struct pack_span span, size_t *size)
{
    size_t padding = 0;
    while (padding < 2 && padding < span.size && span.text[span.size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < span.size - padding; i++)
        if (!is_base64_digit(span.text[i]))
            return false;
    *size = span.size / 4 * 3 - padding;
    return span.size % 4 == 0;
}

int pack_base64_decode(const struct pack_base64_kind *kind, struct pack_span span, uint8_t *bytes,
                       struct pack_error *error)
{
    size_t size = 0;
    if (!decoded_size(span, &size))
        return pack_fail(error, kind->code, "%s is not padded base64", kind->name);
    if (size != kind->wanted)
        return pack_fail(error, kind->code, "%s has %zu bytes, %zu wanted", kind->name,
                         size > kind->overhead ? size - kind->overhead : 0,
                         kind->wanted - kind->overhead);
    if (sodium_base642bin(bytes, size, span.text, span.size, NULL, &size, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return pack_fail(error, kind->code,
                         "%s is not in canonical base64: bits beyond its end "
                         "are set",
                         kind->name);
    return 0;
}

bool pack_base64_read(struct pack_span text, int variant, const char *ignored, uint8_t *bytes,
                      size_t capacity, size_t *size)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.text[i] & 0x80) != 0)
            return false;
    return sodium_base642bin(bytes, capacity, text.text, text.size, ignored, size, NULL, variant) ==
           0;
}

void pack_base64_encode(char *text, size_t capacity, const uint8_t *bytes, size_t size)
{
    sodium_bin2base64(text, capacity, bytes, size, sodium_base64_VARIANT_ORIGINAL);
}
