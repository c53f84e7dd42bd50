/* SPDX-License-Identifier: MIT */
#include "codec/codecs.h"

static size_t none_bound(size_t plain)
{
    return plain;
}

static uint64_t none_decoder_memory(void)
{
    return 0;
}

/* Stored bytes are the plain bytes: there are no frames, so nothing encodes or decodes them. */
const struct pack_codec pack_codec_none = {
    .name = "none",
    .extension = "bin",
    .bound = none_bound,
    .decoder_memory = none_decoder_memory,
};
