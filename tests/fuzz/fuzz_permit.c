/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/permit.h"

#include <string.h>

static char *encode(const void *bytes, size_t size, size_t *encoded_size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_permit_free) struct pack_permit *permit = NULL;
    char *encoded = NULL;
    if (pack_permit_parse(&permit, bytes, size, &error) == 0 &&
        pack_permit_encode(&encoded, encoded_size, permit, &error) != 0 &&
        error.code != PACK_E_LIMIT)
        abort();
    return encoded;
}

/* What can be read can be written, and reading that gives the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t first_size = 0, second_size = 0;
    char *first PACK_AUTO_FREE = encode(data, size, &first_size);
    if (first == NULL)
        return 0;
    char *second PACK_AUTO_FREE = encode(first, first_size, &second_size);
    if (second == NULL || second_size != first_size || memcmp(first, second, first_size) != 0)
        abort();
    return 0;
}
