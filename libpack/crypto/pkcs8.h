/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_PKCS8_H
#define CRYPTO_PKCS8_H

/* The DER inside PEM files: keys (RFC 8410, RFC 5958) and their encryption (RFC 8018, RFC 7914). */

#include "crypto/secret_file.h"

/* SubjectPublicKeyInfo of an Ed25519 key; another algorithm is PACK_E_KEY_INVALID, and named. */
enum { PACK_SPKI_SIZE = 44 };
PACK_MUST_USE int pack_spki_parse(struct pack_public_key *key, const uint8_t *bytes, size_t size,
                                  struct pack_error *error);
void pack_spki_write(uint8_t bytes[PACK_SPKI_SIZE], const uint8_t key[PACK_PUBLIC_KEY_SIZE]);

/*
 * PBES2's parameters into the file's KDF, cipher and initialisation vector, and its encrypted
 * bytes; the KDF's cost is judged.
 */
PACK_MUST_USE int pack_pbes2_parse(struct pack_secret_file *file, struct pack_error *error);
/* The same written: EncryptedPrivateKeyInfo around `sealed`, by scrypt and AES-256-CBC. */
enum { PACK_PBES2_SALT_SIZE = 16, PACK_PBES2_IV_SIZE = 16 };
PACK_MUST_USE int pack_pbes2_write(struct pack_secret_text *der, const uint8_t *sealed, size_t size,
                                   const struct pack_kdf *kdf, const uint8_t iv[PACK_PBES2_IV_SIZE],
                                   struct pack_error *error);

#endif
