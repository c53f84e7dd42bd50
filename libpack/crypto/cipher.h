/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

/* The ciphers of key files, by libcrypto and, for ChaCha20-Poly1305, libsodium. */

#include "pack/error.h"

enum {
    PACK_CIPHER_MAX_KEY = 64,
    PACK_CIPHER_MAX_IV = 16,
    PACK_CIPHER_TAG = 16,
};

struct pack_cipher {
    const char *name; /* OpenSSH's, "aes256-ctr" */
    size_t key_size;
    size_t iv_size;  /* bytes; 0 where there is none */
    size_t block;    /* what is encrypted is padded to */
    size_t tag;      /* bytes behind the ciphertext that authenticate it, or 0 */
    const char *evp; /* libcrypto's name; NULL for chacha20-poly1305@openssh.com */
};

/* NULL for one that is not known. */
const struct pack_cipher *pack_cipher_named(const char *name, size_t size);

/*
 * Encrypts or decrypts `size` bytes (whole blocks) in place. `tag` is written, or checked:
 * PACK_E_PASSPHRASE where it differs, for a wrong key is what it mostly is.
 */
PACK_MUST_USE int pack_cipher_encrypt(const struct pack_cipher *cipher, const uint8_t *key,
                                      const uint8_t *iv, uint8_t *bytes, size_t size, uint8_t *tag,
                                      struct pack_error *error);
PACK_MUST_USE int pack_cipher_decrypt(const struct pack_cipher *cipher, const uint8_t *key,
                                      const uint8_t *iv, uint8_t *bytes, size_t size,
                                      const uint8_t *tag, struct pack_error *error);

#endif
