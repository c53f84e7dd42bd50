/* SPDX-License-Identifier: MIT */
#include "unpack/unpack.h"

#include <stdlib.h>

void unpacked_free(struct unpacked *unpacked)
{
    free(unpacked->bytes);
    free(unpacked->plan);
    *unpacked = (struct unpacked){0};
}
