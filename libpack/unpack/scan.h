/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_SCAN_H
#define UNPACK_SCAN_H

/* The maker's view: streams that were found in bytes, each opened, and what was found in them. */

#include "unpack/kinds.h"
#include "unpack/unpack.h"

struct found_list {
    size_t count, capacity;
    struct found *streams; /* ascending, and they do not overlap */
};

struct found {
    size_t start; /* in the bytes that were searched, the prefix counted */
    size_t size;  /* prefix and packed bytes */
    struct recipe recipe;
    uint8_t *plain; /* malloc()ed */
    size_t plain_size;
    bool tried, kept; /* whether recipes were looked for, and whether it is to be opened */
    struct found_list inside;
};

/* What a search may still use; shared by all lists of an image. */
struct search {
    const struct unpack_options *options;
    const struct pack_context *context;
    uint64_t plain_left; /* bytes of plain data that may still be taken */
};

static inline size_t prefix_size(const struct recipe *recipe)
{
    return recipe->prefix == PREFIX_LE16 ? 2 : 0;
}

static inline struct specimen specimen_of(const struct found *found, const uint8_t *bytes)
{
    const size_t prefix = prefix_size(&found->recipe);
    return (struct specimen){bytes + found->start + prefix, found->size - prefix, found->plain,
                             found->plain_size};
}

void found_list_free(struct found_list *list);

/* Finds and opens what the bytes hold, all to be kept; it fails for want of memory, or when
 * cancelled. */
PACK_MUST_USE int scan_bytes(struct found_list *list, struct search *search, const uint8_t *bytes,
                             size_t size, struct pack_error *error);

/* Takes those out that are not kept. */
void found_list_drop(struct found_list *list, struct search *search);

/* Gives each stream the recipe that packs it bit for bit; those that have one are kept. */
PACK_MUST_USE int prove_streams(struct found_list *list, struct search *search,
                                const uint8_t *bytes, struct pack_error *error);

#endif
