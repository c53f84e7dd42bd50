/* SPDX-License-Identifier: MIT */
#ifndef SLOT_UNPACK_TREE_H
#define SLOT_UNPACK_TREE_H

/* Between tree.c, which moves bytes and flushes, and libarchive, which knows tar. */

#include "pack/error.h"

struct unpacking;

/* The next piece, which is good until the next call; *size is 0 at the end. */
typedef int (*unpack_source_fn)(void *user, const void **bytes, size_t *size,
                                struct pack_error *error);

/* Loads libarchive: PACK_E_UNSUPPORTED where it is not installed. */
PACK_MUST_USE int unpack_new(struct unpacking **unpacking, unpack_source_fn source, void *user,
                             bool absolute_links, struct pack_error *error);
/* Extracts a tar to the working folder of this thread, and reads its source to the end. */
PACK_MUST_USE int unpack_run(struct unpacking *unpacking, struct pack_error *error);
void unpack_free(struct unpacking **unpacking);

#endif
