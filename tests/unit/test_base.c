/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "pack/context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- checked arithmetic ---------------------------------------------------------------------- */

static void sums_and_products_say_when_they_do_not_fit(void **state)
{
    (void)state;
    uint64_t result = 7;
    assert_true(pack_add(UINT64_MAX - 1, 1, &result));
    assert_true(result == UINT64_MAX);
    result = 7;
    assert_false(pack_add(UINT64_MAX, 1, &result));
    assert_int_equal(result, 7);
    assert_true(pack_multiply(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &result));
    assert_true(result == UINT64_MAX - UINT32_MAX);
    result = 7;
    assert_false(pack_multiply(UINT64_C(1) << 32, UINT64_C(1) << 32, &result));
    assert_int_equal(result, 7);
    assert_true(pack_multiply(0, UINT64_MAX, &result));
    assert_int_equal(result, 0);
}

static void sizes_are_narrowed_when_they_fit(void **state)
{
    (void)state;
    size_t result = 7;
    assert_true(pack_to_size(12, &result));
    assert_int_equal(result, 12);
    assert_int_equal(pack_to_size(UINT64_MAX, &result), sizeof(size_t) == sizeof(uint64_t));
}

static void pieces_are_counted_without_wrapping(void **state)
{
    (void)state;
    assert_int_equal(pack_pieces(0, 512), 0);
    assert_int_equal(pack_pieces(1, 512), 1);
    assert_int_equal(pack_pieces(512, 512), 1);
    assert_int_equal(pack_pieces(513, 512), 2);
    assert_true(pack_pieces(UINT64_MAX, 512) == UINT64_C(1) << 55);
    assert_true(pack_pieces(UINT64_MAX, 1) == UINT64_MAX);
    assert_int_equal(pack_min(3, 4), 3);
    assert_int_equal(pack_min(4, 3), 3);
}

/* --- integers -------------------------------------------------------------------------------- */

static void integers_stand_in_both_byte_orders(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88};
    assert_int_equal(pack_le16(bytes), 0x8281);
    assert_int_equal(pack_be16(bytes), 0x8182);
    assert_true(pack_le32(bytes) == 0x84838281);
    assert_true(pack_be32(bytes) == 0x81828384);
    assert_true(pack_le64(bytes) == UINT64_C(0x8887868584838281));
    assert_true(pack_be64(bytes) == UINT64_C(0x8182838485868788));
    uint8_t written[8];
    pack_put_le64(written, UINT64_C(0x8887868584838281));
    assert_memory_equal(written, bytes, 8);
    pack_put_le32(written, 0x84838281);
    assert_memory_equal(written, bytes, 4);
    pack_put_le16(written, 0x8281);
    assert_memory_equal(written, bytes, 2);
}

/* --- cursor ---------------------------------------------------------------------------------- */

static void a_cursor_never_passes_the_end(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5};
    struct pack_cursor cursor = {.bytes = bytes, .size = sizeof bytes};
    assert_ptr_equal(pack_cursor_take(&cursor, 2), bytes);
    assert_int_equal(pack_cursor_left(&cursor), 3);
    assert_null(pack_cursor_take(&cursor, 4));
    assert_null(pack_cursor_take(&cursor, SIZE_MAX));
    assert_int_equal(pack_cursor_left(&cursor), 3);
    assert_ptr_equal(pack_cursor_take(&cursor, 3), bytes + 2);
    assert_ptr_equal(pack_cursor_take(&cursor, 0), bytes + 5);
    assert_null(pack_cursor_take(&cursor, 1));
}

/* --- buffer ---------------------------------------------------------------------------------- */

static void a_buffer_grows_up_to_its_limit(void **state)
{
    (void)state;
    struct pack_error error = {0};
    static const size_t limits[] = {1, 127, 128, 255, 256, 257, 1000, 4096};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = limits[i]};
        for (size_t n = 0; n < limits[i]; n++)
            assert_pack_ok(pack_buffer_append(&buffer, &(uint8_t){(uint8_t)n}, 1, &error));
        assert_int_equal(buffer.size, limits[i]);
        assert_int_equal(buffer.bytes[limits[i]], 0);
        assert_pack_fails(pack_buffer_append(&buffer, "x", 1, &error), PACK_E_LIMIT);
        assert_pack_fails(pack_buffer_reserve(&buffer, SIZE_MAX, &error), PACK_E_LIMIT);
        assert_int_equal(buffer.size, limits[i]);
        for (size_t n = 0; n < limits[i]; n++)
            assert_int_equal(buffer.bytes[n], (uint8_t)n);
    }
}

static void a_buffer_without_a_limit_holds_nothing(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer buffer = {0};
    assert_pack_fails(pack_buffer_append(&buffer, "x", 1, &error), PACK_E_LIMIT);
    assert_pack_ok(pack_buffer_append(&buffer, NULL, 0, &error));
    assert_string_equal((const char *)buffer.bytes, "");
}

