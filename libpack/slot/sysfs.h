/* SPDX-License-Identifier: MIT */
#ifndef SLOT_SYSFS_H
#define SLOT_SYSFS_H

/* What the kernel says of its devices in small text files, below the storage's root. */

#include "storage/storage.h"

enum { SYSFS_SIZE = 4096 };

/* A file without the line end behind it; false where it cannot be read or is too long. */
bool sysfs_read(struct storage *storage, char text[SYSFS_SIZE], const char *format, ...)
    PACK_PRINTF(3, 4);
/* The value of "KEY=value" among the lines of a uevent file; false where there is none. */
bool sysfs_value(const char *uevent, const char *key, char *value, size_t capacity);
/* The same of a decimal number. */
bool sysfs_number(const char *text, uint64_t *number);

typedef int (*sysfs_visit_fn)(void *user, const char *name, struct pack_error *error);
/* Each name in a folder, sorted; none where it is missing. The first failure ends it. */
PACK_MUST_USE int sysfs_each(struct storage *storage, const char *folder, sysfs_visit_fn visit,
                             void *user, struct pack_error *error);

#endif
