/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/memory.h"
#include "codec/json_reader.h"
#include "pack/json.h"
#include "pack/limits.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* --- writer ---------------------------------------------------------------------------------- */

static void check_text(struct pack_json *json, const char *expected)
{
    struct pack_error error = {.code = PACK_OK};
    const char *text = NULL;
    size_t size = 0;
    assert_pack_ok(pack_json_finish(json, &text, &size, &error));
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
}

static struct pack_json *new_writer(bool indent)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_json *json = NULL;
    assert_pack_ok(pack_json_new(&json, indent, &error));
    return json;
}

static void write_sample(struct pack_json *json)
{
    pack_json_object(json, NULL);
    pack_json_string(json, "name", "a");
    pack_json_array(json, "list");
    pack_json_unsigned(json, NULL, UINT64_MAX);
    pack_json_integer(json, NULL, INT64_MIN);
    pack_json_boolean(json, NULL, true);
    pack_json_null(json, NULL);
    pack_json_end(json);
    pack_json_array(json, "none");
    pack_json_end(json);
    pack_json_object_line(json, "line");
    pack_json_hex(json, "x", "\x00\xff", 2);
    pack_json_array(json, "y");
    pack_json_unsigned(json, NULL, 1);
    pack_json_unsigned(json, NULL, 2);
    pack_json_end(json);
    pack_json_end(json);
    pack_json_raw(json, "raw", "{\"z\":0}");
    pack_json_end(json);
}

static void writer_indents_by_two(void **state)
{
    (void)state;
    PACK_AUTO(pack_json_free) struct pack_json *json = new_writer(true);
    write_sample(json);
    check_text(json, "{\n"
                     "  \"name\": \"a\",\n"
                     "  \"list\": [\n"
                     "    18446744073709551615,\n"
                     "    -9223372036854775808,\n"
                     "    true,\n"
                     "    null\n"
                     "  ],\n"
                     "  \"none\": [],\n"
                     "  \"line\": {\"x\": \"00ff\", \"y\": [1, 2]},\n"
                     "  \"raw\": {\"z\":0}\n"
                     "}\n");
}

static void writer_is_compact_without_indent(void **state)
{
    (void)state;
    PACK_AUTO(pack_json_free) struct pack_json *json = new_writer(false);
    write_sample(json);
    const char *expected =
        "{\"name\":\"a\",\"list\":[18446744073709551615,-9223372036854775808,true,null],\"none\":[]"
        ",\"line\":{\"x\":\"00ff\",\"y\":[1,2]},\"raw\":{\"z\":0}}\n";
    check_text(json, expected);
    check_text(json, expected); /* asking again changes nothing */
}

static void a25_strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *value, *expected;
    } cases[] = {
        {"", "\"\"\n"},
        {"\"\\/", "\"\\\"\\\\/\"\n"},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"\n"},
        {"\x01\x1b[2J\x7f", "\"\\u0001\\u001b[2J\\u007f\"\n"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"\n"},
        {"a\xff\xfe", "\"a\xef\xbf\xbd\xef\xbf\xbd\"\n"},
        {"\xc3", "\"\xef\xbf\xbd\"\n"},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* a surrogate */
        {"\xc0\x80z", "\"\xef\xbf\xbd\xef\xbf\xbdz\"\n"},               /* overlong */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO(pack_json_free) struct pack_json *json = new_writer(true);
        pack_json_string(json, NULL, cases[i].value);
        check_text(json, cases[i].expected);
    }
}

static void check_misuse(struct pack_json *json)
{
    struct pack_error error = {.code = PACK_OK};
    const char *text = NULL;
    size_t size = 0;
    assert_pack_fails(pack_json_finish(json, &text, &size, &error), PACK_E_INTERNAL);
}

