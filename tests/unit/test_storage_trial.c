/* SPDX-License-Identifier: MIT */

/* The machine that loses power: what it shows while it runs, and what is left of it. */

#include "support/test.h"

#include "base/memory.h"
#include "storage/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct storage *machine(const char *root, const struct trial_options *options)
{
    struct pack_error error = {0};
    struct storage *storage = NULL;
    assert_pack_ok(trial_new(&storage, root, options, &error));
    return storage;
}

/* One whose power goes at operation `at`. */
static struct storage *machine_until(const char *root, uint64_t at, enum trial_loss loss)
{
    const struct trial_options options = {
        .fault = TRIAL_POWER_CUT, .at = at, .loss = loss, .sector = 512};
    return machine(root, &options);
}

static void end(struct storage **storage)
{
    struct pack_error error = {0};
    assert_pack_ok(trial_end(storage, &error));
    assert_null(*storage);
}

static struct storage_file *open_file(struct storage *storage, const char *path, unsigned mode)
{
    struct pack_error error = {0};
    struct storage_file *file = NULL;
    assert_pack_ok(storage_open(storage, path, mode, &file, &error));
    return file;
}

static void write_text(struct storage_file *file, uint64_t offset, const char *text)
{
    struct pack_error error = {0};
    assert_pack_ok(storage_write_at(file, offset, text, strlen(text), &error));
}

static void assert_on_medium(const char *folder, const char *name, const char *wanted)
{
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_path(folder, name);
    if (wanted == NULL) {
        assert_int_not_equal(access(path, F_OK), 0);
        return;
    }
    PACK_AUTO_FREE char *found = (char *)test_read_file(path, &size);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(found, wanted, size);
}

static void assert_seen(struct storage *storage, const char *path, const char *wanted)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE void *found = NULL;
    size_t size = 0;
    if (wanted == NULL) {
        assert_pack_fails(storage_load(storage, path, 100, &found, &size, &error),
                          PACK_E_NOT_FOUND);
        return;
    }
    assert_pack_ok(storage_load(storage, path, 100, &found, &size, &error));
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(found, wanted, size);
}

static void put(const char *folder, const char *name, const char *text)
{
    PACK_AUTO_FREE char *path = test_path(folder, name);
    test_write_text(path, text);
}

/* --- content --------------------------------------------------------------------------------- */

static void test_writes_are_seen_and_wait_for_a_flush(void **state)
{
    struct pack_error error = {0};
    const struct trial_options none = {.fault = TRIAL_NONE};
    struct storage *storage = machine(*state, &none);
    uint64_t size = 0;
    put(*state, "file", "0123456789");
    PACK_AUTO(storage_abandon)
    struct storage_file *file = open_file(storage, "/file", STORAGE_WRITE);
    assert_int_equal(trial_count(storage), 1);
    assert_int_equal(storage_descriptor(file), -1);
    write_text(file, 2, "abc");
    write_text(file, 4, "XY");
    write_text(file, 12, "end");
    assert_pack_ok(storage_size(file, &size, &error));
    assert_int_equal(size, 15);
    char back[16] = {0};
    size_t got = 0;
    assert_pack_ok(storage_read_at(file, 1, back, sizeof back, &got, &error));
    assert_int_equal(got, 14);
    assert_memory_equal(back, "1abXY6789\0\0end", 14);
    assert_on_medium(*state, "file", "0123456789");
    assert_pack_ok(storage_resize(file, 6, &error));
    assert_pack_ok(storage_resize(file, 8, &error));
    assert_pack_ok(storage_read_at(file, 0, back, sizeof back, &got, &error));
    assert_int_equal(got, 8);
    assert_memory_equal(back, "01abXY\0\0", 8);
    assert_pack_ok(storage_resize(file, 6, &error));
    assert_pack_ok(storage_flush(file, &error));
    assert_on_medium(*state, "file", "01abXY");
    write_text(file, 6, "!");
    assert_pack_ok(storage_close(&file, &error)); /* which flushes nothing */
    assert_on_medium(*state, "file", "01abXY");
    assert_seen(storage, "/file", "01abXY!");
    assert_int_equal(trial_count(storage), 9);
    assert_false(trial_fired(storage));
    end(&storage);
    assert_on_medium(*state, "file", "01abXY!"); /* the machine was shut down */
}

