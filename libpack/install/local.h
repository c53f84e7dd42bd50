/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_LOCAL_H
#define INSTALL_LOCAL_H

/*
 * Blocks of a new image that the device has already: in the target, where an earlier run left them
 * or the old image has them too, and in the slot that runs, at any place. Nothing is believed: each
 * block's hash is compared with the signed one.
 */

#include "pack/bundle.h"

struct local {
    struct pack_local_blocks blocks; /* lent to the bundle; its user is this struct */
    struct pack_sha256 *hash;
    uint32_t block_size;
    uint64_t frame_size;        /* plain bytes that are given together or not at all; 0: a block */
    uint64_t size;              /* of the image */
    struct pack_input *target;  /* what is in the target now, or NULL: borrowed */
    uint64_t durable;           /* bytes of it that an earlier run left, from its beginning */
    struct pack_input *running; /* the slot that runs, or NULL: borrowed */
    struct local_index *index;  /* of its blocks by hash; NULL until one is asked for */
    bool indexed;               /* whether that was tried */
    uint64_t resumed;           /* bytes that were given from the target */
    uint64_t reused;            /* bytes that were given from the slot that runs */
    uint64_t found_resumed, found_reused; /* of the frame that is asked for */
};

PACK_MUST_USE int local_open(struct local *local, const struct pack_release_image *image,
                             struct pack_error *error);
void local_close(struct local *local);

#endif
