/* SPDX-License-Identifier: MIT */
#include "slot_device.h"

#include "support/test.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

/* Another process may take the number that was free: then there is a next one. */
static int configure(int control, struct loop_config *config, char **path)
{
    for (int attempt = 0; attempt < 20; attempt++) {
        const int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            return -1;
        assert_true(asprintf(path, "/dev/loop%d", number) > 0);
        const int descriptor = open(*path, O_RDWR | O_CLOEXEC);
        if (descriptor >= 0 && ioctl(descriptor, LOOP_CONFIGURE, config) == 0)
            return descriptor;
        if (descriptor >= 0)
            close(descriptor);
        free(*path);
        *path = NULL;
    }
    return -1;
}

char *slot_test_loop(const char *file, int *descriptor)
{
    char *path = NULL;
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    const int backing = open(file, O_RDWR | O_CLOEXEC);
    assert_true(backing >= 0);
    struct loop_config config = {.fd = (uint32_t)backing, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
    *descriptor = control >= 0 ? configure(control, &config, &path) : -1;
    close(backing);
    if (control >= 0)
        close(control);
    if (*descriptor < 0)
        skip();
    return path;
}

/* Mounts of this process alone, which end with it. */
static void enter_namespace(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        skip();
}

static void mount_or_skip(const char *source, const char *folder, const char *type,
                          unsigned long flags, const char *options)
{
    if (mount(source, folder, type, flags, options) != 0)
        skip();
}

void slot_test_mount_tmpfs(const char *folder, const char *size)
{
    char options[64];
    snprintf(options, sizeof options, "size=%s", size);
    enter_namespace();
    mount_or_skip("tmpfs", folder, "tmpfs", 0, options);
}

void slot_test_mount_ext(const char *device, const char *folder)
{
    enter_namespace();
    mount_or_skip(device, folder, "ext4", MS_RDONLY, NULL);
}

void slot_test_make_read_only(const char *folder)
{
    mount_or_skip(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

void slot_test_unmount(const char *folder)
{
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
}

/* --- a root of its own ----------------------------------------------------------------------- */

struct rooted {
    struct storage storage;
    struct storage_ops ops;
    char root[256];
    unsigned stop, count; /* operations on names */
};

enum { PATH_SIZE = 4096 };

static int rooted_locate(struct storage *storage, const char *path, char *text, size_t capacity,
                         struct pack_error *error)
{
    (void)error;
    const int size = snprintf(text, capacity, "%s%s", ((struct rooted *)storage)->root, path);
    assert_in_range(size, 1, capacity - 1);
    return 0;
}

static int rooted_open(struct storage *storage, const char *path, unsigned mode,
                       struct storage_file **file, struct pack_error *error)
{
    char real[PATH_SIZE];
    rooted_locate(storage, path, real, sizeof real, error);
    return storage_open(storage_system(), real, mode, file, error);
}

/* Where a name lies; or a failure, as of a machine that has stopped. */
static int use_name(struct storage *storage, const char *path, char real[PATH_SIZE],
                    struct pack_error *error)
{
    struct rooted *rooted = (struct rooted *)storage;
    rooted_locate(storage, path, real, PATH_SIZE, error);
    rooted->count++;
    if (rooted->stop != 0 && rooted->count >= rooted->stop)
        return pack_fail(error, PACK_E_INTERRUPTED, "the power is gone");
    return 0;
}

static int rooted_rename(struct storage *storage, const char *from, const char *to,
                         struct pack_error *error)
{
    char real[PATH_SIZE], other[PATH_SIZE];
    rooted_locate(storage, to, other, sizeof other, error);
    const int code = use_name(storage, from, real, error);
    return code == 0 ? storage_rename(storage_system(), real, other, error) : code;
}

static int rooted_exchange(struct storage *storage, const char *a, const char *b,
                           struct pack_error *error)
{
    char real[PATH_SIZE], other[PATH_SIZE];
    rooted_locate(storage, b, other, sizeof other, error);
    const int code = use_name(storage, a, real, error);
    return code == 0 ? storage_exchange(storage_system(), real, other, error) : code;
}

static int rooted_remove(struct storage *storage, const char *path, struct pack_error *error)
{
    char real[PATH_SIZE];
    const int code = use_name(storage, path, real, error);
    return code == 0 ? storage_remove(storage_system(), real, error) : code;
}

static int rooted_make_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    char real[PATH_SIZE];
    const int code = use_name(storage, path, real, error);
    return code == 0 ? storage_make_folder(storage_system(), real, error) : code;
}

static int rooted_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    char real[PATH_SIZE];
    const int code = use_name(storage, path, real, error);
    return code == 0 ? storage_flush_folder(storage_system(), real, error) : code;
}

struct storage *slot_test_rooted(const char *root)
{
    struct rooted *rooted = calloc(1, sizeof *rooted);
    assert_non_null(rooted);
    rooted->ops = (struct storage_ops){.open = rooted_open,
                                       .locate = rooted_locate,
                                       .rename = rooted_rename,
                                       .remove = rooted_remove,
                                       .make_folder = rooted_make_folder,
                                       .flush_folder = rooted_flush_folder};
    rooted->storage.ops = &rooted->ops;
    snprintf(rooted->root, sizeof rooted->root, "%s", root);
    return &rooted->storage;
}

void slot_test_exchanges(struct storage *storage, bool can)
{
    ((struct rooted *)storage)->ops.exchange = can ? rooted_exchange : NULL;
}

void slot_test_stop(struct storage *storage, unsigned at)
{
    ((struct rooted *)storage)->stop = at;
}

bool slot_test_stopped(const struct storage *storage)
{
    const struct rooted *rooted = (const struct rooted *)storage;
    return rooted->stop != 0 && rooted->count >= rooted->stop;
}
