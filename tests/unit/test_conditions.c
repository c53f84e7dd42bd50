/* SPDX-License-Identifier: MIT */
/* When a moment is good for an update: power, and windows by the clock on the wall. */
#include "install/conditions.h"

#include "base/memory.h"
#include "storage/storage.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- windows --------------------------------------------------------------------------------- */

enum {
    MONDAY = 1,
    TUESDAY = 2,
    FRIDAY = 16,
    SATURDAY = 32,
    SUNDAY = 64,
    ALL_DAYS = 127,
};

#define AT(hour, minute) ((hour)*60 + (minute))

/* 2026-03-23 is a Monday; summer time begins on Sunday the 29th, and ends on 2026-10-25. */
#define MONDAY_MIDNIGHT UINT64_C(1774224000)
#define HOURS(n) ((uint64_t)(n)*3600)
#define DAYS(n) ((uint64_t)(n)*86400)

static int check(const struct pack_device_window *windows, size_t count, bool utc, uint64_t now,
                 struct pack_error *error)
{
    const struct pack_device device = {
        .policy = {.window_count = count, .windows = windows, .window_utc = utc}};
    pack_error_clear(error);
    return window_check(&device, now, error);
}

static void test_no_window_is_any_time(void **state)
{
    (void)state;
    struct pack_error error = {0};
    assert_pack_ok(check(NULL, 0, true, 0, &error));
    assert_pack_ok(check(NULL, 0, false, MONDAY_MIDNIGHT, &error));
}

