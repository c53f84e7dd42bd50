/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/memory.h"
#include "io/file.h"
#include "pack/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char digits[] = "0123456789";

/* --- reading --------------------------------------------------------------------------------- */

static void expect_at(struct pack_input *input, uint64_t offset, size_t size, const char *text)
{
    struct pack_error error = {0};
    char bytes[64] = "";
    size_t got = 99;
    assert_true(size < sizeof bytes);
    assert_pack_ok(pack_input_read(input, offset, bytes, size, &got, &error));
    assert_int_equal(got, strlen(text));
    assert_memory_equal(bytes, text, got);
}

/* Places in ascending order, which suits every kind of input. */
static void check_ascending(struct pack_input *input)
{
    struct pack_error error = {0};
    char bytes[8];
    expect_at(input, 0, 2, "01");
    expect_at(input, 2, 0, "");
    expect_at(input, 4, 3, "456");
    expect_at(input, 8, 10, "89");
    expect_at(input, 10, 1, "");
    expect_at(input, 1000, 1, "");
    size_t got = 0;
    assert_pack_fails(pack_input_read(input, (uint64_t)INT64_MAX + 1, bytes, 1, &got, &error),
                      PACK_E_LIMIT);
    assert_pack_fails(pack_input_read(input, INT64_MAX, bytes, 8, &got, &error), PACK_E_LIMIT);
}

static void check_exact(struct pack_input *input)
{
    struct pack_error error = {0};
    char bytes[11];
    assert_pack_ok(pack_input_exact(input, 0, bytes, 4, PACK_E_CORRUPT, &error));
    assert_memory_equal(bytes, "0123", 4);
    assert_pack_fails(pack_input_exact(input, 7, bytes, 5, PACK_E_CORRUPT, &error), PACK_E_CORRUPT);
    assert_pack_says("ends after 10 bytes, 2 more wanted");
    assert_int_equal(error.offset, 10);
    assert_string_equal(error.file, input->name);
}

/* The end lies in what is passed over. */
static void check_beyond(struct pack_input *input)
{
    struct pack_error error = {0};
    char bytes[11];
    assert_pack_fails(pack_input_exact(input, 20000, bytes, 5, PACK_E_CORRUPT, &error),
                      PACK_E_CORRUPT);
    assert_pack_says("ends after 10 bytes, 19995 more wanted");
    assert_int_equal(error.offset, 10);
}

static void check_backwards(struct pack_input *input)
{
    struct pack_error error = {0};
    char byte;
    size_t got = 0;
    if (input->seekable)
        expect_at(input, 1, 2, "12");
    else
        assert_pack_fails(pack_input_read(input, 1, &byte, 1, &got, &error), PACK_E_INTERNAL);
}

/* `open` makes the same ten digits anew each time. */
static void check_input(struct pack_input *(*open)(const char *folder), const char *folder)
{
    static void (*const checks[])(struct pack_input *) = {check_ascending, check_exact,
                                                          check_beyond};
    for (size_t i = 0; i < 2; i++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = open(folder);
        assert_int_equal(input->has_size, input->seekable);
        if (input->has_size)
            assert_int_equal(input->size, 10);
        checks[i](input);
        check_backwards(input);
    }
}

static struct pack_input *open_file(const char *folder)
{
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "digits");
    test_write_text(path, digits);
    assert_pack_ok(pack_input_open(&input, path, &error));
    assert_true(input->seekable);
    assert_string_equal(input->name, path);
    assert_true(pack_input_descriptor(input) > STDERR_FILENO);
    return input;
}

static struct pack_input *open_regular(const char *folder)
{
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "digits");
    test_write_text(path, digits);
    assert_pack_ok(pack_input_open_regular(&input, path, &error));
    return input;
}

static struct pack_input *open_memory(const char *folder)
{
    (void)folder;
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    assert_pack_ok(pack_input_memory(&input, digits, 10, "memory", &error));
    assert_string_equal(input->name, "memory");
    assert_int_equal(pack_input_descriptor(input), -1);
    return input;
}

static struct pack_input *open_forward(const char *folder)
{
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    assert_pack_ok(pack_input_forward(&input, open_memory(folder), &error));
    assert_false(input->seekable);
    return input;
}