static void test_losing_and_keeping(void **state)
{
    static const struct {
        enum trial_loss loss;
        const char *left;
    } cases[] = {{TRIAL_LOSE_ALL, "flushed-----"}, {TRIAL_KEEP_ALL, "flushed and "}};
    for (size_t i = 0; i < 2; i++) {
        struct pack_error error = {0};
        put(*state, "file", "------------");
        struct storage *storage = machine_until(*state, 5, cases[i].loss);
        PACK_AUTO(storage_abandon)
        struct storage_file *file = open_file(storage, "/file", STORAGE_WRITE);
        write_text(file, 0, "flushed");
        assert_pack_ok(storage_flush(file, &error));
        write_text(file, 7, " and ");
        assert_pack_fails(storage_write_at(file, 12, "never", 5, &error), PACK_E_INTERRUPTED);
        assert_true(trial_fired(storage));
        end(&storage);
        assert_on_medium(*state, "file", cases[i].left);
    }
}

/* Everything fails from then on, and nothing of it counts. */
static void test_nothing_happens_without_power(void **state)
{
    struct pack_error error = {0};
    put(*state, "file", "old");
    struct storage *storage = machine_until(*state, 2, TRIAL_KEEP_ALL);
    struct storage_file *file = open_file(storage, "/file", STORAGE_WRITE), *other = NULL;
    char text[8];
    uint64_t size = 0;
    size_t got = 0;
#define ASSERT_OFF(call)                             \
    do {                                             \
        pack_error_clear(&error);                    \
        assert_pack_fails(call, PACK_E_INTERRUPTED); \
    } while (0)
    ASSERT_OFF(storage_write_at(file, 0, "new", 3, &error));
    assert_string_equal(error.file, "/file");
    ASSERT_OFF(storage_write_at(file, 0, "new", 3, &error));
    ASSERT_OFF(storage_resize(file, 0, &error));
    ASSERT_OFF(storage_flush(file, &error));
    ASSERT_OFF(storage_read_at(file, 0, text, 3, &got, &error));
    ASSERT_OFF(storage_size(file, &size, &error));
    ASSERT_OFF(storage_open(storage, "/file", STORAGE_READ, &other, &error));
    ASSERT_OFF(storage_open(storage, "/new", STORAGE_WRITE | STORAGE_CREATE, &other, &error));
    ASSERT_OFF(storage_rename(storage, "/file", "/moved", &error));
    ASSERT_OFF(storage_remove(storage, "/file", &error));
    ASSERT_OFF(storage_make_folder(storage, "/folder", &error));
    ASSERT_OFF(storage_flush_folder(storage, "/", &error));
    assert_int_equal(trial_count(storage), 2);
    storage_abandon(&file);
    end(&storage);
    assert_on_medium(*state, "file", "old");
    assert_int_equal(test_count_files(*state), 1);
}

/* --- torn and reordered ---------------------------------------------------------------------- */

enum { SECTORS = 6, EDGE = 100 };

/* Two writes over sectors of '-' that begin within one; what is left. */
static void tear(const char *folder, uint64_t seed, unsigned sector, uint8_t *left)
{
    const struct trial_options options = {
        .fault = TRIAL_POWER_CUT, .at = 4, .loss = TRIAL_RANDOM, .seed = seed, .sector = sector};
    struct pack_error error = {0};
    const size_t whole = SECTORS * sector;
    PACK_AUTO_FREE char *path = test_path(folder, "file");
    PACK_AUTO_FREE uint8_t *bytes = malloc(whole);
    memset(bytes, '-', whole);
    test_write_file(path, bytes, whole);
    struct storage *storage = machine(folder, &options);
    struct storage_file *file = open_file(storage, "/file", STORAGE_WRITE);
    memset(bytes, 'a', whole);
    assert_pack_ok(storage_write_at(file, EDGE, bytes, 2 * (size_t)sector, &error));
    memset(bytes, 'b', whole);
    assert_pack_ok(storage_write_at(file, 3 * (uint64_t)sector, bytes, 3 * (size_t)sector, &error));
    assert_pack_fails(storage_flush(file, &error), PACK_E_INTERRUPTED);
    storage_abandon(&file);
    end(&storage);
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *found = test_read_file(path, &size);
    assert_int_equal(size, whole);
    memcpy(left, found, whole);
}

/* Within a sector of the medium all of a write is there, or nothing. */
static void check_sectors(const uint8_t *left, size_t sector)
{
    static const char wanted[SECTORS] = {'a', 'a', 'a', 'b', 'b', 'b'};
    for (size_t i = 0; i < SECTORS; i++) {
        const uint8_t *part = left + i * sector;
        const size_t from = i == 0 ? EDGE : 0, to = i == 2 ? EDGE : sector;
        assert_true(part[from] == '-' || part[from] == (uint8_t)wanted[i]);
        for (size_t at = 0; at < sector; at++)
            assert_int_equal(part[at], at < from || at >= to ? '-' : part[from]);
    }
}

