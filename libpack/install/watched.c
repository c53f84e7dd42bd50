/* SPDX-License-Identifier: MIT */
#include "install/watched.h"

#include "base/checked.h"
#include "base/memory.h"

#include <sodium.h>
#include <string.h>

enum { BLOCK = 64 * 1024 };

struct watched {
    struct pack_input input;
    struct pack_input *inner;
    struct pack_sha256 *hash;
    uint8_t (*digests)[PACK_SHA256_SIZE]; /* of block number i, where seen[i] */
    uint8_t *seen;
    uint8_t *block; /* the last one that was read */
    bool has_block;
    uint64_t number; /* its number */
    size_t size;     /* its bytes */
};

/* The whole block, for its hash is of the whole. */
static int load_block(struct watched *watched, uint64_t number, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const uint64_t start = number * BLOCK;
    watched->has_block = false;
    watched->size = (size_t)pack_min(BLOCK, watched->input.size - start);
    int code = pack_input_exact(watched->inner, start, watched->block, watched->size,
                                PACK_E_CHANGED, error);
    if (code == 0)
        code = pack_sha256_of(watched->hash, watched->block, watched->size, digest, error);
    if (code != 0)
        return code;
    if (!watched->seen[number]) {
        memcpy(watched->digests[number], digest, sizeof digest);
        watched->seen[number] = 1;
    } else if (sodium_memcmp(watched->digests[number], digest, sizeof digest) != 0) {
        pack_fail(error, PACK_E_CHANGED, "the base changed while it was read");
        pack_at_file(error, watched->input.name);
        return pack_at_offset(error, start);
    }
    watched->has_block = true;
    watched->number = number;
    return 0;
}

static int watched_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                           size_t *got, struct pack_error *error)
{
    struct watched *watched = (struct watched *)input;
    uint8_t *to = buffer;
    *got = 0;
    while (*got < size && offset < input->size) {
        const uint64_t number = offset / BLOCK;
        if (!watched->has_block || watched->number != number) {
            const int code = load_block(watched, number, error);
            if (code != 0)
                return code;
        }
        const size_t from = (size_t)(offset % BLOCK);
        const size_t piece = (size_t)pack_min(watched->size - from, size - *got);
        memcpy(to + *got, watched->block + from, piece);
        *got += piece;
        offset += piece;
    }
    return 0;
}

static void watched_close(struct pack_input *input)
{
    struct watched *watched = (struct watched *)input;
    pack_input_close(&watched->inner);
    pack_sha256_free(&watched->hash);
    free(watched->digests);
    free(watched->seen);
    free(watched->block);
    free(watched);
}

int watched_open(struct pack_input **input, struct pack_input **inner, struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = watched_read_at, .close = watched_close};
    struct watched *watched = NULL;
    size_t blocks = 0;
    *input = NULL;
    int code = pack_allocate(&watched, 1, sizeof *watched, error);
    if (code != 0) {
        pack_input_close(inner);
        return code;
    }
    watched->inner = pack_steal(inner);
    watched->input = (struct pack_input){.ops = &ops,
                                         .name = watched->inner->name,
                                         .seekable = true,
                                         .has_size = true,
                                         .size = watched->inner->size,
                                         .repeats = true};
    if (!pack_to_size(pack_pieces(watched->input.size, BLOCK), &blocks))
        code = pack_fail(error, PACK_E_LIMIT, "the base is too large");
    if (code == 0)
        code = pack_allocate(&watched->digests, blocks + 1, sizeof *watched->digests, error);
    if (code == 0)
        code = pack_allocate(&watched->seen, blocks + 1, 1, error);
    if (code == 0)
        code = pack_allocate(&watched->block, BLOCK, 1, error);
    if (code == 0)
        code = pack_sha256_new(&watched->hash, error);
    *input = &watched->input;
    if (code != 0)
        pack_input_close(input);
    return code;
}
