/* SPDX-License-Identifier: MIT */
/* GRUB's environment block: what grub-editenv reads and writes, damage, and both copies. */
#include "base/memory.h"
#include "boot/boot.h"
#include "boot/grub_block.h"
#include "boot_device.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const all_states[] = {"A", "A+", "B", "B+", "A B3", "B A1", "A B0", NULL};

#define SIGNATURE "# GRUB Environment Block\n"

/* The text, filled up as GRUB does it. */
static void fill(uint8_t block[GRUB_BLOCK_SIZE], const char *text)
{
    memset(block, '#', GRUB_BLOCK_SIZE);
    memcpy(block, text, strlen(text));
}

/* --- the block ------------------------------------------------------------------------------- */

static void test_values_are_unescaped(void **state)
{
    (void)state;
    static const char text[] = SIGNATURE "# NAME=comment\na=1\\\\2\\\n3\nab=x\nempty=\nNAME=y=z\n";
    struct pack_error error = {0};
    uint8_t block[GRUB_BLOCK_SIZE];
    char value[GRUB_VALUE_SIZE];
    fill(block, text);
    assert_pack_ok(grub_block_check(block, sizeof block, &error));
    assert_true(grub_block_get(block, "a", value));
    assert_string_equal(value, "1\\2\n3");
    assert_true(grub_block_get(block, "ab", value));
    assert_string_equal(value, "x");
    assert_true(grub_block_get(block, "empty", value));
    assert_string_equal(value, "");
    assert_true(grub_block_get(block, "NAME", value));
    assert_string_equal(value, "y=z");
    assert_false(grub_block_get(block, "b", value));
    assert_false(grub_block_get(block, "3", value));
}

static void test_blocks_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        size_t size;
        int offset;
    } cases[] = {
        {SIGNATURE, "1023 bytes, 1024 wanted", 1023, -1},
        {SIGNATURE, "0 bytes", 0, -1},
        {"# GRUB Environment Blok\n\n", "no signature", 1024, -1},
        {SIGNATURE "a=1\nb\n", "a line that is no NAME=VALUE", 1024, 29},
        {SIGNATURE "a=1\n\n", "a line that is no NAME=VALUE", 1024, 29},
        {SIGNATURE "a=1\nb=2", "a line without an end", 1024, 29},
        {SIGNATURE "a=1\n####b", "a line without an end", 1024, 33},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint8_t block[GRUB_BLOCK_SIZE];
        fill(block, cases[i].text);
        assert_pack_fails(grub_block_check(block, cases[i].size, &error), PACK_E_STATE);
        assert_pack_says(cases[i].says);
        assert_int_equal(error.has_offset ? (int)error.offset : -1, cases[i].offset);
    }
    struct pack_error error = {0};
    uint8_t zeros[GRUB_BLOCK_SIZE] = SIGNATURE "a=";
    zeros[40] = '\n';
    memset(zeros + 41, '#', sizeof zeros - 41);
    assert_pack_fails(grub_block_check(zeros, sizeof zeros, &error), PACK_E_STATE);
    assert_pack_says("a zero byte");
}

static void test_a_full_block(void **state)
{
    (void)state;
    struct pack_error error = {0};
    const struct grub_variable one = {"one", "12345"};
    uint8_t block[GRUB_BLOCK_SIZE], old[GRUB_BLOCK_SIZE];
    char text[GRUB_BLOCK_SIZE + 1] = SIGNATURE "other=";
    memset(text + strlen(text), 'x', 983);
    memcpy(text + 1013, "\n", 2);
    fill(old, text);
    assert_pack_ok(grub_block_check(old, sizeof old, &error));
    assert_pack_ok(grub_block_make(block, &one, 1, old, &error));
    assert_pack_ok(grub_block_check(block, sizeof block, &error));
    assert_int_equal(block[GRUB_BLOCK_SIZE - 1], '\n');
    old[1013] = 'x';
    old[1014] = '\n';
    assert_pack_ok(grub_block_check(old, sizeof old, &error));
    assert_pack_fails(grub_block_make(block, &one, 1, old, &error), PACK_E_NO_SPACE);
}

/* --- states ---------------------------------------------------------------------------------- */

struct loader {
    struct pack_device device;
    char *file, *copy, *folder;
};

static void make_loader(struct loader *loader, void **state, bool copy)
{
    loader->folder = *state;
    loader->file = test_path(*state, "grubenv");
    loader->copy = test_path(*state, "grubenv.copy");
    loader->device = (struct pack_device){
        .boot = {.type = "grub", .file = loader->file, .copy = copy ? loader->copy : NULL}};
}

static void free_loader(struct loader *loader)
{
    free(loader->file);
    free(loader->copy);
}
#define AUTO_LOADER PACK_AUTO(free_loader)

