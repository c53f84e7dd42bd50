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
};

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
    char real[4096];
    rooted_locate(storage, path, real, sizeof real, error);
    return storage_open(storage_system(), real, mode, file, error);
}

struct storage *slot_test_rooted(const char *root)
{
    struct rooted *rooted = calloc(1, sizeof *rooted);
    assert_non_null(rooted);
    rooted->ops = (struct storage_ops){.open = rooted_open, .locate = rooted_locate};
    rooted->storage.ops = &rooted->ops;
    snprintf(rooted->root, sizeof rooted->root, "%s", root);
    return &rooted->storage;
}
