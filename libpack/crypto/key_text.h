/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_KEY_TEXT_H
#define CRYPTO_KEY_TEXT_H

/* The text of minisign's key files, public and secret: a comment line and a base64 line. */

#include "crypto/textline.h"
#include "pack/key.h"

#define PACK_PUBLIC_FILE_SIZE 42  /* "Ed", id, key */
#define PACK_SECRET_FILE_SIZE 158 /* see key_file.h */

struct pack_key_text {
    struct pack_span comment; /* after "untrusted comment: "; empty where the line is left out */
    struct pack_span data;    /* base64 */
};

/* Splits TEXT, which must outlive the result; PACK_E_KEY_INVALID with the line. */
PACK_MUST_USE int pack_key_text_split(struct pack_key_text *parts, const char *text, size_t size,
                                      struct pack_error *error);

/* Whether the data has a secret key's length. */
bool pack_key_text_is_secret(const struct pack_key_text *parts);

/* The public key from a base64 line. */
PACK_MUST_USE int pack_public_key_decode(struct pack_public_key *key, struct pack_span data,
                                         struct pack_error *error);

/*
 * Fills in `bytes`, the id (NULL: the derived one), and what else is derived from them, once the
 * point is found usable.
 */
PACK_MUST_USE int pack_public_key_make(struct pack_public_key *key,
                                       const uint8_t bytes[PACK_PUBLIC_KEY_SIZE],
                                       const uint8_t id[PACK_MINISIGN_ID_SIZE],
                                       struct pack_error *error);

/* The purpose that a key's comment ends with (", purpose release"), PACK_PURPOSE_ANY if none. */
enum pack_key_purpose pack_comment_purpose(struct pack_span comment);

/* The id of a key whose file has none: the first bytes of the key's SHA-256. */
PACK_MUST_USE int pack_minisign_id_derive(const uint8_t key[PACK_PUBLIC_KEY_SIZE],
                                          uint8_t id[PACK_MINISIGN_ID_SIZE],
                                          struct pack_error *error);

/* Whether a minisign id is one that keys with the demo purpose get, and the bytes that say so. */
#define PACK_DEMO_ID "DEMO"
bool pack_minisign_id_is_demo(const uint8_t id[PACK_MINISIGN_ID_SIZE]);

/* Whether the key is one of keys-example/, whose secret halves everybody has. */
bool pack_demo_key_published(const uint8_t key[PACK_PUBLIC_KEY_SIZE]);

#endif
