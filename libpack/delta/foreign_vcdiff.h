/* SPDX-License-Identifier: MIT */
#ifndef DELTA_FOREIGN_VCDIFF_H
#define DELTA_FOREIGN_VCDIFF_H

/* What writing and applying VCDIFF patches share: the format outside of its windows' sections. */

#include "base/memory.h"
#include "delta/foreign.h"
#include "delta/vcdiff.h"

static const uint8_t vcdiff_magic[4] = {0xd6, 0xc3, 0xc4, 0};

enum {
    VCDIFF_HEADER_SECONDARY = 1,
    VCDIFF_SECONDARY_LZMA = 2, /* xdelta3's number for it */
    VCDIFF_WINDOW_SOURCE = 1,
    VCDIFF_WINDOW_ADLER32 = 4, /* xdelta3's extension */
    /* xdelta3 counts addresses of source and target together in 32 bits. */
    VCDIFF_ADDRESS_MAX = 0x7fffffff,
};

uint32_t vcdiff_adler32(const uint8_t *bytes, size_t size);

int vcdiff_check(const struct delta_foreign_job *job, const uint8_t *patch, size_t size,
                 struct pack_error *error);

#endif
