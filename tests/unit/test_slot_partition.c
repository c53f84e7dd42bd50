/* SPDX-License-Identifier: MIT */
/* Slots that are partitions, found by label or type in a /sys and /dev of the test's own. */
#include "slot/slot.h"

#include "base/memory.h"
#include "slot_device.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROOT_TYPE "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
#define DATA_TYPE "0fc63daf-8483-4772-8e79-3d69d8477de4"

/* --- a machine ------------------------------------------------------------------------------- */

/* Runs a script in the folder; a tool that it lacks skips the test. */
static void run(const char *folder, const char *script)
{
    PACK_AUTO_FREE char *command = NULL;
    assert_true(asprintf(&command, "cd %s && PATH=$PATH:/usr/sbin:/sbin && %s", folder, script) >
                0);
    const int status = system(command);
    if (status == 127 << 8 && getenv("FWPACK_ALL_TOOLS") == NULL)
        skip();
    assert_int_equal(status, 0);
}

/* The disk `name` with partitions of these types; what the kernel would say of it goes to /sys. */
#define DISK(name, ...)                                                             \
    "mkdir -p dev sys/class/block sys/block/" name "/queue && "                     \
    "printf 'DEVNAME=%s\\nDEVTYPE=disk\\n' " name " >sys/block/" name "/uevent && " \
    "truncate -s 1M dev/" name " && printf '%s\\n' 'label: gpt' " __VA_ARGS__       \
    " | sfdisk -q dev/" name " && "
/* Its partition number `n`, whose content lies in a file of 64 KiB. */
#define PARTITION(disk, n, label)                                                                 \
    "mkdir -p sys/block/" disk "/" disk n " && ln -s ../../block/" disk "/" disk n                \
    " sys/class/block/ && "                                                                       \
    "printf 'MAJOR=8\\nDEVNAME=%s\\nDEVTYPE=partition\\nPARTN=%s\\nPARTNAME=%s\\n' " disk n " " n \
    " '" label "' >sys/block/" disk "/" disk n "/uevent && "                                      \
    "truncate -s 64k dev/" disk n " && "

#define ENTRY(type) "size=10,type=" type

/* Two disks: roots and data on the first, one root on the second, and a drive without a medium. */
static void make_model(const char *folder)
{
    run(folder, DISK("sda", "'" ENTRY(ROOT_TYPE) "' '" ENTRY(ROOT_TYPE) "' '" ENTRY(DATA_TYPE) "'")
                    PARTITION("sda", "1", "rootfs-a") PARTITION("sda", "2", "rootfs-b")
                        PARTITION("sda", "3", "data dir")
                            DISK("mmc", "'" ENTRY("21686148-6449-6e6f-744e-656564454649") "'")
                                PARTITION("mmc", "1",
                                          "rootfs-a-not") "mkdir sys/block/sr0 && printf "
                                                          "'DEVNAME=sr0\\n' >sys/block/sr0/uevent");
}

/* sfdisk syncs what it writes, so there is one model, and each test has a copy of it. */
static void *model;

static void make_machine(const char *folder)
{
    PACK_AUTO_FREE char *script = NULL;
    if (test_count_files(model) == 0)
        make_model(model);
    assert_true(asprintf(&script, "cp -a %s/* .", (char *)model) > 0);
    run(folder, script);
}

static int make_model_folder(void **state)
{
    (void)state;
    return test_make_folder(&model);
}

static int remove_model_folder(void **state)
{
    (void)state;
    return test_remove_folder(&model);
}

static struct pack_device_target labelled(const char *label)
{
    return (struct pack_device_target){.kind = PACK_TARGET_PARTITION, .label = label};
}

static struct pack_device_target typed(const char *type)
{
    return (struct pack_device_target){.kind = PACK_TARGET_PARTITION, .type = type};
}

static void assert_writes(const char *folder, const struct pack_device_target *target,
                          const char *device)
{
    struct pack_error error = {0};
    size_t size = 0;
    PACK_AUTO_FREE struct storage *storage = slot_test_rooted(folder);
    PACK_AUTO_FREE char *path = test_path(folder, device);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    assert_pack_ok(slot_open_write(&slot, target, storage, 3, &error));
    assert_int_equal(strncmp(slot->name, "partition ", 10), 0);
    assert_pack_ok(slot_write_at(slot, 0, "new", 3, &error));
    assert_pack_ok(slot_flush(slot, &error));
    PACK_AUTO_FREE uint8_t *content = test_read_file(path, &size);
    assert_string_equal((char *)content, "new");
    assert_pack_ok(slot_open_read(&input, target, storage, &error));
    assert_int_equal(input->size, 65536);
}

