/* SPDX-License-Identifier: MIT */
#ifndef CODEC_JSON_STRING_H
#define CODEC_JSON_STRING_H

#include "pack/error.h"

/*
 * Decodes what stands between the quotes of a JSON string (RFC 8259, 7) into `out`, which has room
 * for size + 1 bytes, and ends it with a zero byte. NULL, or what is wrong with it: bytes that are
 * not UTF-8, control characters, unknown escapes, lone surrogates, a NUL.
 */
PACK_MUST_USE const char *json_string_decode(char *out, const char *text, size_t size);

#endif
