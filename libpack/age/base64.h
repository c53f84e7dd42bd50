/* SPDX-License-Identifier: MIT */
#ifndef AGE_BASE64_H
#define AGE_BASE64_H

#include "crypto/textline.h"

/* How a text is ended. */
enum age_padding { AGE_UNPADDED, AGE_PADDED };

/* Base64 in its one spelling, of at most `capacity` bytes; false where it is anything else. */
bool age_base64_decode(struct pack_span text, enum age_padding padding, uint8_t *bytes,
                       size_t capacity, size_t *size);

#endif