static void writer_notices_misuse(void **state)
{
    (void)state;
    struct pack_json *json = new_writer(true);
    check_misuse(json); /* nothing written */
    pack_json_free(&json);
    json = new_writer(true);
    pack_json_object(json, NULL);
    check_misuse(json); /* still open */
    pack_json_free(&json);
    json = new_writer(true);
    pack_json_end(json);
    check_misuse(json);
    pack_json_free(&json);
    json = new_writer(true);
    pack_json_object(json, NULL);
    pack_json_null(json, NULL); /* no name */
    pack_json_end(json);
    check_misuse(json);
    pack_json_free(&json);
    json = new_writer(true);
    pack_json_null(json, NULL);
    pack_json_null(json, NULL); /* a second value */
    check_misuse(json);
    pack_json_free(&json);
    json = new_writer(true);
    for (int i = 0; i < 1000; i++)
        pack_json_array(json, NULL);
    check_misuse(json);
    pack_json_free(&json);
}

/* --- reader ---------------------------------------------------------------------------------- */

/* The verdict on a text; the tree is gone when it is there. */
static int read_bytes(const void *text, size_t size, struct pack_error *error)
{
    const struct pack_json_value *root = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_json_read(&root, arena, text, size, error);
    assert_true((code == 0) == (root != NULL));
    return code;
}

static int read_text(const char *text, struct pack_error *error)
{
    return read_bytes(text, strlen(text), error);
}

static void reader_keeps_values_and_places(void **state)
{
    (void)state;
    static const char text[] = "{\"a\\u0062\": [true,\n 7, \"\xc3\xa4\\ud83d\\ude00\\/\\n\", {}],"
                               " \"c\": null}";
    struct pack_error error = {.code = PACK_OK};
    const struct pack_json_value *root = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    assert_pack_ok(pack_arena_new(&arena, &error));
    assert_pack_ok(pack_json_read(&root, arena, text, strlen(text), &error));
    assert_int_equal(root->type, PACK_JSON_OBJECT);
    assert_int_equal(root->count, 2);
    const struct pack_json_value *array = pack_json_member(root, "ab");
    assert_non_null(array);
    assert_int_equal(array->count, 4);
    const struct pack_json_value *number = array->first->next, *string = number->next;
    assert_int_equal(array->first->type, PACK_JSON_BOOLEAN);
    assert_true(array->first->boolean);
    assert_int_equal(number->integer, 7);
    assert_int_equal(number->line, 2);
    assert_int_equal(number->column, 2);
    assert_string_equal(string->text, "\xc3\xa4\xf0\x9f\x98\x80/\n");
    assert_int_equal(string->next->type, PACK_JSON_OBJECT);
    assert_int_equal(string->next->column, 26);
    assert_int_equal(pack_json_member(root, "c")->type, PACK_JSON_NULL);
    assert_null(pack_json_member(root, "d"));
    assert_null(pack_json_member(array, "a"));
    PACK_AUTO(pack_json_free) struct pack_json *json = new_writer(false);
    pack_json_write(json, NULL, root);
    check_text(json, "{\"ab\":[true,7,\"\xc3\xa4\xf0\x9f\x98\x80/\\n\",{}],\"c\":null}\n");
}

static void reader_accepts_documents(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        " {\"a\" : [1, true, false, null, \"\\u00e4\\ud83d\\ude00\"]}\r\n\t",
        "[9007199254740991, 0, \"-1\", \"1.5e3\", \"\\\"-1\\\\\"]",
        "{\"\":{}}",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_pack_ok(read_text(good[i], &error));
}

static void reader_refuses_what_is_no_json(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "1",
        "\"a\"",
        "null",
        "{",
        "[1",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1 2]",
        "{\"a\" 1}",
        "[NaN]",
        "[Infinity]",
        "[+1]",
        "[01]",
        "[.5]",
        "[1.]",
        "[0x1]",
        "[tru]",
        "[\"\t\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\xff\"]",
        "[\"\xed\xa0\x80\"]",
        "[] []",
        "[]x",
        "// c\n[]",
        "[/**/]",
        "[\"\\ud800\"]",
        "[\"\\udc00\\ud800\"]",
        "[\"\\u0000\"]",
        "]",
        "}{",
        "[\xc2\xa0]",
        "\xef\xbb\xbf[]",
        "[\"a]",
        "\"",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_pack_fails(read_text(bad[i], &error), PACK_E_MALFORMED);
}