static void a_buffer_takes_text(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = 16};
    assert_pack_ok(pack_buffer_print(&buffer, &error, "%s=%d", "answer", 42));
    assert_string_equal((const char *)buffer.bytes, "answer=42");
    assert_pack_fails(pack_buffer_print(&buffer, &error, "%08d", 1), PACK_E_LIMIT);
    assert_pack_says("16 bytes");
    assert_string_equal((const char *)buffer.bytes, "answer=42");
}

static void what_a_buffer_holds_can_be_taken(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_buffer buffer = {.limit = 16};
    for (int filled = 0; filled < 2; filled++) {
        PACK_AUTO_FREE char *text = NULL;
        size_t size = 7;
        if (filled)
            assert_pack_ok(pack_buffer_append(&buffer, "hello", 5, &error));
        assert_pack_ok(pack_buffer_take(&buffer, &text, &size, &error));
        assert_int_equal(size, filled ? 5 : 0);
        assert_string_equal(text, filled ? "hello" : "");
        assert_null(buffer.bytes);
        assert_int_equal(buffer.size, 0);
        assert_int_equal(buffer.limit, 16);
    }
}

/* --- errors ---------------------------------------------------------------------------------- */

static void every_code_has_its_own_words(void **state)
{
    (void)state;
    assert_string_equal(pack_code_id(PACK_OK), "ok");
    assert_int_equal(pack_code_exit(PACK_OK), 0);
    for (enum pack_code a = PACK_E_INTERNAL; a < PACK_ERROR_COUNT; a++) {
        assert_in_range(pack_code_exit(a), 1, 130);
        assert_true(strlen(pack_code_summary(a)) > 3);
        for (enum pack_code b = PACK_OK; b < a; b++)
            assert_string_not_equal(pack_code_id(a), pack_code_id(b));
    }
    assert_string_equal(pack_code_id(PACK_ERROR_COUNT), "internal");
    assert_int_equal(pack_code_exit((enum pack_code) - 1), 1);
}

static void a_number_of_the_system_gives_a_code(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum pack_code code;
    } cases[] = {
        {ENOENT, PACK_E_NOT_FOUND}, {ENOTDIR, PACK_E_NOT_FOUND}, {EACCES, PACK_E_PERMISSION},
        {EROFS, PACK_E_PERMISSION}, {ENOSPC, PACK_E_NO_SPACE},   {EDQUOT, PACK_E_NO_SPACE},
        {EFBIG, PACK_E_NO_SPACE},   {ENOMEM, PACK_E_NO_MEMORY},  {EEXIST, PACK_E_EXISTS},
        {EIO, PACK_E_IO},           {EMFILE, PACK_E_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        assert_pack_fails(pack_fail_errno(&error, cases[i].number, "cannot %s", "write"),
                          cases[i].code);
        assert_int_equal(error.system, cases[i].number);
        assert_pack_says("cannot write: ");
        assert_pack_says(strerror(cases[i].number));
    }
    struct pack_error error = {0};
    assert_pack_fails(pack_fail_errno(&error, 0, "cannot read"), PACK_E_IO);
    assert_string_equal(error.text, "cannot read");
    assert_pack_fails(pack_fail_memory(&error), PACK_E_NO_MEMORY);
}

static void a_failure_replaces_the_one_before(void **state)
{
    (void)state;
    struct pack_error error = {0};
    pack_fail(&error, PACK_E_IO, "first");
    pack_at_file(&error, "a");
    pack_at_line(&error, 3, 4);
    pack_hint(&error, "try again");
    assert_pack_fails(pack_fail(&error, PACK_E_LIMIT, "second"), PACK_E_LIMIT);
    assert_string_equal(error.text, "second");
    assert_string_equal(error.file, "");
    assert_string_equal(error.hint, "");
    assert_int_equal(error.line, 0);
}

static void the_innermost_place_stays(void **state)
{
    (void)state;
    struct pack_error error = {0};
    pack_fail(&error, PACK_E_MALFORMED, "wrong");
    assert_int_equal(pack_at_member(&error, NULL), PACK_E_MALFORMED);
    assert_int_equal(pack_at_member(&error, "inner"), PACK_E_MALFORMED);
    assert_int_equal(pack_at_member(&error, "outer"), PACK_E_MALFORMED);
    assert_int_equal(pack_at_file(&error, "inner.fwb"), PACK_E_MALFORMED);
    assert_int_equal(pack_at_file(&error, "outer.fwb"), PACK_E_MALFORMED);
    assert_int_equal(pack_at_line(&error, 2, 3), PACK_E_MALFORMED);
    assert_int_equal(pack_at_line(&error, 5, 6), PACK_E_MALFORMED);
    assert_int_equal(pack_at_offset(&error, 0), PACK_E_MALFORMED);
    assert_int_equal(pack_at_offset(&error, 9), PACK_E_MALFORMED);
    assert_string_equal(error.member, "inner");
    assert_string_equal(error.file, "inner.fwb");
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 3);
    assert_true(error.has_offset);
    assert_int_equal(error.offset, 0);
    pack_error_clear(&error);
    assert_memory_equal(&error, &(struct pack_error){0}, sizeof error);
}

