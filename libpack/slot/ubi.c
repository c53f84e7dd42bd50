/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"
#include "slot/kinds.h"
#include "slot/node.h"
#include "slot/sysfs.h"

#include <errno.h>
#include <mtd/ubi-user.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* --- finding it ------------------------------------------------------------------------------ */

/* "ubi0:rootfs-a", as UBIFS is mounted, of the entry ubi0_3. */
static bool is_named(struct storage *storage, const char *entry, const char *name)
{
    char text[SYSFS_SIZE];
    const size_t device = strcspn(entry, "_");
    return entry[device] == '_' && strncmp(entry, name, device) == 0 && name[device] == ':' &&
           sysfs_read(storage, text, "/sys/class/ubi/%s/name", entry) &&
           strcmp(text, name + device + 1) == 0;
}

static int volume_find(char path[NODE_PATH_SIZE], const char *target, struct storage *storage,
                       struct pack_error *error)
{
    return node_find(path, target, "/sys/class/ubi", is_named, storage, error);
}

struct measuring {
    struct storage *storage;
    char number[32]; /* "MAJOR:MINOR" */
    bool found;
    uint64_t room;
};

static bool read_number(struct storage *storage, const char *entry, const char *name,
                        uint64_t *number)
{
    char text[SYSFS_SIZE];
    return sysfs_read(storage, text, "/sys/class/ubi/%s/%s", entry, name) &&
           sysfs_number(text, number);
}

static int visit(void *user, const char *entry, struct pack_error *error)
{
    struct measuring *measuring = user;
    char text[SYSFS_SIZE];
    uint64_t blocks = 0, block = 0;
    (void)error;
    if (strchr(entry, '_') != NULL &&
        sysfs_read(measuring->storage, text, "/sys/class/ubi/%s/dev", entry) &&
        strcmp(text, measuring->number) == 0)
        measuring->found = read_number(measuring->storage, entry, "reserved_ebs", &blocks) &&
                           read_number(measuring->storage, entry, "usable_eb_size", &block) &&
                           pack_multiply(blocks, block, &measuring->room);
    return 0;
}

static int check_volume(const struct stat *status, uint64_t size, struct storage *storage,
                        struct pack_error *error)
{
    struct measuring measuring = {.storage = storage};
    snprintf(measuring.number, sizeof measuring.number, "%u:%u", major(status->st_rdev),
             minor(status->st_rdev));
    const int code = sysfs_each(storage, "/sys/class/ubi", visit, &measuring, error);
    if (code != 0)
        return code;
    if (!measuring.found)
        return pack_fail(error, PACK_E_USAGE, "is no UBI volume");
    return slot_check_room(size, measuring.room, error);
}

/* --- reading --------------------------------------------------------------------------------- */

static int volume_read(int descriptor, uint64_t offset, void *buffer, size_t size, size_t *got,
                       struct pack_error *error)
{
    *got = 0;
    while (*got < size) {
        const ssize_t n =
            pread(descriptor, (uint8_t *)buffer + *got, size - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EBADF || errno == EBUSY))
            return pack_fail(error, PACK_E_IO, "the volume's last update was not completed");
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot read the volume");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

struct volume_input {
    struct pack_input input;
    int descriptor;
    char *name;
};

static int input_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    const int code =
        volume_read(((struct volume_input *)input)->descriptor, offset, buffer, size, got, error);
    return code != 0 ? pack_at_file(error, input->name) : 0;
}

static void input_close(struct pack_input *input)
{
    struct volume_input *volume = (struct volume_input *)input;
    pack_close_descriptor(&volume->descriptor);
    free(volume->name);
    free(volume);
}

static int open_input(struct volume_input *volume, const char *target, struct storage *storage,
                      struct pack_error *error)
{
    char path[NODE_PATH_SIZE];
    struct stat status;
    int code = volume_find(path, target, storage, error);
    if (code == 0)
        code = node_open(&volume->descriptor, &status, path, false, storage, error);
    if (code == 0)
        code = check_volume(&status, 0, storage, error);
    if (code != 0)
        return code;
    const off_t end = lseek(volume->descriptor, 0, SEEK_END);
    if (end < 0)
        return pack_fail_errno(error, errno, "cannot find its size");
    volume->input.size = (uint64_t)end;
    return 0;
}