/* Standard input becomes `descriptor`, which is closed. */
static void replace_standard_input(int descriptor)
{
    assert_int_equal(dup2(descriptor, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(descriptor), 0);
}

/* Gives a pipe its bytes one by one. */
static void *feed(void *argument)
{
    const int descriptor = *(int *)argument;
    for (size_t i = 0; i < 10; i++)
        if (write(descriptor, digits + i, 1) != 1)
            abort();
    close(descriptor);
    return NULL;
}

static struct pack_input *open_pipe(const char *folder)
{
    (void)folder;
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    int ends[2];
    pthread_t thread;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    replace_standard_input(ends[0]);
    assert_int_equal(pthread_create(&thread, NULL, feed, &ends[1]), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_pack_ok(pack_input_open(&input, "-", &error));
    assert_false(input->seekable);
    assert_string_equal(input->name, "standard input");
    return input;
}

static void every_input_reads_by_offset(void **state)
{
    check_input(open_file, *state);
    check_input(open_regular, *state);
    check_input(open_memory, *state);
    check_input(open_forward, *state);
    check_input(open_pipe, *state);
}

/* --- files ----------------------------------------------------------------------------------- */

/* A21: what was there at open is not taken for granted. */
static void a_file_that_shrinks_is_noticed(void **state)
{
    struct pack_error error = {0};
    char bytes[10];
    PACK_AUTO(pack_input_close) struct pack_input *input = open_file(*state);
    PACK_AUTO_FREE char *path = test_path(*state, "digits");
    assert_int_equal(truncate(path, 4), 0);
    assert_int_equal(input->size, 10);
    assert_pack_fails(pack_input_exact(input, 0, bytes, 10, PACK_E_CHANGED, &error),
                      PACK_E_CHANGED);
    assert_int_equal(error.offset, 4);
    expect_at(input, 2, 8, "23");
}

static void refuses(int (*open)(struct pack_input **, const char *, struct pack_error *),
                    const char *path, enum pack_code code, const char *words)
{
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    assert_pack_fails(open(&input, path, &error), code);
    assert_pack_says(words);
    assert_string_equal(error.file, path);
    assert_null(input);
}

static void what_is_no_file_is_refused(void **state)
{
    PACK_AUTO_FREE char *missing = test_path(*state, "missing");
    PACK_AUTO_FREE char *pipe_path = test_path(*state, "pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    refuses(pack_input_open, *state, PACK_E_USAGE, "folder");
    refuses(pack_input_open_regular, *state, PACK_E_USAGE, "folder");
    refuses(pack_input_open, missing, PACK_E_NOT_FOUND, "No such file");
    /* It has no writer: to open it as a file would wait for ever. */
    refuses(pack_input_open_regular, pipe_path, PACK_E_USAGE, "regular file");
    refuses(pack_input_open_regular, "/dev/zero", PACK_E_USAGE, "regular file");
}

static void standard_input_may_be_a_file(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "digits");
    test_write_text(path, digits);
    for (off_t start = 0; start < 2; start++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
        const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(lseek(descriptor, start, SEEK_SET), start);
        replace_standard_input(descriptor);
        assert_pack_ok(pack_input_open(&input, "-", &error));
        /* Somebody has read from it: what is left is a stream. */
        assert_int_equal(input->seekable, start == 0);
        expect_at(input, 0, 3, start == 0 ? "012" : "123");
    }
    assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
}

/* --- whole files ----------------------------------------------------------------------------- */

static void whole_files_are_read_up_to_a_limit(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "whole");
    static const size_t sizes[] = {0, 1, 10, 65535, 65536, 65537, 200000};
    PACK_AUTO_FREE uint8_t *bytes = malloc(200000);
    assert_non_null(bytes);
    for (size_t i = 0; i < 200000; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        PACK_AUTO_FREE uint8_t *read_bytes = NULL;
        void *nothing = &error;
        size_t size = 99;
        test_write_file(path, bytes, sizes[i]);
        assert_pack_ok(pack_read_file((void **)&read_bytes, &size, path, sizes[i], &error));
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(read_bytes, bytes, size);
        assert_int_equal(read_bytes[size], 0);
        if (sizes[i] == 0)
            continue;
        assert_pack_fails(pack_read_file(&nothing, &size, path, sizes[i] - 1, &error),
                          PACK_E_LIMIT);
        assert_string_equal(error.file, path);
        assert_null(nothing);
    }
}

static void what_never_ends_meets_the_limit(void **state)
{
    (void)state;
    struct pack_error error = {0};
    void *bytes = NULL;
    size_t size = 0;
    assert_pack_fails(pack_read_file(&bytes, &size, "/dev/zero", 100000, &error), PACK_E_LIMIT);
    assert_pack_says("100000");
    assert_pack_fails(pack_read_file(&bytes, &size, "/dev/null", UINT64_MAX, &error),
                      PACK_E_INTERNAL);
}

/* --- copying --------------------------------------------------------------------------------- */

/* What the call below does: fails with this number after so many calls; copies at most so much. */
static struct {
    int number;
    unsigned good_calls;
    size_t most;
} copying;

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
                        unsigned flags)
{
    if (copying.number != 0 && copying.good_calls == 0) {
        errno = copying.number;
        return -1;
    }
    copying.good_calls -= copying.good_calls != 0;
    if (copying.most != 0 && size > copying.most)
        size = copying.most;
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, size, flags);
}

