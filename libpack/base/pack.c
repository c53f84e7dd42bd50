/* SPDX-License-Identifier: MIT */
#include "pack/pack.h"

const char *pack_version(void)
{
    return FWPACK_VERSION;
}
