/* SPDX-License-Identifier: MIT */
#include "install/number.h"

#include "base/checked.h"

bool number_read(const char *text, size_t size, uint64_t most, uint64_t *value)
{
    uint64_t number = 0;
    if (size > 0 && text[size - 1] == '\n')
        size--;
    for (size_t i = 0; i < size; i++)
        if (text[i] < '0' || text[i] > '9' || !pack_multiply(number, 10, &number) ||
            !pack_add(number, (uint64_t)(text[i] - '0'), &number))
            return false;
    if (size == 0 || number > most)
        return false;
    *value = number;
    return true;
}
