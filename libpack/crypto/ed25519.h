/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

/* Ed25519 (RFC 8032) as libsodium has it, random bytes, and guarded memory. */

#include "base/memory.h"
#include "pack/key.h"

/*
 * Makes libsodium ready for use; to be called before anything of it that needs memory or
 * randomness. Fails where the system has no random source, for libsodium aborts there.
 */
PACK_MUST_USE int pack_crypto_ready(struct pack_error *error);

/* Random bytes from the kernel; all of them or a failure. */
PACK_MUST_USE int pack_random(void *bytes, size_t size, struct pack_error *error);

/*
 * The strict verdict: S below the group's order, no point of small order, canonical encodings,
 * no cofactor. It alone accepts a key of mixed order; keys are enrolled by pack_ed25519_usable.
 */
bool pack_ed25519_verify(const uint8_t signature[PACK_SIGNATURE_SIZE], const void *message,
                         size_t size, const uint8_t key[PACK_PUBLIC_KEY_SIZE]);

/* Whether the key is a canonical point of the prime-order group, and not its identity. */
bool pack_ed25519_usable(const uint8_t key[PACK_PUBLIC_KEY_SIZE]);

/*
 * Zeroed memory for secrets: locked where the system permits it, left out of core dumps, with
 * guard pages, wiped by pack_guarded_free, all zeros in a forked child, which must not free it.
 * `size` is a multiple of the content's alignment.
 */
PACK_MUST_USE int pack_guarded_new(void *address, size_t size, struct pack_error *error);
/*
 * Forked children get it after all: for keys that sign, since `build --check` builds again in a
 * child. No process that holds one runs decoders in children.
 */
void pack_guarded_inherit(void *memory, size_t size);
void pack_guarded_free(void *address);
#define PACK_AUTO_GUARDED PACK_AUTO(pack_guarded_free)

#endif
