/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_PLAN_H
#define UNPACK_PLAN_H

/* A plan in memory; docs/delta-plans.md has its bytes. */

#include "base/memory.h"
#include "unpack/kinds.h"
#include "unpack/unpack.h"

enum {
    PLAN_VERSION = 1,
    PLAN_PACKS = 1,   /* flag: its recipes say how to pack */
    PLAN_DEPTH = 8,   /* lists in lists, the outermost counted */
    PLAN_UNIT = 1024, /* of the memory that is claimed */
};

/* The lowest two bits of an item's first number. */
enum item_form { ITEM_RAW, ITEM_STREAM, ITEM_RUN, ITEM_NESTED };

struct plan_item {
    bool raw;
    uint32_t recipe;
    uint64_t count;           /* of equal streams one after the other; 1 for a stream with a list */
    uint64_t size;            /* of the raw bytes, or of the plain bytes of one stream */
    struct plan_list *inside; /* what the plain bytes consist of; NULL: nothing further */
};

struct plan_list {
    size_t count;
    struct plan_item *items;
};

struct unpack_plan {
    struct pack_arena *arena;
    bool packs;
    uint64_t memory; /* bytes claimed */
    size_t recipe_count;
    struct recipe *recipes;
    struct plan_list root;
};

static inline const struct stream_kind_entry *plan_kind(const struct unpack_plan *plan,
                                                        const struct plan_item *item)
{
    return stream_kind_find(plan->recipes[item->recipe].kind);
}

/* What packing the list's streams takes at most; UINT64_MAX when it cannot be said. */
uint64_t plan_pack_memory(const struct recipe *recipes, const struct plan_list *list);

#endif
