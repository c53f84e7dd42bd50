/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/document.h"

#include <string.h>

/* What is not understood is not kept, and what is written is indented: both may refuse. */
static bool may_refuse(const struct pack_error *error)
{
    return error->code == PACK_E_UNSUPPORTED || error->code == PACK_E_LIMIT;
}

static char *encode(const void *bytes, size_t size, size_t *encoded_size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = NULL;
    char *encoded = NULL;
    if (pack_delivery_parse(&delivery, bytes, size, &error) == 0 &&
        pack_delivery_encode(&encoded, encoded_size, delivery, &error) != 0 && !may_refuse(&error))
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
