/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_CODEC_TARGET_H
#define FUZZ_CODEC_TARGET_H

/* The fuzz target of each codec with frames: three bytes of plain size, then a frame. */

#include "base/memory.h"
#include "pack/backend/codec.h"
#include "pack/limits.h"

#include <string.h>

static inline int codec_decode(const struct pack_codec *codec, const void *stored,
                               size_t stored_size, void *plain, size_t plain_size)
{
    struct pack_error error = {.code = PACK_OK};
    void *state = NULL;
    if (codec->decoder_new(&state, PACK_DEFAULT_DECODER_MEMORY, &error) != 0)
        return PACK_E_NO_MEMORY;
    const int code = codec->decode(state, stored, stored_size, plain, plain_size, &error);
    codec->decoder_free(&state);
    if (code != 0 && code != PACK_E_CORRUPT && code != PACK_E_LIMIT && code != PACK_E_NO_MEMORY)
        abort();
    return code;
}

/* What a frame gives goes into a frame, and comes out of it the same. */
static inline void codec_check(const struct pack_codec *codec, const uint8_t *plain, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    const size_t capacity = codec->bound(size);
    size_t stored_size = 0;
    uint8_t *stored PACK_AUTO_FREE = malloc(capacity);
    uint8_t *again PACK_AUTO_FREE = malloc(size + 1);
    void *state = NULL;
    if (stored == NULL || again == NULL ||
        codec->encoder_new(&state, codec->level_min, &error) != 0)
        return;
    if (codec->encode(state, plain, size, stored, capacity, &stored_size, &error) != 0 ||
        codec_decode(codec, stored, stored_size, again, size) != 0 ||
        memcmp(plain, again, size) != 0)
        abort();
    codec->encoder_free(&state);
}

static inline int codec_target(const char *name, const uint8_t *data, size_t size)
{
    const struct pack_codec *codec = pack_codec_find(name);
    if (size < 3)
        return 0;
    const size_t plain_size =
        ((size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) % (codec->frame_size + 1);
    uint8_t *plain PACK_AUTO_FREE = malloc(plain_size + 1);
    if (plain == NULL)
        return 0;
    if (codec_decode(codec, data + 3, size - 3, plain, plain_size) == 0)
        codec_check(codec, plain, plain_size);
    return 0;
}

#endif
