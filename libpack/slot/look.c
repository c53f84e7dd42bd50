/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"
#include "slot/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

/* --- kinds of files -------------------------------------------------------------------------- */

enum { MTD_MAJOR = 90 };

static int fail_other(const struct stat *status, struct pack_error *error)
{
    if (S_ISDIR(status->st_mode)) {
        pack_fail(error, PACK_E_USAGE, "is a folder, a file or a block device is wanted");
        return pack_hint(error, "a slot that is a file tree has `directory:` in place of `file:`");
    }
    if (S_ISCHR(status->st_mode) && major(status->st_rdev) == MTD_MAJOR) {
        pack_fail(error, PACK_E_USAGE, "is raw flash, a file or a block device is wanted");
        return pack_hint(error, "a slot in raw flash has `mtd:` in place of `file:`");
    }
    return pack_fail(error, PACK_E_USAGE, "is a %s, a file or a block device is wanted",
                     S_ISCHR(status->st_mode)    ? "character device"
                     : S_ISFIFO(status->st_mode) ? "FIFO"
                                                 : "socket");
}

/* Device managers name block devices by links; a link to a file could be changed under us. */
static int look_through(enum slot_found *found, struct stat *status, const char *real,
                        struct pack_error *error)
{
    if (stat(real, status) != 0)
        return pack_fail(error, PACK_E_USAGE, "is a symbolic link to what is not there");
    if (!S_ISBLK(status->st_mode)) {
        pack_fail(error, PACK_E_USAGE,
                  "is a symbolic link, but only block devices have such names");
        return pack_hint(error, "name the file itself");
    }
    *found = SLOT_FOUND_BLOCK_DEVICE;
    return 0;
}

static int look_at(enum slot_found *found, struct stat *status, const char *real,
                   struct pack_error *error)
{
    *found = SLOT_FOUND_NOTHING;
    *status = (struct stat){0};
    if (lstat(real, status) != 0)
        return errno == ENOENT ? 0 : pack_fail_errno(error, errno, "cannot look at it");
    if (S_ISLNK(status->st_mode))
        return look_through(found, status, real, error);
    if (!S_ISREG(status->st_mode) && !S_ISBLK(status->st_mode))
        return fail_other(status, error);
    *found = S_ISREG(status->st_mode) ? SLOT_FOUND_FILE : SLOT_FOUND_BLOCK_DEVICE;
    return 0;
}

int slot_look(enum slot_found *found, struct stat *status, struct storage *storage,
              const char *path, struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    int code = storage_locate(storage, path, real, sizeof real, error);
    if (code == 0)
        code = look_at(found, status, real, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* --- what is mounted ------------------------------------------------------------------------- */

/* "ID PARENT MAJOR:MINOR ROOT PLACE …" of proc(5); the place of that device, or NULL. */
static char *mount_place(char *line, const char *device)
{
    char *fields[5] = {NULL};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        fields[i] = strsep(&line, " ");
    return fields[4] != NULL && strcmp(fields[2], device) == 0 ? fields[4] : NULL;
}

int slot_check_mounts(dev_t device, struct pack_error *error)
{
    char number[32];
    PACK_AUTO_FREE char *line = NULL;
    size_t capacity = 0;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL) /* without it the kernel's own claim has to do */
        return 0;
    snprintf(number, sizeof number, "%u:%u", major(device), minor(device));
    int code = 0;
    while (code == 0 && getline(&line, &capacity, mounts) > 0) {
        const char *place = mount_place(line, number);
        if (place == NULL)
            continue;
        code = pack_fail(error, PACK_E_USAGE, "is mounted at %s, and a slot in use is not written",
                         place);
        pack_hint(error, "the slots of the set that does not run must not be mounted");
    }
    fclose(mounts);
    return code;
}

/* --- room ------------------------------------------------------------------------------------ */

static int statvfs_folder(struct statvfs *system, const char *real, struct pack_error *error)
{
    PACK_AUTO_FREE char *folder = NULL;
    const int code = pack_folder_of(&folder, real, error);
    if (code != 0)
        return code;
    return statvfs(folder, system) == 0
               ? 0
               : pack_fail_errno(error, errno, "cannot look at the folder %s", folder);
}

int slot_check_free(struct storage *storage, const char *path, uint64_t size,
                    const struct stat *status, struct pack_error *error)
{
    struct statvfs system;
    char real[SLOT_PATH_SIZE];
    uint64_t room = 0, taken = 0;
    int code = storage_locate(storage, path, real, sizeof real, error);
    if (code == 0)
        code = statvfs_folder(&system, real, error);
    if (code != 0 || system.f_blocks == 0) /* a file system that does not count */
        return code;
    /* What the file has already is written again in its place. */
    if (!pack_multiply(system.f_bavail, system.f_frsize, &room) ||
        !pack_multiply((uint64_t)status->st_blocks, 512, &taken) || !pack_add(room, taken, &room))
        room = UINT64_MAX;
    return slot_check_room(size, room, error);
}

/* --- who is who ------------------------------------------------------------------------------ */

/* A name that is yet to be made, by its folder; SLOT_NOWHERE where that is missing too. */
static int identify_name(struct slot_identity *identity, const char *real, struct pack_error *error)
{
    struct stat status;
    PACK_AUTO_FREE char *folder = NULL;
    const int code = pack_folder_of(&folder, real, error);
    if (code != 0 || stat(folder, &status) != 0)
        return code;
    const char *slash = strrchr(real, '/');
    identity->kind = SLOT_NAME;
    identity->device = status.st_dev;
    identity->inode = status.st_ino;
    snprintf(identity->leaf, sizeof identity->leaf, "%s", slash != NULL ? slash + 1 : real);
    return 0;
}

int slot_identify_path(struct slot_identity *identity, struct storage *storage, const char *path,
                       struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    struct stat status;
    const int code = storage_locate(storage, path, real, sizeof real, error);
    if (code != 0)
        return code;
    if (stat(real, &status) != 0)
        return identify_name(identity, real, error);
    const bool block = S_ISBLK(status.st_mode), device = block || S_ISCHR(status.st_mode);
    identity->kind = device ? SLOT_DEVICE : SLOT_NODE;
    identity->device = device ? status.st_rdev : status.st_dev;
    identity->inode = device ? block : status.st_ino;
    return 0;
}
