/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/memory.h"
#include "delta/match_parts.h"

#include <string.h>

/* A table is never smaller than this. */
#define LEAST_MEMORY 4096

/* Bytes ahead for which memory is fetched. */
#define SOON 16

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The block is a multiple of 8 bytes. */
static size_t slot_of(const struct delta_blocks *blocks, const uint8_t *bytes)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < blocks->block; i += 8)
        hash = (hash ^ word_at(bytes + i)) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    return (size_t)(hash * UINT64_C(0xbf58476d1ce4e5b9) >> (64 - blocks->bits));
}

void delta_blocks_free(struct delta_blocks *blocks)
{
    free(blocks->slots);
    *blocks = (struct delta_blocks){0};
}

/*
 * The first of equal blocks stays; but of runs of one value, as in padding, the longest one's
 * start, which serves them all.
 */
static void fill(struct delta_blocks *blocks)
{
    const struct delta_images *images = blocks->images;
    size_t longest[256] = {0};
    for (size_t at = 0; at + blocks->block <= images->old_size; at += blocks->stride) {
        const uint8_t *bytes = images->old_bytes + at;
        uint32_t *slot = &blocks->slots[slot_of(blocks, bytes)];
        uint32_t number = (uint32_t)(at / blocks->stride) + 1;
        size_t run = 1;
        if (bytes[0] == bytes[blocks->block - 1])
            run += delta_equal(bytes, bytes + 1, images->old_size - at - 1);
        if (*slot == 0)
            *slot = number;
        if (run < blocks->block)
            continue;
        if (run > longest[bytes[0]]) {
            longest[bytes[0]] = run;
            *slot = number;
        }
        at += (run - blocks->block) / blocks->stride * blocks->stride;
    }
}

int delta_blocks_make(struct delta_blocks *blocks, const struct delta_images *images, size_t least,
                      uint64_t memory, struct pack_error *error)
{
    blocks->images = images;
    if (memory < LEAST_MEMORY)
        memory = LEAST_MEMORY;
    blocks->stride = least;
    while (pack_pieces(images->old_size, blocks->stride) * 2 * sizeof *blocks->slots > memory ||
           pack_pieces(images->old_size, blocks->stride) > UINT32_MAX / 2)
        blocks->stride *= 2;
    blocks->block = blocks->stride < 8 ? 8 : blocks->stride < 32 ? blocks->stride : 32;
    blocks->bits = 10;
    while (((uint64_t)1 << blocks->bits) < pack_pieces(images->old_size, blocks->stride))
        blocks->bits++;
    int status =
        pack_allocate(&blocks->slots, (size_t)1 << blocks->bits, sizeof *blocks->slots, error);
    if (status != 0)
        return status;
    fill(blocks);
    return 0;
}

size_t delta_blocks_find(const void *state, size_t new_offset, size_t shift,
                         struct delta_place *places, size_t most)
{
    const struct delta_blocks *blocks = state;
    const struct delta_images *images = blocks->images;
    (void)shift;
    if (images->new_size - new_offset < blocks->block || most == 0)
        return 0;
    const uint8_t *wanted = images->new_bytes + new_offset;
    /* The slot of a block that is likely asked for soon, for large tables lie far from the core. */
    if (images->new_size - new_offset >= blocks->block + SOON)
        __builtin_prefetch(&blocks->slots[slot_of(blocks, wanted + SOON)]);
    uint32_t found = blocks->slots[slot_of(blocks, wanted)];
    if (found == 0)
        return 0;
    size_t old = (size_t)(found - 1) * blocks->stride;
    size_t length = delta_equal(wanted, images->old_bytes + old, blocks->block);
    places[0] = (struct delta_place){.old_offset = old, .length = length};
    return length == blocks->block;
}
