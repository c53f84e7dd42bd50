/* SPDX-License-Identifier: MIT */
#include "patch/sha256.h"

#include <string.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t first_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

/* The message's words are made as they are needed, in a ring of the last sixteen. */
static uint32_t next_word(uint32_t w[16], unsigned i)
{
    uint32_t old = w[(i + 1) & 15], recent = w[(i + 14) & 15];
    uint32_t s0 = rotate(old, 7) ^ rotate(old, 18) ^ old >> 3;
    uint32_t s1 = rotate(recent, 17) ^ rotate(recent, 19) ^ recent >> 10;
    return w[i & 15] += s0 + w[(i + 9) & 15] + s1;
}

static void mix_block(struct patch_sha256 *hash)
{
    uint32_t w[16], v[8];
    memcpy(v, hash->state, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        const uint8_t *p = hash->block + 4 * (i & 15);
        uint32_t word =
            i >= 16
                ? next_word(w, i)
                : (w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t one = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + word;
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t two = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        hash->state[i] += v[i];
}

void patch_sha256_begin(struct patch_sha256 *hash)
{
    memcpy(hash->state, first_state, sizeof hash->state);
    hash->size[0] = hash->size[1] = 0;
}

void patch_sha256_add(struct patch_sha256 *hash, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        hash->block[hash->size[0] & 63] = bytes[i];
        if (++hash->size[0] == 0)
            hash->size[1]++;
        if ((hash->size[0] & 63) == 0)
            mix_block(hash);
    }
}

void patch_sha256_end(struct patch_sha256 *hash, uint8_t digest[PATCH_SHA256_SIZE])
{
    const uint32_t bits[2] = {hash->size[1] << 3 | hash->size[0] >> 29, hash->size[0] << 3};
    uint8_t byte = 0x80;
    do {
        patch_sha256_add(hash, &byte, 1);
        byte = 0;
    } while ((hash->size[0] & 63) != 56);
    for (int i = 0; i < 8; i++) {
        byte = (uint8_t)(bits[i / 4] >> (24 - 8 * (i % 4)));
        patch_sha256_add(hash, &byte, 1);
    }
    for (int i = 0; i < PATCH_SHA256_SIZE; i++)
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}