static void test_windows(void **state)
{
    (void)state;
    static const struct {
        struct pack_device_window window;
        uint64_t after;   /* Monday's midnight, UTC */
        const char *next; /* NULL: inside */
    } cases[] = {
        {{AT(2, 0), AT(4, 0), ALL_DAYS}, HOURS(2), NULL},
        {{AT(2, 0), AT(4, 0), ALL_DAYS}, HOURS(4) - 1, NULL},
        {{AT(2, 0), AT(4, 0), ALL_DAYS}, HOURS(4), "Tuesday 02:00"},
        {{AT(2, 0), AT(4, 0), ALL_DAYS}, HOURS(2) - 1, "Monday 02:00"},
        {{AT(2, 30), AT(4, 0), MONDAY}, HOURS(1), "Monday 02:30"},
        {{AT(2, 30), AT(4, 0), MONDAY}, HOURS(5), "Monday 02:30"},
        {{AT(2, 0), AT(4, 0), MONDAY}, DAYS(6) + HOURS(23), "Monday 02:00"},
        {{AT(2, 0), AT(4, 0), SATURDAY | SUNDAY}, HOURS(3), "Saturday 02:00"},
        {{AT(2, 0), AT(4, 0), SATURDAY | SUNDAY}, DAYS(5) + HOURS(3), NULL},
        {{AT(2, 0), AT(4, 0), SATURDAY | SUNDAY}, DAYS(5) + HOURS(5), "Sunday 02:00"},
        /* Over midnight: of the day on which it began. */
        {{AT(22, 0), AT(6, 0), FRIDAY}, DAYS(4) + HOURS(21), "Friday 22:00"},
        {{AT(22, 0), AT(6, 0), FRIDAY}, DAYS(4) + HOURS(22), NULL},
        {{AT(22, 0), AT(6, 0), FRIDAY}, DAYS(5) + HOURS(6) - 1, NULL},
        {{AT(22, 0), AT(6, 0), FRIDAY}, DAYS(5) + HOURS(6), "Friday 22:00"},
        {{AT(22, 0), AT(6, 0), FRIDAY}, DAYS(4) + HOURS(3), "Friday 22:00"},
        {{AT(22, 0), AT(6, 0), SUNDAY}, HOURS(3), NULL},
        {{AT(22, 0), AT(6, 0), SUNDAY}, HOURS(7), "Sunday 22:00"},
        /* From one moment to the same one of the next day. */
        {{AT(5, 0), AT(5, 0), MONDAY}, HOURS(4), "Monday 05:00"},
        {{AT(5, 0), AT(5, 0), MONDAY}, HOURS(5), NULL},
        {{AT(5, 0), AT(5, 0), MONDAY}, DAYS(1) + HOURS(4), NULL},
        {{AT(5, 0), AT(5, 0), MONDAY}, DAYS(1) + HOURS(5), "Monday 05:00"},
        {{AT(0, 0), AT(0, 0), ALL_DAYS}, HOURS(17), NULL},
        {{AT(0, 0), AT(0, 0), TUESDAY}, HOURS(17), "Tuesday 00:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        char says[64];
        const int code = check(&cases[i].window, 1, true, MONDAY_MIDNIGHT + cases[i].after, &error);
        if (cases[i].next == NULL) {
            assert_pack_ok(code);
            continue;
        }
        snprintf(says, sizeof says, "outside the window: the next begins %s UTC", cases[i].next);
        assert_pack_fails(code, PACK_E_NOT_YET);
        assert_string_equal(error.text, says);
        assert_non_null(strstr(error.hint, cases[i].next));
    }
}

static void test_the_nearest_of_several(void **state)
{
    (void)state;
    struct pack_error error = {0};
    static const struct pack_device_window windows[] = {
        {AT(22, 0), AT(23, 0), MONDAY},
        {AT(3, 0), AT(4, 0), TUESDAY},
        {AT(1, 0), AT(2, 0), SUNDAY},
    };
    assert_pack_fails(check(windows, 3, true, MONDAY_MIDNIGHT + HOURS(23), &error), PACK_E_NOT_YET);
    assert_pack_says("Tuesday 03:00");
    assert_pack_fails(check(windows, 3, true, MONDAY_MIDNIGHT + DAYS(3), &error), PACK_E_NOT_YET);
    assert_pack_says("Sunday 01:00");
    assert_pack_ok(check(windows, 3, true, MONDAY_MIDNIGHT + DAYS(6) + HOURS(1), &error));
    assert_non_null(strstr(
        (check(windows, 3, true, MONDAY_MIDNIGHT + HOURS(9) + 17 * 60, &error) == PACK_E_NOT_YET)
            ? error.hint
            : "",
        "shows Monday 09:17"));
}

/* The clock on the wall decides: an hour that is left out is never reached, one that comes twice is
 * twice inside. */
static void test_summer_time(void **state)
{
    (void)state;
    struct pack_error error = {0};
    static const struct pack_device_window night = {AT(3, 0), AT(4, 0), ALL_DAYS};
    static const struct pack_device_window left_out = {AT(2, 0), AT(3, 0), SUNDAY};
    static const struct pack_device_window twice = {AT(2, 0), AT(3, 0), SUNDAY};
    const uint64_t spring = MONDAY_MIDNIGHT + DAYS(6), autumn = spring + DAYS(210);
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    /* Winter: 03:00 is 02:00 UTC; summer: 01:00 UTC. */
    assert_pack_ok(check(&night, 1, false, MONDAY_MIDNIGHT + HOURS(2), &error));
    assert_pack_fails(check(&night, 1, false, MONDAY_MIDNIGHT + HOURS(1), &error), PACK_E_NOT_YET);
    assert_string_equal(error.text, "outside the window: the next begins Monday 03:00");
    assert_pack_ok(check(&night, 1, false, spring + HOURS(1), &error));
    assert_pack_fails(check(&night, 1, false, spring + HOURS(2), &error), PACK_E_NOT_YET);
    assert_pack_says("Monday 03:00");
    for (uint64_t minute = 0; minute < 24 * 60; minute++)
        assert_int_not_equal(check(&left_out, 1, false, spring + minute * 60, &error), 0);
    size_t inside = 0;
    for (uint64_t minute = 0; minute < 24 * 60; minute++)
        inside += check(&twice, 1, false, autumn + minute * 60, &error) == 0;
    assert_int_equal(inside, 120);
    setenv("TZ", "UTC", 1);
    tzset();
}

/* --- power ----------------------------------------------------------------------------------- */

static int check_power(const struct pack_device_policy *policy, int64_t *percent,
                       struct pack_error *error)
{
    const struct pack_device device = {.policy = *policy};
    pack_error_clear(error);
    return battery_check(&device, storage_system(), percent, error);
}

static void test_a_battery_file(void **state)
{
    struct pack_error error = {0};
    int64_t percent = 0;
    PACK_AUTO_FREE char *capacity = test_path(*state, "capacity");
    PACK_AUTO_FREE char *online = test_path(*state, "online");
    struct pack_device_policy policy = {.battery_minimum = 30, .battery_file = capacity};
    test_write_text(capacity, "12\n");
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_NOT_YET);
    assert_string_equal(error.text, "battery at 12 %, 30 % wanted");
    assert_string_equal(error.hint, "charge it, then try again");
    assert_int_equal(percent, 12);
    policy.mains_file = online; /* not there: not plugged in */
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_NOT_YET);
    assert_non_null(strstr(error.hint, "plug the device in"));
    test_write_text(online, "0\n");
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_NOT_YET);
    test_write_text(online, "1\n");
    assert_pack_ok(check_power(&policy, &percent, &error));
    assert_int_equal(percent, 12);
    policy.mains_file = NULL;
    test_write_text(capacity, "30");
    assert_pack_ok(check_power(&policy, &percent, &error));
    assert_int_equal(percent, 30);
}

