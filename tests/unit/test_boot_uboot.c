/* SPDX-License-Identifier: MIT */
/* U-Boot's environment: what fw_printenv reads and fw_setenv, mkenvimage or RAUC have written. */
#include "base/memory.h"
#include "boot/boot.h"
#include "boot_device.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COPY_SIZE = 16384, FLAG_AT = 4 };

#define CONFIG "/etc/fw_env.config"

struct board {
    struct rooted rooted;
    struct pack_device device;
    char *folder;
};

static void skip_without_library(void)
{
    void *library = dlopen("libubootenv.so.0", RTLD_NOW);
    if (library == NULL && getenv("FWPACK_ALL_TOOLS") == NULL)
        skip();
    assert_non_null(library);
    dlclose(library);
}

/* The device's files lie in the folder, and fw_env.config there names them as the device does. */
static void make_board(struct board *board, void **state)
{
    skip_without_library();
    board->folder = *state;
    rooted_init(&board->rooted, board->folder);
    board->device = (struct pack_device){.boot.type = "uboot"};
    rooted_write(board->folder, CONFIG, "# two copies\n\n/env/0 0x0 0x4000\n/env/1 0x0 0x4000\n");
    /* The tools want the names that they have outside. */
    PACK_AUTO_FREE char *outside = NULL;
    assert_true(asprintf(&outside, "%s/env/0 0x0 0x4000\n%s/env/1 0x0 0x4000\n", board->folder,
                         board->folder) > 0);
    rooted_write(board->folder, "/tools.config", outside);
    rooted_write(board->folder, "/default", "bootcmd=run it\nbootdelay=0\n");
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "/env/%d", i);
        rooted_write(board->folder, name, "");
        PACK_AUTO_FREE char *path = NULL;
        assert_true(asprintf(&path, "%s%s", board->folder, name) > 0);
        assert_int_equal(truncate(path, COPY_SIZE), 0);
    }
}

#define PRINTENV "fw_printenv -c tools.config "
#define SETENV "fw_setenv -c tools.config "

static void run(const struct board *board, const char *command)
{
    PACK_AUTO_FREE char *text = run_tool(board->folder, command);
    (void)text;
}

/* Those variables, sorted. */
static void check_variables(const struct board *board, const char *expected)
{
    PACK_AUTO_FREE char *text = run_tool(board->folder, PRINTENV "| LC_ALL=C sort");
    assert_string_equal(text, expected);
}

static void check(const struct board *board, const char *state)
{
    check_state(&board->device, (struct storage *)&board->rooted.storage, state);
}

static void write_it(struct board *board, const char *state)
{
    write_state(&board->device, &board->rooted.storage, state);
}

static void test_states_come_back(void **state)
{
    static const char *const states[] = {"A", "A+", "B", "B+", "A B3", "B A9", "A B0", NULL};
    struct board board;
    make_board(&board, state);
    run(&board, SETENV "-f default bootdelay 0");
    check(&board, "A");
    check_round_trips(&board.device, &board.rooted.storage, states);
    write_it(&board, "B A3");
    check_variables(&board, "BOOT_A_LEFT=3\nBOOT_B_LEFT=3\nBOOT_ORDER=A B\nBOOT_TRIAL=A\n"
                            "bootcmd=run it\nbootdelay=0\n");
    write_it(&board, "A");
    check_variables(&board, "BOOT_A_LEFT=3\nBOOT_B_LEFT=0\nBOOT_ORDER=A\n"
                            "bootcmd=run it\nbootdelay=0\n");
}

/* What boot scripts make of it: ours, and RAUC's, which counts each start. */
static void test_what_others_wrote(void **state)
{
    static const struct {
        const char *command, *state;
    } cases[] = {
        {SETENV "BOOT_B_LEFT 2", "A B2"}, /* a try */
        {SETENV "BOOT_B_LEFT 0", "A B0"}, /* the last */
        {SETENV "BOOT_TRIAL && " SETENV "BOOT_B_LEFT 3", "B+"},
        {SETENV "BOOT_B_LEFT 2", "B+!"},
        {SETENV "BOOT_A_LEFT 0", "B!"},
        {SETENV "BOOT_ORDER A && " SETENV "BOOT_A_LEFT 3", "A"},
        {SETENV "BOOT_ORDER 'A B' && " SETENV "BOOT_B_LEFT a", "A+"},
        {SETENV "BOOT_ORDER && " SETENV "BOOT_A_LEFT && " SETENV "BOOT_B_LEFT", "A"},
    };
    struct board board;
    make_board(&board, state);
    run(&board, SETENV "-f default bootdelay 0");
    write_it(&board, "A B3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(&board, cases[i].command);
        check(&board, cases[i].state);
    }
    write_it(&board, "A+");
    check(&board, "A+");
}

