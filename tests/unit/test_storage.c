/* SPDX-License-Identifier: MIT */

/* The system's files, and whole files over any storage. */

#include "support/test.h"

#include "base/memory.h"
#include "storage/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files ----------------------------------------------------------------------------------- */

static void test_what_is_written_is_read(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "file");
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    char back[16] = {0};
    uint64_t size = 0;
    size_t got = 0;
    struct stat status;
    assert_pack_fails(storage_open(storage_system(), path, STORAGE_WRITE, &file, &error),
                      PACK_E_NOT_FOUND);
    assert_string_equal(error.file, path);
    assert_null(file);
    pack_error_clear(&error);
    assert_pack_ok(
        storage_open(storage_system(), path, STORAGE_WRITE | STORAGE_CREATE, &file, &error));
    assert_string_equal(file->path, path);
    assert_true(storage_descriptor(file) >= 0);
    assert_pack_ok(storage_write_at(file, 4, "4567", 4, &error));
    assert_pack_ok(storage_write_at(file, 0, "0123", 4, &error));
    assert_pack_ok(storage_flush(file, &error));
    storage_forget(file, 0, 8);
    assert_pack_ok(storage_read_at(file, 2, back, sizeof back, &got, &error));
    assert_int_equal(got, 6);
    assert_string_equal(back, "234567");
    assert_pack_ok(storage_read_at(file, 8, back, sizeof back, &got, &error));
    assert_int_equal(got, 0);
    assert_pack_ok(storage_resize(file, 3, &error));
    assert_pack_ok(storage_size(file, &size, &error));
    assert_int_equal(size, 3);
    assert_pack_ok(storage_close(&file, &error));
    assert_null(file);
    assert_pack_ok(storage_close(&file, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_pack_ok(
        storage_open(storage_system(), path, STORAGE_WRITE | STORAGE_EMPTY, &file, &error));
    assert_pack_ok(storage_size(file, &size, &error));
    assert_int_equal(size, 0);
}

/* Not at any call is what the kernel refuses taken for done. */
static void test_a104_refusals_are_told(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "file");
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    test_write_text(path, "old");
    assert_pack_ok(storage_open(storage_system(), path, STORAGE_READ, &file, &error));
    assert_pack_fails(storage_write_at(file, 0, "x", 1, &error), PACK_E_IO);
    assert_string_equal(error.file, path);
    pack_error_clear(&error);
    assert_int_not_equal(storage_resize(file, 0, &error), 0);
    pack_error_clear(&error);
    assert_pack_ok(storage_close(&file, &error));
    assert_pack_ok(storage_open(storage_system(), "/dev/full", STORAGE_WRITE, &file, &error));
    assert_pack_fails(storage_write_at(file, 0, "x", 1, &error), PACK_E_NO_SPACE);
    assert_string_equal(error.file, "/dev/full");
}

/* A second fsync would say 0 (fsyncgate). A pipe's says EINVAL, which stands for any failure. */
static void test_a104_a_failed_flush_is_final(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "pipe");
    PACK_AUTO_FREE char *other = test_path(*state, "file");
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    test_write_text(other, "x");
    assert_pack_ok(storage_open(storage_system(), path, STORAGE_WRITE, &file, &error));
    assert_int_not_equal(storage_flush(file, &error), 0);
    assert_string_equal(error.file, path);
    pack_error_clear(&error);
    const int good = open(other, O_RDWR | O_CLOEXEC); /* that fsync would do on */
    assert_true(good >= 0);
    assert_true(dup2(good, storage_descriptor(file)) >= 0);
    assert_int_equal(fsync(storage_descriptor(file)), 0);
    assert_pack_fails(storage_flush(file, &error), PACK_E_IO);
    assert_pack_says("an earlier flush failed");
    close(good);
}

/* --- names ----------------------------------------------------------------------------------- */

static void assert_text(const char *path, const char *text)
{
    size_t size = 0;
    PACK_AUTO_FREE char *found = (char *)test_read_file(path, &size);
    assert_string_equal(found, text);
    assert_int_equal(size, strlen(text));
}

