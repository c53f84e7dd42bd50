/* SPDX-License-Identifier: MIT */
#ifndef SLOT_NODE_H
#define SLOT_NODE_H

/* Flash, which is reached by character devices: found by path or by name, opened and checked. */

#include "storage/storage.h"

#include <sys/stat.h>

enum { NODE_PATH_SIZE = 512 };

/* Whether an entry of the class's folder has the name that is looked for. */
typedef bool (*node_named_fn)(struct storage *storage, const char *entry, const char *name);

/*
 * The device of a target: `target` itself where it is a path, else "/dev/" and the entry of the
 * class's `folder` that has this name. Exactly one.
 */
PACK_MUST_USE int node_find(char path[NODE_PATH_SIZE], const char *target, const char *folder,
                            node_named_fn named, struct storage *storage, struct pack_error *error);
/* PACK_E_USAGE where it is no character device. */
PACK_MUST_USE int node_open(int *descriptor, struct stat *status, const char *path, bool writing,
                            struct storage *storage, struct pack_error *error);

#endif
