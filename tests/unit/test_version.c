/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "pack/limits.h"
#include "pack/version.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void check_order(const char *lower, const char *higher)
{
    assert_true(pack_version_compare(lower, higher) < 0);
    assert_true(pack_version_compare(higher, lower) > 0);
    assert_int_equal(pack_version_compare(lower, lower), 0);
}

static void a87_valid_versions_are_accepted(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "0.0.0",
        "0.0.4",
        "1.2.3",
        "10.20.30",
        "1.1.2-prerelease+meta",
        "1.1.2+meta",
        "1.1.2+meta-valid",
        "1.0.0-alpha",
        "1.0.0-beta.11",
        "1.0.0-alpha.beta.1",
        "1.0.0-0A.is.legal",
        "1.0.0-alpha0.valid",
        "1.0.0-rc.1+build.123",
        "1.0.0+001.0-rc",
        "1.0.0--",
        "1.0.0-x-y--z.0",
        "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
        "1.0.0-0",
        "2.0.0+--.-",
        "1.2.3----R-S.12.9.1--.12",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        assert_pack_ok(pack_version_check(valid[i], &error));
}

static void a87_invalid_versions_are_refused(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",           "1",          "1.2",       "1.2.3.4",        "v1.2.3", "1.2.3 ", " 1.2.3",
        "1.2.3\n",    "01.2.3",     "1.02.3",    "1.2.03",         "1.2.3-", "1.2.3+", "1.2.3-0123",
        "1.2.3-a..b", "1.2.3-a.01", "1.2.3+a+b", "1.2.3-\xc3\xa4", "1.2.-3", "+1.2.3", "-1.2.3",
        "1.2.3-a_b",  "1..3",       "1.2.x",     "1e3.0.0",        "alpha",  ".1.2",   "1.2.3.",
        "1.2.3-a.",   "1.2.3+.a",   "0x1.2.3",   "1,2,3",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        assert_pack_fails(pack_version_check(invalid[i], &error), PACK_E_MALFORMED);
}

static void a87_the_reason_and_the_place_are_told(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(pack_version_check("1.2", &error), PACK_E_MALFORMED);
    assert_pack_says("\"1.2\" is no semantic version: the patch number is missing at character 4");
    assert_pack_fails(pack_version_check("1.2.03", &error), PACK_E_MALFORMED);
    assert_pack_says("a number has a leading zero at character 5");
    assert_pack_fails(pack_version_check("1.2.3\033[2J", &error), PACK_E_MALFORMED);
    assert_pack_says("\\x1b");
}

/* semver.org, item 11. */
static void a87_precedence_follows_the_standard(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "0.0.1",      "0.1.0",        "1.0.0-0",       "1.0.0-2",
        "1.0.0-10",   "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0",      "2.0.0",        "2.1.0",         "2.1.1",
    };
    for (size_t i = 0; i < sizeof ascending / sizeof ascending[0]; i++)
        for (size_t j = 0; j < i; j++)
            check_order(ascending[j], ascending[i]);
}

static void a88_long_versions_are_refused(void **state)
{
    (void)state;
    static const size_t lengths[] = {256, 257, 65536};
    struct pack_error error = {.code = PACK_OK};
    char version[PACK_MAX_VERSION + 1] = "1.0.0-";
    memset(version + 6, 'a', PACK_MAX_VERSION - 6);
    assert_pack_ok(pack_version_check(version, &error));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *text PACK_AUTO_FREE = calloc(1, lengths[i] + 1);
        assert_non_null(text);
        memset(text, '1', lengths[i]);
        assert_pack_fails(pack_version_check(text, &error), PACK_E_LIMIT);
    }
}

static void a89_numbers_of_any_length_are_compared(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_ok(pack_version_check("99999999999999999999999.999999999999999999.9", &error));
    check_order("1.0.0", "18446744073709551616.0.0");
    check_order("18446744073709551615.0.0", "18446744073709551616.0.0");
    check_order("1.99999999999999999999998.0", "1.99999999999999999999999.0");
    check_order("1.0.0-99999999999999999999999", "1.0.0-100000000000000000000000");
}

static void a90_numbers_are_no_texts(void **state)
{
    (void)state;
    check_order("1.9.0", "1.10.0");
    check_order("1.0.0-rc.2", "1.0.0-rc.11");
    check_order("1.0.0-rc.11", "1.0.0-rc.a");
    assert_int_equal(pack_version_compare("1.0.0+a", "1.0.0+b"), 0);
    assert_int_equal(pack_version_compare("1.0.0-rc.1+a", "1.0.0-rc.1"), 0);
    check_order("1.0.0-A", "1.0.0-a");
    check_order("1.0.0-a", "1.0.0-a-");
}

