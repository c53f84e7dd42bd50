/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_PAUSE_H
#define INSTALL_PAUSE_H

/*
 * The state of a patch, kept in the state folder while the patch is applied, so that an
 * installation that is stopped does not apply it from its beginning (docs/device-state.md).
 */

#include "bundle/keeper.h"
#include "install/engine.h"
#include "slot/slot.h"

/* Bytes of a slot between two flushes: what a power cut can cost of a full image. */
uint64_t pause_stride(const struct engine *engine);

/* One image on its way. */
struct pause {
    struct keeper keeper; /* lent to the bundle; its user is this struct */
    struct engine *engine;
    const struct pack_release_image *image;
    const struct slot_facts *facts;
    struct pack_input *target; /* what is in the target now, or NULL: borrowed */
    uint64_t left;             /* bytes of it that an earlier run left */
    uint64_t durable;          /* bytes of it that are flushed and noted; the writer's to raise */
    uint64_t resumed;          /* bytes that were not made again; 0: it began at the beginning */

    uint8_t key[PACK_SHA256_SIZE]; /* of what the state belongs to */
    uint64_t last;                 /* bytes that were made at the last state */
    struct pack_sink sink;
    struct storage_file *file; /* that is being written, with what it holds so far: */
    struct pack_sha256 *hash;
    uint64_t size;
    bool failed; /* once is enough: the disk may be full */
};

/* The facts must outlive it. */
void pause_open(struct pause *pause, struct engine *engine, const struct pack_release_image *image,
                const struct slot_facts *facts);
void pause_close(struct pause *pause);
/* Removes what was kept. That it cannot be is no failure: it fits nothing else. */
void pause_forget(struct engine *engine);

#endif
