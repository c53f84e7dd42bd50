/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_PATCH_TARGET_H
#define FUZZ_PATCH_TARGET_H

/* What the fuzz targets of patches share: applying one in memory, with nobody's base but ours. */

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/delta.h"

#include <string.h>

enum { PATCH_TARGET_MEMORY = 32 << 20 };

struct patch_sink {
    struct pack_sink sink;
    struct pack_buffer *bytes;
};

static inline int patch_sink_write(struct pack_sink *sink, const void *bytes, size_t size,
                                   struct pack_error *error)
{
    return pack_buffer_append(((struct patch_sink *)(void *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops patch_sink_ops = {.write = patch_sink_write};

static inline int patch_target_apply(const uint8_t *patch, size_t size, const uint8_t *old_bytes,
                                     size_t old_size, struct pack_buffer *made,
                                     struct pack_error *error)
{
    static const struct pack_context context = {.jobs = 1, .decoder_memory = PATCH_TARGET_MEMORY};
    struct patch_sink sink = {.sink.ops = &patch_sink_ops, .bytes = made};
    struct pack_input *patch_input PACK_AUTO(pack_input_close) = NULL;
    struct pack_input *old_image PACK_AUTO(pack_input_close) = NULL;
    int code = pack_input_memory(&patch_input, patch, size, "patch", error);
    if (code == 0)
        code = pack_input_memory(&old_image, old_bytes, old_size, "base", error);
    return code != 0 ? code : pack_patch_apply(&context, patch_input, old_image, &sink.sink, error);
}

/* The patch gives this image, or the program ends. */
static inline void patch_target_proves(const struct pack_buffer *patch, const uint8_t *old_bytes,
                                       size_t old_size, const uint8_t *new_bytes, size_t new_size)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer made PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    if (patch_target_apply(patch->bytes, patch->size, old_bytes, old_size, &made, &error) != 0 ||
        made.size != new_size || (new_size != 0 && memcmp(made.bytes, new_bytes, new_size) != 0))
        abort();
}

#endif
