/* SPDX-License-Identifier: MIT */
#ifndef CLI_MEMORY_SINK_H
#define CLI_MEMORY_SINK_H

/* Collects the bytes of an image whose size is known. */

#include "cli.h"

#include "pack/io.h"

struct memory_sink {
    struct pack_sink sink;
    uint8_t *bytes; /* its own, until it is cleared */
    size_t size, capacity;
};

/* PACK_E_LIMIT above PACK_MAX_SEGMENTED bytes. */
PACK_MUST_USE int memory_sink_open(struct memory_sink *memory, uint64_t size,
                                   struct pack_error *error);
void memory_sink_clear(struct memory_sink *memory);

#endif
