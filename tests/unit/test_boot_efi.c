/* SPDX-License-Identifier: MIT */
/* EFI's boot entries, on a folder of files as efivarfs shows them. */
#include "base/memory.h"
#include "boot/boot.h"
#include "boot_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ORDER "BootOrder" GLOBAL
#define NEXT "BootNext" GLOBAL
#define CURRENT "BootCurrent" GLOBAL
#define TRIAL "FwpackTrial-b7a0bd2c-6a6e-4d5f-9c1b-0b4d1f6f7e31"

struct firmware {
    struct rooted rooted;
    struct pack_device device;
};

static void make_firmware(struct firmware *firmware, void **state)
{
    rooted_init(&firmware->rooted, *state);
    firmware->device = (struct pack_device){
        .boot = {.type = "efi", .file = *state, .entries = {"Boot0001", "Boot000A"}}};
}

/* Entries, as efibootmgr has them: "0001,000A". NULL takes the variable away. */
static void put(const struct firmware *firmware, const char *name, const char *entries)
{
    PACK_AUTO_FREE char *path = test_path(firmware->rooted.folder, name);
    uint8_t bytes[64] = {7};
    size_t size = 4;
    if (entries == NULL) {
        (void)unlink(path);
        return;
    }
    for (const char *at = entries; *at != '\0'; at += at[4] == ',' ? 5 : 4, size += 2) {
        const unsigned long number = strtoul((char[]){at[0], at[1], at[2], at[3], 0}, NULL, 16);
        bytes[size] = (uint8_t)number;
        bytes[size + 1] = (uint8_t)(number >> 8);
    }
    test_write_file(path, bytes, size);
}

/* "" where the variable is not there. */
static void check_variable(const struct firmware *firmware, const char *name, const char *expected)
{
    PACK_AUTO_FREE char *path = test_path(firmware->rooted.folder, name);
    char text[64] = "";
    size_t size = 0;
    if (access(path, F_OK) == 0) {
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
        assert_memory_equal(bytes, ((uint8_t[]){7, 0, 0, 0}), 4);
        for (size_t i = 4; i < size; i += 2)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%04X", i == 4 ? "" : ",",
                     bytes[i] | bytes[i + 1] << 8);
    }
    assert_string_equal(text, expected);
}

static void check(const struct firmware *firmware, const char *state)
{
    check_state(&firmware->device, storage_system(), state);
}

static void write_it(const struct firmware *firmware, const char *state)
{
    write_state(&firmware->device, storage_system(), state);
}

static void refused(const struct firmware *firmware, const char *says)
{
    check_refused(&firmware->device, storage_system(), PACK_E_STATE, says);
}

static void test_states_come_back(void **state)
{
    static const char *const states[] = {"A", "A+", "B", "B+", "A B1", "B A1", "A B0", NULL};
    struct firmware firmware;
    make_firmware(&firmware, state);
    put(&firmware, ORDER, "0001");
    check(&firmware, "A");
    check_round_trips(&firmware.device, storage_system(), states);
}

/* An update as the firmware sees it. */
static void test_a_trial(void **state)
{
    struct firmware firmware;
    make_firmware(&firmware, state);
    put(&firmware, ORDER, "0002,0001,000A,0003");
    check(&firmware, "A+");
    write_it(&firmware, "A");
    check_variable(&firmware, ORDER, "0002,0001,0003");
    write_it(&firmware, "A B1");
    check_variable(&firmware, ORDER, "0002,0001,0003");
    check_variable(&firmware, NEXT, "000A");
    check_variable(&firmware, TRIAL, "000A");
    put(&firmware, NEXT, NULL);
    check(&firmware, "A B0");
    write_it(&firmware, "B+");
    check_variable(&firmware, ORDER, "0002,000A,0001,0003");
    check_variable(&firmware, NEXT, "");
    check_variable(&firmware, TRIAL, "");
    assert_int_equal(test_count_files(*state), 1);
}

/* More tries than BootNext is are one. */
static void test_three_tries_are_one(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    const struct boot_state three = {.trial = true, .tries = 3};
    struct firmware firmware;
    make_firmware(&firmware, state);
    put(&firmware, ORDER, "0001,000A");
    assert_pack_ok(boot_open(&boot, &firmware.device, storage_system(), &error));
    assert_pack_ok(boot_write(boot, &three, &error));
    check(&firmware, "A B1");
}