static void a79_a_nul_does_not_end_the_text(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(read_bytes("{}\0{}", 5, &error), PACK_E_MALFORMED);
    assert_pack_fails(read_bytes("[]\0", 3, &error), PACK_E_MALFORMED);
    assert_pack_fails(read_bytes("[\"\0\"]", 5, &error), PACK_E_MALFORMED);
}

static void a79_members_stand_once(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(read_text("{\"a\":1,\"a\":1}", &error), PACK_E_MALFORMED);
    assert_pack_says("the same member twice");
    assert_pack_fails(read_text("{\"a\":1,\n \"\\u0061\":2}", &error), PACK_E_MALFORMED);
    assert_int_equal(error.line, 2);
    assert_pack_fails(read_text("[{\"x\":{\"\":1,\"\":2}}]", &error), PACK_E_MALFORMED);
}

static void a80_numbers_are_plain_integers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[1.0]",
        "[1e0]",
        "[-0]",
        "[-1]",
        "[9007199254740992]",
        "[9007199254740993]",
        "[9223372036854775808]",
        "[18446744073709551616]",
        "[1e400]",
        "[0.0]",
        "[1E5]",
        "{\"a\":{\"b\":[0,1,2.5]}}",
        "[100000000000000000000000000000000000000000000000000]",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_pack_fails(read_text(bad[i], &error), PACK_E_MALFORMED);
    assert_pack_fails(read_text("{\n  \"\xc3\xa4\": 1.0\n}", &error), PACK_E_MALFORMED);
    assert_pack_says("a number that is no plain integer");
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 8);
}

static void the_first_fault_is_told(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(read_text("{\"a\": \"b,\n\"c\": -1,\n\"d\": 1}", &error), PACK_E_MALFORMED);
    assert_pack_says("not valid JSON");
    assert_int_equal(error.line, 1);
    assert_pack_fails(read_text("[-1,\n x]", &error), PACK_E_MALFORMED);
    assert_pack_says("negative");
}

static void a83_faults_are_shown_escaped(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(read_text("[\033]0;title\007]", &error), PACK_E_MALFORMED);
    assert_null(strchr(error.text, '\033'));
}

/* `count` times `piece`. */
static char *repeated(const char *piece, size_t count)
{
    const size_t length = strlen(piece);
    char *text = calloc(1, length * count + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * length, piece, length);
    return text;
}

static void a77_deep_nesting_is_refused(void **state)
{
    (void)state;
    static const size_t depths[] = {33, 2049, 100000};
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        char *arrays PACK_AUTO_FREE = repeated("[", depths[i]);
        assert_pack_fails(read_text(arrays, &error), PACK_E_LIMIT);
        assert_int_equal(error.column, PACK_MAX_NESTING + 1);
        char *objects PACK_AUTO_FREE = repeated("{\"\":", depths[i]);
        assert_pack_fails(read_text(objects, &error), PACK_E_LIMIT);
        assert_int_equal(error.column, 4 * PACK_MAX_NESTING + 1);
    }
}

static void a77_the_deepest_nesting_is_read(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = repeated("[]", PACK_MAX_NESTING);
    memset(text, '[', PACK_MAX_NESTING);
    memset(text + PACK_MAX_NESTING, ']', PACK_MAX_NESTING);
    assert_pack_ok(read_text(text, &error));
    assert_pack_ok(
        read_text("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]", &error));
}

