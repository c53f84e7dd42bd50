/* SPDX-License-Identifier: MIT */
#ifndef SLOT_TREE_H
#define SLOT_TREE_H

/*
 * A tar that becomes a file tree while its bytes come. libarchive asks for bytes, and we are given
 * them: so it has a thread, which is handed each piece and gives it back, and nothing is buffered.
 *
 * Files, folders, and links within the tree are made, with their modes, times, extended attributes
 * and, by root, owners. Refused with PACK_E_MALFORMED: names that lead out, names twice, links that
 * lead out, devices, FIFOs, whatever libarchive only warns about, and what
 * follows the end.
 */

#include "pack/error.h"

struct tree;

/*
 * Extracts to an empty folder, whose descriptor stays the caller's. Absolute symbolic links lead
 * out, unless they are wanted as they are.
 */
PACK_MUST_USE int tree_begin(struct tree **tree, int folder, bool absolute_links,
                             struct pack_error *error);
/* Some failures are noticed by a later call. */
PACK_MUST_USE int tree_write(struct tree *tree, const void *bytes, size_t size,
                             struct pack_error *error);
/* That was all: whether it was a whole tar; then all of the tree is durable. */
PACK_MUST_USE int tree_end(struct tree *tree, struct pack_error *error);
/* Stops and frees; what was made stays. */
void tree_close(struct tree **tree);

#endif
