/* SPDX-License-Identifier: MIT */
#ifndef UNIT_IMAGE_BYTES_H
#define UNIT_IMAGE_BYTES_H

/* Images from bytes in memory and back, for the tests of the formats. */

#include "pack/image.h"

/* pack_image_read from memory. */
int image_from_bytes(struct pack_image **image, const struct pack_format *format, const void *bytes,
                     size_t size, struct pack_error *error);
int image_from_text(struct pack_image **image, const struct pack_format *format, const char *text,
                    struct pack_error *error);

/* pack_image_write to memory, with a zero byte behind it; free() it. */
int image_to_bytes(uint8_t **bytes, size_t *size, const struct pack_format *format,
                   const struct pack_image *image, struct pack_error *error);

/* The test fails unless reading the bytes and writing what was read gives them back. */
void check_comes_back(const struct pack_format *format, const void *bytes, size_t size);

/* An image of one segment, the bytes 0, 1, 2, … */
struct pack_image *image_of(uint64_t address, size_t size);

#endif
