/* SPDX-License-Identifier: MIT */
/* Slots that are files and block devices, and what slots have in common. */
#include "slot/slot.h"

#include "base/memory.h"
#include "io/file.h"
#include "slot_device.h"
#include "storage/trial.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 65536 };

static struct pack_device_target file_target(const char *path)
{
    return (struct pack_device_target){.kind = PACK_TARGET_FILE, .path = path};
}

static int open_file(struct slot **slot, const char *path, uint64_t size, struct pack_error *error)
{
    const struct pack_device_target target = file_target(path);
    return slot_open_write(slot, &target, storage_system(), size, error);
}

static uint8_t *pattern(size_t size, uint8_t first)
{
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(first + i * 7 + i / 251);
    return bytes;
}

static void assert_refused(const char *path, enum pack_code code, const char *says)
{
    struct pack_error error = {0};
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    assert_pack_fails(open_file(&slot, path, 100, &error), code);
    assert_pack_says(says);
    assert_null(slot);
    assert_string_equal(error.file, path);
}

static void assert_refused_size(const char *path, uint64_t size, const char *says)
{
    struct pack_error error = {0};
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    assert_pack_fails(open_file(&slot, path, size, &error), PACK_E_NO_SPACE);
    assert_pack_says(says);
    assert_null(slot);
}

/* --- plain files ----------------------------------------------------------------------------- */

static void test_file_is_made_and_read_back(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    PACK_AUTO_FREE uint8_t *image = pattern(SIZE, 1);
    PACK_AUTO_FREE uint8_t *back = malloc(SIZE);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    size_t got = 0;
    assert_pack_ok(open_file(&slot, path, SIZE, &error));
    assert_int_equal(slot->abilities, SLOT_READABLE | SLOT_RANDOM | SLOT_GROWS);
    assert_pack_ok(slot_write_at(slot, 0, image, 1000, &error));
    assert_pack_ok(slot_write_at(slot, 1000, image + 1000, SIZE - 1000, &error));
    assert_pack_ok(slot_flush(slot, &error));
    assert_pack_ok(slot_read_at(slot, 10, back, SIZE, &got, &error));
    assert_int_equal(got, SIZE - 10);
    assert_memory_equal(back, image + 10, got);
    assert_pack_ok(slot_finish(slot, &error));
    slot_close(&slot);
    PACK_AUTO_FREE uint8_t *content = test_read_file(path, &got);
    assert_int_equal(got, SIZE);
    assert_memory_equal(content, image, SIZE);
    assert_int_equal(test_count_files(*state), 1);
}

static void test_file_keeps_what_is_left_out_and_is_cut(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    size_t got = 0;
    test_write_text(path, "0123456789 and more");
    assert_pack_ok(open_file(&slot, path, 8, &error));
    assert_pack_ok(slot_write_at(slot, 2, "ab", 2, &error));
    assert_pack_ok(slot_write_at(slot, 6, "c", 1, &error));
    assert_pack_ok(slot_finish(slot, &error));
    PACK_AUTO_FREE uint8_t *content = test_read_file(path, &got);
    assert_string_equal((char *)content, "01ab45c7");
}

/* What was written of it stays for a resumed install, at its old length. */
static void test_file_that_is_not_finished(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    struct slot *slot = NULL;
    size_t got = 0;
    test_write_text(path, "0123456789");
    assert_pack_ok(open_file(&slot, path, 4, &error));
    assert_pack_ok(slot_write_at(slot, 0, "ab", 2, &error));
    slot_close(&slot);
    assert_null(slot);
    PACK_AUTO_FREE uint8_t *content = test_read_file(path, &got);
    assert_string_equal((char *)content, "ab23456789");
}

static void test_nothing_is_written_beyond_the_image(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    assert_pack_ok(open_file(&slot, path, 4, &error));
    assert_pack_fails(slot_write_at(slot, 2, "abc", 3, &error), PACK_E_INTERNAL);
    assert_pack_fails(slot_write_at(slot, UINT64_MAX, "abc", 3, &error), PACK_E_INTERNAL);
}

