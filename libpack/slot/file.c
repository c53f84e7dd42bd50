/* SPDX-License-Identifier: MIT */
#include "io/file.h"
#include "base/memory.h"
#include "slot/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct file_slot {
    struct slot slot;
    struct storage *storage;
    struct storage_file *file;
    char *path;
    int claim;  /* holds a block device, so that it is not mounted while we write; else -1 */
    bool made;  /* its name is not durable yet */
    bool empty; /* made here, and nothing written */
};

/* --- opening --------------------------------------------------------------------------------- */

/*
 * The kernel gives a device to one exclusive opener at a time, and mounts, swap, mappers and RAID
 * are such: also those of other mount namespaces, and of a partition of this disk.
 */
static int claim_device(struct file_slot *file, const struct stat *status, struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    int code = slot_check_mounts(status->st_rdev, error);
    if (code == 0)
        code = storage_locate(file->storage, file->path, real, sizeof real, error);
    if (code != 0)
        return code;
    file->claim = open(real, O_RDONLY | O_EXCL | O_CLOEXEC);
    if (file->claim >= 0)
        return 0;
    if (errno != EBUSY)
        return pack_fail_errno(error, errno, "cannot open");
    pack_fail(error, PACK_E_USAGE, "is in use, and a slot in use is not written");
    return pack_hint(error, "it, or a partition of it, is mounted, swap, or part of a mapped or "
                            "RAID device: see lsblk");
}

/* Whether what was opened is what was looked at. A storage without descriptors cannot tell. */
static int check_unchanged(const struct file_slot *file, const struct stat *before,
                           struct pack_error *error)
{
    struct stat now;
    const int descriptor = storage_descriptor(file->file);
    if (descriptor < 0)
        return 0;
    if (fstat(descriptor, &now) != 0)
        return pack_fail_errno(error, errno, "cannot look at it");
    if (now.st_mode == before->st_mode && now.st_rdev == before->st_rdev &&
        (S_ISBLK(now.st_mode) || (now.st_dev == before->st_dev && now.st_ino == before->st_ino)))
        return 0;
    return pack_fail(error, PACK_E_CHANGED, "became another file while it was opened");
}

static int open_device(struct file_slot *file, const struct stat *status, struct pack_error *error)
{
    uint64_t room = 0;
    int code = claim_device(file, status, error);
    if (code == 0)
        code = storage_open(file->storage, file->path, STORAGE_WRITE, &file->file, error);
    if (code == 0)
        code = check_unchanged(file, status, error);
    if (code == 0)
        code = storage_size(file->file, &room, error);
    return code == 0 ? slot_check_room(file->slot.size, room, error) : code;
}

static int open_plain(struct file_slot *file, const struct stat *status, bool make,
                      struct pack_error *error)
{
    const bool there = status->st_mode != 0;
    int code = slot_check_free(file->storage, file->path, file->slot.size, status, error);
    if (code == 0)
        code =
            storage_open(file->storage, file->path,
                         STORAGE_WRITE | (make && !there ? STORAGE_CREATE : 0), &file->file, error);
    file->made = file->empty = !there && file->file != NULL;
    file->slot.abilities |= SLOT_GROWS;
    return code == 0 && there ? check_unchanged(file, status, error) : code;
}

int slot_file_open(struct slot **slot, const struct slot_type *type,
                   const struct pack_device_target *target, const char *path, bool make,
                   struct storage *storage, uint64_t size, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *made = NULL;
    enum slot_found found = SLOT_FOUND_NOTHING;
    struct stat status = {0};
    int code = slot_new(&made, sizeof(struct file_slot), type, target, size, error);
    if (code != 0)
        return code;
    struct file_slot *file = (struct file_slot *)made;
    made->abilities = SLOT_READABLE | SLOT_RANDOM;
    file->storage = storage;
    file->claim = -1;
    code = pack_copy_string(&file->path, path, error);
    if (code == 0)
        code = slot_look(&found, &status, storage, path, error);
    if (code == 0)
        code = found == SLOT_FOUND_BLOCK_DEVICE ? open_device(file, &status, error)
                                                : open_plain(file, &status, make, error);
    if (code != 0)
        return pack_at_file(error, path);
    *slot = pack_steal(&made);
    return 0;
}

static int open_write(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error)
{
    return slot_file_open(slot, &slot_file, target, target->path, true, storage, size, error);
}

/* --- writing --------------------------------------------------------------------------------- */