static int open_read(struct pack_input **input, const struct pack_device_target *target,
                     struct storage *storage, struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = input_read_at, .close = input_close};
    PACK_AUTO(pack_input_close) struct pack_input *made = NULL;
    int code = pack_allocate(&made, 1, sizeof(struct volume_input), error);
    if (code != 0)
        return code;
    struct volume_input *volume = (struct volume_input *)made;
    *made = (struct pack_input){.ops = &ops, .seekable = true, .has_size = true};
    volume->descriptor = -1;
    code = pack_copy_string(&volume->name, target->path, error);
    made->name = volume->name;
    if (code == 0)
        code = open_input(volume, target->path, storage, error);
    if (code != 0)
        return pack_at_file(error, target->path);
    *input = pack_steal(&made);
    return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

struct ubi_slot {
    struct slot slot;
    int descriptor;
    bool begun; /* the old content is gone */
    uint64_t position;
};

/*
 * The kernel marks the volume as being updated, and clears the mark with the last byte: cut off in
 * between it cannot be read, and is updated again.
 */
static int begin_update(struct ubi_slot *ubi, struct pack_error *error)
{
    const int64_t size = (int64_t)ubi->slot.size;
    if (ubi->begun)
        return 0;
    if (ioctl(ubi->descriptor, UBI_IOCVOLUP, &size) != 0) {
        if (errno == EBUSY)
            return pack_fail(error, PACK_E_USAGE, "is in use, and a slot in use is not written");
        return pack_fail_errno(error, errno, "cannot begin to update the volume");
    }
    ubi->begun = true;
    return 0;
}

static int write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                    struct pack_error *error)
{
    struct ubi_slot *ubi = (struct ubi_slot *)slot;
    int code = slot_check_order(offset, ubi->position, error);
    if (code == 0 && size > 0)
        code = begin_update(ubi, error);
    if (code == 0)
        code = pack_write_descriptor(ubi->descriptor, bytes, size, error);
    ubi->position += size;
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

static int flush(struct slot *slot, struct pack_error *error)
{
    const struct ubi_slot *ubi = (struct ubi_slot *)slot;
    if (fsync(ubi->descriptor) == 0)
        return 0;
    pack_fail_errno(error, errno, "cannot be flushed");
    return pack_at_file(error, slot->name);
}

static int finish(struct slot *slot, struct pack_error *error)
{
    struct ubi_slot *ubi = (struct ubi_slot *)slot;
    int code = slot_check_order(slot->size, ubi->position, error);
    if (code == 0)
        code = begin_update(ubi, error); /* of no bytes at all */
    return code == 0 ? flush(slot, error) : pack_at_file(error, slot->name);
}

static int read_at(struct slot *slot, uint64_t offset, void *buffer, size_t size, size_t *got,
                   struct pack_error *error)
{
    const int code =
        volume_read(((struct ubi_slot *)slot)->descriptor, offset, buffer, size, got, error);
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

static void close_ubi(struct slot **slot)
{
    struct ubi_slot *ubi = (struct ubi_slot *)*slot;
    if (ubi != NULL)
        pack_close_descriptor(&ubi->descriptor);
    slot_free(slot);
}

static int open_write(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *made = NULL;
    char path[NODE_PATH_SIZE];
    struct stat status;
    int code = slot_new(&made, sizeof(struct ubi_slot), &slot_ubi, target, size, error);
    if (code != 0)
        return code;
    struct ubi_slot *ubi = (struct ubi_slot *)made;
    made->abilities = SLOT_READABLE | SLOT_ATOMIC;
    ubi->descriptor = -1;
    code = volume_find(path, target->path, storage, error);
    if (code == 0)
        code = node_open(&ubi->descriptor, &status, path, true, storage, error);
    if (code == 0)
        code = check_volume(&status, size, storage, error);
    if (code != 0)
        return pack_at_file(error, made->name);
    *slot = pack_steal(&made);
    return 0;
}

static int identify(struct slot_identity *identity, const struct pack_device_target *target,
                    struct storage *storage, struct pack_error *error)
{
    char path[NODE_PATH_SIZE];
    const int code = volume_find(path, target->path, storage, error);
    return code == 0 ? slot_identify_path(identity, storage, path, error) : code;
}

const struct slot_type slot_ubi = {
    .kind = PACK_TARGET_UBI,
    .name = "ubi",
    .open_write = open_write,
    .write_at = write_at,
    .read_at = read_at,
    .flush = flush,
    .finish = finish,
    .close = close_ubi,
    .open_read = open_read,
    .identify = identify,
};
