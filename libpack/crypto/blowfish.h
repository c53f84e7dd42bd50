/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_BLOWFISH_H
#define CRYPTO_BLOWFISH_H

/*
 * Blowfish (B. Schneier, 1993) with the key schedule of bcrypt (N. Provos, D. Mazières, A
 * Future-Adaptable Password Scheme, 1999), for bcrypt_pbkdf alone: it is no cipher for anything
 * new.
 */

#include <stddef.h>
#include <stdint.h>

enum { PACK_BLOWFISH_KEYS = 18 };

struct pack_blowfish {
    uint32_t keys[PACK_BLOWFISH_KEYS];
    uint32_t boxes[4][256];
};

/* Bytes that are taken as big-endian words, from the start again behind their end. */
struct pack_blowfish_stream {
    const uint8_t *bytes;
    size_t size; /* a multiple of 4, at least 4 */
};

void pack_blowfish_start(struct pack_blowfish *state);
/* Mixes a key into all of the state; `salt` may be NULL, which is a salt of zeros. */
void pack_blowfish_expand(struct pack_blowfish *state, const struct pack_blowfish_stream *salt,
                          struct pack_blowfish_stream key);
/* Encrypts one block. */
void pack_blowfish_encrypt(const struct pack_blowfish *state, uint32_t *left, uint32_t *right);

#endif
