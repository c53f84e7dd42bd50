/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_BUILDER_H
#define IMAGE_BUILDER_H

#include "pack/image.h"

/* A builder whose places are line numbers, or offsets. */
PACK_MUST_USE int pack_image_builder_make(struct pack_image_builder **builder, bool lines,
                                          struct pack_error *error);

#endif
