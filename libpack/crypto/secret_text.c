/* SPDX-License-Identifier: MIT */
#include "crypto/secret_text.h"

#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

enum { CAPACITY = PACK_MAX_KEY_FILE, OVERFLOWN = CAPACITY + 1 };

int pack_secret_text_new(struct pack_secret_text *text, struct pack_error *error)
{
    text->size = 0;
    return pack_guarded_new(&text->bytes, CAPACITY, error);
}

void pack_secret_text_clear(struct pack_secret_text *text)
{
    pack_guarded_free(&text->bytes);
    text->size = 0;
}

void pack_secret_text_add(struct pack_secret_text *text, const void *bytes, size_t size)
{
    if (pack_secret_text_full(text) || size > CAPACITY - text->size) {
        text->size = OVERFLOWN;
        return;
    }
    if (size != 0)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

void pack_secret_text_add_string(struct pack_secret_text *text, const char *string)
{
    pack_secret_text_add(text, string, strlen(string));
}

bool pack_secret_text_full(const struct pack_secret_text *text)
{
    return text->size > CAPACITY;
}

int pack_secret_text_check(const struct pack_secret_text *text, struct pack_error *error)
{
    if (!pack_secret_text_full(text))
        return 0;
    return pack_fail(error, PACK_E_LIMIT, "the key would take more than %d bytes", CAPACITY);
}

void pack_secret_text_add_base64(struct pack_secret_text *text, const uint8_t *bytes, size_t size,
                                 size_t columns)
{
    const size_t length = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL) - 1;
    const size_t width = columns != 0 ? columns : length;
    const size_t lines = length == 0 ? 0 : (length + width - 1) / width;
    if (pack_secret_text_full(text) || length + lines + 1 > CAPACITY - text->size) {
        text->size = OVERFLOWN;
        return;
    }
    char *out = (char *)text->bytes + text->size;
    sodium_bin2base64(out, length + 1, bytes, size, sodium_base64_VARIANT_ORIGINAL);
    for (size_t i = lines; i-- > 0;) { /* the last line moves first, and furthest */
        const size_t start = i * width, left = length - start;
        const size_t taken = left < width ? left : width;
        memmove(out + start + i, out + start, taken);
        out[start + i + taken] = '\n';
    }
    text->size += length + lines;
}
