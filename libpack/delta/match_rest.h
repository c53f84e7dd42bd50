/* SPDX-License-Identifier: MIT */
#ifndef DELTA_MATCH_REST_H
#define DELTA_MATCH_REST_H

/*
 * What covers leave of two images: bytes of the new one that none holds, and bytes of the old one
 * that none copies, each put together without what lies between.
 */

#include "delta/match_parts.h"

/* A part of an image, and where it begins in what is put together. */
struct delta_piece {
    size_t from, at, size;
};

struct delta_rest {
    struct delta_piece *pieces; /* ascending */
    size_t count, capacity;
    size_t size; /* of all of them */
};

/* The covers ascend by new_offset. Pieces of less than `least` bytes are left out. */
int delta_rest_new(struct delta_rest *rest, const struct delta_covers *covers, size_t image_size,
                   size_t least, struct pack_error *error);
/* Each piece with `margin` bytes of what lies beside it. */
int delta_rest_old(struct delta_rest *rest, const struct delta_covers *covers, size_t image_size,
                   size_t least, size_t margin, struct pack_error *error);
void delta_rest_free(struct delta_rest *rest);

/* Copies bytes [start, end) of what is put together from the image. */
void delta_rest_copy(const struct delta_rest *rest, const uint8_t *image, size_t start, size_t end,
                     uint8_t *bytes);

/*
 * Takes a cover between bytes that begin at old_start and new_start of what is put together back
 * to the images: in as many parts as the pieces make it.
 */
int delta_rest_place(const struct delta_rest *old_rest, size_t old_start,
                     const struct delta_rest *new_rest, size_t new_start,
                     const struct patch_cover *cover, struct delta_covers *covers,
                     struct pack_error *error);

#endif
