/* SPDX-License-Identifier: MIT */
#ifndef CLI_IMAGE_EDIT_H
#define CLI_IMAGE_EDIT_H

/* What `image convert` does to an image between reading and writing it. */

#include "pack/image.h"

/* Addresses from `start` up to, not including, `end`. */
struct address_range {
    uint64_t start, end;
};

/* START:END or START+LENGTH, numbers decimal or 0x…; PACK_E_USAGE otherwise, or when empty. */
PACK_MUST_USE int address_range_parse(struct address_range *range, const char *text,
                                      struct pack_error *error);
/* A number with an optional sign. */
PACK_MUST_USE int address_offset_parse(bool *negative, uint64_t *distance, const char *text,
                                       struct pack_error *error);

/* Each replaces *image by the edited one, and leaves it as it was on failure. */

/* Keeps what lies in any of the ranges, which must not overlap; PACK_E_USAGE if nothing does. */
PACK_MUST_USE int image_crop(struct pack_image **image, const struct address_range *ranges,
                             size_t count, struct pack_error *error);
/* Fills what is empty in the ranges; without any, from the lowest to the highest address. */
PACK_MUST_USE int image_fill(struct pack_image **image, const struct address_range *ranges,
                             size_t count, uint8_t byte, struct pack_error *error);
/* Moves all addresses and the entry point; PACK_E_USAGE where one would leave 0 to 2^64. */
PACK_MUST_USE int image_move(struct pack_image **image, bool negative, uint64_t distance,
                             struct pack_error *error);
/*
 * Adds `other`'s data; an overlap is PACK_E_MALFORMED and names both. Its entry point counts only
 * where *image has none.
 */
PACK_MUST_USE int image_merge(struct pack_image **image, const char *name,
                              const struct pack_image *other, const char *other_name,
                              struct pack_error *error);

#endif
