/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_BUFFERED_H
#define FORMATS_BUFFERED_H

/* A sink that gathers small writes, for formats of many small records. */

#include "pack/io.h"

struct buffered_sink {
    struct pack_sink sink; /* first: write to this one */
    struct pack_sink *next;
    size_t used;
    uint8_t bytes[65536];
};

PACK_MUST_USE int fwpack_buffered_new(struct buffered_sink **buffered, struct pack_sink *next,
                                      struct pack_error *error);
/* Passes on what was gathered; without it, that is lost. */
PACK_MUST_USE int fwpack_buffered_flush(struct buffered_sink *buffered, struct pack_error *error);
void fwpack_buffered_free(struct buffered_sink **buffered);

#endif
