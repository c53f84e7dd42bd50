/* SPDX-License-Identifier: MIT */
#include "crypto/blowfish.h"

#include "base/bytes.h"
#include "crypto/blowfish_tables.h"

#include <string.h>

void pack_blowfish_start(struct pack_blowfish *state)
{
    memcpy(state->keys, digits_of_pi, sizeof state->keys);
    memcpy(state->boxes, digits_of_pi + PACK_BLOWFISH_KEYS, sizeof state->boxes);
}

static uint32_t mix(const struct pack_blowfish *state, uint32_t x)
{
    const uint32_t sum = state->boxes[0][x >> 24] + state->boxes[1][x >> 16 & 0xff];
    return (sum ^ state->boxes[2][x >> 8 & 0xff]) + state->boxes[3][x & 0xff];
}

void pack_blowfish_encrypt(const struct pack_blowfish *state, uint32_t *left, uint32_t *right)
{
    uint32_t l = *left ^ state->keys[0], r = *right;
    for (size_t i = 1; i < PACK_BLOWFISH_KEYS - 1; i += 2) {
        r ^= mix(state, l) ^ state->keys[i];
        l ^= mix(state, r) ^ state->keys[i + 1];
    }
    *left = r ^ state->keys[PACK_BLOWFISH_KEYS - 1];
    *right = l;
}

static uint32_t next_word(struct pack_blowfish_stream stream, size_t *position)
{
    if (*position == stream.size)
        *position = 0;
    const uint32_t word = pack_be32(stream.bytes + *position);
    *position += 4;
    return word;
}

/* The words of the state follow from each other: each pair is the encryption of the one before. */
struct chain {
    const struct pack_blowfish_stream *salt;
    size_t position;
    uint32_t left, right;
};

static void replace(struct pack_blowfish *state, struct chain *chain, uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i += 2) {
        if (chain->salt != NULL) {
            chain->left ^= next_word(*chain->salt, &chain->position);
            chain->right ^= next_word(*chain->salt, &chain->position);
        }
        pack_blowfish_encrypt(state, &chain->left, &chain->right);
        words[i] = chain->left;
        words[i + 1] = chain->right;
    }
}

void pack_blowfish_expand(struct pack_blowfish *state, const struct pack_blowfish_stream *salt,
                          struct pack_blowfish_stream key)
{
    size_t position = 0;
    struct chain chain = {.salt = salt};
    for (size_t i = 0; i < PACK_BLOWFISH_KEYS; i++)
        state->keys[i] ^= next_word(key, &position);
    replace(state, &chain, state->keys, PACK_BLOWFISH_KEYS);
    for (size_t i = 0; i < 4; i++)
        replace(state, &chain, state->boxes[i], 256);
}
