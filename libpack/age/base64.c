/* SPDX-License-Identifier: MIT */
#include "age/base64.h"

#include <sodium.h>

/* libsodium 1.0.18 takes every byte above 127 for the last digit. */
static bool is_ascii(struct pack_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.text[i] & 0x80) != 0)
            return false;
    return true;
}

bool age_base64_decode(struct pack_span text, enum age_padding padding, uint8_t *bytes,
                       size_t capacity, size_t *size)
{
    static const int variants[] = {[AGE_UNPADDED] = sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                   [AGE_PADDED] = sodium_base64_VARIANT_ORIGINAL};
    return is_ascii(text) && sodium_base642bin(bytes, capacity, text.text, text.size, NULL, size,
                                               NULL, variants[padding]) == 0;
}
