/* SPDX-License-Identifier: MIT */
/* Pieces to segments, facts to text and JSON, and what the dispatcher words. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/builder.h"
#include "image_bytes.h"
#include "pack/limits.h"

/* --- builder --------------------------------------------------------------------------------- */

struct piece {
    uint64_t address;
    const char *bytes;
};

static int build(struct pack_image **image, bool lines, const struct piece *pieces, size_t count,
                 struct pack_error *error)
{
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    int code = pack_image_builder_make(&builder, lines, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = pack_image_add(builder, pieces[i].address, pieces[i].bytes, strlen(pieces[i].bytes),
                              10 * (i + 1), error);
    return code == 0 ? pack_image_builder_finish(&builder, image, error) : code;
}

static void pieces_in_any_order_are_sorted_and_merged(void **state)
{
    static const struct piece pieces[] = {
        {0x2000, "ef"}, {0x1000, "ab"}, {0x1002, "cd"}, {0x2002, "g"}, {0x0ffe, "__"},
    };
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    (void)state;
    assert_pack_ok(build(&image, true, pieces, 5, &error));
    assert_int_equal(image->segment_count, 2);
    assert_int_equal(image->segments[0].address, 0x0ffe);
    assert_int_equal(image->segments[0].size, 6);
    assert_int_equal(image->segments[1].address, 0x2000);
    assert_int_equal(image->segments[1].size, 3);
    assert_int_equal(image->size, 9);
    assert_memory_equal(image->bytes, "__abcdefg", 9);
    assert_false(image->has_entry);
    assert_int_equal(image->note_size, 0);
}

static void an_overlap_names_both_lines(void **state)
{
    static const struct piece pieces[] = {
        {0x1000, "abcd"}, {0x1004, "efgh"}, {0x1008, "ijkl"}, {0x3000, "x"}, {0x1005, "F"},
    };
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(build(&image, true, pieces, 5, &error), PACK_E_MALFORMED);
    assert_pack_says("address 0x00001005 is given twice, first at line 20");
    assert_int_equal(error.line, 50);
    assert_false(error.has_offset);
}

static void an_overlap_of_equal_bytes_is_one_too(void **state)
{
    static const struct piece pieces[] = {{0x1000, "abcd"}, {0x1003, "d"}};
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(build(&image, false, pieces, 2, &error), PACK_E_MALFORMED);
    assert_pack_says("address 0x00001003 is given twice, first at offset 10");
    assert_true(error.has_offset);
    assert_int_equal(error.offset, 20);
    assert_int_equal(error.line, 0);
}

/* The later place is told wherever the earlier data was. */
static void an_overlap_is_found_whatever_comes_first(void **state)
{
    static const struct piece pieces[] = {{0x1002, "xx"}, {0x1000, "abc"}};
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(build(&image, true, pieces, 2, &error), PACK_E_MALFORMED);
    assert_pack_says("0x00001002 is given twice, first at line 10");
    assert_int_equal(error.line, 20);
}

/* The places of pieces are kept in runs of equal ones: each must still be told apart. */
static void each_line_of_a_long_run_is_known(void **state)
{
    enum { LINES = 1000 };
    struct pack_error error = {0};
    (void)state;
    for (unsigned bad = 0; bad < LINES; bad += 37) {
        PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
        struct pack_image *image = NULL;
        assert_pack_ok(pack_image_builder_make(&builder, true, &error));
        for (unsigned i = 0; i < LINES; i++)
            assert_pack_ok(pack_image_add(builder, 16 * i, "0123456789abcdef",
                                          i % 100 == 99 ? 7 : 16, i + 1 + i / 250, &error));
        assert_pack_ok(pack_image_add(builder, 16 * bad + 3, "x", 1, 5000, &error));
        assert_pack_fails(pack_image_builder_finish(&builder, &image, &error), PACK_E_MALFORMED);
        char text[64];
        snprintf(text, sizeof text, "first at line %u", bad + 1 + bad / 250);
        assert_pack_says(text);
        assert_int_equal(error.line, 5000);
    }
}

static void a_piece_that_wraps_is_refused_where_it_stands(void **state)
{
    static const struct piece pieces[] = {{0, "a"}, {UINT64_MAX - 1, "abc"}};
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(build(&image, true, pieces, 2, &error), PACK_E_MALFORMED);
    assert_pack_says("wrap around");
    assert_int_equal(error.line, 20);
}

static void data_beyond_the_limit_is_refused(void **state)
{
    enum { PIECE = 1 << 20 };
    struct pack_error error = {0};
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    PACK_AUTO_FREE uint8_t *piece = NULL;
    (void)state;
    assert_pack_ok(pack_allocate(&piece, PIECE, 1, &error));
    assert_pack_ok(pack_image_builder_new(&builder, &error));
    uint64_t address = 0;
    int code = 0;
    for (; code == 0; address += PIECE)
        code = pack_image_add(builder, address, piece, PIECE, address, &error);
    assert_pack_fails(code, PACK_E_LIMIT);
    assert_int_equal(address, PACK_MAX_SEGMENTED + PIECE);
}

static void segments_beyond_the_limit_are_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    (void)state;
    assert_pack_ok(pack_image_builder_new(&builder, &error));
    for (uint64_t i = 0; i <= PACK_MAX_SEGMENTS; i++)
        assert_pack_ok(pack_image_add(builder, 2 * i, "x", 1, i, &error));
    assert_pack_fails(pack_image_builder_finish(&builder, &image, &error), PACK_E_LIMIT);
    assert_pack_says("65537 segments, at most 65536");
}

