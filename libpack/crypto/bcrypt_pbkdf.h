/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_BCRYPT_PBKDF_H
#define CRYPTO_BCRYPT_PBKDF_H

/*
 * The KDF of OpenSSH's and signify's encrypted keys: PBKDF2's frame around a bcrypt whose inputs
 * are SHA-512 digests, its output bytes dealt out in turn so that each part of a key needs all
 * blocks (OpenBSD lib/libutil/bcrypt_pbkdf.c, T. Unangst, 2013).
 */

#include "pack/error.h"

enum { PACK_BCRYPT_MAX_SALT = 1024 };

/* `rounds` is at least 1, `size` 1 to 1024. No bit of the passphrase stays behind in memory. */
PACK_MUST_USE int pack_bcrypt_pbkdf(const void *passphrase, size_t length, const uint8_t *salt,
                                    size_t salt_size, uint32_t rounds, uint8_t *out, size_t size,
                                    struct pack_error *error);

#endif