static int copy(const char *folder, uint64_t from_offset, uint64_t size, struct pack_error *error)
{
    PACK_AUTO_FREE char *from = test_path(folder, "digits");
    PACK_AUTO_FREE char *to = test_path(folder, "copy");
    test_write_text(from, digits);
    test_write_text(to, "..............");
    PACK_AUTO_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC);
    PACK_AUTO_CLOSE int out = open(to, O_WRONLY | O_CLOEXEC);
    return pack_copy_descriptor(in, from_offset, out, 3, size, error);
}

static void expect_copy(const char *folder, const char *text)
{
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_path(folder, "copy");
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

static void ranges_are_copied_whatever_the_system_can(void **state)
{
    static const int numbers[] = {0, EXDEV, ENOSYS, EINVAL, EOPNOTSUPP, EPERM};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (unsigned good = 0; good < 3; good++) {
            struct pack_error error = {0};
            copying.number = numbers[i];
            copying.good_calls = good;
            copying.most = 2;
            const int code = copy(*state, 1, 8, &error);
            memset(&copying, 0, sizeof copying);
            assert_pack_ok(code);
            expect_copy(*state, "...12345678...");
        }
    struct pack_error error = {0};
    assert_pack_ok(copy(*state, 1, 0, &error));
    expect_copy(*state, "..............");
}

static void a_copy_that_fails_says_so(void **state)
{
    struct pack_error error = {0};
    assert_pack_fails(copy(*state, 5, 6, &error), PACK_E_CHANGED);
    assert_pack_fails(copy(*state, 50, 1, &error), PACK_E_CHANGED);
    copying.number = EIO;
    const int code = copy(*state, 0, 5, &error);
    memset(&copying, 0, sizeof copying);
    assert_pack_fails(code, PACK_E_IO);
}

/* --- descriptors and folders ----------------------------------------------------------------- */

static void a_pipe_is_read_to_its_end(void **state)
{
    (void)state;
    struct pack_error error = {0};
    int ends[2];
    pthread_t thread;
    char bytes[16];
    size_t got = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    PACK_AUTO_CLOSE int from = ends[0];
    assert_int_equal(pthread_create(&thread, NULL, feed, &ends[1]), 0);
    const int first = pack_read_descriptor(from, bytes, 6, &got, &error);
    assert_pack_ok(first);
    assert_int_equal(got, 6);
    assert_memory_equal(bytes, digits, 6);
    assert_pack_ok(pack_read_descriptor(from, bytes, sizeof bytes, &got, &error));
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, digits + 6, 4);
    assert_pack_ok(pack_read_descriptor(from, bytes, sizeof bytes, &got, &error));
    assert_int_equal(got, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void failing_descriptors_fail(void **state)
{
    (void)state;
    struct pack_error error = {0};
    char byte = 0;
    size_t got = 0;
    assert_pack_fails(pack_read_descriptor(-1, &byte, 1, &got, &error), PACK_E_IO);
    assert_pack_fails(pack_write_descriptor(-1, &byte, 1, &error), PACK_E_IO);
    assert_pack_fails(pack_write_descriptor_at(-1, 0, &byte, 1, &error), PACK_E_IO);
    assert_pack_ok(pack_write_descriptor(-1, &byte, 0, &error));
}

static void the_folder_of_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *path, *folder;
    } cases[] = {{"name", "."},   {"a/name", "a"},   {"/name", "/"}, {"/a/b/name", "/a/b"},
                 {"./name", "."}, {"a//name", "a/"}, {"", "."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        PACK_AUTO_FREE char *folder = NULL;
        assert_pack_ok(pack_folder_of(&folder, cases[i].path, &error));
        assert_string_equal(folder, cases[i].folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)
        TEST(every_input_reads_by_offset),
        TEST(a_file_that_shrinks_is_noticed),
        TEST(what_is_no_file_is_refused),
        TEST(standard_input_may_be_a_file),
        TEST(whole_files_are_read_up_to_a_limit),
        TEST(what_never_ends_meets_the_limit),
        TEST(ranges_are_copied_whatever_the_system_can),
        TEST(a_copy_that_fails_says_so),
        TEST(a_pipe_is_read_to_its_end),
        TEST(failing_descriptors_fail),
        TEST(the_folder_of_a_path),
    };
    return cmocka_run_group_tests_name("input", tests, NULL, NULL);
}
