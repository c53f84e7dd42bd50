/* SPDX-License-Identifier: MIT */
/* Text for people: escaped, nearest words, sizes. */
#include "support/test.h"

#include <string.h>

#include "pack/limits.h"
#include "pack/text.h"

/* A25, A83: what could mislead a terminal is spelled out. */
static void a25_misleading_text_is_escaped(void **state)
{
    static const struct {
        const char *text, *escaped;
    } cases[] = {
        {"plain", "plain"},
        {"a\\b", "a\\\\b"},
        {"\x1b[2J\a\r\n\t\x7f", "\\x1b[2J\\x07\\x0d\\x0a\\x09\\x7f"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xc2\x9b", "\\u{009B}"},
        {"a\xe2\x80\xae"
         "b",
         "a\\u{202E}b"},
        {"\xef\xbb\xbf", "\\u{FEFF}"},
        {"\xff\xc0\xaf\xed\xa0\x80", "\\xff\\xc0\\xaf\\xed\\xa0\\x80"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[128];
        const size_t size = strlen(cases[i].text);
        assert_string_equal(pack_escape(out, sizeof out, cases[i].text, size), cases[i].escaped);
        assert_int_equal(pack_text_plain(cases[i].text, size),
                         strcmp(cases[i].text, cases[i].escaped) == 0 || i == 1);
    }
}

static void escaped_text_is_cut_between_characters(void **state)
{
    char out[8];
    (void)state;
    for (size_t capacity = 1; capacity <= sizeof out; capacity++) {
        memset(out, 'x', sizeof out);
        pack_escape(out, capacity,
                    "a\x1b\xc3\xbc"
                    "b",
                    5);
        assert_true(strlen(out) < capacity);
        assert_true(pack_utf8_valid(out, strlen(out)));
        assert_true(strlen(out) < 2 || strlen(out) >= 5); /* never half of \x1B */
    }
}

static void the_nearest_word_is_one_that_may_be_meant(void **state)
{
    static const char *const words[] = {"build", "verify", "sign", "key"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"biuld", "build"}, {"verfy", "verify"}, {"sing", "sign"}, {"ky", "key"},
        {"k", NULL},        {"extract", NULL},   {"", NULL},       {"build", "build"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = pack_nearest(cases[i].word, words, 4);
        if (cases[i].nearest == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].nearest);
    }
    assert_null(pack_nearest("build", words, 0));
}

static void sizes_have_the_unit_that_fits(void **state)
{
    static const struct {
        uint64_t size;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {1, "1 byte"},
        {1023, "1023 bytes"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {PACK_MIB, "1.0 MiB"},
        {5 * PACK_GIB, "5.0 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[PACK_SIZE_TEXT];
        assert_string_equal(pack_size_text(text, cases[i].size), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a25_misleading_text_is_escaped),
        cmocka_unit_test(escaped_text_is_cut_between_characters),
        cmocka_unit_test(the_nearest_word_is_one_that_may_be_meant),
        cmocka_unit_test(sizes_have_the_unit_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
