/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <string.h>

int pack_allocate(void *address, size_t count, size_t size, struct pack_error *error)
{
    void *memory = calloc(count != 0 ? count : 1, size);
    if (memory == NULL)
        return pack_fail_memory(error);
    memcpy(address, &memory, sizeof memory);
    return 0;
}

int pack_copy_string(char **copy, const char *text, struct pack_error *error)
{
    *copy = strdup(text);
    return *copy != NULL ? 0 : pack_fail_memory(error);
}
