/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_X25519_H
#define KEYSTORE_X25519_H

/*
 * An X25519 key in a PKCS#11 token, which never leaves it: the token computes the shared secret
 * (RFC 7748, section 6.1) by CKM_ECDH1_DERIVE without a KDF. Keys of type CKK_EC_MONTGOMERY, and
 * those of modules older than PKCS#11 3.0 that keep the curve X25519 as CKK_EC_EDWARDS (SoftHSM
 * 2.6.1 does; it lets only keys derive that were generated with CKA_DERIVE, not imported ones).
 */

#include "pack/signer.h"

enum { KEYSTORE_X25519_SIZE = 32 };

struct keystore_x25519;

/*
 * `name` is a whole KEY, "pkcs11:token=…;object=…", with the rules of pack_signing_key_open for
 * module, token and PIN. Another key type is PACK_E_KEY_INVALID, and named; a store that cannot be
 * used PACK_E_KEY_STORE, a PIN that is wrong PACK_E_PASSPHRASE. Several keys in one token ask for
 * one PIN.
 */
PACK_MUST_USE int keystore_x25519_open(struct keystore_x25519 **key, const char *name,
                                       const struct pack_signing_access *access,
                                       struct pack_error *error);

/* The key's public half: the u-coordinate, little-endian; lives as long as the key. */
const uint8_t *keystore_x25519_public(const struct keystore_x25519 *key);

/*
 * The shared secret with the peer's public key, into guarded memory of the caller
 * (pack_guarded_new). All zero, which a peer of small order gives, is PACK_E_KEY_INVALID.
 */
PACK_MUST_USE int keystore_x25519_shared(struct keystore_x25519 *key,
                                         const uint8_t peer[KEYSTORE_X25519_SIZE],
                                         uint8_t shared[KEYSTORE_X25519_SIZE],
                                         struct pack_error *error);

/* Closes the session and lets the module go; accepts NULL in *key. */
void keystore_x25519_close(struct keystore_x25519 **key);

#endif
