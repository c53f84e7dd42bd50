/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SECRET_KEY_H
#define CRYPTO_SECRET_KEY_H

#include "crypto/ed25519.h"
#include "crypto/key_text.h"

enum { PACK_SEED_SIZE = 32, PACK_EXPANDED_KEY_SIZE = 64 };

/* In guarded memory. The public half is derived from the seed, whatever a file says. */
struct pack_secret_key {
    uint8_t expanded[PACK_EXPANDED_KEY_SIZE]; /* seed and derived public key, as libsodium wants */
    struct pack_public_key key;
    enum pack_key_purpose purpose;
    enum pack_key_format format; /* of the file that it came from */
};

/* `seed` stays the caller's, to be wiped by it. `id` may be NULL: it is derived then. */
PACK_MUST_USE int pack_secret_key_make(struct pack_secret_key **key,
                                       const uint8_t seed[PACK_SEED_SIZE],
                                       const uint8_t id[PACK_MINISIGN_ID_SIZE],
                                       enum pack_key_purpose purpose, struct pack_error *error);

/* A key file's text in guarded memory, with where it came from. */
struct pack_key_source {
    char *text;
    size_t size;
    unsigned mode; /* st_mode of the opened file */
    bool is_path;  /* false for env: and fd:, whose guards are not ours */
    bool foreign;  /* owned by neither this user nor root */
};
PACK_MUST_USE int pack_key_source_open(struct pack_key_source *source, const char *name,
                                       const char *(*environment)(const char *name),
                                       struct pack_error *error);
/*
 * Judges the opened file, never the name: PACK_E_KEY_STORE where others can read a key that is not
 * encrypted, unless access->allow_insecure; then, and for encrypted ones, access->warn is told.
 */
PACK_MUST_USE int pack_key_source_guard(const struct pack_key_source *source, const char *name,
                                        bool encrypted, const struct pack_key_access *access,
                                        struct pack_error *error);
/* pack_key_text_split of a source that must not be empty, nor a public key. */
PACK_MUST_USE int pack_key_text_split_secret(struct pack_key_text *parts,
                                             const struct pack_key_source *source,
                                             struct pack_error *error);
void pack_key_source_close(struct pack_key_source *source);
#define PACK_AUTO_KEY_SOURCE PACK_AUTO(pack_key_source_close)

#endif