static void ranges_hold_all_their_comparators(void **state)
{
    (void)state;
    static const struct {
        const char *range, *version;
        bool holds;
    } cases[] = {
        {">=2.0.0 <3.0.0", "2.0.0", true},
        {">=2.0.0 <3.0.0", "2.99.1", true},
        {">=2.0.0 <3.0.0", "3.0.0", false},
        {">=2.0.0 <3.0.0", "1.9.9", false},
        {">=2.0.0 <3.0.0", "3.0.0-rc.1", true},
        {">=2.0.0", "2.0.0-rc.1", false},
        {"1.2.3", "1.2.3", true},
        {"=1.2.3", "1.2.3+build", true},
        {"=1.2.3", "1.2.4", false},
        {">1.2.3", "1.2.3", false},
        {"<=1.2.3", "1.2.3", true},
        {"<1.2.3", "1.2.3-0", true},
        {"  >=1.0.0   <=1.9.0 ", "1.10.0", false},
        {">1.0.0 >2.0.0", "1.5.0", false},
        {">=1.0.0", "no version", false},
        {"no range", "1.0.0", false},
        {"", "1.0.0", false},
        {" ", "1.0.0", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pack_range_contains(cases[i].range, cases[i].version), cases[i].holds);
}

static void broken_ranges_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        " ",
        "x",
        "1.x",
        ">=",
        ">= 1.0.0",
        "^1.0.0",
        "~1.0.0",
        "1.0.0 || 2.0.0",
        ">=1.0.0,<2.0.0",
        "==1.0.0",
        "=>1.0.0",
        ">=01.0.0",
        ">=1.0.0\t<2.0.0",
        "*",
        "1.0.0 - 2.0.0",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_pack_fails(pack_range_check(broken[i], &error), PACK_E_MALFORMED);
    assert_pack_fails(pack_range_check(">=1.0.0 <2.0", &error), PACK_E_MALFORMED);
    assert_pack_says("\">=1.0.0 <2.0\" is no version range: the patch number is missing at "
                     "character 13");
}

static void a88_long_ranges_are_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *range PACK_AUTO_FREE = calloc(1, PACK_MAX_TEXT + 2);
    assert_non_null(range);
    memset(range, ' ', PACK_MAX_TEXT);
    memcpy(range, "1.0.0", 5);
    assert_pack_ok(pack_range_check(range, &error));
    range[PACK_MAX_TEXT] = ' ';
    assert_pack_fails(pack_range_check(range, &error), PACK_E_LIMIT);
    memset(range, '1', 300);
    range[300] = '\0';
    assert_pack_fails(pack_range_check(range, &error), PACK_E_MALFORMED);
}

/* --- the lists of the shared data, when present ---------------------------------------------- */

/* Lines of a file; the text is taken apart. */
static char *next_line(char **rest)
{
    char *line = NULL;
    do
        line = strsep(rest, "\n");
    while (line != NULL && line[0] == '\0');
    return line;
}

static char *read_list(const char *name)
{
    char *path PACK_AUTO_FREE = test_shared(name);
    size_t size = 0;
    return (char *)test_read_file(path, &size);
}

static void a87_shared_lists(void **state)
{
    (void)state;
    char *valid PACK_AUTO_FREE = read_list("vectors/semver/valid.txt");
    char *invalid PACK_AUTO_FREE = read_list("vectors/semver/invalid.txt");
    struct pack_error error = {.code = PACK_OK};
    char *rest = valid;
    for (char *line = next_line(&rest); line != NULL; line = next_line(&rest))
        assert_pack_ok(pack_version_check(line, &error));
    rest = invalid;
    for (char *line = next_line(&rest); line != NULL; line = next_line(&rest))
        assert_pack_fails(pack_version_check(line, &error), PACK_E_MALFORMED);
}

static void a87_shared_chain(void **state)
{
    (void)state;
    char *chain PACK_AUTO_FREE = read_list("vectors/semver/ordering-chain.txt");
    char *rest = chain;
    const char *previous = next_line(&rest);
    assert_non_null(previous);
    for (char *line = next_line(&rest); line != NULL; line = next_line(&rest)) {
        check_order(previous, line);
        previous = line;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a87_valid_versions_are_accepted),
        cmocka_unit_test(a87_invalid_versions_are_refused),
        cmocka_unit_test(a87_the_reason_and_the_place_are_told),
        cmocka_unit_test(a87_precedence_follows_the_standard),
        cmocka_unit_test(a88_long_versions_are_refused),
        cmocka_unit_test(a89_numbers_of_any_length_are_compared),
        cmocka_unit_test(a90_numbers_are_no_texts),
        cmocka_unit_test(ranges_hold_all_their_comparators),
        cmocka_unit_test(broken_ranges_are_refused),
        cmocka_unit_test(a88_long_ranges_are_refused),
        cmocka_unit_test(a87_shared_lists),
        cmocka_unit_test(a87_shared_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
