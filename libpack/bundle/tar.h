/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_TAR_H
#define BUNDLE_TAR_H

/*
 * The bundle's own dialect of tar (POSIX.1-1988 ustar): a header is a pure function of a name
 * and a size, so a reader recomputes it and compares. A pax size record (POSIX.1-2001) stands
 * before it only where the size does not fit ustar.
 */

#include "pack/error.h"

#define TAR_BLOCK 512
#define TAR_END 1024                         /* zero bytes at the end of the archive */
#define TAR_NAME_SIZE 101                    /* a name of 100 bytes and a zero byte */
#define TAR_HEADER_MAX (3 * TAR_BLOCK)       /* pax header, its record, header */
#define TAR_USTAR_MAX UINT64_C(077777777777) /* 8 GiB - 1 */

/* Bytes of the header of a member of `size` bytes: 512, or 1536 with a pax record. */
size_t tar_header_size(uint64_t size);
/* Bytes of the zeros between a member's data and the next header. */
size_t tar_padding(uint64_t size);
/* Writes tar_header_size(size) bytes. The name has 1 to 100 bytes. */
void tar_header(uint8_t header[TAR_HEADER_MAX], const char *name, uint64_t size);

bool tar_has_magic(const uint8_t block[TAR_BLOCK]);
/*
 * Reads the name and size of a header block, and compares all 512 bytes with what they must be.
 * PACK_E_MALFORMED says which rule is broken. A pax header is returned by its own name and size.
 */
PACK_MUST_USE int tar_parse(const uint8_t block[TAR_BLOCK], char name[TAR_NAME_SIZE],
                            uint64_t *size, struct pack_error *error);

#endif
