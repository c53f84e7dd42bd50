/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_GNU_DEFLATE_H
#define UNPACK_GNU_DEFLATE_H

/*
 * Deflate (RFC 1951) as GNU gzip makes it. zlib searches in the same way, but ends its blocks at
 * other places, and reads nothing behind the end of its input; so neither packs what the other
 * has packed. This is written anew, from what the two programs produce.
 */

#include "pack/io.h"

enum { GNU_DEFLATE_LEVELS = 9, GNU_DEFLATE_MEMORY = 512 << 10 };

/* Writes the raw deflate stream of `size` bytes at a level from 1 to 9. */
PACK_MUST_USE int gnu_deflate(const uint8_t *plain, size_t size, unsigned level,
                              struct pack_sink *sink, struct pack_error *error);

#endif