static void test_names(void **state)
{
    struct pack_error error = {0};
    struct storage *storage = storage_system();
    PACK_AUTO_FREE char *folder = test_path(*state, "folder");
    PACK_AUTO_FREE char *below = test_path(*state, "folder/below");
    PACK_AUTO_FREE char *deep = test_path(*state, "folder/below/file");
    PACK_AUTO_FREE char *link = test_path(*state, "folder/link");
    PACK_AUTO_FREE char *outside = test_path(*state, "outside");
    PACK_AUTO_FREE char *moved = test_path(*state, "moved");
    char text[8];
    test_write_text(outside, "outside");
    assert_pack_ok(storage_make_folder(storage, folder, &error));
    assert_pack_ok(storage_make_folder(storage, folder, &error));
    assert_pack_ok(storage_make_folder(storage, below, &error));
    assert_pack_fails(storage_make_folder(storage, outside, &error), PACK_E_EXISTS);
    pack_error_clear(&error);
    test_write_text(deep, "deep");
    assert_int_equal(symlink("../outside", link), 0);
    assert_pack_ok(storage_flush_folder(storage, folder, &error));
    assert_int_not_equal(storage_flush_folder(storage, outside, &error), 0);
    pack_error_clear(&error);
    assert_pack_ok(storage_rename(storage, deep, moved, &error));
    assert_pack_fails(storage_rename(storage, deep, moved, &error), PACK_E_NOT_FOUND);
    assert_string_equal(error.file, deep);
    pack_error_clear(&error);
    assert_text(moved, "deep");
    /* All that is in a folder, but not what a link in it leads to. */
    assert_pack_ok(storage_remove(storage, folder, &error));
    assert_pack_ok(storage_remove(storage, folder, &error));
    assert_pack_ok(storage_remove(storage, moved, &error));
    assert_int_equal(test_count_files(*state), 1);
    assert_text(outside, "outside");
    assert_pack_ok(storage_locate(storage, "/a/b", text, sizeof text, &error));
    assert_string_equal(text, "/a/b");
    assert_pack_fails(storage_locate(storage, "/long/er", text, sizeof text, &error), PACK_E_LIMIT);
}

static void test_names_change_places(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *a = test_path(*state, "a");
    PACK_AUTO_FREE char *b = test_path(*state, "b");
    test_write_text(a, "first");
    test_write_text(b, "second");
    const int code = storage_exchange(storage_system(), a, b, &error);
    if (code == PACK_E_UNSUPPORTED)
        skip();
    test_check_ok(code, &error, "storage_exchange", __FILE__, __LINE__);
    assert_text(a, "second");
    assert_text(b, "first");
}

/* --- whole files ----------------------------------------------------------------------------- */

static void test_small_files(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "file");
    PACK_AUTO_FREE void *bytes = NULL;
    PACK_AUTO_FREE char *name = malloc(5001);
    size_t size = 7;
    assert_pack_fails(storage_load(storage_system(), path, 9, &bytes, &size, &error),
                      PACK_E_NOT_FOUND);
    assert_null(bytes);
    pack_error_clear(&error);
    assert_pack_ok(storage_save(storage_system(), path, "content", 7, &error));
    assert_pack_ok(storage_load(storage_system(), path, 7, &bytes, &size, &error));
    assert_int_equal(size, 7);
    assert_string_equal(bytes, "content");
    free(pack_steal(&bytes));
    assert_pack_fails(storage_load(storage_system(), path, 6, &bytes, &size, &error), PACK_E_LIMIT);
    assert_null(bytes);
    pack_error_clear(&error);
    assert_pack_ok(storage_save(storage_system(), path, "", 0, &error));
    assert_text(path, "");
    assert_int_equal(test_count_files(*state), 1);
    memset(name, 'x', 5000);
    name[5000] = '\0';
    assert_pack_fails(storage_save(storage_system(), name, "", 0, &error), PACK_E_LIMIT);
}

/* A101, A103, A104, A106: the old content or the new, whatever happens at whichever operation. */
static bool save_under(const char *path, const struct trial_options *options)
{
    struct pack_error error = {0};
    struct storage *storage = NULL;
    test_write_text(path, "old");
    assert_pack_ok(trial_new(&storage, NULL, options, &error));
    const int code = storage_save(storage, path, "the new", 7, &error);
    const bool fired = trial_fired(storage);
    assert_true(fired || code == 0);
    pack_error_clear(&error);
    assert_pack_ok(trial_end(&storage, &error));
    size_t size = 0;
    PACK_AUTO_FREE char *found = (char *)test_read_file(path, &size);
    if (strcmp(found, "the new") != 0 && (code == 0 || strcmp(found, "old") != 0))
        fail_msg("fault %d at %llu: became '%s'", (int)options->fault,
                 (unsigned long long)options->at, found);
    return fired;
}

static void test_a101_saving_is_all_or_nothing(void **state)
{
    static const struct trial_options kinds[] = {
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_LOSE_ALL},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_KEEP_ALL},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .seed = 1, .sector = 512},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .seed = 2, .sector = 512},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .seed = 3, .sector = 4096},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .seed = 4, .sector = 4096},
        {.fault = TRIAL_ERROR, .number = EIO},
        {.fault = TRIAL_ERROR, .number = ENOSPC},
        {.fault = TRIAL_SHORT},
    };
    PACK_AUTO_FREE char *path = test_path(*state, "file");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct trial_options options = kinds[i];
        for (options.at = 1; save_under(path, &options); options.at++)
            continue;
        /* open, write, flush, rename, flush of the folder */
        assert_int_equal(options.at, options.fault == TRIAL_SHORT ? 3 : 6);
    }
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_what_is_written_is_read),       IN_A_FOLDER(test_a104_refusals_are_told),
        IN_A_FOLDER(test_a104_a_failed_flush_is_final),  IN_A_FOLDER(test_names),
        IN_A_FOLDER(test_names_change_places),           IN_A_FOLDER(test_small_files),
        IN_A_FOLDER(test_a101_saving_is_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
