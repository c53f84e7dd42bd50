/* SPDX-License-Identifier: MIT */
/* The range coder: what was written is read, from the first byte to the last. */
#include "support/test.h"

#include "base/bytes.h"
#include "patch/coder.h"

#include <string.h>

enum { BITS = 4000 };

static bool append(void *user, const uint8_t *bytes, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    return pack_buffer_append(user, bytes, size, &error) == 0;
}

/* In pieces of 1 to 3 bytes. */
static int take(void *user, uint8_t *buffer, size_t capacity)
{
    struct pack_cursor *cursor = user;
    size_t size = pack_cursor_left(cursor) % 3 + 1;
    size = size < pack_cursor_left(cursor) ? size : pack_cursor_left(cursor);
    size = size < capacity ? size : capacity;
    if (size != 0)
        memcpy(buffer, pack_cursor_take(cursor, size), size);
    return (int)size;
}

/* How likely a 1 is said to be, and whether it comes: patterns of both that reach all corners. */
static uint32_t odds(unsigned pattern, unsigned i)
{
    static const uint32_t some[] = {PATCH_HALF, PATCH_LEAST, PATCH_MOST, 1000, 64000};
    return some[pattern % 6 < 5 ? pattern % 6 : i % 5];
}

static unsigned bit_of(unsigned pattern, unsigned i)
{
    static const unsigned periods[] = {0, 1, 2, 3, 17, 251};
    const unsigned period = periods[pattern / 6 % 6];
    return period != 0 && i % period == 0 ? 1u : 0u;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (unsigned pattern = 0; pattern < 36; pattern++)
        for (unsigned bits = 0; bits < BITS; bits = bits * 2 + 1) {
            struct pack_buffer bytes PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
            struct patch_coder coder;
            patch_coder_write(&coder, append, &bytes);
            for (unsigned i = 0; i < bits; i++)
                (void)patch_code_bit(&coder, odds(pattern, i), bit_of(pattern, i));
            patch_coder_write_end(&coder);
            struct pack_cursor cursor = {bytes.bytes, bytes.size, 0};
            patch_coder_read(&coder, take, &cursor);
            for (unsigned i = 0; i < bits; i++)
                assert_int_equal(patch_code_bit(&coder, odds(pattern, i), 0), bit_of(pattern, i));
            assert_true(patch_coder_read_end(&coder));
            assert_int_equal(coder.consumed, bytes.size);
        }
}

static void numbers_of_all_lengths_are_read(void **state)
{
    (void)state;
    struct pack_buffer bytes PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct patch_coder coder;
    struct patch_number_model model;
    patch_coder_write(&coder, append, &bytes);
    patch_number_model_begin(&model);
    for (unsigned shift = 0; shift < 64; shift++)
        for (int less = 0; less < 3; less++)
            (void)patch_code_number(&coder, &model, UINT64_MAX / 2 >> shift << (less & 1));
    patch_coder_write_end(&coder);
    struct pack_cursor cursor = {bytes.bytes, bytes.size, 0};
    patch_coder_read(&coder, take, &cursor);
    patch_number_model_begin(&model);
    for (unsigned shift = 0; shift < 64; shift++)
        for (int less = 0; less < 3; less++)
            assert_true(patch_code_number(&coder, &model, 0) ==
                        UINT64_MAX / 2 >> shift << (less & 1));
    assert_true(patch_coder_read_end(&coder));
}

static void an_end_that_is_not_the_writers_is_noticed(void **state)
{
    (void)state;
    struct pack_buffer bytes PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct patch_coder coder;
    patch_coder_write(&coder, append, &bytes);
    for (unsigned i = 0; i < 100; i++)
        (void)patch_code_bit(&coder, PATCH_HALF, i & 1);
    patch_coder_write_end(&coder);
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.bytes[at] ^= 1;
        struct pack_cursor cursor = {bytes.bytes, bytes.size, 0};
        bool same = true;
        patch_coder_read(&coder, take, &cursor);
        for (unsigned i = 0; i < 100; i++)
            same = patch_code_bit(&coder, PATCH_HALF, 0) == (i & 1) && same;
        assert_false(patch_coder_read_end(&coder) && same);
        bytes.bytes[at] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(numbers_of_all_lengths_are_read),
        cmocka_unit_test(an_end_that_is_not_the_writers_is_noticed),
    };
    return cmocka_run_group_tests_name("patch_coder", tests, NULL, NULL);
}
