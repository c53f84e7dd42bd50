/* SPDX-License-Identifier: MIT */
#include "image_target.h"

#include "formats/backends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return image_target(&fwpack_format_elf, data, size, false);
}