/* An image of no bytes. */
static void test_file_of_nothing(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    struct stat status;
    test_write_text(path, "old");
    assert_pack_ok(open_file(&slot, path, 0, &error));
    assert_pack_ok(slot_finish(slot, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void test_file_is_read_as_it_is(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_device_target target = file_target(path);
    char back[16] = {0};
    size_t got = 0;
    assert_true(slot_can_read(&target));
    assert_pack_fails(slot_open_read(&input, &target, storage_system(), &error), PACK_E_NOT_FOUND);
    test_write_text(path, "0123456789");
    assert_pack_ok(slot_open_read(&input, &target, storage_system(), &error));
    assert_true(input->seekable && input->has_size);
    assert_int_equal(input->size, 10);
    assert_string_equal(input->name, path);
    assert_pack_ok(pack_input_read(input, 7, back, sizeof back, &got, &error));
    assert_int_equal(got, 3);
    assert_memory_equal(back, "789", 3);
}

/* --- A104, A105: each operation fails once ---------------------------------------------------- */

static int install_with_fault(const char *folder, const struct trial_options *options,
                              const uint8_t *image, bool *fired, struct pack_error *error)
{
    const struct pack_device_target target = file_target("/slot");
    struct pack_error ignored = {0};
    struct storage *storage = NULL;
    struct slot *slot = NULL;
    assert_int_equal(trial_new(&storage, folder, options, error), 0);
    int code = slot_open_write(&slot, &target, storage, SIZE, error);
    for (size_t at = 0; code == 0 && at < SIZE; at += SIZE / 2)
        code = slot_write_at(slot, at, image + at, SIZE / 2, error);
    if (code == 0)
        code = slot_flush(slot, error);
    if (code == 0)
        code = slot_finish(slot, error);
    slot_close(&slot);
    *fired = trial_fired(storage);
    (void)!trial_end(&storage, &ignored);
    return code;
}

/* None of them is taken for success; and the next install, without a fault, is whole. */
static void test_a104_each_failure_is_told(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    PACK_AUTO_FREE uint8_t *image = pattern(SIZE, 5);
    for (unsigned there = 0; there < 2; there++) {
        struct trial_options options = {.fault = TRIAL_ERROR, .number = EIO};
        bool fired = true;
        while (fired) {
            struct pack_error error = {0};
            unlink(path);
            if (there != 0) /* longer than the image */
                test_write_file(path, image, SIZE), assert_int_equal(truncate(path, 2 * SIZE), 0);
            options.at++;
            const int code = install_with_fault(*state, &options, image, &fired, &error);
            assert_int_equal(code, fired ? PACK_E_IO : 0);
        }
        assert_in_range(options.at, 6, 20);
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *content = test_read_file(path, &size);
        assert_int_equal(size, SIZE);
        assert_memory_equal(content, image, SIZE);
    }
}

/* --- A112: what is no target ----------------------------------------------------------------- */

static void test_a112_targets_of_other_kinds(void **state)
{
    PACK_AUTO_FREE char *file = test_path(*state, "file");
    PACK_AUTO_FREE char *link = test_path(*state, "link");
    PACK_AUTO_FREE char *dangling = test_path(*state, "dangling");
    PACK_AUTO_FREE char *fifo = test_path(*state, "fifo");
    PACK_AUTO_FREE char *below = test_path(*state, "file/below");
    PACK_AUTO_FREE char *nowhere = test_path(*state, "nowhere/slot");
    test_write_text(file, "old");
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(link, PACK_E_USAGE, "is a symbolic link, but");
    assert_refused(dangling, PACK_E_USAGE, "symbolic link to what is not there");
    assert_refused(*state, PACK_E_USAGE, "is a folder");
    assert_refused(fifo, PACK_E_USAGE, "is a FIFO");
    assert_refused("/dev/null", PACK_E_USAGE, "is a character device");
    assert_refused(below, PACK_E_NOT_FOUND, "Not a directory");
    assert_refused(nowhere, PACK_E_NOT_FOUND, "nowhere");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *content = test_read_file(file, &size);
    assert_string_equal((char *)content, "old");
}

static void test_a112_nothing_else_is_read_either(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *link = test_path(*state, "link");
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_device_target target = file_target(link), folder = file_target(*state);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_pack_fails(slot_open_read(&input, &target, storage_system(), &error), PACK_E_USAGE);
    assert_pack_fails(slot_open_read(&input, &folder, storage_system(), &error), PACK_E_USAGE);
    assert_null(input);
}

/* --- A106, A107: room and rights ------------------------------------------------------------- */

static char *make_folder(const char *below, const char *name)
{
    char *path = test_path(below, name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static void test_a106_full_file_system(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *folder = make_folder(*state, "tmp");
    PACK_AUTO_FREE char *path = test_path(folder, "slot");
    PACK_AUTO_FREE char *other = test_path(folder, "other");
    PACK_AUTO_FREE uint8_t *image = pattern(SIZE, 3);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    slot_test_mount_tmpfs(folder, "64k");
    assert_refused_size(path, SIZE + 1, "the image needs 65537 bytes, the slot has 65536");
    assert_int_equal(test_count_files(folder), 0);
    assert_pack_ok(open_file(&slot, path, SIZE, &error));
    test_write_file(other, image, 5000);
    assert_pack_fails(slot_write_at(slot, 0, image, SIZE, &error), PACK_E_NO_SPACE);
    assert_string_equal(error.file, path);
    assert_non_null(strstr(error.hint, "65536 bytes"));
    slot_close(&slot);
    slot_test_unmount(folder);
}

/* What the old image takes is room for the new one. */
static void test_file_is_written_in_its_place(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *folder = make_folder(*state, "tmp");
    PACK_AUTO_FREE char *path = test_path(folder, "slot");
    PACK_AUTO_FREE uint8_t *image = pattern(SIZE, 3);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    slot_test_mount_tmpfs(folder, "64k");
    test_write_file(path, image, SIZE);
    image[SIZE - 1] ^= 1;
    assert_pack_ok(open_file(&slot, path, SIZE, &error));
    assert_pack_ok(slot_write_at(slot, 0, image, SIZE, &error));
    assert_pack_ok(slot_finish(slot, &error));
    slot_close(&slot);
    slot_test_unmount(folder);
}

static void test_a107_read_only_file_system(void **state)
{
    PACK_AUTO_FREE char *folder = make_folder(*state, "tmp");
    PACK_AUTO_FREE char *path = test_path(folder, "slot");
    PACK_AUTO_FREE char *missing = test_path(folder, "missing");
    slot_test_mount_tmpfs(folder, "64k");
    test_write_text(path, "old");
    slot_test_make_read_only(folder);
    assert_refused(path, PACK_E_PERMISSION, "Read-only file system");
    assert_refused(missing, PACK_E_PERMISSION, "Read-only file system");
    slot_test_unmount(folder);
}

static void test_a107_immutable_file(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "slot");
    long flags = 0;
    test_write_text(path, "old");
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    if (ioctl(descriptor, FS_IOC_GETFLAGS, &flags) != 0)
        skip();
    flags |= FS_IMMUTABLE_FL;
    if (ioctl(descriptor, FS_IOC_SETFLAGS, &flags) != 0)
        skip();
    assert_refused(path, PACK_E_PERMISSION, "Operation not permitted");
    flags &= ~FS_IMMUTABLE_FL;
    assert_int_equal(ioctl(descriptor, FS_IOC_SETFLAGS, &flags), 0);
    close(descriptor);
}

/* --- block devices --------------------------------------------------------------------------- */

/* A device of SIZE bytes over *state/disk. */
static char *make_device(const char *folder, int *descriptor)
{
    PACK_AUTO_FREE char *disk = test_path(folder, "disk");
    PACK_AUTO_FREE uint8_t *old = pattern(SIZE, 9);
    test_write_file(disk, old, SIZE);
    return slot_test_loop(disk, descriptor);
}

static void test_device_is_written(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_CLOSE int held = -1;
    PACK_AUTO_FREE char *device = make_device(*state, &held);
    PACK_AUTO_FREE char *link = test_path(*state, "by-partlabel-rootfs");
    PACK_AUTO_FREE uint8_t *image = pattern(SIZE, 1), *back = pattern(SIZE, 0);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    size_t got = 0;
    assert_int_equal(symlink(device, link), 0);
    assert_pack_ok(open_file(&slot, link, SIZE - 100, &error));
    assert_int_equal(slot->abilities, SLOT_READABLE | SLOT_RANDOM);
    assert_pack_ok(slot_write_at(slot, 0, image, SIZE - 100, &error));
    assert_pack_ok(slot_flush(slot, &error));
    assert_pack_ok(slot_read_at(slot, 0, back, SIZE, &got, &error));
    assert_int_equal(got, SIZE);
    assert_memory_equal(back, image, SIZE - 100);
    assert_pack_ok(slot_finish(slot, &error));
    assert_int_equal(pread(held, back, SIZE, 0), SIZE);
    assert_memory_equal(back, image, SIZE - 100);
    PACK_AUTO_FREE uint8_t *old = pattern(SIZE, 9);
    assert_memory_equal(back + SIZE - 100, old + SIZE - 100, 100);
}

static void test_device_is_read(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_CLOSE int held = -1;
    PACK_AUTO_FREE char *device = make_device(*state, &held);
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_device_target target = file_target(device);
    uint8_t back[16];
    size_t got = 0;
    assert_pack_ok(slot_open_read(&input, &target, storage_system(), &error));
    assert_int_equal(input->size, SIZE);
    assert_pack_ok(pack_input_read(input, SIZE - 5, back, sizeof back, &got, &error));
    assert_int_equal(got, 5);
}

static void test_a107_device_one_byte_too_small(void **state)
{
    PACK_AUTO_CLOSE int held = -1;
    PACK_AUTO_FREE char *device = make_device(*state, &held);
    assert_refused_size(device, SIZE + 1, "the image needs 65537 bytes, the slot has 65536");
}

static void test_device_in_use(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_CLOSE int held = -1;
    PACK_AUTO_FREE char *device = make_device(*state, &held);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    PACK_AUTO_CLOSE int claim = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
    assert_true(claim >= 0);
    assert_refused(device, PACK_E_USAGE, "is in use");
    pack_close_descriptor(&claim);
    assert_pack_ok(open_file(&slot, device, SIZE, &error));
    assert_int_equal(open(device, O_RDONLY | O_EXCL | O_CLOEXEC),
                     -1); /* ours as long as it lives */
    assert_int_equal(errno, EBUSY);
    slot_close(&slot);
    claim = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
    assert_true(claim >= 0);
}

static void test_a110_mounted_device(void **state)
{
    PACK_AUTO_CLOSE int held = -1;
    PACK_AUTO_FREE char *disk = test_path(*state, "disk");
    PACK_AUTO_FREE char *folder = make_folder(*state, "mounted");
    PACK_AUTO_FREE char *command = NULL;
    char says[512];
    assert_true(asprintf(&command, "mke2fs -q -F %s 1M >/dev/null 2>&1", disk) > 0);
    if (system(command) != 0)
        skip();
    PACK_AUTO_FREE char *device = slot_test_loop(disk, &held);
    slot_test_mount_ext(device, folder);
    snprintf(says, sizeof says, "is mounted at %s", folder);
    assert_refused(device, PACK_E_USAGE, says);
    slot_test_unmount(folder);
}

/* --- who is who ------------------------------------------------------------------------------ */

static bool is_same(const char *a, const char *b)
{
    struct pack_error error = {0};
    const struct pack_device_target of_a = file_target(a), of_b = file_target(b);
    bool same = false;
    assert_pack_ok(slot_is_same(&of_a, &of_b, storage_system(), &same, &error));
    return same;
}

static void test_same_files(void **state)
{
    PACK_AUTO_FREE char *a = test_path(*state, "a");
    PACK_AUTO_FREE char *again = test_path(*state, "./a");
    PACK_AUTO_FREE char *b = test_path(*state, "b");
    PACK_AUTO_FREE char *nowhere = test_path(*state, "no/a");
    assert_true(is_same(a, again)); /* neither is there yet */
    assert_false(is_same(a, b));
    assert_false(is_same(nowhere, nowhere));
    test_write_text(a, "");
    assert_true(is_same(a, again));
    assert_false(is_same(a, b));
    assert_int_equal(link(a, b), 0);
    assert_true(is_same(a, b));
}

static void test_same_devices(void **state)
{
    PACK_AUTO_CLOSE int held = -1;
    PACK_AUTO_FREE char *device = make_device(*state, &held);
    PACK_AUTO_FREE char *link = test_path(*state, "link");
    PACK_AUTO_FREE char *disk = test_path(*state, "disk");
    assert_int_equal(symlink(device, link), 0);
    assert_true(is_same(device, link));
    assert_false(is_same(device, disk));
    assert_false(is_same(device, "/dev/null"));
}

static void test_names(void **state)
{
    const char *const words[] = {"/usr/bin/flash-mcu", "-v", NULL};
    const struct pack_device_target targets[] = {
        file_target("/data/slot-a"),
        {.kind = PACK_TARGET_PARTITION, .label = "rootfs-a"},
        {.kind = PACK_TARGET_PARTITION, .type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"},
        {.kind = PACK_TARGET_COMMAND, .program = {.count = 2, .words = words}},
    };
    static const char *const names[] = {"/data/slot-a", "partition rootfs-a",
                                        "partition of type 4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
                                        "/usr/bin/flash-mcu"};
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        slot_describe(&targets[i], text, sizeof text);
        assert_string_equal(text, names[i]);
    }
    slot_describe(&targets[0], text, 6);
    assert_string_equal(text, "/data");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file_is_made_and_read_back),
        TEST(test_file_keeps_what_is_left_out_and_is_cut),
        TEST(test_file_that_is_not_finished),
        TEST(test_nothing_is_written_beyond_the_image),
        TEST(test_file_of_nothing),
        TEST(test_file_is_read_as_it_is),
        TEST(test_a104_each_failure_is_told),
        TEST(test_a112_targets_of_other_kinds),
        TEST(test_a112_nothing_else_is_read_either),
        TEST(test_a106_full_file_system),
        TEST(test_file_is_written_in_its_place),
        TEST(test_a107_read_only_file_system),
        TEST(test_a107_immutable_file),
        TEST(test_device_is_written),
        TEST(test_device_is_read),
        TEST(test_a107_device_one_byte_too_small),
        TEST(test_device_in_use),
        TEST(test_a110_mounted_device),
        TEST(test_same_files),
        TEST(test_same_devices),
        TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
