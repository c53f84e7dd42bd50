/* SPDX-License-Identifier: MIT */
/* Lines of a journal: written in one form, read in no other; the chain that they make. */
#include "journal/line.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYID "70c9b1f15b68e330a68c42cae7b5057bf6407960b58f438e31673d55aae6974d"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct pack_journal_entry entry_at(uint64_t when)
{
    return (struct pack_journal_entry){.when = when,
                                       .document = {0xab},
                                       .role = "release",
                                       .keyid = KEYID,
                                       .store = "file",
                                       .product = "acme",
                                       .version = "1.0.0",
                                       .file = "acme.fwb"};
}

#define LINE_HEAD "{\"type\":\"fwpack.journal/1\",\"sequence\":1,\"previous\":\"" ZEROS "\","
#define LINE_DOCUMENT \
    "\"document\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
#define LINE                                                                             \
    LINE_HEAD "\"when\":\"2024-02-29T12:34:56Z\"," LINE_DOCUMENT "\"role\":\"release\"," \
              "\"keyid\":\"" KEYID "\",\"store\":\"file\",\"product\":\"acme\","         \
              "\"version\":\"1.0.0\",\"file\":\"acme.fwb\"}\n"

static void a_line_has_one_form(void **state)
{
    (void)state;
    struct pack_error error = {0};
    const struct journal_line line = {.sequence = 1, .entry = entry_at(1709210096)};
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(journal_line_format(&text, &size, &line, &error));
    assert_string_equal(text, LINE);
    assert_int_equal(size, strlen(LINE));
}

static int parse(const char *text, struct journal_line *line, struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    *error = (struct pack_error){.code = PACK_OK};
    const int code = pack_arena_new(&arena, error);
    return code != 0 ? code : journal_line_parse(line, arena, text, strlen(text), error);
}

/* The line with the first `from` in it replaced. */
static int parse_changed(const char *from, const char *to)
{
    struct pack_error error;
    struct journal_line line;
    char text[2048];
    const char *at = strstr(LINE, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - LINE), LINE, to, at + strlen(from));
    return parse(text, &line, &error);
}

static void what_is_read_is_what_was_written(void **state)
{
    (void)state;
    struct pack_error error;
    struct journal_line line;
    assert_pack_ok(parse(LINE, &line, &error));
    assert_int_equal(line.sequence, 1);
    assert_int_equal(line.entry.when, 1709210096);
    assert_int_equal(line.entry.document[0], 0xab);
    assert_int_equal(parse_changed("\"role\":\"release\",", ""), 0);
    assert_int_equal(parse_changed("\"product\":\"acme\",\"version\":\"1.0.0\",", ""), 0);
    assert_int_equal(parse_changed(",\"file\":\"acme.fwb\"", ""), 0);
    assert_int_equal(parse_changed("2024-02-29T12:34:56Z", "1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parse_changed("2024-02-29T12:34:56Z", "9999-12-31T23:59:59Z"), 0);
    assert_int_equal(parse_changed("2024-02-29", "2000-02-29"), 0);
    assert_int_equal(parse_changed("2024-02-29", "2100-03-01"), 0);
}

static void no_other_form_is_read(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"journal/1", "journal/2"},
        {"\"sequence\":1", "\"sequence\": 1"},
        {"\"sequence\":1", "\"sequence\":01"},
        {"\"sequence\":1", "\"sequence\":\"1\""},
        {"\"sequence\":1,", ""},
        {"acme.fwb", "acme\\u002efwb"},
        {"acme.fwb", "acme\x1b.fwb"},
        {"\"file\":\"acme.fwb\"", "\"file\":\"\""},
        {"\"store\":\"file\",", ""},
        {"\"store\":\"file\"", "\"store\":1"},
        {"\"role\":\"release\"", "\"role\":null"},
        {"\"role\":\"release\",", "\"more\":1,\"role\":\"release\","},
        {"ab00", "AB00"},
        {"ab00", "ab0"},
        {"2024-02-29", "2023-02-29"},
        {"2024-02-29", "2100-02-29"},
        {"2024-02-29", "2024-13-01"},
        {"12:34:56", "24:00:00"},
        {"12:34:56", "12:34:60"},
        {"12:34:56Z", "12:34:56+"},
        {"2024", "1969"},
        {"}\n", "}"},
        {"}\n", "}\r\n"},
        {"}\n", "}\n\n"},
        {"{", " {"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_int_equal(parse_changed(changes[i][0], changes[i][1]), PACK_E_MALFORMED);
    assert_int_equal(parse_changed("\"role\":\"release\",\"keyid\":\"" KEYID "\"",
                                   "\"keyid\":\"" KEYID "\",\"role\":\"release\""),
                     PACK_E_MALFORMED);
}

/* --- files ----------------------------------------------------------------------------------- */

static void lines_make_a_chain(void **state)
{
    struct pack_error error = {0};
    struct pack_journal_summary summary;
    struct stat status;
    const struct pack_journal_entry first = entry_at(1), second = entry_at(0);
    uint8_t head[PACK_SHA256_SIZE];
    PACK_AUTO_FREE char *path = test_path(*state, "journal");
    assert_pack_ok(pack_journal_ready(path, &error));
    assert_int_equal(access(path, F_OK), -1);
    assert_pack_ok(pack_journal_append(path, &first, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_pack_ok(pack_journal_check(&summary, path, NULL, NULL, NULL, &error));
    memcpy(head, summary.head, sizeof head);
    assert_pack_ok(pack_journal_append(path, &second, &error));
    assert_pack_ok(pack_journal_check(&summary, path, head, NULL, NULL, &error));
    assert_int_equal(summary.count, 2);
    assert_int_equal(summary.wanted_at, 1);
    head[0] ^= 1;
    assert_pack_fails(pack_journal_check(&summary, path, head, NULL, NULL, &error), PACK_E_CORRUPT);
}

static void a_line_that_is_too_long_is_not_written(void **state)
{
    struct pack_error error = {0};
    struct stat status;
    struct pack_journal_entry entry = entry_at(1);
    char name[PACK_MAX_JOURNAL_LINE];
    PACK_AUTO_FREE char *path = test_path(*state, "journal");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    entry.file = name;
    assert_pack_fails(pack_journal_append(path, &entry, &error), PACK_E_LIMIT);
    assert_int_equal(stat(path, &status), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_one_form),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(no_other_form_is_read),
        cmocka_unit_test_setup_teardown(lines_make_a_chain, test_make_folder, test_remove_folder),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_is_not_written, test_make_folder,
                                        test_remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
