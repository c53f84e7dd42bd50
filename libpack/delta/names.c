/* SPDX-License-Identifier: MIT */
#include "pack/delta.h"

static const char *name_of(const char *const *names, size_t count, size_t index)
{
    return index < count ? names[index] : NULL;
}

const char *pack_delta_level_name(size_t level)
{
    static const char *const names[] = {
        [PACK_DELTA_FAST] = "fast", [PACK_DELTA_DEFAULT] = "default", [PACK_DELTA_BEST] = "best"};
    return name_of(names, sizeof names / sizeof names[0], level);
}

const char *pack_delta_decoder_name(size_t decoder)
{
    static const char *const names[] = {
        [PACK_DECODER_TINY] = "tiny", [PACK_DECODER_SMALL] = "small", [PACK_DECODER_FULL] = "full"};
    return name_of(names, sizeof names / sizeof names[0], decoder);
}

const char *pack_delta_format_name(size_t format)
{
    static const char *const names[] = {[PACK_DELTA_FWD] = "fwd",
                                        [PACK_DELTA_BSDIFF4] = "bsdiff4",
                                        [PACK_DELTA_VCDIFF] = "vcdiff",
                                        [PACK_DELTA_ZSTD_PATCH_FROM] = "zstd-patch-from"};
    return name_of(names, sizeof names / sizeof names[0], format);
}
