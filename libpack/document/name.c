/* SPDX-License-Identifier: MIT */
#include "pack/document.h"

#include <string.h>

bool pack_name_valid(const char *name)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    const size_t length = strlen(name);
    if (length == 0 || length > PACK_MAX_NAME || strchr("._-", name[0]) != NULL)
        return false;
    return strspn(name, characters) == length;
}
