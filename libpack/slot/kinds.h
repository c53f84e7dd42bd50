/* SPDX-License-Identifier: MIT */
#ifndef SLOT_KINDS_H
#define SLOT_KINDS_H

/* The kinds of targets, one file each, and what they share. */

#include "slot/slot.h"

#include <sys/stat.h>

extern const struct slot_type slot_file, slot_partition, slot_mtd, slot_ubi, slot_directory,
    slot_command;

enum { SLOT_PATH_SIZE = 4096, SLOT_NAME_SIZE = 512 };

/* --- a kind's own state ---------------------------------------------------------------------- */

/* Zeroed memory of `size` bytes that begins with a struct slot, whose fields are filled in. */
PACK_MUST_USE int slot_new(void *address, size_t size, const struct slot_type *type,
                           const struct pack_device_target *target, uint64_t image_size,
                           struct pack_error *error);
/* Frees what slot_new made; *address is NULL afterwards. */
void slot_free(void *address);

/* PACK_E_NO_SPACE "needs X bytes, has Y" where `size` is more than `room`. */
PACK_MUST_USE int slot_check_room(uint64_t size, uint64_t room, struct pack_error *error);
/* For kinds that take bytes once and in order: PACK_E_INTERNAL where `offset` is not *position. */
PACK_MUST_USE int slot_check_order(uint64_t offset, uint64_t position, struct pack_error *error);

/* --- what is there --------------------------------------------------------------------------- */

enum slot_found { SLOT_FOUND_NOTHING, SLOT_FOUND_FILE, SLOT_FOUND_BLOCK_DEVICE };

/*
 * What PATH is; *status is of what was found. PACK_E_USAGE for all that is no target of this kind:
 * a folder, a link to anything but a block device, another kind of device.
 */
PACK_MUST_USE int slot_look(enum slot_found *found, struct stat *status, struct storage *storage,
                            const char *path, struct pack_error *error);
/* PACK_E_USAGE where a block device is mounted, with where. */
PACK_MUST_USE int slot_check_mounts(dev_t device, struct pack_error *error);
/* PACK_E_NO_SPACE where the file system of PATH (a file, or NULL, and its folder) lacks room. */
PACK_MUST_USE int slot_check_free(struct storage *storage, const char *path, uint64_t size,
                                  const struct stat *status, struct pack_error *error);
PACK_MUST_USE int slot_identify_path(struct slot_identity *identity, struct storage *storage,
                                     const char *path, struct pack_error *error);

/* --- files and block devices ----------------------------------------------------------------- */

/* The file kind for a path that was found by other means; `make` where it may be missing. */
PACK_MUST_USE int slot_file_open(struct slot **slot, const struct slot_type *type,
                                 const struct pack_device_target *target, const char *path,
                                 bool make, struct storage *storage, uint64_t size,
                                 struct pack_error *error);
PACK_MUST_USE int slot_file_input(struct pack_input **input, const char *path,
                                  struct storage *storage, struct pack_error *error);
int slot_file_write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                       struct pack_error *error);
int slot_file_read_at(struct slot *slot, uint64_t offset, void *buffer, size_t size, size_t *got,
                      struct pack_error *error);
int slot_file_flush(struct slot *slot, struct pack_error *error);
int slot_file_finish(struct slot *slot, struct pack_error *error);
void slot_file_close(struct slot **slot);

#endif
