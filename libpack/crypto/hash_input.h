/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_HASH_INPUT_H
#define CRYPTO_HASH_INPUT_H

/* Hashing a whole input in pieces, with progress, whatever the hash. */

#include "pack/context.h"
#include "pack/io.h"

typedef void (*pack_hash_update_fn)(void *state, const void *bytes, size_t size);

PACK_MUST_USE int pack_hash_input(struct pack_input *input, pack_hash_update_fn update, void *state,
                                  const struct pack_context *context, struct pack_error *error);

#endif
