/* SPDX-License-Identifier: MIT */
/* Bootloaders: the table, the one that is a record, and how the running set is found. */
#include "boot/boot.h"

#include "base/memory.h"
#include "boot/lines.h"
#include "boot_device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const all_states[] = {"A", "A+", "B", "B+", "A B3", "B A1", "A B0", NULL};

/* --- the table ------------------------------------------------------------------------------- */

static void test_the_table_is_whole(void **state)
{
    (void)state;
    for (const struct boot_type *const *type = boot_types(); *type != NULL; type++) {
        assert_non_null((*type)->name);
        assert_non_null((*type)->summary);
        assert_non_null((*type)->open);
        assert_non_null((*type)->read);
        assert_non_null((*type)->write);
        assert_non_null((*type)->close);
        assert_true((*type)->max_tries >= 1);
    }
}

static void test_an_unknown_type_is_refused(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct boot *boot = NULL;
    const struct pack_device device = {.boot.type = "flie"};
    assert_pack_fails(boot_open(&boot, &device, storage_system(), &error), PACK_E_UNSUPPORTED);
    assert_pack_says("no bootloader 'flie'");
    assert_string_equal(error.hint, "meant 'file'?");
    assert_null(boot);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void test_lines_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"primary=A\ntrial=0\ntries=0\n", "fallback is missing"},
        {"primary=C\ntrial=0\ntries=0\nfallback=0\n", "primary is 'C', A or B wanted"},
        {"primary=\ntrial=0\ntries=0\nfallback=0\n", "primary is ''"},
        {"primary=A\ntrial=2\ntries=0\nfallback=0\n", "trial is '2', 0 or 1 wanted"},
        {"primary=A\ntrial=1\ntries=100\nfallback=0\n", "tries is '100'"},
        {"primary=A\ntrial=1\ntries=-1\nfallback=0\n", "tries is '-1'"},
        {"primary=A\ntrial=1\ntries=03\nfallback=0\n", "tries is '03'"},
        {"primary=A\ntrial=1\ntries=99999999999\nfallback=0\n", "tries is '99999999999'"},
        {"primary=A\ntrial=0\ntries=3\nfallback=0\n", "3 tries are left of no trial"},
        {"primary=A\nprimary=A\ntrial=0\ntries=0\nfallback=0\n", "primary is there twice"},
        {"primary=A\ntrial=0\ntries=0\nfallback=0", "cut short"},
        {"primary=A\ntrial=0\ntries=0\nfallback=0\n\n", "no NAME=VALUE but ''"},
        {"primary=A\ntrial=0\ntries=0\nfallback=0\nnext=B\n", "'next' is unknown"},
        {"primary=A\ntrial=0\ntries=0\nfallback=0\nsession=a b\n", "session is 'a b'"},
        {"primary=A\ntrial=0\ntries=0\nfallback=0\nstarts=1000000001\n", "starts is"},
        {"", "primary is missing"},
        {"primary\n", "no NAME=VALUE but 'primary'"},
        {"\x1b[2J=A\n", "'\\x1b[2J' is unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct boot_lines lines;
        assert_pack_fails(
            boot_lines_parse(&lines, cases[i].text, strlen(cases[i].text), LINES_STATE, &error),
            PACK_E_STATE);
        assert_pack_says(cases[i].says);
    }
}

static void test_lines_come_back(void **state)
{
    (void)state;
    static const char text[] = "primary=B\ntrial=1\ntries=99\nfallback=1\nrunning=B\n"
                               "starts=1000000000\nsession=a-1.Z\n";
    struct pack_error error = {0};
    struct boot_lines lines;
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = BOOT_LINES_LIMIT};
    assert_pack_ok(boot_lines_parse(&lines, text, strlen(text), LINES_STATE, &error));
    assert_pack_ok(boot_lines_print(&buffer, &lines, &error));
    assert_string_equal((const char *)buffer.bytes, text);
}

/* --- file ------------------------------------------------------------------------------------ */

static void test_states_come_back(void **state)
{
    const struct pack_device device = {.state = *state, .boot.type = "file"};
    check_state(&device, storage_system(), "A");
    check_round_trips(&device, storage_system(), all_states);
}

static void start(const struct pack_device *device, enum pack_set expected, const char *session)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    enum pack_set set = PACK_SETS;
    char text[64];
    assert_pack_ok(boot_open(&boot, device, storage_system(), &error));
    assert_pack_ok(boot_next(boot, &set, &error));
    assert_int_equal(set, expected);
    assert_pack_ok(boot_running(boot, &set, &error));
    assert_int_equal(set, expected);
    assert_pack_ok(boot_session(boot, text, &error));
    assert_string_equal(text, session);
}

static void test_tries_are_counted(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "loader");
    const struct pack_device device = {.state = "none", .boot = {.type = "file", .file = path}};
    start(&device, PACK_SET_A, "start-1");
    write_state(&device, storage_system(), "A B2");
    start(&device, PACK_SET_B, "start-2");
    check_state(&device, storage_system(), "A B1");
    start(&device, PACK_SET_B, "start-3");
    start(&device, PACK_SET_A, "start-4");
    check_state(&device, storage_system(), "A B0");
    write_state(&device, storage_system(), "B+");
    start(&device, PACK_SET_B, "start-5");
    check_state(&device, storage_system(), "B+");
    assert_int_equal(test_count_files(*state), 2);
}