static void test_a103_torn_and_reordered(void **state)
{
    static const unsigned sectors[] = {512, 4096};
    for (size_t i = 0; i < 2; i++) {
        const unsigned sector = sectors[i];
        PACK_AUTO_FREE uint8_t *left = malloc(SECTORS * (size_t)sector);
        PACK_AUTO_FREE uint8_t *again = malloc(SECTORS * (size_t)sector);
        unsigned later_alone = 0, torn = 0, different = 0;
        for (uint64_t seed = 0; seed < 40; seed++) {
            tear(*state, seed, sector, left);
            check_sectors(left, sector);
            later_alone += left[EDGE] == '-' && left[sector] == '-' && left[3 * sector] == 'b';
            torn += left[3 * sector] != left[4 * sector];
            tear(*state, seed, sector, again);
            assert_memory_equal(left, again, SECTORS * sector); /* the same for the same seed */
            tear(*state, seed + 1000, sector, again);
            different += memcmp(left, again, SECTORS * sector) != 0;
        }
        assert_in_range(later_alone, 1, 39);
        assert_in_range(torn, 1, 39);
        assert_in_range(different, 20, 40);
    }
}

/* --- names ----------------------------------------------------------------------------------- */

/* A new file, flushed; renamed over an old one; one more removed. `until` operations take effect.
 */
static void change_names(const char *root, uint64_t until, enum trial_loss loss)
{
    struct pack_error error = {0};
    struct storage *storage = machine_until(root, until + 1, loss);
    struct storage_file *file = NULL;
    int code = storage_open(storage, "/new", STORAGE_WRITE | STORAGE_CREATE, &file, &error);
    if (code == 0)
        code = storage_write_at(file, 0, "content", 7, &error);
    if (code == 0)
        code = storage_flush(file, &error);
    storage_abandon(&file);
    if (code == 0)
        code = storage_rename(storage, "/new", "/old", &error);
    if (code == 0)
        code = storage_remove(storage, "/other", &error);
    if (code == 0) { /* as the running machine sees it */
        assert_seen(storage, "/new", NULL);
        assert_seen(storage, "/old", "content");
        assert_seen(storage, "/other", NULL);
        code = storage_flush_folder(storage, "/", &error);
    }
    assert_int_equal(code, until >= 6 ? 0 : PACK_E_INTERRUPTED);
    end(&storage);
}

static void test_names_wait_for_their_folder(void **state)
{
    static const struct {
        uint64_t until;
        enum trial_loss loss;
        const char *new, *old, *other;
    } cases[] = {
        {1, TRIAL_KEEP_ALL, "", "old", "other"},        {3, TRIAL_LOSE_ALL, NULL, "old", "other"},
        {3, TRIAL_KEEP_ALL, "content", "old", "other"}, {4, TRIAL_LOSE_ALL, NULL, "old", "other"},
        {4, TRIAL_KEEP_ALL, NULL, "content", "other"},  {5, TRIAL_LOSE_ALL, NULL, "old", "other"},
        {5, TRIAL_KEEP_ALL, NULL, "content", NULL},     {6, TRIAL_LOSE_ALL, NULL, "content", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO_FREE char *new = test_path(*state, "new");
        (void)remove(new);
        put(*state, "old", "old");
        put(*state, "other", "other");
        change_names(*state, cases[i].until, cases[i].loss);
        assert_on_medium(*state, "new", cases[i].new);
        assert_on_medium(*state, "old", cases[i].old);
        assert_on_medium(*state, "other", cases[i].other);
        assert_int_equal(test_count_files(*state), (cases[i].new != NULL) + (cases[i].old != NULL) +
                                                       (cases[i].other != NULL));
    }
}

/* The rename that was not preceded by a flush: the name is there, and the content is not. */
static void test_a103_a_name_without_content(void **state)
{
    bool empty = false, old = false, full = false;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const struct trial_options options = {
            .fault = TRIAL_POWER_CUT, .at = 4, .loss = TRIAL_RANDOM, .seed = seed, .sector = 512};
        struct pack_error error = {0};
        size_t size = 0;
        put(*state, "old", "old");
        struct storage *storage = machine(*state, &options);
        struct storage_file *file = open_file(storage, "/new", STORAGE_WRITE | STORAGE_CREATE);
        write_text(file, 0, "content");
        assert_pack_ok(storage_rename(storage, "/new", "/old", &error));
        assert_pack_fails(storage_flush_folder(storage, "/", &error), PACK_E_INTERRUPTED);
        storage_abandon(&file);
        end(&storage);
        PACK_AUTO_FREE char *path = test_path(*state, "old");
        PACK_AUTO_FREE char *left = (char *)test_read_file(path, &size);
        empty = empty || size == 0;
        old = old || strcmp(left, "old") == 0;
        full = full || strcmp(left, "content") == 0;
    }
    assert_true(empty && old && full);
}

