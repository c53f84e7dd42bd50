/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_SEARCH_H
#define UNPACK_SEARCH_H

/* All streams of an image, or of both images of a delta, and the streams inside of them. */

#include "unpack/scan.h"

struct side {
    struct unpack_bytes image;
    bool prove;
    struct search search;
    struct found_list root;
};

static inline struct side side_of(const struct unpack_bytes *image, bool prove,
                                  const struct unpack_options *options,
                                  const struct pack_context *context)
{
    return (struct side){.image = *image,
                         .prove = prove,
                         .search = {options, context, .plain_left = options->memory}};
}

void side_free(struct side *side);

/* Fills the roots; streams that both sides have are left out. `other` may be NULL. */
PACK_MUST_USE int search_sides(struct side *other, struct side *side, struct pack_error *error);

#endif
