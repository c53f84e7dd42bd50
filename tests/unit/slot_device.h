/* SPDX-License-Identifier: MIT */
#ifndef SLOT_DEVICE_H
#define SLOT_DEVICE_H

/*
 * Block devices and file systems for tests of slots. Each skips the running test where this process
 * may not make them; all is gone when the process ends.
 */

#include "storage/storage.h"

/* A loop device over a file; its path, to be freed. It lives until the descriptor is closed. */
char *slot_test_loop(const char *file, int *descriptor);
/* A tmpfs of `size` bytes ("64k") on a folder, in a mount namespace of this process. */
void slot_test_mount_tmpfs(const char *folder, const char *size);
/* Mounts the ext file system of a block device, to be read only. */
void slot_test_mount_ext(const char *device, const char *folder);
void slot_test_make_read_only(const char *folder);
void slot_test_unmount(const char *folder);

/*
 * The system's storage below a folder, so that a test has a /sys and a /dev of its own. To be freed
 * with free().
 */
struct storage *slot_test_rooted(const char *root);
/* Whether names can be exchanged in it; they cannot unless told. */
void slot_test_exchanges(struct storage *storage, bool can);
/* Its operations on names fail from number `at` on, from 1; 0: none. */
void slot_test_stop(struct storage *storage, unsigned at);
/* Whether one has. */
bool slot_test_stopped(const struct storage *storage);

#endif
