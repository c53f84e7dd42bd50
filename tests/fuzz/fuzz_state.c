/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "install/state.h"

#include <string.h>

static char *format(const void *bytes, size_t size, size_t *formatted_size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    char *formatted = NULL;
    if (state_parse(&state, bytes, size, &error) == 0 &&
        state_format(&formatted, formatted_size, state, &error) != 0)
        if (*formatted_size <= STATE_LIMIT)
            abort();
    return formatted;
}

/* What can be read can be written, and reading that gives the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t first_size = 0, second_size = 0;
    char *first PACK_AUTO_FREE = format(data, size, &first_size);
    if (first == NULL)
        return 0;
    char *second PACK_AUTO_FREE = format(first, first_size, &second_size);
    if (second == NULL || second_size != first_size || memcmp(first, second, first_size) != 0)
        abort();
    return 0;
}