static void test_nonsense_is_refused(void **state)
{
    static const struct {
        const char *command, *says;
    } cases[] = {
        {SETENV "BOOT_ORDER 'B A A'", "BOOT_ORDER is 'B A A'"},
        {SETENV "BOOT_ORDER C", "BOOT_ORDER is 'C'"},
        {SETENV "BOOT_ORDER 'B A' && " SETENV "BOOT_B_LEFT", "BOOT_B_LEFT is not"},
        {SETENV "BOOT_B_LEFT 10", "BOOT_B_LEFT is '10'"},
        {SETENV "BOOT_B_LEFT 0x3", "BOOT_B_LEFT is '0x3'"},
        {SETENV "BOOT_B_LEFT 3 && " SETENV "BOOT_TRIAL A", "A is on trial, and not the first"},
        {SETENV "BOOT_TRIAL C", "BOOT_TRIAL is 'C'"},
        {SETENV "BOOT_TRIAL B && " SETENV "BOOT_ORDER B", "not the first of two"},
    };
    struct board board;
    make_board(&board, state);
    run(&board, SETENV "-f default bootdelay 0");
    write_it(&board, "A B3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(&board, cases[i].command);
        check_refused(&board.device, &board.rooted.storage, PACK_E_STATE, cases[i].says);
    }
}

/* --- copies ---------------------------------------------------------------------------------- */

static uint8_t *load_copy(const struct board *board, int copy)
{
    char name[16];
    size_t size = 0;
    snprintf(name, sizeof name, "env/%d", copy);
    PACK_AUTO_FREE char *path = test_path(board->folder, name);
    uint8_t *bytes = test_read_file(path, &size);
    assert_int_equal(size, COPY_SIZE);
    return bytes;
}

static void save_copy(const struct board *board, int copy, const void *bytes)
{
    char name[16];
    snprintf(name, sizeof name, "env/%d", copy);
    PACK_AUTO_FREE char *path = test_path(board->folder, name);
    test_write_file(path, bytes, COPY_SIZE);
}

/* Only one copy is written at a time, so a cut at any byte of it leaves the old state (A101). */
static void test_a_cut_leaves_the_old_state(void **state)
{
    static const size_t cuts[] = {0, 1, 3, 4, 5, 6, 17, 60, 100, 512, 4096, COPY_SIZE - 1};
    struct board board;
    make_board(&board, state);
    run(&board, SETENV "-f default bootdelay 0");
    write_it(&board, "A+");
    PACK_AUTO_FREE uint8_t *old0 = load_copy(&board, 0), *old1 = load_copy(&board, 1);
    write_it(&board, "A B3");
    PACK_AUTO_FREE uint8_t *new0 = load_copy(&board, 0), *new1 = load_copy(&board, 1);
    const bool first = memcmp(old0, new0, COPY_SIZE) != 0;
    assert_true(first != (memcmp(old1, new1, COPY_SIZE) != 0));
    const uint8_t *before = first ? old0 : old1, *after = first ? new0 : new1;
    PACK_AUTO_FREE uint8_t *torn = malloc(COPY_SIZE);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        memcpy(torn, before, COPY_SIZE);
        memcpy(torn, after, cuts[i]);
        const bool whole = memcmp(torn, after, COPY_SIZE) == 0;
        save_copy(&board, first ? 0 : 1, torn);
        check(&board, whole ? "A B3" : "A+");
    }
    save_copy(&board, first ? 0 : 1, after);
    check(&board, "A B3");
}