static void a84_large_texts_are_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = calloc(1, PACK_MAX_DOCUMENT + 1);
    assert_non_null(text);
    memset(text, ' ', PACK_MAX_DOCUMENT + 1);
    memcpy(text, "[]", 2);
    assert_pack_fails(read_bytes(text, PACK_MAX_DOCUMENT + 1, &error), PACK_E_LIMIT);
    assert_pack_ok(read_bytes(text, PACK_MAX_DOCUMENT, &error));
}

static void a81_many_members_stay_cheap(void **state)
{
    (void)state;
    PACK_AUTO(pack_json_free) struct pack_json *json = new_writer(false);
    struct pack_error error = {.code = PACK_OK};
    const char *text = NULL;
    size_t size = 0;
    char name[16];
    pack_json_object(json, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "k%u", i);
        pack_json_unsigned(json, name, i);
    }
    pack_json_end(json);
    assert_pack_ok(pack_json_finish(json, &text, &size, &error));
    const struct pack_json_value *root = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    assert_pack_ok(pack_arena_new(&arena, &error));
    assert_pack_ok(pack_json_read(&root, arena, text, size, &error));
    assert_int_equal(root->count, 20000);
}

static void a81_many_values_are_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = repeated(",{}", 300000);
    text[0] = '[';
    assert_pack_fails(read_text(text, &error), PACK_E_LIMIT);
}

/* --- the suites of the shared data, when present --------------------------------------------- */

/*
 * Cases of JSONTestSuite that must be accepted as JSON, and that documents refuse all the same:
 * they hold numbers that are no plain integers, scalars at the top, NUL, or a name twice.
 */
static bool is_ours_to_refuse(const char *name)
{
    static const char *const parts[] = {
        "y_number.json",
        "y_number_0e",
        "y_number_double_close_to_zero",
        "y_number_int_with_exp",
        "y_number_minus_zero",
        "y_number_negative_",
        "y_number_real_",
        "y_number_simple_real",
        "y_object_duplicated_key",
        "y_object_escaped_null_in_key",
        "y_object_extreme_numbers",
        "y_string_null_escape",
        "y_structure_lonely_",
        "y_structure_string_empty",
        "y_string_space",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strncmp(name, parts[i], strlen(parts[i])) == 0)
            return true;
    return false;
}

static void check_case(const char *folder, const char *name)
{
    char *path PACK_AUTO_FREE = test_path(folder, name);
    size_t size = 0;
    uint8_t *text PACK_AUTO_FREE = test_read_file(path, &size);
    struct pack_error error = {.code = PACK_OK};
    const int code = read_bytes(text, size, &error);
    const bool wanted = name[0] == 'y' && !is_ours_to_refuse(name);
    if (name[0] != 'i' && (code == 0) != wanted)
        fail_msg("%s: %s", name, code == 0 ? "accepted" : error.text);
}

static void a79_shared_jsontestsuite(void **state)
{
    (void)state;
    char *folder PACK_AUTO_FREE = test_shared("vectors/jsontestsuite/test_parsing");
    DIR *list = opendir(folder);
    assert_non_null(list);
    size_t count = 0;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (entry->d_name[0] == '.')
            continue;
        check_case(folder, entry->d_name);
        count++;
    }
    closedir(list);
    assert_true(count >= 318);
}

static void a79_shared_text_attacks(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "duplicate-key-escaped",
        "deep",
        "trailing-comma",
        "trailing-data",
        "float-int",
        "exp-int",
        "lone-surrogate",
        "nul-escape",
        "nan",
        "bom",
    };
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "vectors/text-attacks/%s.json", refused[i]);
        char *path PACK_AUTO_FREE = test_shared(name);
        size_t size = 0;
        uint8_t *text PACK_AUTO_FREE = test_read_file(path, &size);
        assert_int_not_equal(read_bytes(text, size, &error), 0);
    }
}

/* --- the JSON of others ---------------------------------------------------------------------- */

