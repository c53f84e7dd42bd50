/* SPDX-License-Identifier: MIT */
#ifndef CODEC_CODECS_H
#define CODEC_CODECS_H

/* What the codecs share: the entries of the table, and the checks that each would repeat. */

#include "pack/backend/codec.h"

extern const struct pack_codec pack_codec_none;
extern const struct pack_codec pack_codec_gzip;
extern const struct pack_codec pack_codec_zstd;
extern const struct pack_codec pack_codec_xz;

/* PACK_E_USAGE when the codec has no such level. */
PACK_MUST_USE int pack_codec_check_level(const struct pack_codec *codec, int level,
                                         struct pack_error *error);
/* PACK_E_LIMIT when decoding needs more than `limit` bytes. */
PACK_MUST_USE int pack_codec_check_memory(const struct pack_codec *codec, uint64_t limit,
                                          struct pack_error *error);
/* PACK_E_INTERNAL when `plain` bytes are more than a frame holds. */
PACK_MUST_USE int pack_codec_check_plain(const struct pack_codec *codec, size_t plain,
                                         struct pack_error *error);

#endif
