/* SPDX-License-Identifier: MIT */
#include "bundle/blocks.h"

#include "base/checked.h"

static int write_through(struct pack_sink *sink, const void *bytes, size_t size,
                         struct pack_error *error)
{
    struct block_hasher *hasher = (struct block_hasher *)sink;
    const int code = block_hasher_update(hasher, bytes, size, error);
    return code != 0 ? code : pack_sink_write(hasher->inner, bytes, size, error);
}

int block_hasher_open(struct block_hasher *hasher, uint32_t block_size, struct pack_buffer *blocks,
                      struct pack_error *error)
{
    static const struct pack_sink_ops ops = {.write = write_through};
    *hasher =
        (struct block_hasher){.sink = {.ops = &ops}, .block_size = block_size, .blocks = blocks};
    return pack_sha256_new(&hasher->hash, error);
}

void block_hasher_clear(struct block_hasher *hasher)
{
    pack_sha256_free(&hasher->hash);
}

static int end_block(struct block_hasher *hasher, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const int code = pack_sha256_finish(hasher->hash, digest, error);
    hasher->in_block = 0;
    return code != 0 ? code : pack_buffer_append(hasher->blocks, digest, sizeof digest, error);
}

int block_hasher_update(struct block_hasher *hasher, const uint8_t *bytes, size_t size,
                        struct pack_error *error)
{
    int code = 0;
    while (code == 0 && size > 0) {
        const uint32_t piece = (uint32_t)pack_min(size, hasher->block_size - hasher->in_block);
        code = pack_sha256_update(hasher->hash, bytes, piece, error);
        bytes += piece;
        size -= piece;
        hasher->in_block += piece;
        if (code == 0 && hasher->in_block == hasher->block_size)
            code = end_block(hasher, error);
    }
    return code;
}

int block_hasher_finish(struct block_hasher *hasher, struct pack_error *error)
{
    return hasher->in_block != 0 ? end_block(hasher, error) : 0;
}
