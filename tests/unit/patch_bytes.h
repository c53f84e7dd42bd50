/* SPDX-License-Identifier: MIT */
#ifndef UNIT_PATCH_BYTES_H
#define UNIT_PATCH_BYTES_H

/* Pairs of images, their patches, and patches that no maker of ours would write. */

#include "base/bytes.h"
#include "delta/encode.h"
#include "pack/delta.h"
#include "patch/body.h"

struct patch_pair {
    uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
};

void patch_pair_free(struct patch_pair *pair);

/* Like the code of a small device, before and after an edit: calls, pointers, text, padding. */
struct patch_pair patch_pair_code(size_t size);
/* Two images that have nothing in common. */
struct patch_pair patch_pair_unrelated(size_t size);

/* A patch by pack_delta_create; free it by pack_buffer_clear. */
struct pack_buffer patch_make(const struct patch_pair *pair,
                              const struct pack_delta_options *options);

/* Applies by pack_patch_apply; *made is what came out, whether all is well or not. */
int patch_apply_bytes(const uint8_t *patch, size_t size, const uint8_t *old_bytes, size_t old_size,
                      struct pack_buffer *made, struct pack_error *error);

/* A header for these images that promises enough memory, without tables. */
struct patch_header patch_header_for(const struct patch_pair *pair, uint8_t profile);

/*
 * A patch of a header and tables, whatever they say: the encoder believes that the images have
 * `old_size` and `new_size` bytes. The body ends after the tables.
 */
struct pack_buffer patch_with_tables(struct patch_header *header, struct patch_tables *tables,
                                     uint64_t old_size, uint64_t new_size);

#endif