/* Other folders' names stay where they are; and a file without a name changes no other one. */
static void test_names_of_one_folder(void **state)
{
    struct pack_error error = {0};
    put(*state, "file", "old");
    struct storage *storage = machine_until(*state, 10, TRIAL_KEEP_ALL);
    struct storage_file *nameless = open_file(storage, "/file", STORAGE_WRITE);
    write_text(nameless, 0, "lost with its name");
    assert_pack_ok(storage_make_folder(storage, "/below", &error));
    struct storage_file *below = open_file(storage, "/below/file", STORAGE_WRITE | STORAGE_CREATE);
    assert_pack_ok(storage_save(storage, "/file", "saved", 5, &error));
    assert_on_medium(*state, "file", "saved");
    assert_on_medium(*state, "below/file", NULL);
    assert_pack_fails(storage_flush_folder(storage, "/below", &error), PACK_E_INTERRUPTED);
    storage_abandon(&nameless);
    storage_abandon(&below);
    end(&storage);
    assert_on_medium(*state, "file", "saved");
    assert_on_medium(*state, "below/file", "");
}

/* --- faults ---------------------------------------------------------------------------------- */

/* Nothing is left of a file that is removed before its content was flushed, there or elsewhere. */
static void test_what_was_removed_is_gone(void **state)
{
    static const enum trial_loss losses[] = {TRIAL_LOSE_ALL, TRIAL_KEEP_ALL, TRIAL_RANDOM};
    PACK_AUTO_FREE char *path = test_path(*state, "file");
    struct pack_error error = {0};
    for (unsigned i = 0; i < 3 * 8; i++) {
        const struct trial_options options = {
            .fault = TRIAL_POWER_CUT, .at = 100, .loss = losses[i % 3], .seed = i, .sector = 512};
        const bool durable = i % 2 != 0;
        struct storage *storage = machine(NULL, &options);
        struct storage_file *file = open_file(storage, path, STORAGE_WRITE | STORAGE_CREATE);
        write_text(file, 0, "never flushed");
        storage_abandon(&file);
        assert_pack_ok(storage_remove(storage, path, &error));
        if (durable)
            assert_pack_ok(storage_flush_folder(storage, *state, &error));
        end(&storage);
        if (durable || options.loss != TRIAL_RANDOM)
            assert_on_medium(*state, "file", NULL);
        assert_pack_ok(storage_remove(storage_system(), path, &error));
        assert_int_equal(test_count_files(*state), 0);
    }
}

static void test_a104_an_error_happens_once(void **state)
{
    const struct trial_options options = {.fault = TRIAL_ERROR, .at = 3, .number = EIO};
    struct pack_error error = {0};
    put(*state, "file", "old");
    struct storage *storage = machine(*state, &options);
    struct storage_file *file = open_file(storage, "/file", STORAGE_WRITE);
    write_text(file, 0, "new");
    assert_pack_fails(storage_flush(file, &error), PACK_E_IO);
    assert_true(trial_fired(storage));
    pack_error_clear(&error);
    assert_pack_fails(storage_flush(file, &error), PACK_E_IO); /* fsyncgate */
    assert_pack_says("an earlier flush failed");
    assert_seen(storage, "/file", "new"); /* as a page cache shows it */
    storage_abandon(&file);
    end(&storage);
    assert_on_medium(*state, "file", "old");
}

static void test_a106_a_part_is_written(void **state)
{
    const struct trial_options options = {.fault = TRIAL_SHORT, .at = 1};
    struct pack_error error = {0};
    put(*state, "file", "------");
    struct storage *storage = machine(*state, &options);
    struct storage_file *file = open_file(storage, "/file", STORAGE_WRITE);
    assert_pack_fails(storage_write_at(file, 0, "abcdef", 6, &error), PACK_E_NO_SPACE);
    pack_error_clear(&error);
    assert_pack_ok(storage_flush(file, &error));
    assert_on_medium(*state, "file", "abc---");
    storage_abandon(&file);
    end(&storage);
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_writes_are_seen_and_wait_for_a_flush),
        IN_A_FOLDER(test_losing_and_keeping),
        IN_A_FOLDER(test_nothing_happens_without_power),
        IN_A_FOLDER(test_a103_torn_and_reordered),
        IN_A_FOLDER(test_names_wait_for_their_folder),
        IN_A_FOLDER(test_a103_a_name_without_content),
        IN_A_FOLDER(test_names_of_one_folder),
        cmocka_unit_test_setup_teardown(test_what_was_removed_is_gone, test_make_folder_in_memory,
                                        test_remove_folder),
        IN_A_FOLDER(test_a104_an_error_happens_once),
        IN_A_FOLDER(test_a106_a_part_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
