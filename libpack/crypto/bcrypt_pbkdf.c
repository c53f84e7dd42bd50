/* SPDX-License-Identifier: MIT */
#include "crypto/bcrypt_pbkdf.h"

#include "base/bytes.h"
#include "crypto/blowfish.h"
#include "crypto/ed25519.h"

#include <sodium.h>
#include <string.h>

enum { BLOCK = 32, DIGEST = 64, WORDS = BLOCK / 4, MAX_OUTPUT = 1024 };

/* All that a derivation computes with, in guarded memory. */
struct work {
    struct pack_blowfish state;
    uint8_t passphrase[DIGEST]; /* hashed */
    uint8_t salt[DIGEST];       /* hashed, another one in each round */
    uint8_t block[BLOCK];
    uint8_t sum[BLOCK];
    uint32_t words[WORDS];
    crypto_hash_sha512_state hash;
};

/* One bcrypt of 2^6 expansions, over the two digests. */
static void hash_block(struct work *work)
{
    static const uint8_t magic[BLOCK] = "OxychromaticBlowfishSwatDynamite";
    const struct pack_blowfish_stream passphrase = {work->passphrase, DIGEST};
    const struct pack_blowfish_stream salt = {work->salt, DIGEST};
    pack_blowfish_start(&work->state);
    pack_blowfish_expand(&work->state, &salt, passphrase);
    for (int i = 0; i < 64; i++) {
        pack_blowfish_expand(&work->state, NULL, salt);
        pack_blowfish_expand(&work->state, NULL, passphrase);
    }
    for (size_t i = 0; i < WORDS; i++)
        work->words[i] = pack_be32(magic + 4 * i);
    for (int i = 0; i < 64; i++)
        for (size_t j = 0; j < WORDS; j += 2)
            pack_blowfish_encrypt(&work->state, &work->words[j], &work->words[j + 1]);
    for (size_t i = 0; i < WORDS; i++)
        pack_put_le32(work->block + 4 * i, work->words[i]);
}

static void hash_salt(struct work *work, const uint8_t *salt, size_t size, uint32_t number)
{
    const uint8_t counter[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                (uint8_t)(number >> 8), (uint8_t)number};
    crypto_hash_sha512_init(&work->hash);
    crypto_hash_sha512_update(&work->hash, salt, size);
    crypto_hash_sha512_update(&work->hash, counter, sizeof counter);
    crypto_hash_sha512_final(&work->hash, work->salt);
}

/* The XOR of all rounds of block `number` (from 1). */
static void derive_block(struct work *work, const uint8_t *salt, size_t size, uint32_t number,
                         uint32_t rounds)
{
    hash_salt(work, salt, size, number);
    hash_block(work);
    memcpy(work->sum, work->block, BLOCK);
    for (uint32_t i = 1; i < rounds; i++) {
        crypto_hash_sha512(work->salt, work->block, BLOCK);
        hash_block(work);
        for (size_t j = 0; j < BLOCK; j++)
            work->sum[j] ^= work->block[j];
    }
}

int pack_bcrypt_pbkdf(const void *passphrase, size_t length, const uint8_t *salt, size_t salt_size,
                      uint32_t rounds, uint8_t *out, size_t size, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct work *work = NULL;
    if (rounds == 0 || size == 0 || size > MAX_OUTPUT || salt_size > PACK_BCRYPT_MAX_SALT)
        return pack_fail(error, PACK_E_INTERNAL, "bcrypt_pbkdf cannot derive this");
    const int code = pack_guarded_new(&work, sizeof *work, error);
    if (code != 0)
        return code;
    const size_t blocks = (size + BLOCK - 1) / BLOCK;
    crypto_hash_sha512(work->passphrase, passphrase, length);
    for (size_t i = 0; i < blocks; i++) {
        derive_block(work, salt, salt_size, (uint32_t)i + 1, rounds);
        for (size_t j = 0; j < BLOCK && j * blocks + i < size; j++)
            out[j * blocks + i] = work->sum[j];
    }
    return 0;
}
