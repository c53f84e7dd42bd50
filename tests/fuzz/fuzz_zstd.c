/* SPDX-License-Identifier: MIT */
#include "codec_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return codec_target("zstd", data, size);
}
