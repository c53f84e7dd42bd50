/* SPDX-License-Identifier: MIT */
#include "storage/storage.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct system_file {
    struct storage_file file;
    int descriptor;
    bool failed; /* a flush failed once: what the kernel then forgot is not there */
    char *path;
};

static struct system_file *system_file(struct storage_file *file)
{
    return (struct system_file *)file;
}

/* --- files ----------------------------------------------------------------------------------- */

static const struct storage_ops system_ops;

static int flags_of(unsigned mode)
{
    return O_CLOEXEC | ((mode & STORAGE_WRITE) != 0 ? O_RDWR : O_RDONLY) |
           ((mode & STORAGE_CREATE) != 0 ? O_CREAT : 0) |
           ((mode & STORAGE_EMPTY) != 0 ? O_TRUNC : 0);
}

static int system_open(struct storage *storage, const char *path, unsigned mode,
                       struct storage_file **file, struct pack_error *error)
{
    struct system_file *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    (void)storage;
    if (code != 0)
        return code;
    made->descriptor = -1;
    code = pack_copy_string(&made->path, path, error);
    if (code == 0) {
        made->descriptor = open(path, flags_of(mode), 0600);
        if (made->descriptor < 0)
            code = pack_fail_errno(error, errno, "cannot open");
    }
    if (code != 0) {
        free(made->path);
        free(made);
        return code;
    }
    made->file = (struct storage_file){.ops = &system_ops, .path = made->path};
    *file = &made->file;
    return 0;
}

static int system_read_at(struct storage_file *file, uint64_t offset, void *buffer, size_t size,
                          size_t *got, struct pack_error *error)
{
    *got = 0;
    while (*got < size) {
        const ssize_t n = pread(system_file(file)->descriptor, (uint8_t *)buffer + *got,
                                size - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot read");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

static int system_write_at(struct storage_file *file, uint64_t offset, const void *bytes,
                           size_t size, struct pack_error *error)
{
    return pack_write_descriptor_at(system_file(file)->descriptor, offset, bytes, size, error);
}

static int system_resize(struct storage_file *file, uint64_t size, struct pack_error *error)
{
    while (ftruncate(system_file(file)->descriptor, (off_t)size) != 0)
        if (errno != EINTR)
            return pack_fail_errno(error, errno, "cannot change its size");
    return 0;
}

static int system_flush(struct storage_file *file, struct pack_error *error)
{
    struct system_file *system = system_file(file);
    if (system->failed)
        return pack_fail(error, PACK_E_IO, "an earlier flush failed: its content is not known");
    while (fsync(system->descriptor) != 0) {
        if (errno == EINTR)
            continue;
        system->failed = true;
        return pack_fail_errno(error, errno, "cannot flush");
    }
    return 0;
}

static void system_forget(struct storage_file *file, uint64_t offset, uint64_t size)
{
    (void)posix_fadvise(system_file(file)->descriptor, (off_t)offset, (off_t)size,
                        POSIX_FADV_DONTNEED);
}

static int system_size(struct storage_file *file, uint64_t *size, struct pack_error *error)
{
    const int descriptor = system_file(file)->descriptor;
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return pack_fail_errno(error, errno, "cannot find its size");
    *size = (uint64_t)status.st_size;
    if (S_ISBLK(status.st_mode) && ioctl(descriptor, BLKGETSIZE64, size) != 0)
        return pack_fail_errno(error, errno, "cannot find its size");
    return 0;
}

static int system_descriptor(const struct storage_file *file)
{
    return ((const struct system_file *)file)->descriptor;
}

static int system_close(struct storage_file *file, struct pack_error *error)
{
    struct system_file *system = system_file(file);
    const int failed = close(system->descriptor) != 0 && errno != EINTR ? errno : 0;
    const int code = failed != 0 ? pack_fail_errno(error, failed, "cannot close") : 0;
    if (code != 0)
        pack_at_file(error, system->path);
    free(system->path);
    free(system);
    return code;
}

/* --- names ----------------------------------------------------------------------------------- */

static int system_rename(struct storage *storage, const char *from, const char *to,
                         struct pack_error *error)
{
    (void)storage;
    return rename(from, to) != 0 ? pack_fail_errno(error, errno, "cannot rename to %s", to) : 0;
}

static int system_exchange(struct storage *storage, const char *a, const char *b,
                           struct pack_error *error)
{
    (void)storage;
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
        return pack_fail(error, PACK_E_UNSUPPORTED, "the file system cannot exchange names");
    return pack_fail_errno(error, errno, "cannot change places with %s", b);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static int system_remove(struct storage *storage, const char *path, struct pack_error *error)
{
    enum { OPEN_FOLDERS = 16 };
    (void)storage;
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return pack_fail_errno(error, errno, "cannot remove");
    if (nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return pack_fail_errno(error, errno, "cannot remove");
    return 0;
}

static int system_make_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    struct stat status;
    (void)storage;
    if (mkdir(path, 0700) == 0)
        return 0;
    const int number = errno;
    if (number == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return 0;
    return pack_fail_errno(error, number, "cannot make the folder");
}

static int system_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    PACK_AUTO_CLOSE int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)storage;
    if (descriptor < 0)
        return pack_fail_errno(error, errno, "cannot open the folder");
    while (fsync(descriptor) != 0)
        if (errno != EINTR)
            return pack_fail_errno(error, errno, "cannot flush the folder");
    return 0;
}

static int system_locate(struct storage *storage, const char *path, char *text, size_t capacity,
                         struct pack_error *error)
{
    (void)storage;
    const int size = snprintf(text, capacity, "%s", path);
    return size < 0 || (size_t)size >= capacity ? pack_fail(error, PACK_E_LIMIT, "path too long")
                                                : 0;
}

static const struct storage_ops system_ops = {
    .open = system_open,
    .read_at = system_read_at,
    .write_at = system_write_at,
    .resize = system_resize,
    .flush = system_flush,
    .forget = system_forget,
    .size = system_size,
    .descriptor = system_descriptor,
    .close = system_close,
    .rename = system_rename,
    .exchange = system_exchange,
    .remove = system_remove,
    .make_folder = system_make_folder,
    .flush_folder = system_flush_folder,
    .locate = system_locate,
};

struct storage *storage_system(void)
{
    /* Never written to: the pointer is not const only because other storages have a state. */
    static const struct storage system = {.ops = &system_ops};
    return (struct storage *)(uintptr_t)&system;
}
