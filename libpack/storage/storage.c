/* SPDX-License-Identifier: MIT */
#include "storage/storage.h"

#include "base/memory.h"
#include "io/file.h"

#include <limits.h>
#include <stdio.h>

/* Names the file in a failure. */
static int at(int code, const char *path, struct pack_error *error)
{
    return code != 0 ? pack_at_file(error, path) : 0;
}

int storage_open(struct storage *storage, const char *path, unsigned mode,
                 struct storage_file **file, struct pack_error *error)
{
    *file = NULL;
    return at(storage->ops->open(storage, path, mode, file, error), path, error);
}

int storage_read_at(struct storage_file *file, uint64_t offset, void *buffer, size_t size,
                    size_t *got, struct pack_error *error)
{
    return at(file->ops->read_at(file, offset, buffer, size, got, error), file->path, error);
}

int storage_write_at(struct storage_file *file, uint64_t offset, const void *bytes, size_t size,
                     struct pack_error *error)
{
    return at(file->ops->write_at(file, offset, bytes, size, error), file->path, error);
}

int storage_resize(struct storage_file *file, uint64_t size, struct pack_error *error)
{
    return at(file->ops->resize(file, size, error), file->path, error);
}

int storage_flush(struct storage_file *file, struct pack_error *error)
{
    return at(file->ops->flush(file, error), file->path, error);
}

void storage_forget(struct storage_file *file, uint64_t offset, uint64_t size)
{
    if (file->ops->forget != NULL)
        file->ops->forget(file, offset, size);
}

int storage_size(struct storage_file *file, uint64_t *size, struct pack_error *error)
{
    return at(file->ops->size(file, size, error), file->path, error);
}

int storage_descriptor(const struct storage_file *file)
{
    return file->ops->descriptor(file);
}

int storage_close(struct storage_file **file, struct pack_error *error)
{
    struct storage_file *closing = pack_steal(file);
    return closing != NULL ? closing->ops->close(closing, error) : 0;
}

void storage_abandon(struct storage_file **file)
{
    struct pack_error ignored = {0};
    (void)!storage_close(file, &ignored);
}

int storage_rename(struct storage *storage, const char *from, const char *to,
                   struct pack_error *error)
{
    return at(storage->ops->rename(storage, from, to, error), from, error);
}

int storage_exchange(struct storage *storage, const char *a, const char *b,
                     struct pack_error *error)
{
    if (storage->ops->exchange == NULL)
        return at(pack_fail(error, PACK_E_UNSUPPORTED, "names cannot be exchanged here"), a, error);
    return at(storage->ops->exchange(storage, a, b, error), a, error);
}

int storage_remove(struct storage *storage, const char *path, struct pack_error *error)
{
    return at(storage->ops->remove(storage, path, error), path, error);
}

int storage_make_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    return at(storage->ops->make_folder(storage, path, error), path, error);
}

int storage_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    return at(storage->ops->flush_folder(storage, path, error), path, error);
}

int storage_locate(struct storage *storage, const char *path, char *text, size_t capacity,
                   struct pack_error *error)
{
    return at(storage->ops->locate(storage, path, text, capacity, error), path, error);
}

/* --- whole files ------------------------------------------------------------------------------ */

/* One byte more than there is room for tells what is larger. */
static int read_up_to(struct storage_file *file, uint64_t room, void **bytes, size_t *size,
                      struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *read = NULL;
    int code = pack_allocate(&read, 1, (size_t)room + 2, error);
    if (code == 0)
        code = storage_read_at(file, 0, read, (size_t)room + 1, size, error);
    if (code == 0 && *size <= room)
        *bytes = pack_steal(&read);
    return code;
}

static int read_whole(struct storage_file *file, uint64_t limit, void **bytes, size_t *size,
                      struct pack_error *error)
{
    uint64_t known = 0; /* 0 where it is not, as in /proc; and it may grow */
    int code = storage_size(file, &known, error);
    if (code == 0 && known != 0 && known < limit)
        code = read_up_to(file, known, bytes, size, error);
    if (code == 0 && *bytes == NULL)
        code = read_up_to(file, limit, bytes, size, error);
    if (code != 0 || *bytes != NULL)
        return code;
    *size = 0;
    pack_fail(error, PACK_E_LIMIT, "larger than %llu bytes", (unsigned long long)limit);
    return pack_at_file(error, file->path);
}

int storage_load(struct storage *storage, const char *path, uint64_t limit, void **bytes,
                 size_t *size, struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    *bytes = NULL;
    *size = 0;
    const int code = storage_open(storage, path, STORAGE_READ, &file, error);
    if (code != 0)
        return code;
    /* After a flush that failed the cache shows what the medium never got. */
    storage_forget(file, 0, 0);
    return read_whole(file, limit, bytes, size, error);
}

int storage_save(struct storage *storage, const char *path, const void *bytes, size_t size,
                 struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    PACK_AUTO_FREE char *folder = NULL;
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return at(pack_fail(error, PACK_E_LIMIT, "path too long"), path, error);
    int code = pack_folder_of(&folder, path, error);
    if (code == 0)
        code = storage_open(storage, beside, STORAGE_WRITE | STORAGE_CREATE | STORAGE_EMPTY, &file,
                            error);
    if (code == 0)
        code = storage_write_at(file, 0, bytes, size, error);
    if (code == 0)
        code = storage_flush(file, error);
    if (code == 0)
        code = storage_close(&file, error);
    if (code == 0)
        code = storage_rename(storage, beside, path, error);
    return code != 0 ? code : storage_flush_folder(storage, folder, error);
}