static void test_batteries_that_say_nothing(void **state)
{
    static const char *const texts[] = {"",      "\n",     "full\n", "-1\n",
                                        "101\n", "12.5\n", " 12\n",  "99999999999999999999999999\n",
                                        "12\n\n"};
    struct pack_error error = {0};
    int64_t percent = 0;
    PACK_AUTO_FREE char *capacity = test_path(*state, "capacity");
    struct pack_device_policy policy = {.battery_minimum = 30, .battery_file = capacity};
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_NOT_FOUND);
    assert_string_equal(error.file, capacity);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        test_write_text(capacity, texts[i]);
        assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_STATE);
        assert_pack_says("a number from 0 to 100 is wanted");
        assert_int_equal(percent, -1);
    }
    policy.battery_file = NULL;
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_NOT_YET);
    assert_pack_says("not known, 30 % wanted");
    policy.battery_minimum = 0; /* nobody asked */
    assert_pack_ok(check_power(&policy, &percent, &error));
    assert_int_equal(percent, -1);
    policy.battery_file = capacity;
    assert_pack_ok(check_power(&policy, &percent, &error));
    assert_int_equal(percent, -1);
}

static void test_a_battery_program(void **state)
{
    (void)state;
    struct pack_error error = {0};
    int64_t percent = 0;
    const char *full[] = {"/bin/echo", "77", NULL}, *broken[] = {"/bin/false", NULL};
    const char *two[] = {"/bin/echo", "77\n88", NULL};
    struct pack_device_policy policy = {
        .battery_minimum = 80,
        .battery_program = {.count = 2, .words = full, .seconds = 20},
    };
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_NOT_YET);
    assert_string_equal(error.text, "battery at 77 %, 80 % wanted");
    policy.battery_minimum = 77;
    assert_pack_ok(check_power(&policy, &percent, &error));
    policy.battery_program.words = two;
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_STATE);
    assert_pack_says("is said to be '77\\x0a88'");
    assert_string_equal(error.file, "/bin/echo");
    policy.battery_program.words = broken;
    assert_pack_fails(check_power(&policy, &percent, &error), PACK_E_STATE);
    assert_pack_says("reading the battery's charge: '/bin/false' failed with exit status 1");
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_window_is_any_time),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_the_nearest_of_several),
        cmocka_unit_test(test_summer_time),
        WITH_FOLDER(test_a_battery_file),
        WITH_FOLDER(test_batteries_that_say_nothing),
        cmocka_unit_test(test_a_battery_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
