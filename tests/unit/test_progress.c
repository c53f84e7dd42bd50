/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "cli.h"
#include "progress.h"

#include <string.h>

static void chooses_a_mode(void **state)
{
    (void)state;
    assert_int_equal(progress_mode("bar", true), PROGRESS_BAR);
    assert_int_equal(progress_mode("plain", true), PROGRESS_PLAIN);
    assert_int_equal(progress_mode("json", false), PROGRESS_JSON);
    assert_int_equal(progress_mode("none", false), PROGRESS_NONE);
    assert_int_equal(progress_mode("auto", true), PROGRESS_NONE);
    assert_int_equal(progress_mode(NULL, true), PROGRESS_NONE);
}

static void says_sizes(void **state)
{
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},           {1023, "1023 B"},          {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},    {200.0 * 1024, "200 KiB"}, {5.0 * 1024 * 1024 * 1024, "5.0 GiB"},
        {1e18, "909495 TiB"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        progress_size_text(text, sizeof text, cases[i].bytes);
        assert_string_equal(text, cases[i].text);
    }
}

static void draws_a_bar(void **state)
{
    (void)state;
    char text[200];
    progress_bar_text(text, sizeof text, 200, "compress rootfs", 256 << 20, 1024 << 20, 2);
    assert_string_equal(text,
                        "compress rootfs [======>                 ]  25%  128 MiB/s  0:06 left");
    progress_bar_text(text, sizeof text, 200, "read", 0, 100, 0);
    assert_string_equal(text, "read [>                       ]   0%  0 B/s  0:00 left");
    progress_bar_text(text, sizeof text, 200, "read", 100, 100, 1);
    assert_string_equal(text, "read [========================] 100%  100 B/s  0:00 left");
}

static void draws_without_a_total(void **state)
{
    (void)state;
    char text[200];
    progress_bar_text(text, sizeof text, 200, "read", 3 << 20, 0, 1);
    assert_string_equal(text, "read  3.0 MiB  3.0 MiB/s");
    progress_bar_text(text, sizeof text, 200, "read", 300, 200, 1); /* more than announced */
    assert_string_equal(text, "read  300 B  300 B/s");
}

static void stays_on_its_line(void **state)
{
    (void)state;
    for (unsigned width = 2; width < 120; width++) {
        char text[200];
        progress_bar_text(text, sizeof text, width, "a phase with a long name", 1, 1000, 1e9);
        assert_true(strlen(text) < width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_a_mode),    cmocka_unit_test(says_sizes),
        cmocka_unit_test(draws_a_bar),       cmocka_unit_test(draws_without_a_total),
        cmocka_unit_test(stays_on_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