static void assert_finds_none(const char *folder, const struct pack_device_target *target,
                              enum pack_code code, const char *says)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE struct storage *storage = slot_test_rooted(folder);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    assert_pack_fails(slot_open_write(&slot, target, storage, 3, &error), code);
    assert_pack_says(says);
    assert_pack_fails(slot_open_read(&input, target, storage, &error), code);
}

/* --- by label -------------------------------------------------------------------------------- */

static void test_partitions_by_label(void **state)
{
    const struct pack_device_target a = labelled("rootfs-a"), data = labelled("data dir");
    make_machine(*state);
    assert_writes(*state, &a, "dev/sda1");
    assert_writes(*state, &data, "dev/sda3");
}

static void test_label_that_is_not_there(void **state)
{
    const struct pack_device_target none = labelled("rootfs-c"), part = labelled("rootfs");
    make_machine(*state);
    assert_finds_none(*state, &none, PACK_E_NOT_FOUND, "there is no partition rootfs-c");
    assert_finds_none(*state, &part, PACK_E_NOT_FOUND, "there is no partition rootfs");
}

/* A second disk, as a stick with a copy of the system, makes the label mean nothing. */
static void test_label_that_is_there_twice(void **state)
{
    const struct pack_device_target a = labelled("rootfs-a");
    make_machine(*state);
    run(*state,
        PARTITION("mmc", "2", "rootfs-a") "mkdir -p dev/disk/by-partlabel && "
                                          "ln -s ../../sda1 dev/disk/by-partlabel/rootfs-a");
    assert_finds_none(*state, &a, PACK_E_USAGE,
                      "partition rootfs-a is there more than once: /dev/mmc2 and /dev/sda1");
}

/* Names that only udev's rules give. */
static void test_partition_by_link(void **state)
{
    const struct pack_device_target boot = labelled("boot"), out = labelled("../sda1");
    make_machine(*state);
    run(*state, "mkdir -p dev/disk/by-partlabel && truncate -s 64k dev/disk/by-partlabel/boot");
    assert_writes(*state, &boot, "dev/disk/by-partlabel/boot");
    assert_finds_none(*state, &out, PACK_E_NOT_FOUND, "there is no partition ../sda1");
}

/* --- by type --------------------------------------------------------------------------------- */

static void test_partition_by_type(void **state)
{
    const struct pack_device_target data = typed(DATA_TYPE);
    make_machine(*state);
    assert_writes(*state, &data, "dev/sda3");
}

static void test_type_that_two_have(void **state)
{
    const struct pack_device_target root = typed(ROOT_TYPE);
    make_machine(*state);
    assert_finds_none(*state, &root, PACK_E_USAGE,
                      "partition of type " ROOT_TYPE
                      " is there more than once: /dev/sda1 and /dev/sda2");
}

static void test_type_that_is_not_there(void **state)
{
    const struct pack_device_target none = typed("00000000-0000-0000-0000-000000000001");
    make_machine(*state);
    assert_finds_none(*state, &none, PACK_E_NOT_FOUND, "there is no partition of type 0000");
}

/* A broken disk matters only where the partition is on no other. */
static void test_disk_with_a_damaged_table(void **state)
{
    const struct pack_device_target data = typed(DATA_TYPE);
    const struct pack_device_target none = typed("00000000-0000-0000-0000-000000000001");
    make_machine(*state);
    run(*state, "for at in 560 1048100; do "
                "printf x | dd of=dev/mmc bs=1 seek=$at conv=notrunc status=none; done");
    assert_writes(*state, &data, "dev/sda3");
    assert_finds_none(*state, &none, PACK_E_MALFORMED, "a disk could not be looked at");
}

/* The same partition by both its names. */
static void test_same_partition(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE struct storage *storage = slot_test_rooted(*state);
    const struct pack_device_target by_label = labelled("data dir"), by_type = typed(DATA_TYPE),
                                    other = labelled("rootfs-a"), none = labelled("rootfs-c");
    bool same = false;
    make_machine(*state);
    assert_pack_ok(slot_is_same(&by_label, &by_type, storage, &same, &error));
    assert_true(same);
    assert_pack_ok(slot_is_same(&by_label, &other, storage, &same, &error));
    assert_false(same);
    assert_pack_fails(slot_is_same(&other, &none, storage, &same, &error), PACK_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_partitions_by_label),
        TEST(test_label_that_is_not_there),
        TEST(test_label_that_is_there_twice),
        TEST(test_partition_by_link),
        TEST(test_partition_by_type),
        TEST(test_type_that_two_have),
        TEST(test_type_that_is_not_there),
        TEST(test_disk_with_a_damaged_table),
        TEST(test_same_partition),
    };
    return cmocka_run_group_tests(tests, make_model_folder, remove_model_folder);
}
