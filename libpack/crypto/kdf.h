/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

/* How key files make a cipher's key of a passphrase, and what that may cost. */

#include "crypto/ed25519.h"

/* A passphrase in guarded memory, with a zero byte behind it; freed by pack_password_clear. */
struct pack_password {
    char *text;
    size_t size;
};
/* PACK_E_PASSPHRASE where none can be had, or where an empty one would encrypt (`confirm`). */
PACK_MUST_USE int pack_password_ask(struct pack_password *password,
                                    const struct pack_passphrase *passphrase, const char *name,
                                    bool confirm, struct pack_error *error);
void pack_password_clear(struct pack_password *password);
#define PACK_AUTO_PASSWORD PACK_AUTO(pack_password_clear)

/* The most that is honoured of what a key file asks for; memory is PACK_MAX_KDF_MEMORY. */
#define PACK_MAX_SCRYPT_WORK UINT64_C(8388608)    /* N r p: what minisign's 1 GiB takes */
#define PACK_MAX_PBKDF2_ROUNDS UINT64_C(10000000) /* seconds; OWASP's advice is 600,000 */
#define PACK_MAX_BCRYPT_ROUNDS UINT64_C(1024)     /* seconds; ssh-keygen's default is 24 */

struct pack_kdf_method;
extern const struct pack_kdf_method pack_kdf_minisign; /* scrypt, its parameters by libsodium */
extern const struct pack_kdf_method pack_kdf_scrypt;   /* RFC 7914 */
extern const struct pack_kdf_method pack_kdf_pbkdf2;   /* RFC 8018 */
extern const struct pack_kdf_method pack_kdf_bcrypt;   /* OpenBSD's bcrypt_pbkdf */

struct pack_kdf {
    const struct pack_kdf_method *method; /* NULL: not encrypted */
    uint64_t memory;                      /* of minisign: memlimit; of scrypt: computed */
    uint64_t rounds;                      /* of minisign: opslimit; of the others: iterations */
    uint64_t n, r, p;                     /* of scrypt */
    const char *digest;                   /* of PBKDF2: "SHA256" */
    const uint8_t *salt;
    size_t salt_size;
};

/* "scrypt", "PBKDF2-HMAC-SHA256", "bcrypt"; NULL without a method. */
const char *pack_kdf_name(const struct pack_kdf *kdf);
/*
 * Judges the cost, to be called before anybody is asked for a passphrase; fills in the memory.
 * PACK_E_LIMIT beyond the limits, PACK_E_KEY_INVALID for what is no parameter at all.
 */
PACK_MUST_USE int pack_kdf_check(struct pack_kdf *kdf, struct pack_error *error);
PACK_MUST_USE int pack_kdf_derive(const struct pack_kdf *kdf, const struct pack_password *password,
                                  uint8_t *out, size_t size, struct pack_error *error);

#endif
