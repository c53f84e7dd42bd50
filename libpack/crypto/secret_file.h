/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SECRET_FILE_H
#define CRYPTO_SECRET_FILE_H

/*
 * Secret key files of every format: one table, whose entries read a file as far as it goes without
 * its passphrase, open it, and write one.
 */

#include "crypto/cipher.h"
#include "crypto/kdf.h"
#include "crypto/secret_key.h"
#include "crypto/secret_text.h"
#include "pack/limits.h"

/* In guarded memory. Spans point into `bytes`. */
struct pack_secret_file {
    enum pack_key_format format;
    bool encrypted;
    bool has_public;               /* the file tells the public half in the clear, unproved */
    struct pack_public_key public; /* that half */
    struct pack_kdf kdf;           /* of an encrypted one; its cost is checked */
    const struct pack_cipher *cipher;
    const uint8_t *iv;
    uint8_t *sealed; /* what is decrypted in place, or never was encrypted */
    size_t sealed_size;
    const uint8_t *tag;                       /* where the cipher has one */
    char comment[PACK_MAX_TRUSTED_COMMENT];   /* OpenSSH's is known once it is open */
    size_t size;                              /* of what `bytes` holds */
    uint8_t bytes[PACK_MAX_KEY_FILE / 4 * 3]; /* the file without its base64 */
};

struct pack_secret_format {
    /* `file` has the format, comment and decoded bytes; fills in the rest. */
    int (*read)(struct pack_secret_file *file, struct pack_error *error);
    /* `password` is NULL where nothing is encrypted. PACK_E_PASSPHRASE where it is wrong. */
    int (*open)(struct pack_secret_key **key, struct pack_secret_file *file,
                const struct pack_password *password, struct pack_error *error);
    /* Appends the whole file. `password` NULL writes in the clear. */
    int (*write)(struct pack_secret_text *text, const struct pack_secret_key *key,
                 const char *comment, const struct pack_password *password,
                 struct pack_error *error);
};
extern const struct pack_secret_format pack_secret_minisign, pack_secret_pem, pack_secret_openssh,
    pack_secret_signify;

/* Reads what split found to be secret; costs of the KDF are judged, nobody is asked yet. */
PACK_MUST_USE int pack_secret_file_read(struct pack_secret_file **file,
                                        const struct pack_key_text *text, struct pack_error *error);
/* Asks for the passphrase where it is encrypted; `name` is the key's, for the question. */
PACK_MUST_USE int pack_secret_file_open(struct pack_secret_key **key, struct pack_secret_file *file,
                                        const struct pack_passphrase *passphrase, const char *name,
                                        struct pack_error *error);
/*
 * The text of a key file. passphrase->ask NULL leaves it in the clear; `comment` may be NULL, for
 * one that tells the key's id and purpose.
 */
PACK_MUST_USE int pack_secret_file_write(struct pack_secret_text *text,
                                         const struct pack_secret_key *key,
                                         enum pack_key_format format, const char *comment,
                                         const struct pack_passphrase *passphrase, const char *name,
                                         struct pack_error *error);

/* --- what the formats share ------------------------------------------------------------------ */

/* Decrypts file->sealed by the file's KDF and cipher. */
PACK_MUST_USE int pack_secret_file_decrypt(struct pack_secret_file *file,
                                           const struct pack_password *password,
                                           struct pack_error *error);
/* The same for a file in the making: `key` derived, and bytes encrypted in place. */
PACK_MUST_USE int pack_secret_file_encrypt(const struct pack_kdf *kdf,
                                           const struct pack_cipher *cipher, const uint8_t *iv,
                                           const struct pack_password *password, uint8_t *bytes,
                                           size_t size, struct pack_error *error);
/* PACK_E_KEY_INVALID unless the public half that the file has belongs to the seed. */
PACK_MUST_USE int pack_secret_file_prove(const struct pack_secret_key *key, const uint8_t *public,
                                         struct pack_error *error);
PACK_MUST_USE int pack_wrong_passphrase(struct pack_error *error);

/* "fwpack secret key 9B43…, purpose release": what new files say of themselves. */
enum { PACK_KEY_COMMENT_SIZE = 128 };
void pack_key_comment(char comment[PACK_KEY_COMMENT_SIZE], const char *kind,
                      const struct pack_public_key *key, enum pack_key_purpose purpose);

#endif
