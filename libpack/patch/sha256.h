/* SPDX-License-Identifier: MIT */
#ifndef PATCH_SHA256_H
#define PATCH_SHA256_H

/* SHA-256 (FIPS 180-4) for devices without a library of their own: small rather than fast. */

#include "patch/types.h"

#define PATCH_SHA256_SIZE 32

struct patch_sha256 {
    uint32_t state[8];
    uint32_t size[2]; /* of the message in bytes, low word first */
    uint8_t block[64];
};

void patch_sha256_begin(struct patch_sha256 *hash);
void patch_sha256_add(struct patch_sha256 *hash, const uint8_t *bytes, size_t size);
void patch_sha256_end(struct patch_sha256 *hash, uint8_t digest[PATCH_SHA256_SIZE]);

#endif
