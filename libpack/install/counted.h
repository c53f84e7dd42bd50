/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_COUNTED_H
#define INSTALL_COUNTED_H

/* An input that counts what it gave: the bytes that a network would have carried. */

#include "pack/io.h"

struct counted {
    struct pack_input input; /* lent to readers; never closed */
    struct pack_input *inner;
    uint64_t count;
};

void counted_open(struct counted *counted, struct pack_input *inner);

#endif
