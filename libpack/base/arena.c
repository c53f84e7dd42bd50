/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { CHUNK_SIZE = 8192 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

struct pack_arena {
    struct chunk *chunks; /* the first is the one being filled */
};

int pack_arena_new(struct pack_arena **arena, struct pack_error *error)
{
    return pack_allocate(arena, 1, sizeof **arena, error);
}

void pack_arena_free(struct pack_arena **arena)
{
    if (*arena == NULL)
        return;
    for (struct chunk *chunk = (*arena)->chunks; chunk != NULL;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(*arena);
    *arena = NULL;
}

static struct chunk *chunk_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct chunk))
        return NULL;
    struct chunk *chunk = calloc(1, sizeof *chunk + size);
    if (chunk != NULL)
        chunk->size = size;
    return chunk;
}

static void *chunk_take(struct chunk *chunk, size_t size)
{
    const size_t start = (chunk->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (start > chunk->size || size > chunk->size - start)
        return NULL;
    chunk->used = start + size;
    return chunk->bytes + start;
}

int pack_arena_allocate(struct pack_arena *arena, void *address, size_t count, size_t size,
                        struct pack_error *error)
{
    size_t total = 0;
    void *memory = NULL;
    if (__builtin_mul_overflow(count, size, &total))
        return pack_fail_memory(error);
    if (total != 0) {
        memory = arena->chunks != NULL ? chunk_take(arena->chunks, total) : NULL;
        if (memory == NULL) {
            struct chunk *chunk = chunk_new(total > CHUNK_SIZE ? total : CHUNK_SIZE);
            if (chunk == NULL)
                return pack_fail_memory(error);
            chunk->next = arena->chunks;
            arena->chunks = chunk;
            memory = chunk_take(chunk, total);
        }
    }
    memcpy(address, &memory, sizeof memory);
    return 0;
}

int pack_arena_string(struct pack_arena *arena, const char **copy, const char *text, size_t size,
                      struct pack_error *error)
{
    char *memory = NULL;
    if (size == SIZE_MAX)
        return pack_fail_memory(error);
    const int code = pack_arena_allocate(arena, &memory, 1, size + 1, error);
    if (code != 0)
        return code;
    memcpy(memory, text, size);
    *copy = memory;
    return 0;
}
