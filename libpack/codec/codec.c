/* SPDX-License-Identifier: MIT */
#include "codec/codecs.h"

#include <inttypes.h>
#include <string.h>

const struct pack_codec *const *pack_codecs(void)
{
    static const struct pack_codec *const codecs[] = {&pack_codec_none, &pack_codec_gzip,
                                                      &pack_codec_zstd, &pack_codec_xz, NULL};
    return codecs;
}

const struct pack_codec *pack_codec_find(const char *name)
{
    for (const struct pack_codec *const *codec = pack_codecs(); *codec != NULL; codec++)
        if (strcmp((*codec)->name, name) == 0)
            return *codec;
    return NULL;
}

int pack_codec_check_level(const struct pack_codec *codec, int level, struct pack_error *error)
{
    if (level >= codec->level_min && level <= codec->level_max)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "%s has the levels %d to %d, not %d", codec->name,
                     codec->level_min, codec->level_max, level);
}

int pack_codec_check_memory(const struct pack_codec *codec, uint64_t limit,
                            struct pack_error *error)
{
    const uint64_t needed = codec->decoder_memory();
    if (needed <= limit)
        return 0;
    return pack_fail(error, PACK_E_LIMIT,
                     "decoding %s needs %" PRIu64 " bytes of memory, %" PRIu64 " are allowed",
                     codec->name, needed, limit);
}

int pack_codec_check_plain(const struct pack_codec *codec, size_t plain, struct pack_error *error)
{
    if (plain <= codec->frame_size)
        return 0;
    return pack_fail(error, PACK_E_INTERNAL, "a %s frame holds %zu bytes, not %zu", codec->name,
                     codec->frame_size, plain);
}
