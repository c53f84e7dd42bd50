/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "formats/formats.h"

const char *choice_purpose(size_t index)
{
    static const enum pack_key_purpose purposes[] = {PACK_PURPOSE_RELEASE, PACK_PURPOSE_DELIVERY,
                                                     PACK_PURPOSE_DEMO};
    return index < sizeof purposes / sizeof purposes[0] ? pack_purpose_name(purposes[index]) : NULL;
}

const char *choice_writable_format(size_t index)
{
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++)
        if ((*format)->write != NULL && index-- == 0)
            return (*format)->name;
    return NULL;
}
