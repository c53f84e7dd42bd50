/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_FORMATS_H
#define FORMATS_FORMATS_H

/* Every image format of the program, ended by NULL: what a context's `formats` points to. */

#include "pack/backend/format.h"

extern const struct pack_format *const fwpack_formats[];

#endif
