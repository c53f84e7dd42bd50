/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_KEY_TEXT_H
#define CRYPTO_KEY_TEXT_H

/* Key files seen by their frame: of which format they are, and where in the text what stands. */

#include "crypto/textline.h"
#include "pack/key.h"

#define PACK_PUBLIC_FILE_SIZE 42 /* of minisign and signify: "Ed", id, key */

enum pack_key_half { PACK_HALF_UNKNOWN, PACK_HALF_PUBLIC, PACK_HALF_SECRET };

struct pack_key_text {
    enum pack_key_format format;
    enum pack_key_half half;  /* unknown where the length of a minisign key is wrong */
    bool sealed;              /* PEM: an ENCRYPTED PRIVATE KEY */
    struct pack_span comment; /* minisign, signify: behind "untrusted comment: "; OpenSSH line */
    struct pack_span data;    /* base64; of PEM and OpenSSH files with its line ends */
};

/*
 * Splits TEXT, which must outlive the result; PACK_E_KEY_INVALID with the line. Nothing is decoded.
 * Lines may end in CR LF, and the last one in nothing. What is a key of another kind or program is
 * refused by its name, with what makes a key of ours of it.
 */
PACK_MUST_USE int pack_key_text_split(struct pack_key_text *parts, const char *text, size_t size,
                                      struct pack_error *error);

/*
 * Decodes base64 over several lines into at most `capacity` bytes, canonical and padded: false
 * where it is not that.
 */
bool pack_key_text_decode(struct pack_span data, uint8_t *bytes, size_t capacity, size_t *size);

/* The public key of a text whose half is not secret. */
PACK_MUST_USE int pack_key_text_public(struct pack_public_key *key,
                                       const struct pack_key_text *parts, struct pack_error *error);

/* The public key from minisign's or signify's base64 line. */
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

/*
 * Makes it the FIDO key of this relying party, "ssh:": its key id is that of another TUF key
 * object.
 */
PACK_MUST_USE int pack_public_key_set_application(struct pack_public_key *key,
                                                  const char *application, size_t size,
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
