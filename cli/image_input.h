/* SPDX-License-Identifier: MIT */
#ifndef CLI_IMAGE_INPUT_H
#define CLI_IMAGE_INPUT_H

/* An image file for the image commands: opened, identified, and read with its addresses. */

#include "cli.h"

#include "pack/image.h"

struct image_input {
    struct pack_input *input;
    const struct pack_format *format; /* NULL: raw */
    void *bytes;                      /* of a pipe, which is read into memory */
};

/*
 * Opens PATH and finds its format, or takes the one named `as` where that is not NULL. What cannot
 * seek is held in memory, up to PACK_MAX_SEGMENTED.
 */
PACK_MUST_USE int image_input_open(struct image_input *image, struct cli *cli, const char *path,
                                   const char *as, struct pack_error *error);
void image_input_clear(struct image_input *image);
#define CLI_AUTO_IMAGE_INPUT CLI_AUTO(image_input_clear)

/* The segments; a raw file becomes one at `base`, PACK_E_USAGE where that is NULL. */
PACK_MUST_USE int image_input_read(struct pack_image **segments, const struct image_input *image,
                                   const uint64_t *base, struct pack_error *error);

#endif