/* Descending pieces are the worst order; quadratic work on them would take minutes. */
static void many_pieces_in_descending_order_take_no_long_time(void **state)
{
    enum { PIECES = 500000 };
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    (void)state;
    assert_pack_ok(pack_image_builder_new(&builder, &error));
    for (uint64_t i = PIECES; i-- > 0;)
        assert_pack_ok(pack_image_add(builder, i * 4, "abcd", 4, PIECES - i, &error));
    assert_pack_ok(pack_image_builder_finish(&builder, &image, &error));
    assert_int_equal(image->segment_count, 1);
    assert_int_equal(image->size, 4 * PIECES);
    assert_memory_equal(image->bytes, "abcdabcd", 8);
}

static void entry_and_note_are_kept(void **state)
{
    struct pack_error error = {0};
    uint8_t note[PACK_NOTE_SIZE + 1] = "test";
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    (void)state;
    assert_pack_ok(pack_image_builder_new(&builder, &error));
    pack_image_entry(builder, 0);
    assert_pack_fails(pack_image_note(builder, note, sizeof note, &error), PACK_E_LIMIT);
    assert_pack_ok(pack_image_note(builder, note, PACK_NOTE_SIZE, &error));
    assert_pack_ok(pack_image_builder_finish(&builder, &image, &error));
    assert_null(builder);
    assert_int_equal(image->segment_count, 0);
    assert_true(image->has_entry);
    assert_int_equal(image->note_size, PACK_NOTE_SIZE);
    assert_memory_equal(image->note, note, PACK_NOTE_SIZE);
}

/* --- facts ----------------------------------------------------------------------------------- */

static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static int describe_all(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    (void)error;
    pack_fact_number(facts, "total_size", input->size);
    pack_fact_text(facts, "name", "a\x1b[31mb\n");
    pack_fact_text(facts, "name", "the second of its name");
    pack_fact_bytes(facts, "label", "ab\0cd", 5);
    for (int i = 0; i < 2; i++) {
        pack_facts_begin(facts, "parts");
        pack_fact_address(facts, "address", i == 0 ? 0x1000 : UINT64_MAX);
        for (int j = 0; j < 2; j++) {
            pack_facts_begin(facts, "hashes");
            pack_fact_hex(facts, "value", "\xca\xfe", 2);
            pack_facts_end(facts);
        }
        pack_fact_number(facts, "size", 7);
        pack_facts_end(facts);
    }
    pack_fact_uuid(facts, "uuid", uuid);
    return 0;
}

static const struct pack_format all = {
    .name = "all", .summary = "format with all kinds of facts", .describe = describe_all};

static int text_of(char **text, const struct pack_format *format, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    *text = NULL;
    const int code = pack_input_memory(&input, "abc", 3, "test", error);
    return code == 0 ? pack_image_describe_text(format, input, text, error) : code;
}

static void facts_are_lines_of_escaped_text(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    (void)state;
    assert_pack_ok(text_of(&text, &all, &error));
    assert_string_equal(text, "  total size: 3\n"
                              "  name: a\\x1b[31mb\\x0a\n"
                              "  label: ab\n"
                              "  parts:\n"
                              "    - address: 0x00001000\n"
                              "      hashes:\n"
                              "        - value: cafe\n"
                              "        - value: cafe\n"
                              "      size: 7\n"
                              "    - address: 0xffffffffffffffff\n"
                              "      hashes:\n"
                              "        - value: cafe\n"
                              "        - value: cafe\n"
                              "      size: 7\n"
                              "  uuid: 00112233-4455-6677-8899-aabbccddeeff\n");
}