static void words_are_put_before_and_cut_to_fit(void **state)
{
    (void)state;
    struct pack_error error = {0};
    pack_fail(&error, PACK_E_MALFORMED, "wrong");
    assert_int_equal(pack_context(&error, "frame %d", 3), PACK_E_MALFORMED);
    assert_string_equal(error.text, "frame 3: wrong");
    PACK_AUTO_FREE char *lengthy = malloc(5000);
    assert_non_null(lengthy);
    memset(lengthy, 'x', 4999);
    lengthy[4999] = '\0';
    pack_context(&error, "%s", lengthy);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    pack_hint(&error, "%s", lengthy);
    assert_int_equal(strlen(error.hint), sizeof error.hint - 1);
    pack_fail_errno(&error, EIO, "%s", lengthy);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    pack_at_file(&error, lengthy);
    pack_at_member(&error, lengthy);
    assert_int_equal(strlen(error.file), sizeof error.file - 1);
    assert_int_equal(strlen(error.member), sizeof error.member - 1);
}

/* --- context --------------------------------------------------------------------------------- */

struct heard {
    char text[2048];
    enum pack_log_level level;
    uint64_t done, total;
    bool stop;
};

static void hear(void *user, enum pack_log_level level, const char *text)
{
    struct heard *heard = user;
    heard->level = level;
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

static void see(void *user, const char *what, uint64_t done, uint64_t total)
{
    struct heard *heard = user;
    snprintf(heard->text, sizeof heard->text, "%s", what);
    heard->done = done;
    heard->total = total;
}

static bool wants_to_stop(void *user)
{
    return ((struct heard *)user)->stop;
}

static void hooks_are_called_where_they_are(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct heard heard = {.text = ""};
    const struct pack_context none = {0};
    const struct pack_context context = {
        .log = hear, .progress = see, .cancelled = wants_to_stop, .user = &heard};
    pack_log(&none, PACK_LOG_NOTE, "nobody");
    pack_progress(&none, "nobody", 1, 2);
    assert_pack_ok(pack_check_cancelled(&none, &error));
    pack_log(&context, PACK_LOG_WARNING, "%d of %d", 1, 2);
    assert_string_equal(heard.text, "1 of 2");
    assert_int_equal(heard.level, PACK_LOG_WARNING);
    pack_progress(&context, "compress", 3, UINT64_MAX);
    assert_string_equal(heard.text, "compress");
    assert_true(heard.done == 3 && heard.total == UINT64_MAX);
    assert_pack_ok(pack_check_cancelled(&context, &error));
    heard.stop = true;
    assert_pack_fails(pack_check_cancelled(&context, &error), PACK_E_INTERRUPTED);
}

static void jobs_are_at_least_one_and_at_most_64(void **state)
{
    (void)state;
    assert_in_range(pack_jobs(&(struct pack_context){.jobs = 0}), 1, 64);
    assert_int_equal(pack_jobs(&(struct pack_context){.jobs = 1}), 1);
    assert_int_equal(pack_jobs(&(struct pack_context){.jobs = 64}), 64);
    assert_int_equal(pack_jobs(&(struct pack_context){.jobs = 65}), 64);
    assert_int_equal(pack_jobs(&(struct pack_context){.jobs = UINT32_MAX}), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_products_say_when_they_do_not_fit),
        cmocka_unit_test(sizes_are_narrowed_when_they_fit),
        cmocka_unit_test(pieces_are_counted_without_wrapping),
        cmocka_unit_test(integers_stand_in_both_byte_orders),
        cmocka_unit_test(a_cursor_never_passes_the_end),
        cmocka_unit_test(a_buffer_grows_up_to_its_limit),
        cmocka_unit_test(a_buffer_without_a_limit_holds_nothing),
        cmocka_unit_test(a_buffer_takes_text),
        cmocka_unit_test(what_a_buffer_holds_can_be_taken),
        cmocka_unit_test(every_code_has_its_own_words),
        cmocka_unit_test(a_number_of_the_system_gives_a_code),
        cmocka_unit_test(a_failure_replaces_the_one_before),
        cmocka_unit_test(the_innermost_place_stays),
        cmocka_unit_test(words_are_put_before_and_cut_to_fit),
        cmocka_unit_test(hooks_are_called_where_they_are),
        cmocka_unit_test(jobs_are_at_least_one_and_at_most_64),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
