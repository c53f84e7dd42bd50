/* SPDX-License-Identifier: MIT */
#include "age/chunk.h"

#include <sodium.h>

enum { NONCE_SIZE = crypto_aead_chacha20poly1305_ietf_NPUBBYTES, COUNTER_END = NONCE_SIZE - 1 };

/* Eleven bytes of counter, the most significant first, and one that tells the last chunk. */
static void make_nonce(struct age_place place, uint8_t nonce[NONCE_SIZE])
{
    for (size_t i = 0; i < COUNTER_END; i++)
        nonce[COUNTER_END - 1 - i] = (uint8_t)(i < sizeof place.index ? place.index >> (8 * i) : 0);
    nonce[COUNTER_END] = place.last;
}

void age_chunk_seal(const struct age_chunk *chunk, struct age_place place, uint8_t *sealed)
{
    uint8_t nonce[NONCE_SIZE];
    make_nonce(place, nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, chunk->plain, chunk->size, NULL, 0,
                                              NULL, nonce, chunk->key);
}

bool age_chunk_open(struct age_chunk *chunk, struct age_place place, const uint8_t *sealed,
                    size_t size)
{
    uint8_t nonce[NONCE_SIZE];
    make_nonce(place, nonce);
    chunk->size = 0;
    if (size < AGE_TAG_SIZE ||
        crypto_aead_chacha20poly1305_ietf_decrypt(chunk->plain, NULL, NULL, sealed, size, NULL, 0,
                                                  nonce, chunk->key) != 0)
        return false;
    chunk->size = size - AGE_TAG_SIZE;
    return true;
}