static int json_of(struct pack_json *json, const struct pack_format *format,
                   struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    int code = pack_input_memory(&input, "abc", 3, "test", error);
    pack_json_object(json, NULL);
    if (code == 0)
        code = pack_image_describe_json(format, input, json, error);
    pack_json_end(json);
    return code;
}

static void facts_are_members_of_json(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_ok(pack_json_new(&json, false, &error));
    assert_pack_ok(json_of(json, &all, &error));
    assert_pack_ok(pack_json_finish(json, &text, &size, &error));
    assert_string_equal(
        text, "{\"total_size\":3,\"name\":\"a\\u001b[31mb\\n\",\"label\":\"ab\",\"parts\":["
              "{\"address\":\"0x00001000\",\"hashes\":[{\"value\":\"cafe\"},{\"value\":\"cafe\"}],"
              "\"size\":7},{\"address\":\"0xffffffffffffffff\",\"hashes\":[{\"value\":\"cafe\"},"
              "{\"value\":\"cafe\"}],\"size\":7}],"
              "\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\"}\n");
}

static int describe_half(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    (void)input;
    pack_fact_text(facts, "name", "half");
    pack_facts_begin(facts, "parts");
    pack_fail(error, PACK_E_MALFORMED, "no more");
    return pack_at_offset(error, 5);
}

static const struct pack_format half = {
    .name = "half", .summary = "format that fails", .describe = describe_half};

static void a_failure_leaves_no_half_of_an_answer(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *json_text = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_fails(text_of(&text, &half, &error), PACK_E_MALFORMED);
    assert_null(text);
    assert_string_equal(error.file, "test");
    assert_int_equal(error.offset, 5);
    assert_pack_ok(pack_json_new(&json, false, &error));
    assert_pack_fails(json_of(json, &half, &error), PACK_E_MALFORMED);
    assert_pack_ok(pack_json_finish(json, &json_text, &size, &error));
    assert_string_equal(json_text, "{}\n");
}

static int describe_scattered(struct pack_input *input, struct pack_facts *facts,
                              struct pack_error *error)
{
    (void)input;
    (void)error;
    for (int i = 0; i < 2; i++) {
        pack_facts_begin(facts, "parts");
        pack_facts_end(facts);
        pack_fact_number(facts, "between", 1);
    }
    return 0;
}

static int describe_deep(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    (void)input;
    (void)error;
    for (int i = 0; i < 100; i++)
        pack_facts_begin(facts, "deeper");
    return 0;
}

static int describe_endless(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    (void)input;
    (void)error;
    for (int i = 0; i < 600000; i++) {
        pack_facts_begin(facts, "parts");
        pack_facts_end(facts);
    }
    return 0;
}

static void facts_that_no_object_can_hold_are_refused(void **state)
{
    static const struct pack_format scattered = {.summary = "x", .describe = describe_scattered};
    static const struct pack_format deep = {.summary = "x", .describe = describe_deep};
    static const struct pack_format endless = {.summary = "x", .describe = describe_endless};
    struct pack_error error = {0};
    char *text = NULL;
    (void)state;
    assert_pack_fails(text_of(&text, &scattered, &error), PACK_E_MALFORMED);
    assert_pack_says("parts stand in more than one place");
    assert_pack_fails(text_of(&text, &deep, &error), PACK_E_LIMIT);
    assert_pack_fails(text_of(&text, &endless, &error), PACK_E_LIMIT);
}

static void a_format_without_description_says_nothing(void **state)
{
    static const struct pack_format mute = {.name = "mute", .summary = "mute format"};
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    (void)state;
    assert_pack_ok(text_of(&text, &mute, &error));
    assert_string_equal(text, "");
}

/* --- dispatcher ------------------------------------------------------------------------------ */

static int bid_low(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size != 0 && head[0] == 'a' ? 10 : 0;
}

static int bid_by_size(const uint8_t *head, size_t size, uint64_t total)
{
    (void)head;
    (void)size;
    return total == 4 ? 50 : 0;
}

static int bid_tail(const uint8_t *tail, size_t size)
{
    return size != 0 && tail[size - 1] == 'z' ? 90 : 0;
}