int slot_file_write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                       struct pack_error *error)
{
    struct file_slot *file = (struct file_slot *)slot;
    file->empty = false;
    const int code = storage_write_at(file->file, offset, bytes, size, error);
    if (code == PACK_E_NO_SPACE)
        pack_hint(error, "the image needs %llu bytes in all: free some on that file system",
                  (unsigned long long)slot->size);
    return code;
}

int slot_file_read_at(struct slot *slot, uint64_t offset, void *buffer, size_t size, size_t *got,
                      struct pack_error *error)
{
    return storage_read_at(((struct file_slot *)slot)->file, offset, buffer, size, got, error);
}

static int flush_name(struct file_slot *file, struct pack_error *error)
{
    PACK_AUTO_FREE char *folder = NULL;
    if (!file->made)
        return 0;
    int code = pack_folder_of(&folder, file->path, error);
    if (code == 0)
        code = storage_flush_folder(file->storage, folder, error);
    file->made = code != 0;
    return code;
}

int slot_file_flush(struct slot *slot, struct pack_error *error)
{
    struct file_slot *file = (struct file_slot *)slot;
    int code = storage_flush(file->file, error);
    if (code == 0)
        code = flush_name(file, error);
    if (code == 0)
        storage_forget(file->file, 0, slot->size);
    return code;
}

int slot_file_finish(struct slot *slot, struct pack_error *error)
{
    struct file_slot *file = (struct file_slot *)slot;
    uint64_t size = slot->size;
    int code = 0;
    file->empty = false;
    if ((slot->abilities & SLOT_GROWS) != 0)
        code = storage_size(file->file, &size, error);
    if (code == 0 && size != slot->size)
        code = storage_resize(file->file, slot->size, error);
    if (code == 0)
        code = storage_flush(file->file, error);
    if (code == 0)
        code = flush_name(file, error);
    return code == 0 ? storage_close(&file->file, error) : code;
}

void slot_file_close(struct slot **slot)
{
    struct file_slot *file = (struct file_slot *)*slot;
    struct pack_error ignored = {0};
    if (file == NULL)
        return;
    storage_abandon(&file->file);
    if (file->empty && storage_remove(file->storage, file->path, &ignored) != 0)
        pack_error_clear(&ignored); /* an empty file is as good as none */
    pack_close_descriptor(&file->claim);
    free(file->path);
    slot_free(slot);
}

/* --- reading --------------------------------------------------------------------------------- */

struct storage_input {
    struct pack_input input;
    struct storage_file *file;
    char *name;
};

static int input_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    return storage_read_at(((struct storage_input *)input)->file, offset, buffer, size, got, error);
}

static void input_close(struct pack_input *input)
{
    struct storage_input *made = (struct storage_input *)input;
    storage_abandon(&made->file);
    free(made->name);
    free(made);
}

int slot_file_input(struct pack_input **input, const char *path, struct storage *storage,
                    struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = input_read_at, .close = input_close};
    PACK_AUTO(pack_input_close) struct pack_input *made = NULL;
    enum slot_found found = SLOT_FOUND_NOTHING;
    struct stat status;
    int code = slot_look(&found, &status, storage, path, error);
    if (code == 0)
        code = pack_allocate(&made, 1, sizeof(struct storage_input), error);
    if (code != 0)
        return code;
    struct storage_input *opened = (struct storage_input *)made;
    *made = (struct pack_input){.ops = &ops, .seekable = true, .has_size = true};
    code = pack_copy_string(&opened->name, path, error);
    made->name = opened->name;
    if (code == 0)
        code = storage_open(storage, path, STORAGE_READ, &opened->file, error);
    if (code == 0)
        code = storage_size(opened->file, &made->size, error);
    if (code == 0)
        *input = pack_steal(&made);
    return code;
}

static int open_read(struct pack_input **input, const struct pack_device_target *target,
                     struct storage *storage, struct pack_error *error)
{
    return slot_file_input(input, target->path, storage, error);
}

static int identify(struct slot_identity *identity, const struct pack_device_target *target,
                    struct storage *storage, struct pack_error *error)
{
    return slot_identify_path(identity, storage, target->path, error);
}

const struct slot_type slot_file = {
    .kind = PACK_TARGET_FILE,
    .name = "file",
    .open_write = open_write,
    .write_at = slot_file_write_at,
    .read_at = slot_file_read_at,
    .flush = slot_file_flush,
    .finish = slot_file_finish,
    .close = slot_file_close,
    .open_read = open_read,
    .identify = identify,
};