static void any_number_is_kept_as_it_stands(void **state)
{
    (void)state;
    static const char *const good[] = {
        "-0", "-1", "1.5", "0.25", "1e3", "1E+10", "-2.5e-7", "1e09", "9007199254740992"};
    static const char *const bad[] = {"01",  "-",  "-01", "1.",   ".5",    "1e",
                                      "1e+", "+1", "--1", "1.e5", "1.5.5", "0x10"};
    const struct pack_json_limits limits = {.bytes = 100, .values = 4};
    struct pack_error error = {0};
    char text[64];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
        const struct pack_json_value *root = NULL;
        const int size = snprintf(text, sizeof text, "[%s,7]", good[i]);
        assert_pack_ok(pack_arena_new(&arena, &error));
        assert_pack_ok(pack_json_read_any(&root, arena, text, (size_t)size, &limits, &error));
        assert_string_equal(root->first->text, good[i]);
        assert_null(root->first->next->text);
        assert_pack_fails(pack_json_read(&root, arena, text, (size_t)size, &error),
                          PACK_E_MALFORMED);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
        const struct pack_json_value *root = NULL;
        const int size = snprintf(text, sizeof text, "[%s]", bad[i]);
        assert_pack_ok(pack_arena_new(&arena, &error));
        assert_pack_fails(pack_json_read_any(&root, arena, text, (size_t)size, &limits, &error),
                          PACK_E_MALFORMED);
    }
}

static void other_limits_hold(void **state)
{
    (void)state;
    const struct pack_json_limits limits = {.bytes = 12, .values = 4};
    struct pack_error error = {0};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    const struct pack_json_value *root = NULL;
    assert_pack_ok(pack_arena_new(&arena, &error));
    assert_pack_ok(pack_json_read_any(&root, arena, "[1,2,3]", 7, &limits, &error));
    assert_pack_fails(pack_json_read_any(&root, arena, "[1,2,3,4]", 9, &limits, &error),
                      PACK_E_LIMIT);
    assert_pack_says("more than 4 values");
    assert_pack_fails(pack_json_read_any(&root, arena, "[          1]", 13, &limits, &error),
                      PACK_E_LIMIT);
    assert_pack_says("13 bytes of JSON, 12 are allowed");
}

/* What may be left out: all calls are taken. */
static void test_no_writer_keeps_nothing(void **state)
{
    (void)state;
    pack_json_object(NULL, NULL);
    pack_json_array(NULL, "a");
    pack_json_string(NULL, NULL, "text");
    pack_json_hex(NULL, NULL, "ab", 2);
    pack_json_unsigned(NULL, NULL, 1);
    pack_json_end(NULL);
    pack_json_boolean(NULL, "b", true);
    pack_json_end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_indents_by_two),
        cmocka_unit_test(writer_is_compact_without_indent),
        cmocka_unit_test(a25_strings_are_escaped),
        cmocka_unit_test(writer_notices_misuse),
        cmocka_unit_test(reader_keeps_values_and_places),
        cmocka_unit_test(reader_accepts_documents),
        cmocka_unit_test(reader_refuses_what_is_no_json),
        cmocka_unit_test(a79_a_nul_does_not_end_the_text),
        cmocka_unit_test(a79_members_stand_once),
        cmocka_unit_test(a80_numbers_are_plain_integers),
        cmocka_unit_test(the_first_fault_is_told),
        cmocka_unit_test(a83_faults_are_shown_escaped),
        cmocka_unit_test(a77_the_deepest_nesting_is_read),
        cmocka_unit_test(a77_deep_nesting_is_refused),
        cmocka_unit_test(a84_large_texts_are_refused),
        cmocka_unit_test(a81_many_members_stay_cheap),
        cmocka_unit_test(a81_many_values_are_refused),
        cmocka_unit_test(any_number_is_kept_as_it_stands),
        cmocka_unit_test(other_limits_hold),
        cmocka_unit_test(a79_shared_jsontestsuite),
        cmocka_unit_test(a79_shared_text_attacks),
        cmocka_unit_test(test_no_writer_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