static void test_more_tries_than_there_can_be(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    const struct pack_device device = {.state = *state, .boot.type = "file"};
    const struct boot_state many = {.trial = true, .tries = 1000, .fallback = true};
    assert_pack_ok(boot_open(&boot, &device, storage_system(), &error));
    assert_pack_ok(boot_write(boot, &many, &error));
    check_state(&device, storage_system(), "A B99");
}

static void damage(const char *folder, const char *name, size_t at)
{
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_path(folder, name);
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    bytes[size - 1 - at % size] ^= 1;
    test_write_file(path, bytes, size);
}

/* A108: the newest copy is damaged, both are. */
static void test_damage_of_the_record(void **state)
{
    const struct pack_device device = {.state = *state, .boot.type = "file"};
    write_state(&device, storage_system(), "A B3");
    write_state(&device, storage_system(), "B+");
    damage(*state, "boot.0", 3);
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    struct boot_state found;
    char text[16];
    assert_pack_ok(boot_open(&boot, &device, storage_system(), &error));
    assert_pack_ok(boot_read(boot, &found, &error));
    boot_state_text(text, &found);
    assert_true(strcmp(text, "A B3") == 0 || strcmp(text, "B+") == 0);
    damage(*state, "boot.1", 3);
    assert_pack_fails(boot_read(boot, &found, &error), PACK_E_STATE);
    assert_pack_says("both copies are damaged");
    assert_non_null(strstr(error.hint, "set A starts"));
}

static void test_a_record_of_nonsense(void **state)
{
    struct pack_error error = {0};
    const struct pack_device device = {.state = *state, .boot.type = "file"};
    assert_pack_ok(
        storage_record_save(storage_system(), *state, "boot", "primary=X\n", 10, &error));
    check_refused(&device, storage_system(), PACK_E_STATE, "primary is 'X'");
}

/* --- what runs ------------------------------------------------------------------------------- */

/* A type without a way of its own. */
static int plain_read(struct boot *boot, struct boot_state *found, struct pack_error *error)
{
    (void)boot;
    (void)found;
    (void)error;
    return 0;
}

static const struct boot_type plain = {.name = "plain", .read = plain_read};

static const struct pack_device_slot slots[] = {
    {.name = "mcu", .targets = {{.kind = PACK_TARGET_FILE, .path = "/images/a"}}},
    {.name = "rootfs",
     .redundant = true,
     .targets = {{.kind = PACK_TARGET_FILE, .path = "/images/a"},
                 {.kind = PACK_TARGET_FILE, .path = "/images/b"}}},
    {.name = "kernel",
     .redundant = true,
     .targets = {{.kind = PACK_TARGET_PARTITION, .label = "kernel-a"},
                 {.kind = PACK_TARGET_PARTITION, .label = "kernel-b"}}},
    {.name = "flash",
     .redundant = true,
     .targets = {{.kind = PACK_TARGET_UBI, .path = "/dev/ubi0:root-a"},
                 {.kind = PACK_TARGET_UBI, .path = "ubi0_7"}}},
    {.name = "raw",
     .redundant = true,
     .targets = {{.kind = PACK_TARGET_MTD, .path = "/dev/mtd4"},
                 {.kind = PACK_TARGET_MTD, .path = "second"}}},
};

static const struct running_case {
    const char *cmdline, *mountinfo;
    char set;         /* or 0 */
    const char *says; /* then */
} cases[] = {
    {"quiet root=/images/b rw\n", "", 'B', NULL},
    {"root=/images/b root=/images/a\n", "", 'A', NULL},
    {"x=\"root=/images/b \" root=\"/images/a\"\n", "", 'A', NULL},
    {"root=PARTLABEL=kernel-b\n", "", 'B', NULL},
    {"root=PARTUUID=1-2\n", "", 'B', NULL},
    {"root=ubi0:root-a rootfstype=ubifs\n", "", 'A', NULL},
    {"root=/dev/ubi0_7\n", "", 'B', NULL},
    {"root=/dev/mtdblock4\n", "", 'A', NULL},
    {"root=mtd:second\n", "", 'B', NULL},
    {"root=/dev/dm-0\n",
     "21 1 0:20 / /proc rw - proc proc rw\n"
     "22 1 0:21 / / rw - ubifs ubi0:root-a rw\n",
     'A', NULL},
    {"root=/dev/dm-0\n", "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/dm-0 rw\n", 0,
     "the kernel's root is '/dev/dm-0', the mounted one '/dev/dm-0'"},
    {"root=/images/c\n", "", 0, "root is '/images/c', the mounted one 'unknown'"},
    {"broot=/images/b\n", "nonsense\n - \n1 1 0:1 / / rw\n", 0, "root is 'unknown'"},
};

