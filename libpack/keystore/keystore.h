/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_KEYSTORE_H
#define KEYSTORE_KEYSTORE_H

/* A key store: one entry of the table in keystore.c. */

#include "base/memory.h"
#include "pack/signer.h"

struct keystore {
    const char *name;   /* "pkcs11" */
    const char *scheme; /* "pkcs11:", with which a KEY begins; NULL: everything else */
    /*
     * Opens the key: fills in key->public and, where it needs any, key->state. `name` is the KEY
     * without its scheme. After a failure `close` is called too.
     */
    int (*open)(struct pack_signing_key *key, const char *name,
                const struct pack_signing_access *access, struct pack_error *error);
    /* One plain Ed25519 signature; the caller verifies it. */
    int (*sign)(struct pack_signing_key *key, const char *role, const void *message, size_t size,
                uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error);
    void (*close)(struct pack_signing_key *key); /* may be NULL */
};

struct pack_signing_key {
    const struct keystore *store;
    struct pack_public_key public;
    enum pack_key_purpose purpose;
    void *state; /* the store's own */
};

extern const struct keystore keystore_agent, keystore_exec, keystore_file, keystore_pkcs11,
    keystore_tpm2;

/* Fills in key->public from 32 bytes, with the minisign id that `access` knows for them. */
PACK_MUST_USE int keystore_set_public(struct pack_signing_key *key,
                                      const uint8_t bytes[PACK_PUBLIC_KEY_SIZE],
                                      const struct pack_signing_access *access,
                                      struct pack_error *error);

#endif
