/* SPDX-License-Identifier: MIT */
/* Finding what a new image copies from an old one. */
#include "base/memory.h"
#include "delta/match.h"
#include "delta/match_rest.h"
#include "support/test.h"

#include <string.h>

enum { SIZE = 20000 };

static const struct delta_match_options usual = {
    .effort = DELTA_BEST,
    .memory = 64 << 20,
    .most_covers = SIZE_MAX,
    .cost_cover = 32 * 16,
    .cost_miss = 10 * 16,
    .cost_extra = 88,
};

struct pair {
    uint8_t old_bytes[SIZE], new_bytes[2 * SIZE];
    size_t old_size, new_size;
    struct delta_covers covers;
};

/* xorshift32: the same cases on every machine. */
static void fill(uint8_t *bytes, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        bytes[i] = (uint8_t)seed;
    }
}

static int make_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    fill(pair->old_bytes, SIZE, 1);
    pair->old_size = SIZE;
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

static void add(struct pair *pair, const uint8_t *bytes, size_t size)
{
    memcpy(pair->new_bytes + pair->new_size, bytes, size);
    pair->new_size += size;
}

static void add_random(struct pair *pair, size_t size, uint32_t seed)
{
    fill(pair->new_bytes + pair->new_size, size, seed);
    pair->new_size += size;
}

/* Matches, and checks what holds for any covers. Returns the bytes that they hold. */
static size_t match(struct pair *pair, const struct delta_match_options *options)
{
    struct pack_error error = {.code = PACK_OK};
    const struct pack_context context = {.jobs = 1};
    assert_pack_ok(delta_match(&pair->covers, pair->old_bytes, pair->old_size, pair->new_bytes,
                               pair->new_size, options, &context, &error));
    size_t end = 0, held = 0;
    for (size_t i = 0; i < pair->covers.count; i++) {
        const struct patch_cover *cover = &pair->covers.list[i];
        assert_true(cover->size > 0 && cover->new_offset >= end);
        assert_true(cover->size <= pair->new_size - cover->new_offset);
        assert_true(cover->old_offset <= pair->old_size);
        assert_true(cover->size <= pair->old_size - cover->old_offset);
        end = cover->new_offset + cover->size;
        held += cover->size;
    }
    assert_true(pair->covers.count <= options->most_covers);
    return held;
}

static void assert_cover(const struct pair *pair, size_t index, size_t new_offset,
                         size_t old_offset, size_t size)
{
    assert_true(index < pair->covers.count);
    assert_int_equal(pair->covers.list[index].new_offset, new_offset);
    assert_int_equal(pair->covers.list[index].old_offset, old_offset);
    assert_int_equal(pair->covers.list[index].size, size);
}

static struct delta_match_options with_effort(enum delta_effort effort)
{
    struct delta_match_options options = usual;
    options.effort = effort;
    return options;
}

static void test_equal_images(void **state)
{
    struct pair *pair = *state;
    add(pair, pair->old_bytes, SIZE);
    for (int effort = DELTA_FAST; effort <= DELTA_BEST; effort++) {
        struct delta_match_options options = with_effort((enum delta_effort)effort);
        match(pair, &options);
        assert_int_equal(pair->covers.count, 1);
        assert_cover(pair, 0, 0, 0, SIZE);
    }
}

static void test_insertion_and_removal(void **state)
{
    struct pair *pair = *state;
    add(pair, pair->old_bytes, 5000);
    add_random(pair, 100, 2);
    add(pair, pair->old_bytes + 5000, 5000);
    add(pair, pair->old_bytes + 11000, 9000);
    for (int effort = DELTA_FAST; effort <= DELTA_BEST; effort++) {
        struct delta_match_options options = with_effort((enum delta_effort)effort);
        match(pair, &options);
        assert_int_equal(pair->covers.count, 3);
        assert_cover(pair, 0, 0, 0, 5000);
        assert_cover(pair, 1, 5100, 5000, 5000);
        assert_cover(pair, 2, 10100, 11000, 9000);
    }
}

static void test_exchanged_halves(void **state)
{
    struct pair *pair = *state;
    add(pair, pair->old_bytes + SIZE / 2, SIZE / 2);
    add(pair, pair->old_bytes, SIZE / 2);
    match(pair, &usual);
    assert_int_equal(pair->covers.count, 2);
    assert_cover(pair, 0, 0, SIZE / 2, SIZE / 2);
    assert_cover(pair, 1, SIZE / 2, 0, SIZE / 2);
}

/* A byte that differs now and then is cheaper than another cover. */
static void test_misses_inside_a_cover(void **state)
{
    struct pair *pair = *state;
    add(pair, pair->old_bytes, SIZE);
    for (size_t at = 50; at < SIZE - 50; at += 40)
        pair->new_bytes[at] ^= (uint8_t)(at | 1);
    for (int effort = DELTA_FAST; effort <= DELTA_BEST; effort++) {
        struct delta_match_options options = with_effort((enum delta_effort)effort);
        match(pair, &options);
        assert_int_equal(pair->covers.count, 1);
        assert_cover(pair, 0, 0, 0, SIZE);
    }
}

/* What stands twice in the old image is taken from where fewer bytes differ. */
static void test_the_better_copy_is_taken(void **state)
{
    struct pair *pair = *state;
    memcpy(pair->old_bytes + 10000, pair->old_bytes, 4000);
    for (size_t at = 30; at < 4000; at += 60)
        pair->old_bytes[at] ^= (uint8_t)(at | 1);
    add_random(pair, 1000, 3);
    add(pair, pair->old_bytes + 10000, 4000);
    add_random(pair, 1000, 4);
    match(pair, &usual);
    assert_int_equal(pair->covers.count, 1);
    assert_cover(pair, 0, 1000, 10000, 4000);
}

