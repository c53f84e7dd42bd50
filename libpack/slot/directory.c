/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "io/file.h"
#include "slot/kinds.h"
#include "slot/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NAME.new becomes NAME, and NAME becomes NAME.old where the two cannot change places. */
struct directory_slot {
    struct slot slot;
    struct storage *storage;
    char *path, *fresh, *old, *parent;
    int folder;    /* NAME.new */
    bool begun;    /* NAME.new is there */
    bool replaces; /* NAME is there */
    bool absolute_links;
    uint64_t position;
    struct tree *tree;
};

static int print_path(char **path, const char *name, const char *ending, struct pack_error *error)
{
    if (asprintf(path, "%s%s", name, ending) >= 0)
        return 0;
    *path = NULL;
    return pack_fail_memory(error);
}

static int name_paths(struct directory_slot *directory, const char *path, struct pack_error *error)
{
    int code = pack_copy_string(&directory->path, path, error);
    if (code != 0)
        return code;
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        directory->path[--size] = '\0';
    code = print_path(&directory->fresh, directory->path, ".new", error);
    if (code == 0)
        code = print_path(&directory->old, directory->path, ".old", error);
    return code == 0 ? pack_folder_of(&directory->parent, directory->path, error) : code;
}

/* --- what is there --------------------------------------------------------------------------- */

static int look(const struct directory_slot *directory, const char *path, struct stat *status,
                bool *found, struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    const int code = storage_locate(directory->storage, path, real, sizeof real, error);
    *found = code == 0 && lstat(real, status) == 0;
    return code == 0 && !*found && errno != ENOENT
               ? pack_fail_errno(error, errno, "cannot look at it")
               : code;
}

static int check_kind(const struct directory_slot *directory, const struct stat *status,
                      struct pack_error *error)
{
    struct stat parent;
    bool found = false;
    if (S_ISLNK(status->st_mode)) {
        pack_fail(error, PACK_E_USAGE, "is a symbolic link, a folder is wanted");
        return pack_hint(error, "name the folder itself");
    }
    if (!S_ISDIR(status->st_mode))
        return pack_fail(error, PACK_E_USAGE, "is no folder, and file trees need one");
    const int code = look(directory, directory->parent, &parent, &found, error);
    if (code != 0 || !found || S_ISLNK(parent.st_mode) || parent.st_dev == status->st_dev)
        return code;
    pack_fail(error, PACK_E_USAGE, "is a mount point, which cannot be replaced");
    return pack_hint(error, "name a folder below it");
}

/* The power went between the two renames: the old tree has its name back. */
static int repair(struct directory_slot *directory, struct pack_error *error)
{
    struct stat status;
    bool found = false;
    int code = look(directory, directory->old, &status, &found, error);
    if (code != 0 || !found || !S_ISDIR(status.st_mode))
        return code;
    code = storage_rename(directory->storage, directory->old, directory->path, error);
    if (code == 0)
        code = storage_flush_folder(directory->storage, directory->parent, error);
    directory->replaces = code == 0;
    return code;
}

static int remove_rest(struct directory_slot *directory, const char *path, struct pack_error *error)
{
    struct stat status;
    bool found = false;
    int code = look(directory, path, &status, &found, error);
    if (code != 0 || !found)
        return code;
    code = storage_remove(directory->storage, path, error);
    return code == 0 ? storage_flush_folder(directory->storage, directory->parent, error) : code;
}

static int make_fresh(struct directory_slot *directory, struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    int code = remove_rest(directory, directory->fresh, error);
    if (code == 0)
        code = remove_rest(directory, directory->old, error);
    if (code == 0)
        code = storage_make_folder(directory->storage, directory->fresh, error);
    directory->begun = code == 0;
    if (code == 0)
        code = storage_locate(directory->storage, directory->fresh, real, sizeof real, error);
    if (code != 0)
        return code;
    directory->folder = open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* The tar's own entry for the top may say otherwise. */
    if (directory->folder < 0 || fchmod(directory->folder, 0755) != 0)
        return pack_fail_errno(error, errno, "cannot write in the new folder");
    return tree_begin(&directory->tree, directory->folder, directory->absolute_links, error);
}