static void check(const struct loader *loader, const char *state)
{
    check_state(&loader->device, storage_system(), state);
}

static void write_it(const struct loader *loader, const char *state)
{
    write_state(&loader->device, storage_system(), state);
}

static void refused(const struct loader *loader, const char *says)
{
    check_refused(&loader->device, storage_system(), PACK_E_STATE, says);
}

static void run(const struct loader *loader, const char *command)
{
    PACK_AUTO_FREE char *text = run_tool(loader->folder, command);
    (void)text;
}

static void test_states_come_back(void **state)
{
    for (int copy = 0; copy < 2; copy++) {
        AUTO_LOADER struct loader loader = {.folder = NULL};
        make_loader(&loader, state, copy != 0);
        check(&loader, copy == 0 ? "A" : "A B0");
        check_round_trips(&loader.device, storage_system(), all_states);
        assert_int_equal(test_count_files(*state), copy + 1);
    }
}

/* In place: the same file, of the same size, and what is not ours stays. */
static void test_the_block_is_grubs(void **state)
{
    AUTO_LOADER struct loader loader = {.folder = NULL};
    struct stat before, after;
    make_loader(&loader, state, true);
    run(&loader, "grub-editenv grubenv create && grub-editenv grubenv set kernelopts='a\\b c' x=1");
    check(&loader, "A");
    assert_int_equal(stat(loader.file, &before), 0);
    write_it(&loader, "A B3");
    assert_int_equal(stat(loader.file, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_size, GRUB_BLOCK_SIZE);
    PACK_AUTO_FREE char *text = run_tool(*state, "grub-editenv grubenv list");
    assert_string_equal(text, "fwpack_begin=1\nORDER=B A\nA_OK=1\nB_OK=1\nA_TRY=0\nB_TRY=0\n"
                              "TRIAL=B\nTRIES=3\nfwpack_end=1\nkernelopts=a\\b c\nx=1\n");
    run(&loader, "cmp grubenv grubenv.copy");
    run(&loader, "grub-editenv grubenv set TRIES=2");
    check(&loader, "A B2");
    run(&loader, "grub-editenv grubenv unset x");
    write_it(&loader, "B+");
    PACK_AUTO_FREE char *later = run_tool(*state, "grub-editenv grubenv.copy list");
    assert_string_equal(later, "fwpack_begin=2\nORDER=B A\nA_OK=1\nB_OK=1\nA_TRY=0\nB_TRY=0\n"
                               "TRIAL=\nTRIES=0\nfwpack_end=2\nkernelopts=a\\b c\n");
}

/* What GRUB's scripts make of it: ours, and RAUC's, which notes each start. */
static void test_what_others_wrote(void **state)
{
    static const struct {
        const char *from, *text, *state;
    } cases[] = {
        {"A B3", "TRIES=0", "A B0"}, {"A B3", "B_TRY=1", "A B0"},
        {"B+", "B_TRY=1", "B+!"},    {"B+", "A_TRY=1", "B"},
        {"B+", "A_OK=0", "B"},       {"B+", "B_OK=0", "A"},
        {"A", "ORDER='A B'", "A"},   {"A", "ORDER='A B' B_OK=1", "A+"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_LOADER struct loader loader = {.folder = NULL};
        char command[256];
        make_loader(&loader, state, false);
        write_it(&loader, cases[i].from);
        snprintf(command, sizeof command, "grub-editenv grubenv set %s", cases[i].text);
        run(&loader, command);
        check(&loader, cases[i].state);
    }
}

static void test_nonsense_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"ORDER=C\n", "ORDER is 'C'"},
        {"A_OK=1\n", "ORDER is missing"},
        {"ORDER=A B\nA_OK=1\n", "B_OK is missing"},
        {"ORDER=A B\nA_OK=1\nB_OK=2\n", "B_OK is '2'"},
        {"ORDER=A B\nA_OK=0\nB_OK=0\n", "no set is good"},
        {"ORDER=A B\nA_OK=1\nB_OK=1\nTRIAL=B\nTRIES=1\n", "B is on trial, and not the first"},
        {"ORDER=B A\nA_OK=1\nB_OK=1\nTRIAL=B\n", "TRIES is missing"},
        {"ORDER=B A\nA_OK=1\nB_OK=1\nTRIAL=B\nTRIES=4\n", "TRIES is '4'"},
        {"ORDER=B A\nA_OK=1\nB_OK=1\nTRIAL=X\n", "TRIAL is 'X'"},
        {"fwpack_begin=1\nORDER=A\nA_OK=1\nB_OK=0\nfwpack_end=2\n", "written by half"},
        {"fwpack_begin=1\nORDER=A\nA_OK=1\nB_OK=0\n", "written by half"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_LOADER struct loader loader = {.folder = NULL};
        uint8_t block[GRUB_BLOCK_SIZE];
        char text[512];
        make_loader(&loader, state, false);
        snprintf(text, sizeof text, SIGNATURE "%s", cases[i].text);
        fill(block, text);
        test_write_file(loader.file, block, sizeof block);
        refused(&loader, cases[i].says);
    }
}

