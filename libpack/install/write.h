/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_WRITE_H
#define INSTALL_WRITE_H

/* One image on its way into its target: decoded, compared, written, flushed, read back. */

#include "install/engine.h"
#include "slot/slot.h"

/* What is written, and where to. */
struct image_write {
    struct engine *engine;
    struct pack_trusted *trusted;
    struct pack_input *source; /* counted (counted.h) */
    size_t image;              /* the release's */
    const struct pack_device_slot *slot;
    const struct pack_device_target *target;
    struct slot_facts facts;    /* for targets that are programs */
    struct pack_input *running; /* the same slot of the running set, or NULL: for reuse */
    uint64_t durable;           /* bytes that an earlier run left; only a hint */
    struct pack_install_image *report;
};

/*
 * By the first encoding that gives the image; one that fails gives way to the next. Progress is
 * noted in the engine's state each time that some of it has become durable.
 */
PACK_MUST_USE int image_write(const struct image_write *write, struct pack_error *error);
/* Whether the target has the image, every block proved: PACK_E_IO with the place where it has not.
 */
PACK_MUST_USE int image_read_back(const struct image_write *write, struct pack_error *error);

/*
 * A slot of which the release says nothing: what runs is copied, so that the set is whole. `size`
 * bytes, all of it for 0.
 */
PACK_MUST_USE int slot_copy(struct engine *engine, const struct pack_device_slot *slot,
                            enum pack_set set, uint64_t size, struct pack_install_image *report,
                            struct pack_error *error);

#endif
