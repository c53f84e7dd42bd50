/* SPDX-License-Identifier: MIT */
/* The Raspberry Pi's autoboot.txt, and trials that end with the next start of the machine. */
#include "base/memory.h"
#include "boot/boot.h"
#include "boot_device.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define FILE_NAME "/boot/autoboot.txt"

struct pi {
    struct rooted rooted;
    struct pack_device device;
};

static void make_pi(struct pi *pi, void **state)
{
    rooted_init(&pi->rooted, *state);
    pi->device = (struct pack_device){.boot = {.type = "raspberrypi", .file = "/boot"}};
    rooted_write(*state, BOOT_ID, "11111111-0\n");
    rooted_write(*state, FILE_NAME, "[all]\ntryboot_a_b=1\nboot_partition=2\n");
}

static void check(struct pi *pi, const char *state)
{
    check_state(&pi->device, &pi->rooted.storage, state);
}

static void write_it(struct pi *pi, const char *state)
{
    write_state(&pi->device, &pi->rooted.storage, state);
}

/* Its lines without comments and the empty ones that fill it up to a sector. */
static void check_file(const struct pi *pi, const char *expected)
{
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_path(pi->rooted.folder, FILE_NAME);
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    assert_int_equal(size, 512);
    assert_int_equal(bytes[511], '\n');
    PACK_AUTO_FREE char *text =
        run_tool(pi->rooted.folder, "grep -v -e '^#' -e '^$' boot/autoboot.txt | tr '\\n' ' '");
    assert_string_equal(text, expected);
}

static void test_an_update(void **state)
{
    struct pi pi;
    make_pi(&pi, state);
    check(&pi, "A");
    write_it(&pi, "A");
    check_file(&pi, "[all] tryboot_a_b=1 boot_partition=2 [tryboot] boot_partition=2 ");
    write_it(&pi, "A B1");
    check_file(&pi, "[all] tryboot_a_b=1 boot_partition=2 [tryboot] boot_partition=3 ");
    rooted_write(*state, BOOT_ID, "22222222-0\n");
    check(&pi, "A B0");
    write_it(&pi, "B");
    check_file(&pi, "[all] tryboot_a_b=1 boot_partition=3 [tryboot] boot_partition=3 ");
    check(&pi, "B");
    assert_int_equal(test_count_files(*state), 2);
}

/* The file stays where it is: FAT has no rename that survives. */
static void test_it_is_written_in_place(void **state)
{
    struct stat before, after;
    struct pi pi;
    make_pi(&pi, state);
    PACK_AUTO_FREE char *path = test_path(*state, FILE_NAME);
    write_it(&pi, "A");
    assert_int_equal(stat(path, &before), 0);
    write_it(&pi, "A B1");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

/* It cannot fall back but from a trial, and has one try. */
static void test_what_it_cannot_do(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    const struct boot_state falls_back = {.primary = PACK_SET_B, .fallback = true};
    const struct boot_state three = {.primary = PACK_SET_B, .trial = true, .tries = 3};
    struct pi pi;
    make_pi(&pi, state);
    assert_pack_ok(boot_open(&boot, &pi.device, &pi.rooted.storage, &error));
    assert_pack_ok(boot_write(boot, &falls_back, &error));
    check(&pi, "B");
    assert_pack_ok(boot_write(boot, &three, &error));
    check(&pi, "B A1");
}

static void test_files_of_others(void **state)
{
    static const struct {
        const char *text, *state; /* or what is said of it */
        bool good;
    } cases[] = {
        {"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n", "A", true},
        {"boot_partition=3", "B", true},
        {"# x\r\n\r\n[all]\r\nboot_partition=3\r\n", "B", true},
        {"[all]\ntryboot_a_b=1\n", "names no boot_partition for [all]", false},
        {"[tryboot]\nboot_partition=2\n", "names no boot_partition for [all]", false},
        {"boot_partition=4\n", "names partition 4, which is neither set's", false},
        {"boot_partition=0\n", "'boot_partition=0' is nothing that", false},
        {"boot_partition=64\n", "'boot_partition=64'", false},
        {"boot_partition=2 \n", "'boot_partition=2 '", false},
        {"boot_partition=2\n[cm4]\nboot_partition=3\n", "'[cm4]' is nothing that", false},
        {"", "names no boot_partition", false},
    };
    struct pi pi;
    make_pi(&pi, state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rooted_write(*state, FILE_NAME, cases[i].text);
        if (cases[i].good)
            check(&pi, cases[i].state);
        else
            check_refused(&pi.device, &pi.rooted.storage, PACK_E_STATE, cases[i].state);
    }
    char large[600];
    memset(large, '\n', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    rooted_write(*state, FILE_NAME, large);
    check_refused(&pi.device, &pi.rooted.storage, PACK_E_STATE, "");
    PACK_AUTO_FREE char *path = test_path(*state, FILE_NAME);
    test_write_file(path, "boot_partition=2\n\0\0\0", 20);
    check_refused(&pi.device, &pi.rooted.storage, PACK_E_STATE, "a zero byte");
    assert_int_equal(remove(path), 0);
    check_refused(&pi.device, &pi.rooted.storage, PACK_E_STATE, "");
}

static void test_partitions_of_the_device(void **state)
{
    static const struct {
        const char *file, *a, *b, *says;
    } cases[] = {
        {NULL, "2", "3", "wants the folder that has autoboot.txt"},
        {"/boot", "0", "3", "set A has the partition '0', 1 to 63 wanted"},
        {"/boot", "2", "x", "set B has the partition 'x'"},
        {"/boot", "2", "064", "set B has the partition '064'"},
        {"/boot", "3", "3", "both sets have the partition 3"},
        {"/boot", "3", NULL, "both sets have the partition 3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct boot *boot = NULL;
        const struct pack_device device = {.boot = {.type = "raspberrypi",
                                                    .file = cases[i].file,
                                                    .entries = {cases[i].a, cases[i].b}}};
        assert_pack_fails(boot_open(&boot, &device, storage_system(), &error), PACK_E_USAGE);
        assert_pack_says(cases[i].says);
    }
}

static void test_the_device_tree_tells_what_runs(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    enum pack_set set = PACK_SETS;
    struct pi pi;
    make_pi(&pi, state);
    pi.device.boot.entries[PACK_SET_A] = "5";
    pi.device.boot.entries[PACK_SET_B] = "6";
    rooted_write(*state, "/proc/device-tree/chosen/bootloader/partition", "");
    PACK_AUTO_FREE char *path = test_path(*state, "proc/device-tree/chosen/bootloader/partition");
    assert_pack_ok(boot_open(&boot, &pi.device, &pi.rooted.storage, &error));
    test_write_file(path, "\0\0\0\6", 4);
    assert_pack_ok(boot_running(boot, &set, &error));
    assert_int_equal(set, PACK_SET_B);
    test_write_file(path, "\0\0\0\5", 4);
    assert_pack_ok(boot_running(boot, &set, &error));
    assert_int_equal(set, PACK_SET_A);
    test_write_file(path, "\0\0\0\1", 4);
    assert_pack_fails(boot_running(boot, &set, &error), PACK_E_STATE);
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partitions_of_the_device),
        IN_A_FOLDER(test_an_update),
        IN_A_FOLDER(test_it_is_written_in_place),
        IN_A_FOLDER(test_what_it_cannot_do),
        IN_A_FOLDER(test_files_of_others),
        IN_A_FOLDER(test_the_device_tree_tells_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
