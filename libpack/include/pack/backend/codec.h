/* SPDX-License-Identifier: MIT */
#ifndef PACK_BACKEND_CODEC_H
#define PACK_BACKEND_CODEC_H

/*
 * Payload codecs, by independent frames: one zstd frame with its content size, one gzip member,
 * one xz stream. Each frame decodes alone, so that frames are worked on by all cores and any
 * range can be reached; in a row they are one ordinary .zst, .gz or .xz file.
 */

#include "pack/error.h"

PACK_BEGIN_DECLS

struct pack_codec {
    const char *name;      /* "none", "gzip", "zstd", "xz" */
    const char *extension; /* of the payload member: "bin", "gz", "zst", "xz" */
    size_t frame_size;     /* plain bytes of every frame but the last; 0 for none */
    int level_min, level_max, level_default;
    /* Writes "zstd 1.5.4", the library as it runs, for delivery.json; NULL for none. */
    void (*library)(char *text, size_t capacity);

    /* Most stored bytes that a frame of `plain` bytes can take. */
    size_t (*bound)(size_t plain);
    /* Bytes of memory that decoding one frame needs, beside the frame itself. */
    uint64_t (*decoder_memory)(void);

    /*
     * An encoder or decoder state, one for each thread; `state` is NULL after a failure. NULL
     * for none, whose stored bytes are the plain ones. A level that the codec does not have is
     * PACK_E_USAGE, a decoder that needs more than the limit PACK_E_LIMIT.
     */
    int (*encoder_new)(void **state, int level, struct pack_error *error);
    int (*encode)(void *state, const void *plain, size_t plain_size, void *stored, size_t capacity,
                  size_t *stored_size, struct pack_error *error);
    void (*encoder_free)(void **state);

    int (*decoder_new)(void **state, uint64_t memory_limit, struct pack_error *error);
    /*
     * Decodes exactly one frame that must fill `plain_size` bytes exactly and use all of
     * `stored_size`: a second frame, skippable frames, trailing bytes, a wrong checksum or a
     * larger content are PACK_E_CORRUPT; a window beyond the frame size is PACK_E_LIMIT.
     */
    int (*decode)(void *state, const void *stored, size_t stored_size, void *plain,
                  size_t plain_size, struct pack_error *error);
    void (*decoder_free)(void **state);
};

/* The table, ended by NULL, "none" first. */
PACK_API const struct pack_codec *const *pack_codecs(void);
/* NULL where there is none of that name. */
PACK_API const struct pack_codec *pack_codec_find(const char *name);

PACK_END_DECLS

#endif