static const struct pack_format low = {.name = "low", .summary = "low bidder", .probe = bid_low};
static const struct pack_format sized = {.name = "sized", .probe = bid_by_size};
static const struct pack_format tailed = {.name = "tailed", .probe_tail = bid_tail};
static const struct pack_format *const formats[] = {&low, &sized, &tailed, NULL};
static const struct pack_context context = {.formats = formats};

static const struct pack_format *identify(const char *text, bool forward)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_format *format = &low;
    assert_pack_ok(pack_input_memory(&input, text, strlen(text), "test", &error));
    if (forward) {
        struct pack_input *inner = input;
        input = NULL;
        assert_pack_ok(pack_input_forward(&input, inner, &error));
    }
    assert_pack_ok(pack_image_identify(&format, input, &context, &error));
    return format;
}

static void the_highest_bid_wins(void **state)
{
    (void)state;
    assert_null(identify("", false));
    assert_null(identify("bc", false));
    assert_ptr_equal(identify("ab", false), &low);
    assert_ptr_equal(identify("abcd", false), &sized);
    assert_ptr_equal(identify("abcz", false), &tailed);
    assert_ptr_equal(identify("abcdz", false), &tailed);
}

static void a_pipe_is_identified_by_its_beginning(void **state)
{
    (void)state;
    assert_ptr_equal(identify("abcz", true), &low);
    assert_null(identify("bcdz", true));
}

static void a_format_is_found_by_name(void **state)
{
    static const struct pack_context none = {.formats = NULL};
    (void)state;
    assert_ptr_equal(pack_format_find(&context, "sized"), &sized);
    assert_null(pack_format_find(&context, "size"));
    assert_null(pack_format_find(&none, "sized"));
}

static int read_nothing(struct pack_input *input, struct pack_image_builder *builder,
                        struct pack_error *error)
{
    (void)input;
    (void)builder;
    (void)error;
    return 0;
}

static void what_a_backend_cannot_do_is_said(void **state)
{
    static const struct pack_format empty = {.summary = "empty format", .read = read_nothing};
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    PACK_AUTO(pack_image_free) struct pack_image *one = image_of(0, 1);
    uint8_t *bytes = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_fails(image_from_text(&image, &low, "a", &error), PACK_E_UNSUPPORTED);
    assert_pack_says("low bidder has no addresses");
    assert_pack_fails(image_to_bytes(&bytes, &size, &low, one, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("low bidder cannot be written");
    assert_pack_fails(image_from_text(&image, &empty, "a", &error), PACK_E_MALFORMED);
    assert_pack_says("empty format without any data");
    assert_null(image);
}

static void a_pipe_suffices_for_formats_of_lines_only(void **state)
{
    static const struct pack_format binary = {.summary = "binary format", .read = read_nothing};
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_input *inner = NULL;
    (void)state;
    assert_pack_ok(pack_input_memory(&inner, "abc", 3, "test", &error));
    assert_pack_ok(pack_input_forward(&input, inner, &error));
    assert_pack_fails(pack_image_read(&image, &binary, input, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("not from a pipe");
    char *text = NULL;
    assert_pack_fails(pack_image_describe_text(&all, input, &text, &error), PACK_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_in_any_order_are_sorted_and_merged),
        cmocka_unit_test(an_overlap_names_both_lines),
        cmocka_unit_test(an_overlap_of_equal_bytes_is_one_too),
        cmocka_unit_test(an_overlap_is_found_whatever_comes_first),
        cmocka_unit_test(each_line_of_a_long_run_is_known),
        cmocka_unit_test(a_piece_that_wraps_is_refused_where_it_stands),
        cmocka_unit_test(data_beyond_the_limit_is_refused),
        cmocka_unit_test(segments_beyond_the_limit_are_refused),
        cmocka_unit_test(many_pieces_in_descending_order_take_no_long_time),
        cmocka_unit_test(entry_and_note_are_kept),
        cmocka_unit_test(facts_are_lines_of_escaped_text),
        cmocka_unit_test(facts_are_members_of_json),
        cmocka_unit_test(a_failure_leaves_no_half_of_an_answer),
        cmocka_unit_test(facts_that_no_object_can_hold_are_refused),
        cmocka_unit_test(a_format_without_description_says_nothing),
        cmocka_unit_test(the_highest_bid_wins),
        cmocka_unit_test(a_pipe_is_identified_by_its_beginning),
        cmocka_unit_test(a_format_is_found_by_name),
        cmocka_unit_test(what_a_backend_cannot_do_is_said),
        cmocka_unit_test(a_pipe_suffices_for_formats_of_lines_only),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
