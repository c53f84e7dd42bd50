/* SPDX-License-Identifier: MIT */
#ifndef PACK_TEXT_H
#define PACK_TEXT_H

/* Text from untrusted files, and hints for mistyped words. */

#include "pack/error.h"

PACK_BEGIN_DECLS

/*
 * Writes `text` so that no terminal can be misled: control characters, DEL, C1 controls, bytes
 * that are not UTF-8, and the format characters that reorder or hide text (U+200B–U+200F,
 * U+202A–U+202E, U+2060–U+206F, U+FEFF) as \xNN or \u{NNNN}; backslash as \\. Cut to fit, always
 * with a final zero byte. Returns `out`.
 */
PACK_API char *pack_escape(char *out, size_t capacity, const char *text, size_t size);

/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
PACK_API bool pack_utf8_valid(const void *bytes, size_t size);
/* Well-formed UTF-8 that pack_escape would leave alone, but for the backslash. */
PACK_API bool pack_text_plain(const char *text, size_t size);

/* The nearest of `count` words, NULL when none is near enough to be meant. */
PACK_API const char *pack_nearest(const char *word, const char *const *words, size_t count);

#define PACK_SIZE_TEXT 32

/* A number of bytes for people: "1 byte", "1023 bytes", "2.0 MiB". Returns `out`. */
PACK_API char *pack_size_text(char out[PACK_SIZE_TEXT], uint64_t size);

#define PACK_TIME_TEXT 48

/*
 * Seconds since 1970 as RFC 3339 has it, in UTC: "2024-02-29T12:00:00Z"; behind the year 9999
 * "N seconds after 1970". Returns `out`.
 */
PACK_API char *pack_time_text(char out[PACK_TIME_TEXT], uint64_t seconds);

PACK_END_DECLS

#endif
