/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "pack/limits.h"
#include "pack/text.h"

#include <string.h>

#define TEXT(literal) (literal), sizeof(literal) - 1

/* --- escaping (A25, A83) --------------------------------------------------------------------- */

static void what_misleads_a_terminal_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *shown;
    } cases[] = {
        {TEXT(""), ""},
        {TEXT("plain text, Grüße, 日本語, 🔑"), "plain text, Grüße, 日本語, 🔑"},
        {TEXT("a\\b"), "a\\\\b"},
        {TEXT("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07"},
        {TEXT("one\r\ntwo\ttab\0end"), "one\\x0d\\x0atwo\\x09tab\\x00end"},
        {TEXT("\x7f\xc2\x80\xc2\x9b"), "\\x7f\\u{0080}\\u{009B}"},
        {TEXT("\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\u206f\ufeff"),
         "\\u{200B}\\u{200E}\\u{200F}\\u{202A}\\u{202E}\\u{2060}\\u{2066}\\u{2069}\\u{206F}"
         "\\u{FEFF}"},
        {TEXT("\u061c\u2028\u2029\ufff9\U000e0041"),
         "\\u{061C}\\u{2028}\\u{2029}\\u{FFF9}\\u{E0041}"},
        {TEXT("\u2010\u2027\u2030\u205f\u2070"), "\u2010\u2027\u2030\u205f\u2070"},
        {TEXT("\x80\xbf\xc0\xaf\xff"), "\\x80\\xbf\\xc0\\xaf\\xff"},
        {TEXT("\xe2\x82"), "\\xe2\\x82"},                   /* cut short */
        {TEXT("\xed\xa0\x80"), "\\xed\\xa0\\x80"},          /* a surrogate */
        {TEXT("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {TEXT("\xe0\x80\xaf\xf0\x80\x80\xaf"),
         "\\xe0\\x80\\xaf\\xf0\\x80\\x80\\xaf"}, /* overlong */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[256];
        assert_ptr_equal(pack_escape(out, sizeof out, cases[i].text, cases[i].size), out);
        assert_string_equal(out, cases[i].shown);
    }
}

static void escaped_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const char text[] = "aü\x1b"
                               "b日";
    static const char shown[] = "aü\\x1bb日";
    char out[32];
    for (size_t capacity = 1; capacity <= sizeof out; capacity++) {
        memset(out, '#', sizeof out);
        pack_escape(out, capacity, text, sizeof text - 1);
        const size_t length = strlen(out);
        assert_true(length < capacity);
        assert_memory_equal(out, shown, length);
        assert_true(pack_utf8_valid(out, length));
        if (capacity < sizeof out)
            assert_int_equal(out[capacity], '#');
        if (capacity > strlen(shown))
            assert_string_equal(out, shown);
    }
    out[0] = '#';
    pack_escape(out, 0, text, sizeof text - 1);
    assert_int_equal(out[0], '#');
}

/* No byte sequence of up to three bytes comes out with a byte that a terminal acts on. */
static void nothing_gets_through(void **state)
{
    (void)state;
    for (uint32_t bytes = 0; bytes < 1 << 24; bytes += bytes < 1 << 16 ? 1 : 61) {
        const char text[] = {(char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
        char out[16];
        pack_escape(out, sizeof out, text, sizeof text);
        for (const char *c = out; *c != '\0'; c++)
            if ((uint8_t)*c < 0x20 || *c == 0x7f)
                fail_msg("%06x comes out with byte %02x", bytes, (uint8_t)*c);
        if (!pack_utf8_valid(out, strlen(out)))
            fail_msg("%06x comes out as what is not UTF-8", bytes);
    }
}

/* --- UTF-8 (RFC 3629) ------------------------------------------------------------------------ */

static size_t encode(uint32_t character, uint8_t out[4])
{
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    const size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; character >>= 6)
        out[i] = (uint8_t)(0x80 | (character & 0x3f));
    out[0] = (uint8_t)((0xf00 >> length & 0xff) | character);
    return length;
}

static void every_character_is_valid_but_surrogates(void **state)
{
    (void)state;
    for (uint32_t character = 0; character < 0x120000; character++) {
        uint8_t bytes[4];
        const size_t length = encode(character, bytes);
        const bool wanted = character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
        if (pack_utf8_valid(bytes, length) != wanted)
            fail_msg("U+%04X is judged wrongly", character);
        if (length > 1 && pack_utf8_valid(bytes, length - 1))
            fail_msg("U+%04X may be cut short", character);
    }
}

static void overlong_forms_are_not_valid(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80",
        "\xfe",     "a\x80",    "\xc3("};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(pack_utf8_valid(texts[i], strlen(texts[i])));
    assert_true(pack_utf8_valid("", 0));
    assert_true(pack_utf8_valid("a\0b", 3));
}

static void plain_text_needs_no_escape(void **state)
{
    (void)state;
    assert_true(pack_text_plain(TEXT("plain, Grüße")));
    assert_true(pack_text_plain(TEXT("back\\slash")));
    assert_false(pack_text_plain(TEXT("line\nfeed")));
    assert_false(pack_text_plain(TEXT("zero\0byte")));
    assert_false(pack_text_plain(TEXT("right-to-left \u202e")));
    assert_false(pack_text_plain(TEXT("latin1 \xfc")));
}

/* --- nearest words --------------------------------------------------------------------------- */

static void the_nearest_word_is_the_one_that_was_meant(void **state)
{
    (void)state;
    static const char *const words[] = {"build", "sign", "verify", "inspect", "extract", "key"};
    static const struct {
        const char *word, *meant;
    } cases[] = {
        {"build", "build"},
        {"biuld", "build"},
        {"buld", "build"},
        {"verfiy", "verify"},
        {"verifyy", "verify"},
        {"extrat", "extract"},
        {"kye", "key"},
        {"ky", "key"},
        {"sgin", "sign"},
        {"insepct", "inspect"},
        {"install", NULL},
        {"x", NULL},
        {"", NULL},
        {"pub", NULL},
        {"repository", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = pack_nearest(cases[i].word, words, sizeof words / sizeof words[0]);
        if (cases[i].meant == NULL)
            assert_null(found);
        else
            assert_string_equal(found, cases[i].meant);
    }
    assert_null(pack_nearest("build", words, 0));
}

static void long_words_are_near_nothing(void **state)
{
    (void)state;
    char word[400];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *const words[] = {word, "build"};
    assert_null(pack_nearest(word, words, 2));
    assert_string_equal(pack_nearest("biuld", words, 2), "build");
}

/* --- sizes ----------------------------------------------------------------------------------- */

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

static void times_are_told_in_utc(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1709208000, "2024-02-29T12:00:00Z"},
        {UINT64_C(253402300799), "9999-12-31T23:59:59Z"},
        {UINT64_C(253402300800), "253402300800 seconds after 1970"},
        {UINT64_MAX, "18446744073709551615 seconds after 1970"},
    };
    char text[PACK_TIME_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(pack_time_text(text, cases[i].seconds), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_told_in_utc),
        cmocka_unit_test(what_misleads_a_terminal_is_escaped),
        cmocka_unit_test(escaped_text_is_cut_between_characters),
        cmocka_unit_test(nothing_gets_through),
        cmocka_unit_test(every_character_is_valid_but_surrogates),
        cmocka_unit_test(overlong_forms_are_not_valid),
        cmocka_unit_test(plain_text_needs_no_escape),
        cmocka_unit_test(the_nearest_word_is_the_one_that_was_meant),
        cmocka_unit_test(long_words_are_near_nothing),
        cmocka_unit_test(sizes_have_the_unit_that_fits),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
