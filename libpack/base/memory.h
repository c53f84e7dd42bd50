/* SPDX-License-Identifier: MIT */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

/* Ownership: cleanup by attribute, one style everywhere. */

#include "pack/error.h"

#include <stdlib.h>

/*
 * PACK_AUTO(free_function) declares that the variable's address is passed to the function when it
 * goes out of scope. Every free function of the library takes the address, and accepts NULL in it.
 */
#define PACK_AUTO(function) __attribute__((cleanup(function)))

static inline void pack_free_memory(void *address)
{
    void **pointer = address;
    free(*pointer);
    *pointer = NULL;
}
#define PACK_AUTO_FREE PACK_AUTO(pack_free_memory)

/* Takes a pointer out of a variable, so that its cleanup finds nothing. */
#define pack_steal(address)                               \
    __extension__({                                       \
        __typeof__(*(address)) pack_stolen_ = *(address); \
        *(address) = NULL;                                \
        pack_stolen_;                                     \
    })

/* Zeroed memory for `count` things of `size` bytes, the product checked. */
PACK_MUST_USE int pack_allocate(void *address, size_t count, size_t size, struct pack_error *error);
PACK_MUST_USE int pack_copy_string(char **copy, const char *text, struct pack_error *error);

/* --- arena ----------------------------------------------------------------------------------- */

/* Memory of one lifetime: many small pieces, freed together. */
struct pack_arena;

PACK_MUST_USE int pack_arena_new(struct pack_arena **arena, struct pack_error *error);
void pack_arena_free(struct pack_arena **arena);
/* Zeroed; NULL in *address where count is 0. */
PACK_MUST_USE int pack_arena_allocate(struct pack_arena *arena, void *address, size_t count,
                                      size_t size, struct pack_error *error);
PACK_MUST_USE int pack_arena_string(struct pack_arena *arena, const char **copy, const char *text,
                                    size_t size, struct pack_error *error);

#endif
