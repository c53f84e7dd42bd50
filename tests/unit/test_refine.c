/* SPDX-License-Identifier: MIT */
/* The second pass over covers, with and without predictions. */
#include "base/memory.h"
#include "delta/refine.h"
#include "support/test.h"

#include <string.h>

enum { SIZE = 4096, TABLE = 1000, ENTRIES = 64 };

static const struct delta_match_options usual = {
    .effort = DELTA_BEST,
    .memory = 64 << 20,
    .most_covers = SIZE_MAX,
    .cost_cover = 32 * 16,
    .cost_miss = 10 * 16,
    .cost_extra = 88,
};

struct pair {
    uint8_t old_bytes[SIZE], new_bytes[SIZE];
    size_t new_size;
    struct delta_covers covers;
};

static int make_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    uint32_t seed = 1;
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1664525 + 1013904223;
        pair->old_bytes[i] = (uint8_t)(seed >> 24);
    }
    memcpy(pair->new_bytes, pair->old_bytes, SIZE);
    pair->new_size = SIZE;
    pair->covers.list = calloc(8, sizeof *pair->covers.list);
    assert_non_null(pair->covers.list);
    pair->covers.capacity = 8;
    *state = pair;
    return 0;
}

static int free_pair(void **state)
{
    struct pair *pair = *state;
    delta_covers_free(&pair->covers);
    free(pair);
    return 0;
}

static void add_cover(struct pair *pair, size_t new_offset, size_t old_offset, size_t size)
{
    pair->covers.list[pair->covers.count++] = (struct patch_cover){new_offset, old_offset, size};
}

static void refine(struct pair *pair, const struct patch_layout *layout,
                   const struct delta_match_options *options)
{
    static const struct patch_layout empty;
    struct pack_error error = {.code = PACK_OK};
    assert_pack_ok(delta_refine(&pair->covers, layout ? layout : &empty, pair->old_bytes, SIZE,
                                pair->new_bytes, pair->new_size, options, &error));
}

static void assert_cover(const struct pair *pair, size_t index, size_t new_offset,
                         size_t old_offset, size_t size)
{
    assert_true(index < pair->covers.count);
    assert_int_equal(pair->covers.list[index].new_offset, new_offset);
    assert_int_equal(pair->covers.list[index].old_offset, old_offset);
    assert_int_equal(pair->covers.list[index].size, size);
}

static void test_growth_and_joining(void **state)
{
    struct pair *pair = *state;
    add_cover(pair, 100, 100, 200);
    add_cover(pair, 3000, 3000, 500);
    refine(pair, NULL, &usual);
    assert_int_equal(pair->covers.count, 1);
    assert_cover(pair, 0, 0, 0, SIZE);
}

/* The border lies where the first one's bytes end to be equal. */
static void test_border(void **state)
{
    struct pair *pair = *state;
    memmove(pair->new_bytes + 2000, pair->old_bytes + 2100, SIZE - 2100);
    pair->new_size = SIZE - 100;
    add_cover(pair, 0, 0, 1900);
    add_cover(pair, 1900, 2000, SIZE - 2000);
    refine(pair, NULL, &usual);
    assert_int_equal(pair->covers.count, 2);
    assert_cover(pair, 0, 0, 0, 2000);
    assert_cover(pair, 1, 2000, 2100, SIZE - 2100);
}

static void test_worthless_cover_is_dropped(void **state)
{
    struct pair *pair = *state;
    memset(pair->new_bytes + 1000, 0x55, 1000);
    add_cover(pair, 0, 0, 1000);
    add_cover(pair, 1200, 3000, 100);
    add_cover(pair, 2000, 2000, SIZE - 2000);
    refine(pair, NULL, &usual);
    assert_int_equal(pair->covers.count, 2);
    assert_cover(pair, 0, 0, 0, 1000);
    assert_cover(pair, 1, 2000, 2000, SIZE - 2000);
}

/* A part between two covers that the shift of one of them explains. */
static void test_gap_is_filled(void **state)
{
    struct pair *pair = *state;
    memset(pair->new_bytes + 1000, 0x55, 1000);
    memcpy(pair->new_bytes + 1400, pair->old_bytes + 1400, 100);
    add_cover(pair, 0, 0, 1000);
    add_cover(pair, 2000, 2000, SIZE - 2000);
    refine(pair, NULL, &usual);
    assert_int_equal(pair->covers.count, 3);
    assert_cover(pair, 1, 1400, 1400, 100);
}

static void write_word(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* 2 KiB of code with 4 bytes less before it, and a table of pointers into it. */
static void make_pointers(struct pair *pair)
{
    memmove(pair->new_bytes + 1996, pair->old_bytes + 2000, SIZE - 2000);
    pair->new_size = SIZE - 4;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint32_t target = 0x20000000 + 2000 + i * i * 7 % 2000;
        write_word(pair->old_bytes + TABLE + 4 * i, target);
        write_word(pair->new_bytes + TABLE + 4 * i, target - 4);
    }
    add_cover(pair, 0, 0, TABLE);
    add_cover(pair, 1996, 2000, SIZE - 2000);
}

static void test_predicted_pointers_are_covered(void **state)
{
    struct pair *pair = *state;
    const struct patch_range old_range = {0, SIZE, 0x20000000};
    const struct patch_range new_range = {0, SIZE - 4, 0x20000000};
    const struct patch_region region = {0, SIZE, PATCH_REGION_POINTERS32_LE, {0, 0}};
    const struct patch_layout layout = {&old_range, 1, &new_range, 1, &region, 1};
    make_pointers(pair);
    refine(pair, &layout, &usual);
    assert_int_equal(pair->covers.count, 2);
    assert_cover(pair, 0, 0, 0, 1996);
    assert_cover(pair, 1, 1996, 2000, SIZE - 2000);
}

static void test_most_covers(void **state)
{
    struct pair *pair = *state;
    struct delta_match_options options = usual;
    options.most_covers = 1;
    memset(pair->new_bytes + 1000, 0x55, 1000);
    add_cover(pair, 0, 0, 1000);
    add_cover(pair, 2000, 2000, SIZE - 2000);
    refine(pair, NULL, &options);
    assert_int_equal(pair->covers.count, 1);
    assert_cover(pair, 0, 2000, 2000, SIZE - 2000);
}

static void test_nothing_to_refine(void **state)
{
    struct pair *pair = *state;
    refine(pair, NULL, &usual);
    assert_int_equal(pair->covers.count, 0);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, make_pair, free_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(test_growth_and_joining),
        WITH_PAIR(test_border),
        WITH_PAIR(test_worthless_cover_is_dropped),
        WITH_PAIR(test_gap_is_filled),
        WITH_PAIR(test_predicted_pointers_are_covered),
        WITH_PAIR(test_most_covers),
        WITH_PAIR(test_nothing_to_refine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
