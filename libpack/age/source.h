/* SPDX-License-Identifier: MIT */
#ifndef AGE_SOURCE_H
#define AGE_SOURCE_H

/* The stored bytes of an age file, whatever they come from. */

#include "age/header.h"
#include "pack/age.h"

enum { AGE_MAX_ARMORED = 64 * 1024 * 1024 }; /* bytes of an armored file, held in memory */

/*
 * The beginning, which was read to find the header's end, is kept, so that an input that cannot
 * seek is read once. An armored file is decoded whole, and `input` is over that.
 */
struct age_source {
    struct pack_input *input;
    struct pack_input *decoded; /* owned: `input` is this, for an armored file; else NULL */
    struct pack_buffer head;
    struct pack_buffer binary;
};
void age_source_close(struct age_source *source);

/* Reads the header, and finds whether it follows the grammar. */
PACK_MUST_USE int age_source_open(struct age_source *source, struct age_header *header,
                                  struct pack_input *input, struct pack_error *error);
/* As pack_input_read. */
PACK_MUST_USE int age_source_read(struct age_source *source, uint64_t offset, void *buffer,
                                  size_t size, size_t *got, struct pack_error *error);

#endif
