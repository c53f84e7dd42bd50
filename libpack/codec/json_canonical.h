/* SPDX-License-Identifier: MIT */
#ifndef CODEC_JSON_CANONICAL_H
#define CODEC_JSON_CANONICAL_H

/*
 * OLPC's canonical JSON, which TUF signs: members sorted, nothing between the tokens, only the
 * quotation mark and the backslash escaped, integers only, no line feed at the end.
 */

#include "base/bytes.h"
#include "codec/json_tree.h"

/* Appends the text of a value, which it sorts, to the buffer. */
PACK_MUST_USE int json_canonical(struct pack_buffer *buffer, struct pack_json_value *value,
                                 struct pack_error *error);

#endif
