/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/permit.h"

#include <stdlib.h>

/* What is read obeys what the header says of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_rollout_free) struct pack_rollout *rollout = NULL;
    const int code = pack_rollout_parse(&rollout, data, size, &error);
    if ((code == 0) != (rollout != NULL) || code != (int)error.code)
        abort();
    if (rollout != NULL && (rollout->revision == 0 || rollout->revision > PACK_MAX_INTEGER))
        abort();
    return 0;
}
