/* SPDX-License-Identifier: MIT */
#ifndef DEVICE_WORLD_H
#define DEVICE_WORLD_H

/*
 * A small device on plain files and two releases for it: slots rootfs and kernel in both sets,
 * bootloader `file`, one key. Set A runs and holds release 1, as its state says.
 */

#include "pack/install.h"
#include "support/test.h"

struct storage;

enum { WORLD_RELEASES = 3, WORLD_SLOTS = 2 };

struct world {
    const char *folder;
    uint8_t *images[WORLD_SLOTS][WORLD_RELEASES]; /* as they are in each release */
    struct pack_device device;
    struct pack_device_slot slots[2];
    const char *trust[1];
    char paths[16][256]; /* that the device names */
    struct pack_engine engine;
    uint64_t now;
    /* "v1.fwb", "v2.fwb", "delta.fwb" (v1 to v2), "v0.fwb" (older than v1). */
    struct pack_install_report report; /* of the last installation */
};

/* Makes all of it in `folder`; the world is big: on the heap. */
struct world *world_make(const char *folder);
void world_free(struct world **world);

/* Installs a bundle of the folder through `storage` (NULL: the system's). */
int world_install(struct world *world, struct storage *storage, const char *bundle,
                  struct pack_error *error);
/* As a boot script does; fails the test where nothing starts. */
enum pack_set world_start(struct world *world);
/* What a set holds, to the byte: 0, 1 or 2 for a release, -1 for a mixture. */
int world_release_in(const struct world *world, enum pack_set set);

#endif
