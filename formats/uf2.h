/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_UF2_H
#define FORMATS_UF2_H

#include "pack/backend/format.h"

/* Sets the family id that the image gets when it is written as UF2. */
void fwpack_uf2_set_family(struct pack_image *image, uint32_t family);

#endif