static void check_running(struct boot *boot, const struct running_case *wanted)
{
    struct pack_error error = {0};
    enum pack_set set = PACK_SETS;
    if (wanted->set != 0) {
        assert_pack_ok(boot_running(boot, &set, &error));
        assert_string_equal(pack_set_name(set), ((char[]){wanted->set, '\0'}));
        return;
    }
    assert_pack_fails(boot_running(boot, &set, &error), PACK_E_STATE);
    assert_pack_says(wanted->says);
}

static void test_the_root_tells(void **state)
{
    struct rooted rooted;
    rooted_init(&rooted, *state);
    const struct pack_device device = {.slots = slots,
                                       .slot_count = sizeof slots / sizeof slots[0]};
    struct boot boot = {.type = &plain, .device = &device, .storage = &rooted.storage};
    rooted_write(*state, "/images/a", "a");
    rooted_write(*state, "/images/b", "b");
    rooted_write(*state, "/images/c", "c");
    rooted_write(*state, "/dev/disk/by-partlabel/kernel-b", "b");
    rooted_write(*state, "/dev/disk/by-partuuid/x", "");
    PACK_AUTO_FREE char *link = test_path(*state, "dev/disk/by-partuuid/1-2");
    assert_int_equal(symlink("../by-partlabel/kernel-b", link), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rooted_write(*state, "/proc/cmdline", cases[i].cmdline);
        rooted_write(*state, "/proc/self/mountinfo", cases[i].mountinfo);
        check_running(&boot, &cases[i]);
    }
}

static void test_a_parameter_or_a_file_tells(void **state)
{
    static const struct running_case lines[] = {
        {"a.slot=B x.slot=A", NULL, 'A', NULL},
        {"x.slot=A x.slot=B", NULL, 'B', NULL},
        {"x.slot=C", NULL, 0, "'x.slot=' is 'C', A or B wanted"},
        {"x.slot=", NULL, 0, "'x.slot=' is ''"},
        {"x.slots=A", NULL, 0, "started without 'x.slot='"},
    };
    static const struct running_case files[] = {
        {"A", NULL, 'A', NULL},
        {"B\n", NULL, 'B', NULL},
        {"", NULL, 0, "is '', A or B wanted"},
        {"AB\n", NULL, 0, "is 'AB'"},
    };
    struct rooted rooted;
    rooted_init(&rooted, *state);
    struct pack_device device = {.boot.running_cmdline = "x.slot"};
    struct boot boot = {.type = &plain, .device = &device, .storage = &rooted.storage};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        rooted_write(*state, "/proc/cmdline", lines[i].cmdline);
        check_running(&boot, &lines[i]);
    }
    device.boot.running_file = "/run/set";
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        rooted_write(*state, "/run/set", files[i].cmdline);
        check_running(&boot, &files[i]);
    }
}

static void test_the_kernel_tells_the_session(void **state)
{
    struct pack_error error = {0};
    struct rooted rooted;
    char text[64];
    rooted_init(&rooted, *state);
    struct boot boot = {.type = &plain, .storage = &rooted.storage};
    rooted_write(*state, "/proc/sys/kernel/random/boot_id", "0b3b-1\n");
    assert_pack_ok(boot_session(&boot, text, &error));
    assert_string_equal(text, "0b3b-1");
    rooted_write(*state, "/proc/sys/kernel/random/boot_id", "\n");
    assert_pack_fails(boot_session(&boot, text, &error), PACK_E_STATE);
    boot.storage = storage_system();
    assert_pack_ok(boot_session(&boot, text, &error));
    assert_int_equal(strlen(text), 36);
}

/* A loader that forgets what it is told. */
static int deaf_write(struct boot *boot, const struct boot_state *wanted, struct pack_error *error)
{
    (void)boot;
    (void)wanted;
    (void)error;
    return 0;
}

static void test_what_was_written_is_compared(void **state)
{
    (void)state;
    struct pack_error error = {0};
    const struct boot_type deaf = {.name = "deaf",
                                   .max_tries = 3,
                                   .falls_back = true,
                                   .read = plain_read,
                                   .write = deaf_write};
    struct boot boot = {.type = &deaf};
    const struct boot_state same = {.primary = PACK_SET_A}, other = {.primary = PACK_SET_B};
    enum pack_set set;
    assert_pack_ok(boot_write(&boot, &same, &error));
    assert_pack_fails(boot_write(&boot, &other, &error), PACK_E_IO);
    assert_pack_says("was told 'B first");
    assert_pack_fails(boot_next(&boot, &set, &error), PACK_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_whole),
        cmocka_unit_test(test_an_unknown_type_is_refused),
        cmocka_unit_test(test_lines_are_strict),
        cmocka_unit_test(test_lines_come_back),
        cmocka_unit_test(test_what_was_written_is_compared),
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
        IN_A_FOLDER(test_states_come_back),
        IN_A_FOLDER(test_tries_are_counted),
        IN_A_FOLDER(test_more_tries_than_there_can_be),
        IN_A_FOLDER(test_damage_of_the_record),
        IN_A_FOLDER(test_a_record_of_nonsense),
        IN_A_FOLDER(test_the_root_tells),
        IN_A_FOLDER(test_a_parameter_or_a_file_tells),
        IN_A_FOLDER(test_the_kernel_tells_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
