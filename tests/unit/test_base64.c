/* SPDX-License-Identifier: MIT */
/* Base64 has one spelling, and no byte but its digits is one. */
#include "crypto/textline.h"
#include "support/test.h"

#include <sodium.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* libsodium 1.0.18 alone would take 128 bytes more for '/'. */
static void test_each_byte_as_a_digit(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'A', 'A', 'A', (char)byte};
        uint8_t bytes[3] = {0};
        size_t size = 0;
        const char *digit = byte != 0 ? strchr(digits, byte) : NULL;
        const bool taken = pack_base64_read((struct pack_span){text, sizeof text},
                                            sodium_base64_VARIANT_ORIGINAL_NO_PADDING, NULL, bytes,
                                            sizeof bytes, &size);
        assert_int_equal(taken, digit != NULL);
        if (digit != NULL)
            assert_int_equal(bytes[2], digit - digits);
    }
}

static void test_what_is_passed_over(void **state)
{
    (void)state;
    static const char text[] = " AAEC\r\nAw==\n", blanks[] = " \t\r\n";
    const struct pack_span span = {text, sizeof text - 1};
    uint8_t bytes[8];
    size_t size = 0;
    assert_true(
        pack_base64_read(span, sodium_base64_VARIANT_ORIGINAL, blanks, bytes, sizeof bytes, &size));
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "\0\1\2\3", 4);
    assert_false(
        pack_base64_read(span, sodium_base64_VARIANT_ORIGINAL, NULL, bytes, sizeof bytes, &size));
    assert_false(pack_base64_read(span, sodium_base64_VARIANT_ORIGINAL, blanks, bytes, 3, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_as_a_digit),
        cmocka_unit_test(test_what_is_passed_over),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