static int begin(struct directory_slot *directory, const char *path, struct pack_error *error)
{
    struct stat status = {0};
    int code = name_paths(directory, path, error);
    if (code == 0)
        code = look(directory, directory->path, &status, &directory->replaces, error);
    if (code == 0)
        code =
            directory->replaces ? check_kind(directory, &status, error) : repair(directory, error);
    status.st_blocks = 0; /* the old tree stays until the new one is whole */
    if (code == 0)
        code = slot_check_free(directory->storage, directory->path, directory->slot.size, &status,
                               error);
    return code == 0 ? make_fresh(directory, error) : code;
}

static int open_write(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *made = NULL;
    int code = slot_new(&made, sizeof(struct directory_slot), &slot_directory, target, size, error);
    if (code != 0)
        return code;
    struct directory_slot *directory = (struct directory_slot *)made;
    made->abilities = SLOT_ATOMIC;
    directory->storage = storage;
    directory->absolute_links = target->absolute_links;
    directory->folder = -1;
    code = begin(directory, target->path, error);
    if (code != 0)
        return pack_at_file(error, made->name);
    *slot = pack_steal(&made);
    return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static int write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                    struct pack_error *error)
{
    struct directory_slot *directory = (struct directory_slot *)slot;
    int code = slot_check_order(offset, directory->position, error);
    if (code == 0)
        code = tree_write(directory->tree, bytes, size, error);
    directory->position += size;
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

/* Where the file system cannot exchange names there is a moment without the tree: see repair. */
static int replace(struct directory_slot *directory, struct pack_error *error)
{
    struct storage *storage = directory->storage;
    struct pack_error ignored = {0};
    int code = storage_exchange(storage, directory->fresh, directory->path, error);
    if (code != PACK_E_UNSUPPORTED)
        return code;
    pack_error_clear(error);
    code = storage_rename(storage, directory->path, directory->old, error);
    if (code != 0)
        return code;
    code = storage_rename(storage, directory->fresh, directory->path, error);
    if (code != 0 && storage_rename(storage, directory->old, directory->path, &ignored) != 0)
        pack_error_clear(&ignored); /* the next install does it */
    return code;
}

static int finish(struct slot *slot, struct pack_error *error)
{
    struct directory_slot *directory = (struct directory_slot *)slot;
    struct storage *storage = directory->storage;
    int code = tree_end(directory->tree, error);
    if (code != 0)
        return pack_at_file(error, slot->name);
    code = directory->replaces ? replace(directory, error)
                               : storage_rename(storage, directory->fresh, directory->path, error);
    if (code == 0)
        code = storage_flush_folder(storage, directory->parent, error);
    directory->begun = code != 0;
    /* Of these two, the one that is there is the old tree. */
    if (code == 0)
        code = storage_remove(storage, directory->fresh, error);
    return code == 0 ? storage_remove(storage, directory->old, error) : code;
}

static void close_directory(struct slot **slot)
{
    struct directory_slot *directory = (struct directory_slot *)*slot;
    struct pack_error ignored = {0};
    if (directory == NULL)
        return;
    tree_close(&directory->tree);
    pack_close_descriptor(&directory->folder);
    if (directory->begun && storage_remove(directory->storage, directory->fresh, &ignored) != 0)
        pack_error_clear(&ignored); /* the next install removes it */
    free(directory->path);
    free(directory->fresh);
    free(directory->old);
    free(directory->parent);
    slot_free(slot);
}

static int identify(struct slot_identity *identity, const struct pack_device_target *target,
                    struct storage *storage, struct pack_error *error)
{
    return slot_identify_path(identity, storage, target->path, error);
}

const struct slot_type slot_directory = {
    .kind = PACK_TARGET_DIRECTORY,
    .name = "directory",
    .open_write = open_write,
    .write_at = write_at,
    .finish = finish,
    .close = close_directory,
    .identify = identify,
};
