/* SPDX-License-Identifier: MIT */
/* The helpers of the tests themselves. */
#include "support/test.h"

#include <stdlib.h>

#include "base/memory.h"

static void a_written_file_reads_back(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "file");
    test_write_file(path, "a\0b", 3);
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "a\0b", 4);
    assert_int_equal(test_count_files(*state), 1);
}

static void hexadecimal_digits_become_bytes(void **state)
{
    (void)state;
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = test_unhex("00 fF\n1a", &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "\x00\xff\x1a", 3);
}

static void a_failure_is_checked_by_code_and_text(void **state)
{
    (void)state;
    struct pack_error error = {0};
    assert_pack_ok(0);
    assert_pack_fails(pack_fail(&error, PACK_E_LIMIT, "%d bytes, %d wanted", 2, 1), PACK_E_LIMIT);
    assert_pack_says("2 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_written_file_reads_back, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test(hexadecimal_digits_become_bytes),
        cmocka_unit_test(a_failure_is_checked_by_code_and_text),
    };
    return cmocka_run_group_tests_name("support", tests, NULL, NULL);
}
