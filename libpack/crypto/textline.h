/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_TEXTLINE_H
#define CRYPTO_TEXTLINE_H

/* The lines of minisign's text files: comments, and base64 fields of one fixed size. */

#include "pack/error.h"

#define PACK_UNTRUSTED_COMMENT "untrusted comment: "
#define PACK_TRUSTED_COMMENT "trusted comment: "

/* A piece of text that somebody else owns, not ended by a zero byte. */
struct pack_span {
    const char *text;
    size_t size;
};

/* Whether the text begins with `prefix`; if so it is taken off. */
bool pack_span_skip(struct pack_span *span, const char *prefix);

/* UTF-8 without control characters; TAB is none, for minisign's own comments have it. */
bool pack_comment_valid(struct pack_span comment);

/* A base64 field: `wanted` bytes, of which `overhead` come before the thing that it is named for.
 */
struct pack_base64_kind {
    const char *name;    /* "signature", for messages */
    size_t wanted;       /* bytes when decoded */
    size_t overhead;     /* of these, bytes that messages do not count */
    enum pack_code code; /* of failures */
};

/* Padded base64 of the standard alphabet, in its one canonical spelling, of exactly that size. */
PACK_MUST_USE int pack_base64_decode(const struct pack_base64_kind *kind, struct pack_span span,
                                     uint8_t *bytes, struct pack_error *error);

/*
 * What libsodium decodes of the variant (sodium_base64_VARIANT_…), whole and in canonical form, but
 * no byte above 127: libsodium 1.0.18 takes each of them for the last digit of the alphabet.
 * `ignored` are characters to pass over, or NULL. False where it is anything else.
 */
bool pack_base64_read(struct pack_span text, int variant, const char *ignored, uint8_t *bytes,
                      size_t capacity, size_t *size);

/* Characters, with the final zero byte, that encode `size` bytes. */
#define PACK_BASE64_TEXT_SIZE(size) (((size) + 2) / 3 * 4 + 1)
void pack_base64_encode(char *text, size_t capacity, const uint8_t *bytes, size_t size);

#endif
