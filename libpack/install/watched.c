/* SPDX-License-Identifier: MIT */
#include "install/watched.h"

#include "base/checked.h"
#include "base/memory.h"

#include <sodium.h>
#include <string.h>

enum {
    BLOCK = 4096, /* small, for a patch asks for bytes here and there, one at a time */
    MOST = 64 * 1024,
    KEPT = 16, /* bytes of a block's SHA-256: 4 MiB for each GiB of the base */
};

struct watched {
    struct pack_input input;
    struct pack_input *inner;
    struct pack_sha256 *hash;
    uint8_t (*digests)[KEPT]; /* of block number i, where seen[i] */
    uint8_t *seen;
    uint8_t *bytes; /* whole blocks, those that were read last, */
    uint64_t start; /* from here on */
    size_t size;    /* so many bytes; 0: none */
};

/* The first time it is seen is what it must be from then on. */
static int check_block(struct watched *watched, uint64_t number, const uint8_t *bytes, size_t size,
                       struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const int code = pack_sha256_of(watched->hash, bytes, size, digest, error);
    if (code != 0)
        return code;
    if (!watched->seen[number]) {
        memcpy(watched->digests[number], digest, KEPT);
        watched->seen[number] = 1;
    } else if (sodium_memcmp(watched->digests[number], digest, KEPT) != 0) {
        pack_fail(error, PACK_E_CHANGED, "the base changed while it was read");
        pack_at_file(error, watched->input.name);
        return pack_at_offset(error, number * BLOCK);
    }
    return 0;
}

/* Whole blocks, for a hash is of the whole: those that hold `wanted` bytes, or the first of them.
 */
static int load(struct watched *watched, uint64_t offset, size_t wanted, struct pack_error *error)
{
    const uint64_t start = offset / BLOCK * BLOCK;
    const uint64_t end =
        pack_min(pack_pieces(offset + pack_min(wanted, MOST), BLOCK) * BLOCK, watched->input.size);
    const size_t size = (size_t)pack_min(MOST, end - start);
    watched->size = 0;
    int code = pack_input_exact(watched->inner, start, watched->bytes, size, PACK_E_CHANGED, error);
    for (size_t at = 0; code == 0 && at < size; at += BLOCK)
        code = check_block(watched, (start + at) / BLOCK, watched->bytes + at,
                           (size_t)pack_min(BLOCK, size - at), error);
    if (code != 0)
        return code;
    watched->start = start;
    watched->size = size;
    return 0;
}

static int watched_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                           size_t *got, struct pack_error *error)
{
    struct watched *watched = (struct watched *)input;
    uint8_t *to = buffer;
    *got = 0;
    while (*got < size && offset < input->size) {
        if (offset < watched->start || offset - watched->start >= watched->size) {
            const int code = load(watched, offset, size - *got, error);
            if (code != 0)
                return code;
        }
        const size_t from = (size_t)(offset - watched->start);
        const size_t piece = (size_t)pack_min(watched->size - from, size - *got);
        memcpy(to + *got, watched->bytes + from, piece);
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
    free(watched->bytes);
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
        code = pack_allocate(&watched->bytes, MOST, 1, error);
    if (code == 0)
        code = pack_sha256_new(&watched->hash, error);
    *input = &watched->input;
    if (code != 0)
        pack_input_close(input);
    return code;
}
