/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_KEYS_H
#define SUPPORT_KEYS_H

/* Keys that are the same in each run, and signatures by them. */

#include "crypto/secret_key.h"
#include "support/test.h"

#include <string.h>

/* The key whose seed is `number` in each byte, and whose minisign id is too. */
static inline struct pack_secret_key *test_key(uint8_t number)
{
    struct pack_error error = {0};
    struct pack_secret_key *key = NULL;
    uint8_t seed[PACK_SEED_SIZE], id[PACK_MINISIGN_ID_SIZE];
    memset(seed, number, sizeof seed);
    memset(id, number, sizeof id);
    assert_pack_ok(pack_secret_key_make(&key, seed, id, PACK_PURPOSE_ANY, &error));
    return key;
}
#define AUTO_KEY __attribute__((cleanup(pack_secret_key_free)))

/* The text of a signature over bytes; to be freed with free(). */
static inline char *test_sign(const struct pack_secret_key *key, const void *bytes, size_t size,
                              const char *comment, size_t *text_size)
{
    struct pack_error error = {0};
    struct pack_signature signature = {0};
    struct pack_signer signer = pack_signer_from_key(key);
    uint8_t digest[PACK_PREHASH_SIZE];
    char *text = NULL;
    pack_prehash_bytes(bytes, size, digest);
    assert_pack_ok(pack_sign(&signature, &signer, digest, comment, &error));
    assert_pack_ok(pack_signature_format(&text, text_size, &signature, &error));
    return text;
}

#endif
