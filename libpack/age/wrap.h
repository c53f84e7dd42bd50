/* SPDX-License-Identifier: MIT */
#ifndef AGE_WRAP_H
#define AGE_WRAP_H

/* How age wraps a file key and derives others from it (C2SP age.md). */

#include "base/memory.h"
#include "pack/error.h"

enum {
    AGE_FILE_KEY_SIZE = 16,
    AGE_KEY_SIZE = 32, /* X25519 keys and shares, the keys of ChaCha20-Poly1305, HMAC-SHA-256 */
    AGE_TAG_SIZE = 16, /* of Poly1305 */
    AGE_WRAPPED_SIZE = AGE_FILE_KEY_SIZE + AGE_TAG_SIZE,
    AGE_NONCE_SIZE = 16, /* of the payload */
    AGE_SALT_SIZE = 16,  /* of scrypt */
    AGE_MIN_WORK = 1,    /* base-two logarithms of scrypt's N */
    AGE_MAX_WORK = 20,   /* 1 GiB, which is PACK_MAX_KDF_MEMORY */
    AGE_NEW_WORK = 18,   /* 256 MiB, as age itself writes */
};

/* Secrets of one header, in guarded memory. */
struct age_secrets {
    uint8_t file_key[AGE_FILE_KEY_SIZE];
    uint8_t ephemeral[AGE_KEY_SIZE];
    uint8_t shared[AGE_KEY_SIZE];
    uint8_t wrap_key[AGE_KEY_SIZE];
    uint8_t extracted[AGE_KEY_SIZE]; /* of HKDF */
};

/* Whether every secret that agrees with this point gets the same, which is none. */
bool age_is_low_order(const uint8_t point[AGE_KEY_SIZE]);

/* A new ephemeral share, and the file key wrapped for `recipient`. PACK_E_KEY_INVALID: low order.
 */
PACK_MUST_USE int age_wrap_x25519(struct age_secrets *secrets,
                                  const uint8_t recipient[AGE_KEY_SIZE],
                                  uint8_t share[AGE_KEY_SIZE], uint8_t body[AGE_WRAPPED_SIZE],
                                  struct pack_error *error);
/* Opens the body with secrets->shared; false where it is for another recipient. */
bool age_unwrap_x25519(struct age_secrets *secrets, const uint8_t recipient[AGE_KEY_SIZE],
                       const uint8_t share[AGE_KEY_SIZE], const uint8_t body[AGE_WRAPPED_SIZE]);

/* A passphrase, which is not text of C. */
struct age_passphrase {
    const char *text;
    size_t size;
};
/* Both take a second at work 18. */
PACK_MUST_USE int age_wrap_scrypt(struct age_secrets *secrets, struct age_passphrase passphrase,
                                  unsigned work, const uint8_t salt[AGE_SALT_SIZE],
                                  uint8_t body[AGE_WRAPPED_SIZE], struct pack_error *error);
/* PACK_E_PASSPHRASE where it is another. */
PACK_MUST_USE int age_unwrap_scrypt(struct age_secrets *secrets, struct age_passphrase passphrase,
                                    unsigned work, const uint8_t salt[AGE_SALT_SIZE],
                                    const uint8_t body[AGE_WRAPPED_SIZE], struct pack_error *error);

/* HMAC-SHA-256 over the header up to and with its "---". */
void age_header_mac(struct age_secrets *secrets, const void *header, size_t size,
                    uint8_t mac[AGE_KEY_SIZE]);
/* `key` is guarded memory. */
void age_payload_key(struct age_secrets *secrets, const uint8_t nonce[AGE_NONCE_SIZE],
                     uint8_t key[AGE_KEY_SIZE]);

#endif
