/* SPDX-License-Identifier: MIT */
/* A program as a user of the library writes it; also compiled as C++. */
#include <pack/bundle.h>
#include <pack/digest.h>
#include <pack/pack.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    struct pack_error error;
    memset(&error, 0, sizeof error);
    if (pack_fail(&error, PACK_E_LIMIT, "%d bytes", 2) != PACK_E_LIMIT)
        return 1;
    printf("%s %s\n", pack_version(), pack_code_id(error.code));
    return 0;
}
