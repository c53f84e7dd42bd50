/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SECRET_TEXT_H
#define CRYPTO_SECRET_TEXT_H

/* Bytes in the making that hold a secret: in guarded memory, of PACK_MAX_KEY_FILE bytes at most. */

#include "crypto/ed25519.h"
#include "crypto/textline.h"

struct pack_secret_text {
    uint8_t *bytes;
    size_t size;
};

PACK_MUST_USE int pack_secret_text_new(struct pack_secret_text *text, struct pack_error *error);
void pack_secret_text_clear(struct pack_secret_text *text);
#define PACK_AUTO_SECRET_TEXT PACK_AUTO(pack_secret_text_clear)

/*
 * Each appends; what does not fit is left out whole, and pack_secret_text_check says so once, at
 * the end: PACK_E_LIMIT.
 */
void pack_secret_text_add(struct pack_secret_text *text, const void *bytes, size_t size);
void pack_secret_text_add_string(struct pack_secret_text *text, const char *string);
/* Base64 in lines of `columns` characters (0: one line), each ended. */
void pack_secret_text_add_base64(struct pack_secret_text *text, const uint8_t *bytes, size_t size,
                                 size_t columns);
/* Whether something did not fit. */
bool pack_secret_text_full(const struct pack_secret_text *text);
PACK_MUST_USE int pack_secret_text_check(const struct pack_secret_text *text,
                                         struct pack_error *error);

#endif
