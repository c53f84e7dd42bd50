/* SPDX-License-Identifier: MIT */
#ifndef PACK_SEGMENT_H
#define PACK_SEGMENT_H

/* Where the bytes of a segmented image lie. */

#include "pack/pack.h"

PACK_BEGIN_DECLS

/* A range of addresses of a segmented image. */
struct pack_segment {
    uint64_t address;
    uint64_t size;
};

PACK_END_DECLS

#endif
