/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

/*
 * What unit tests share, on top of cmocka. Each helper fails the running test when it cannot do
 * what it says, so that none returns an error. Memory that a helper returns is the caller's to
 * free, best with PACK_AUTO_FREE.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pack/error.h"

/* --- results of the library ------------------------------------------------------------------ */

/* Both need `struct pack_error error` in scope, which the call is given as its last argument. */

/*
 * The call returns 0, and leaves no error behind, by which a program would still fail; otherwise
 * the test fails and prints the error. One of an earlier call is forgotten.
 */
#define assert_pack_ok(call) \
    (pack_error_clear(&error), test_check_ok((call), &error, #call, __FILE__, __LINE__))

/* The call returns `expected`, and left the same code and one plain line of text in the error. */
#define assert_pack_fails(call, expected) \
    test_check_fails((call), (expected), &error, #call, __FILE__, __LINE__)

/* The text of the last failure contains `part`. */
#define assert_pack_says(part) test_check_says((part), &error, __FILE__, __LINE__)

void test_check_ok(int code, const struct pack_error *error, const char *call, const char *file,
                   int line);
void test_check_fails(int code, enum pack_code expected, const struct pack_error *error,
                      const char *call, const char *file, int line);
void test_check_says(const char *part, const struct pack_error *error, const char *file, int line);

/* --- folders and files ----------------------------------------------------------------------- */

/* cmocka setup and teardown: *state is the path of an empty folder, removed with all in it. */
int test_make_folder(void **state);
/* The same in memory, where /dev/shm is: for tests that write and flush thousands of times. */
int test_make_folder_in_memory(void **state);
int test_remove_folder(void **state);

/* "folder/name". */
char *test_path(const char *folder, const char *name);

/* A whole file, with a zero byte after its end that `size` does not count. */
uint8_t *test_read_file(const char *path, size_t *size);
void test_write_file(const char *path, const void *bytes, size_t size);
void test_write_text(const char *path, const char *text);

/* How many names there are in a folder, without "." and "..". */
size_t test_count_files(const char *folder);

/* The bytes that hexadecimal digits stand for; blanks between them are skipped. */
uint8_t *test_unhex(const char *digits, size_t *size);

/* A file of the tests' own, by its path below tests/. */
char *test_fixture(const char *name);

/*
 * A file of the shared data set, by its path there; it lies in $FWPACK_SHARED, else beside the
 * source tree. The running test is skipped when it is absent.
 */
char *test_shared(const char *name);

#endif
