/* SPDX-License-Identifier: MIT */
#ifndef PACK_DIGEST_H
#define PACK_DIGEST_H

/* SHA-256 (FIPS 180-4), through libcrypto, which uses the processor's instructions for it. */

#include "pack/io.h"

PACK_BEGIN_DECLS

#define PACK_SHA256_SIZE 32
#define PACK_SHA256_HEX_SIZE 65 /* with the final zero byte */

struct pack_sha256; /* a running hash; reusable after finish */

PACK_API PACK_MUST_USE int pack_sha256_new(struct pack_sha256 **hash, struct pack_error *error);
PACK_API PACK_MUST_USE int pack_sha256_update(struct pack_sha256 *hash, const void *bytes,
                                              size_t size, struct pack_error *error);
/* Writes the digest and starts anew. */
PACK_API PACK_MUST_USE int pack_sha256_finish(struct pack_sha256 *hash,
                                              uint8_t digest[PACK_SHA256_SIZE],
                                              struct pack_error *error);
PACK_API void pack_sha256_free(struct pack_sha256 **hash);
/* update and finish in one. */
PACK_API PACK_MUST_USE int pack_sha256_of(struct pack_sha256 *hash, const void *bytes, size_t size,
                                          uint8_t digest[PACK_SHA256_SIZE],
                                          struct pack_error *error);
/* One digest of bytes in memory, without a running hash at hand. */
PACK_API PACK_MUST_USE int pack_sha256_bytes(const void *bytes, size_t size,
                                             uint8_t digest[PACK_SHA256_SIZE],
                                             struct pack_error *error);

/* 64 lower-case hex digits and a zero byte, as sha256sum prints. */
PACK_API void pack_sha256_hex(const uint8_t digest[PACK_SHA256_SIZE],
                              char text[PACK_SHA256_HEX_SIZE]);
/* Exactly 64 lower-case hex digits; false for anything else. */
PACK_API bool pack_sha256_parse(const char *text, uint8_t digest[PACK_SHA256_SIZE]);

PACK_END_DECLS

#endif
