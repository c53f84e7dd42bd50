/* SPDX-License-Identifier: MIT */
/* signify's secret keys, of any length that a file may have. */
#include "key_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[104] = {0};
    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    fuzz_secret(&pack_secret_signify, false, bytes, sizeof bytes);
    return 0;
}
