/* SPDX-License-Identifier: MIT */
#ifndef CODEC_JSON_READER_H
#define CODEC_JSON_READER_H

/*
 * Strict JSON (RFC 8259) for documents: UTF-8 without a byte order mark, one object or array and
 * nothing after it, no member twice, no NUL in a string, numbers that are integers from 0 to
 * PACK_MAX_INTEGER, at most PACK_MAX_DOCUMENT bytes, PACK_MAX_NESTING levels and
 * PACK_MAX_JSON_VALUES objects and arrays.
 */

#include "pack/error.h"

#include <jansson.h>

/* Bounds what a tree of 1 MiB of text takes in memory. */
#define PACK_MAX_JSON_VALUES 65536

/*
 * PACK_E_MALFORMED or PACK_E_LIMIT with line and column. The tree is the caller's, to be freed
 * with pack_json_release.
 */
PACK_MUST_USE int pack_json_read(json_t **root, const void *bytes, size_t size,
                                 struct pack_error *error);
void pack_json_release(json_t **root);

#endif
