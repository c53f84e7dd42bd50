/* SPDX-License-Identifier: MIT */
#ifndef DELTA_SLOT_H
#define DELTA_SLOT_H

/*
 * A device's only slot, in memory: what the maker of an in-place patch sees is what the device
 * will see, page for page, because the device's own code works on it.
 */

#include "pack/error.h"
#include "patch/header.h"
#include "patch/in_place.h"

struct delta_slot {
    struct pack_flash flash;
    struct patch_in_place place;
    uint8_t *bytes; /* the slot, with the image at its start; then the page that is made, and the
                       journal */
    size_t size;
};

/* `slot` does not move while it is used. The old image is to be put at its start. */
int delta_slot_new(struct delta_slot *slot, const struct patch_header *header,
                   struct pack_error *error);
/* After the rest of `place` is set; `states` are not needed. */
int delta_slot_open(struct delta_slot *slot, struct pack_error *error);
void delta_slot_free(struct delta_slot *slot);

/* A patch_old_function whose user is the slot. */
bool delta_slot_read(void *slot, patch_offset offset, uint8_t *bytes, size_t size);

#endif