static void test_unrelated_images(void **state)
{
    struct pair *pair = *state;
    add_random(pair, SIZE, 7);
    for (int effort = DELTA_FAST; effort <= DELTA_BEST; effort++) {
        struct delta_match_options options = with_effort((enum delta_effort)effort);
        assert_in_range(match(pair, &options), 0, 100);
    }
}

static void test_empty_images(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(match(pair, &usual), 0);
    add_random(pair, 100, 5);
    pair->old_size = 0;
    assert_int_equal(match(pair, &usual), 0);
    for (size_t old_size = 1; old_size < 20; old_size++) {
        pair->old_size = old_size;
        match(pair, &usual);
    }
}

/* Padding in many short runs and a long one: the long one serves. */
static void test_padding(void **state)
{
    struct pair *pair = *state;
    for (size_t at = 0; at < 4000; at += 200)
        memset(pair->old_bytes + at, 0xff, 100);
    memset(pair->old_bytes + 8000, 0xff, SIZE - 8000);
    add_random(pair, 500, 8);
    memset(pair->new_bytes + 500, 0xff, 9000);
    pair->new_size = 9500;
    for (int effort = DELTA_FAST; effort <= DELTA_BEST; effort++) {
        struct delta_match_options options = with_effort((enum delta_effort)effort);
        assert_true(match(pair, &options) >= 9000 - 64);
        assert_int_equal(pair->covers.count, 1);
    }
}

/* Of more parts than the device can hold, the largest stay. */
static void test_most_covers(void **state)
{
    struct pair *pair = *state;
    for (size_t i = 0; i < 20; i++) {
        size_t size = i % 5 == 0 ? 900 : 60;
        add(pair, pair->old_bytes + (19 - i) * 1000, size);
        add_random(pair, 40, 100 + (uint32_t)i);
    }
    assert_true(match(pair, &usual) >= 4 * 900 + 16 * 60);
    assert_int_equal(pair->covers.count, 20);
    struct delta_match_options options = usual;
    options.most_covers = 4;
    assert_true(match(pair, &options) >= 4 * 900);
    assert_int_equal(pair->covers.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(pair->covers.list[i].size >= 900);
    options.most_covers = 0;
    assert_int_equal(match(pair, &options), 0);
}

/* Without room for a suffix array the same parts are found by blocks. */
static void test_little_memory(void **state)
{
    struct pair *pair = *state;
    add(pair, pair->old_bytes + 9000, 9000);
    add_random(pair, 300, 9);
    add(pair, pair->old_bytes, 9000);
    add(pair, pair->old_bytes + 18500, 60);
    static const uint64_t memories[] = {0, 1000, 100000, 500000};
    for (int effort = DELTA_FAST; effort <= DELTA_BEST; effort++) {
        struct delta_match_options options = with_effort((enum delta_effort)effort);
        for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
            options.memory = memories[i];
            size_t held = match(pair, &options);
            if (memories[i] >= 100000)
                assert_in_range(held, 18000, 18060);
        }
    }
}

static void test_rest(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    struct patch_cover list[] = {{100, 300, 50}, {160, 0, 40}, {400, 320, 100}};
    const struct delta_covers covers = {list, 3, 3};
    PACK_AUTO(delta_rest_free) struct delta_rest old_rest = {0}, new_rest = {0};
    PACK_AUTO(delta_covers_free) struct delta_covers placed = {0};
    assert_pack_ok(delta_rest_new(&new_rest, &covers, 600, 16, &error));
    assert_int_equal(new_rest.count, 3); /* [0, 100), [200, 400), [500, 600) */
    assert_int_equal(new_rest.size, 400);
    assert_pack_ok(delta_rest_old(&old_rest, &covers, 500, 16, 8, &error));
    assert_int_equal(old_rest.count, 2); /* [32, 308), [412, 500) */
    assert_int_equal(old_rest.pieces[0].from, 32);
    assert_int_equal(old_rest.size, 276 + 88);

    const struct patch_cover across = {90, 270, 30};
    assert_pack_ok(delta_rest_place(&old_rest, 0, &new_rest, 0, &across, &placed, &error));
    assert_int_equal(placed.count, 3);
    static const struct patch_cover expected[] = {{90, 302, 6}, {96, 412, 4}, {200, 416, 20}};
    assert_memory_equal(placed.list, expected, sizeof expected);
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void test_cancelled(void **state)
{
    struct pair *pair = *state;
    struct pack_error error = {.code = PACK_OK};
    const struct pack_context context = {.cancelled = always};
    add_random(pair, SIZE, 11);
    assert_pack_fails(delta_match(&pair->covers, pair->old_bytes, pair->old_size, pair->new_bytes,
                                  pair->new_size, &usual, &context, &error),
                      PACK_E_INTERRUPTED);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, make_pair, free_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(test_equal_images),
        WITH_PAIR(test_insertion_and_removal),
        WITH_PAIR(test_exchanged_halves),
        WITH_PAIR(test_misses_inside_a_cover),
        WITH_PAIR(test_the_better_copy_is_taken),
        WITH_PAIR(test_unrelated_images),
        WITH_PAIR(test_empty_images),
        WITH_PAIR(test_padding),
        WITH_PAIR(test_most_covers),
        WITH_PAIR(test_little_memory),
        WITH_PAIR(test_cancelled),
        cmocka_unit_test(test_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
