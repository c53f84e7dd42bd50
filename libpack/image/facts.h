/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_FACTS_H
#define IMAGE_FACTS_H

/*
 * What a backend's `describe` says, collected first, so that a failure half-way leaves no half
 * of an answer, then shown as JSON or as text.
 */

#include "base/memory.h"
#include "pack/image.h"

enum {
    FACT_MAX_DEPTH = 8, /* lists within lists */
    FACT_MAX_NAMES = 48,
};

enum fact_kind { FACT_TEXT, FACT_NUMBER, FACT_BEGIN, FACT_END };

struct fact {
    enum fact_kind kind;
    const char *name; /* of the fact or list; NULL for FACT_END */
    const char *text; /* FACT_TEXT; ends with a zero byte */
    size_t text_size;
    uint64_t number; /* FACT_NUMBER */
};

struct fact_block {
    struct fact_block *next;
    size_t count;
    struct fact facts[64];
};

/* What has been said of one record: a name stands once, as JSON wants it. */
struct fact_scope {
    size_t count;
    const char *names[FACT_MAX_NAMES];
    const char *open; /* the list that goes on, or NULL */
};

struct pack_facts {
    struct pack_arena *arena;
    struct fact_block *first, *last;
    size_t count;
    size_t depth;
    struct fact_scope scopes[FACT_MAX_DEPTH + 1];
    struct pack_error error; /* the first failure */
};

PACK_MUST_USE int pack_facts_collect(struct pack_facts *facts, const struct pack_format *format,
                                     struct pack_input *input, struct pack_error *error);
void pack_facts_clear(struct pack_facts *facts);

/* Walks the facts in order; starts as {.block = facts->first}. NULL after the last. */
struct fact_walk {
    const struct fact_block *block;
    size_t index;
};
const struct fact *pack_facts_next(struct fact_walk *walk);

#endif