/* A108: the newest copy is damaged, then both are. */
static void test_damage_of_copies(void **state)
{
    struct board board;
    make_board(&board, state);
    check_refused(&board.device, &board.rooted.storage, PACK_E_STATE,
                  "neither copy of U-Boot's environment is good");
    run(&board, SETENV "-f default bootdelay 0");
    write_it(&board, "A+");
    write_it(&board, "B+");
    PACK_AUTO_FREE uint8_t *copies[] = {load_copy(&board, 0), load_copy(&board, 1)};
    const int newest = copies[0][FLAG_AT] > copies[1][FLAG_AT] ? 0 : 1;
    copies[newest][100] ^= 1;
    save_copy(&board, newest, copies[newest]);
    check(&board, "A+");
    write_it(&board, "B A1");
    check(&board, "B A1");
    memset(copies[0], 0, COPY_SIZE);
    save_copy(&board, 0, copies[0]);
    save_copy(&board, 1, copies[0]);
    check_refused(&board.device, &board.rooted.storage, PACK_E_STATE, "neither copy");
    free(copies[1]);
}

/* Of the leak checker, where there is one. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* libubootenv forgets the bytes that it could not store. */
static int write_with_leak(struct boot *boot, const struct boot_state *wanted,
                           struct pack_error *error)
{
    if (__lsan_disable != NULL)
        __lsan_disable();
    const int code = boot_write(boot, wanted, error);
    if (__lsan_enable != NULL)
        __lsan_enable();
    return code;
}

/* The board's own variables leave no room: what was there stays, and the message says so. */
static void test_a_full_environment(void **state)
{
    struct pack_error error = {0};
    struct board board;
    AUTO_BOOT struct boot *boot = NULL;
    const struct boot_state trial = {.trial = true, .tries = 3};
    make_board(&board, state);
    run(&board, "pad=$(head -c 1016 /dev/zero | tr '\\0' x); "
                "for i in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16; do "
                "echo \"pad$i=$pad\"; done >full");
    run(&board, SETENV "-f full bootdelay");
    assert_pack_ok(boot_open(&boot, &board.device, &board.rooted.storage, &error));
    assert_pack_fails(write_with_leak(boot, &trial, &error), PACK_E_NO_SPACE);
    assert_pack_says("no room for BOOT_ORDER and the others");
    check(&board, "A");
}

static void test_what_mkenvimage_made(void **state)
{
    struct board board;
    make_board(&board, state);
    rooted_write(board.folder, "/text",
                 "BOOT_ORDER=B A\nBOOT_A_LEFT=3\nBOOT_B_LEFT=3\nbootcmd=run it\n");
    run(&board, "mkenvimage -r -s 0x4000 -o env/0 text");
    check(&board, "B+");
    write_it(&board, "B A2");
    check_variables(&board, "BOOT_A_LEFT=2\nBOOT_B_LEFT=3\nBOOT_ORDER=A B\nBOOT_TRIAL=A\n"
                            "bootcmd=run it\n");
}

static void test_a_config_without_two_copies(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "has 0 copies, two in different places are wanted"},
        {"/env/0 0x0 0x4000\n", "has 1 copy"},
        {"/env/0 0x0 0x4000\n/env/0 0x0 0x4000\n", "has 1 copy"},
        {"/env/0 0x0 0x4000\n/env/1 0x0 0x4000\n/env/2 0x0 0x4000\n", "has 3 copies"},
    };
    struct board board;
    make_board(&board, state);
    run(&board, SETENV "-f default bootdelay 0");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rooted_write(board.folder, CONFIG, cases[i].text);
        check_refused(&board.device, &board.rooted.storage, PACK_E_UNSUPPORTED, cases[i].says);
    }
    rooted_write(board.folder, CONFIG, "/env/0 0x0 0x4000\n/env/9 0x0 0x4000\n");
    check_refused(&board.device, &board.rooted.storage, PACK_E_STATE, "cannot use the places");
    board.device.boot.config = "/etc/none";
    check_refused(&board.device, &board.rooted.storage, PACK_E_NOT_FOUND, "");
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_states_come_back),     IN_A_FOLDER(test_what_others_wrote),
        IN_A_FOLDER(test_nonsense_is_refused),  IN_A_FOLDER(test_a_cut_leaves_the_old_state),
        IN_A_FOLDER(test_damage_of_copies),     IN_A_FOLDER(test_a_full_environment),
        IN_A_FOLDER(test_what_mkenvimage_made), IN_A_FOLDER(test_a_config_without_two_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