/* --- damage ---------------------------------------------------------------------------------- */

/* A108: each copy empty, cut, zeros, or too long; the other one counts, and it is made whole. */
static void test_damage_of_a_copy(void **state)
{
    static const size_t sizes[] = {0, 1, 512, GRUB_BLOCK_SIZE, GRUB_BLOCK_SIZE + 1, 20000};
    const PACK_AUTO_FREE uint8_t *zeros = calloc(1, 20000);
    for (size_t i = 0; i < 2 * (sizeof sizes / sizeof sizes[0]); i++) {
        AUTO_LOADER struct loader loader = {.folder = NULL};
        make_loader(&loader, state, true);
        write_it(&loader, "A B2");
        test_write_file(i % 2 == 0 ? loader.file : loader.copy, zeros, sizes[i / 2]);
        check(&loader, "A B2");
        write_it(&loader, "B+");
        check(&loader, "B+");
        run(&loader, "cmp grubenv grubenv.copy");
    }
    AUTO_LOADER struct loader loader = {.folder = NULL};
    make_loader(&loader, state, true);
    test_write_file(loader.copy, zeros, 3);
    test_write_file(loader.file, zeros, GRUB_BLOCK_SIZE);
    refused(&loader, "no signature of a GRUB environment block");
    assert_int_equal(remove(loader.file), 0);
    refused(&loader, "has 3 bytes");
}

/* Whatever part of a block was written, the copies together are the old or the new state. */
static void test_every_cut_of_a_block(void **state)
{
    AUTO_LOADER struct loader loader = {.folder = NULL};
    size_t size = 0;
    make_loader(&loader, state, true);
    write_it(&loader, "A+");
    PACK_AUTO_FREE uint8_t *old = test_read_file(loader.file, &size);
    write_it(&loader, "A B3");
    PACK_AUTO_FREE uint8_t *new = test_read_file(loader.file, &size);
    for (size_t at = 0; at <= GRUB_BLOCK_SIZE; at += at < 150 ? 1 : 23) {
        uint8_t torn[GRUB_BLOCK_SIZE];
        memcpy(torn, old, sizeof torn);
        memcpy(torn, new, at);
        test_write_file(loader.file, old, sizeof torn);
        test_write_file(loader.copy, torn, sizeof torn);
        check(&loader, "A+");
        const bool is_old = memcmp(torn, old, sizeof torn) == 0;
        test_write_file(loader.file, torn, sizeof torn);
        test_write_file(loader.copy, new, sizeof torn);
        check(&loader, is_old ? "A+" : "A B3");
    }
}

/* Without a second copy it is the sector that is old or new: all that we write is in the first. */
static void test_a_torn_block_without_a_copy(void **state)
{
    AUTO_LOADER struct loader loader = {.folder = NULL};
    size_t size = 0;
    make_loader(&loader, state, false);
    run(&loader, "grub-editenv grubenv create && grub-editenv grubenv set "
                 "long=$(printf %0700d 1)");
    write_it(&loader, "A+");
    PACK_AUTO_FREE uint8_t *old = test_read_file(loader.file, &size);
    write_it(&loader, "A B3");
    PACK_AUTO_FREE uint8_t *new = test_read_file(loader.file, &size);
    uint8_t torn[GRUB_BLOCK_SIZE];
    memcpy(torn, new, sizeof torn);
    memcpy(torn + GRUB_SECTOR_SIZE, old + GRUB_SECTOR_SIZE, GRUB_SECTOR_SIZE);
    test_write_file(loader.file, torn, sizeof torn);
    check(&loader, "A B3");
    memcpy(torn, old, GRUB_SECTOR_SIZE);
    memcpy(torn + GRUB_SECTOR_SIZE, new + GRUB_SECTOR_SIZE, GRUB_SECTOR_SIZE);
    test_write_file(loader.file, torn, sizeof torn);
    check(&loader, "A+");
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_unescaped), cmocka_unit_test(test_blocks_are_checked),
        cmocka_unit_test(test_a_full_block),         IN_A_FOLDER(test_states_come_back),
        IN_A_FOLDER(test_the_block_is_grubs),        IN_A_FOLDER(test_what_others_wrote),
        IN_A_FOLDER(test_nonsense_is_refused),       IN_A_FOLDER(test_damage_of_a_copy),
        IN_A_FOLDER(test_every_cut_of_a_block),      IN_A_FOLDER(test_a_torn_block_without_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