static void test_what_others_wrote(void **state)
{
    static const struct {
        const char *order, *next, *trial, *state;
    } cases[] = {
        {"0001", NULL, NULL, "A"},
        {"000A,0001", NULL, NULL, "B+"},
        {"000A,0000,0001", NULL, NULL, "B+"},
        {"0001", "000A", NULL, "A B1"}, /* the power went between the two */
        {"0001", "0001", NULL, "A"},
        {"0001", "0005", "000A", "A B0"},
        {"0001", NULL, "0001", "A"},
        {"0001,0001", NULL, NULL, "A"},
    };
    struct firmware firmware;
    make_firmware(&firmware, state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(&firmware, ORDER, cases[i].order);
        put(&firmware, NEXT, cases[i].next);
        put(&firmware, TRIAL, cases[i].trial);
        check(&firmware, cases[i].state);
    }
    /* A start of something else that somebody asked for stays. */
    put(&firmware, NEXT, "0005");
    write_it(&firmware, "B");
    check_variable(&firmware, NEXT, "0005");
    /* Neither is there: they come before all others. */
    put(&firmware, ORDER, "0007,0008");
    refused(&firmware, "neither Boot0001 nor Boot000A is in EFI's BootOrder");
    write_it(&firmware, "B+");
    check_variable(&firmware, ORDER, "000A,0001,0007,0008");
}

static void test_damage(void **state)
{
    struct firmware firmware;
    make_firmware(&firmware, state);
    PACK_AUTO_FREE char *path = test_path(*state, ORDER);
    refused(&firmware, "neither Boot0001 nor");
    test_write_file(path, "", 0);
    refused(&firmware, "neither Boot0001 nor");
    test_write_file(path, "\7\0\0", 3);
    refused(&firmware, "an EFI variable of 3 bytes");
    test_write_file(path, "\7\0\0\0\1", 5);
    refused(&firmware, "an EFI variable of 5 bytes");
    PACK_AUTO_FREE char *many = calloc(1, 600);
    test_write_file(path, many, 600);
    check_refused(&firmware.device, storage_system(), PACK_E_LIMIT, "");
}

static void test_entries_of_the_device(void **state)
{
    static const struct {
        const char *a, *b, *says;
    } cases[] = {
        {NULL, "Boot0001", "set A has the EFI boot entry ''"},
        {"Boot0001", "0002", "set B has the EFI boot entry '0002'"},
        {"Boot0001", "Boot000a", "'Boot000a'"},
        {"Boot0001", "Boot00012", "'Boot00012' is no EFI boot entry"},
        {"Boot000", "Boot0001", "'Boot000'"},
        {"Boot0001", "Boot0001", "both sets have the EFI boot entry Boot0001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct boot *boot = NULL;
        const struct pack_device device = {
            .boot = {.type = "efi", .file = *state, .entries = {cases[i].a, cases[i].b}}};
        assert_pack_fails(boot_open(&boot, &device, storage_system(), &error), PACK_E_USAGE);
        assert_pack_says(cases[i].says);
        assert_null(boot);
    }
}

static void test_the_firmware_tells_what_runs(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    enum pack_set set = PACK_SETS;
    struct firmware firmware;
    make_firmware(&firmware, state);
    firmware.device.boot.file = "";
    assert_pack_ok(boot_open(&boot, &firmware.device, &firmware.rooted.storage, &error));
    put(&firmware, CURRENT, "000A");
    assert_pack_ok(boot_running(boot, &set, &error));
    assert_int_equal(set, PACK_SET_B);
    put(&firmware, CURRENT, "0001");
    assert_pack_ok(boot_running(boot, &set, &error));
    assert_int_equal(set, PACK_SET_A);
    put(&firmware, CURRENT, "0003");
    assert_pack_fails(boot_running(boot, &set, &error), PACK_E_STATE);
    assert_pack_says("nothing tells which set runs");
}

/* As efivarfs marks variables that it does not know. False where the system does not let us. */
static bool make_immutable(const char *path)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    unsigned flags = 0;
    assert_true(descriptor >= 0);
    const bool known = ioctl(descriptor, FS_IOC_GETFLAGS, &flags) == 0;
    flags |= FS_IMMUTABLE_FL;
    const bool done = known && ioctl(descriptor, FS_IOC_SETFLAGS, &flags) == 0;
    assert_int_equal(close(descriptor), 0);
    return done;
}

static void test_an_immutable_variable(void **state)
{
    struct firmware firmware;
    make_firmware(&firmware, state);
    PACK_AUTO_FREE char *path = test_path(*state, TRIAL);
    put(&firmware, ORDER, "0001,000A");
    put(&firmware, TRIAL, "0001");
    if (!make_immutable(path))
        skip();
    write_it(&firmware, "A B1");
    check_variable(&firmware, TRIAL, "000A");
    assert_true(make_immutable(path));
    write_it(&firmware, "A");
    check_variable(&firmware, TRIAL, "");
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_states_come_back),
        IN_A_FOLDER(test_a_trial),
        IN_A_FOLDER(test_three_tries_are_one),
        IN_A_FOLDER(test_what_others_wrote),
        IN_A_FOLDER(test_damage),
        IN_A_FOLDER(test_entries_of_the_device),
        IN_A_FOLDER(test_an_immutable_variable),
        IN_A_FOLDER(test_the_firmware_tells_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
