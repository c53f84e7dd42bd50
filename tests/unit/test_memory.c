/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

static void memory_is_zeroed(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_FREE uint64_t *numbers = NULL;
    PACK_AUTO_FREE uint64_t *none = NULL;
    assert_pack_ok(pack_allocate(&numbers, 1000, sizeof *numbers, &error));
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], 0);
    assert_pack_ok(pack_allocate(&none, 0, sizeof *none, &error));
    assert_non_null(none);
}

static void strings_are_copied(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_FREE char *copy = NULL;
    char text[] = "text";
    assert_pack_ok(pack_copy_string(&copy, text, &error));
    text[0] = 'n';
    assert_string_equal(copy, "text");
}

static int freed;

static void count_and_free(char **text)
{
    freed += *text != NULL;
    pack_free_memory(text);
}

static char *make_and_keep(bool keep)
{
    PACK_AUTO(count_and_free) char *text = strdup("text");
    return keep ? pack_steal(&text) : NULL;
}

static void what_was_stolen_is_not_freed(void **state)
{
    (void)state;
    freed = 0;
    assert_null(make_and_keep(false));
    assert_int_equal(freed, 1);
    PACK_AUTO_FREE char *text = make_and_keep(true);
    assert_int_equal(freed, 1);
    assert_string_equal(text, "text");
}

/* --- arena ----------------------------------------------------------------------------------- */

static void pieces_of_an_arena_are_apart_aligned_and_zeroed(void **state)
{
    enum { PIECES = 500 };
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    uint8_t *pieces[PIECES] = {NULL};
    assert_pack_ok(pack_arena_new(&arena, &error));
    for (size_t i = 0; i < PIECES; i++) {
        const size_t size = 1 + i * 7 % 300;
        assert_pack_ok(pack_arena_allocate(arena, &pieces[i], 1, size, &error));
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t n = 0; n < size; n++)
            assert_int_equal(pieces[i][n], 0);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t n = 0; n < 1 + i * 7 % 300; n++)
            assert_int_equal(pieces[i][n], i % 251);
}

static void an_arena_takes_large_pieces_and_none(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    assert_pack_ok(pack_arena_new(&arena, &error));
    static const size_t sizes[] = {8192, 1, 8193, 1 << 20, 16, 8191};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *piece = NULL;
        assert_pack_ok(pack_arena_allocate(arena, &piece, sizes[i], 1, &error));
        memset(piece, 0xff, sizes[i]);
        assert_pack_ok(pack_arena_allocate(arena, &piece, 0, sizes[i], &error));
        assert_null(piece);
    }
}

static void an_arena_refuses_what_wraps(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    uint8_t *piece = NULL;
    const char *text = NULL;
    assert_pack_ok(pack_arena_new(&arena, &error));
    assert_pack_fails(pack_arena_allocate(arena, &piece, SIZE_MAX / 2, 4, &error),
                      PACK_E_NO_MEMORY);
    assert_pack_fails(pack_arena_allocate(arena, &piece, 1, SIZE_MAX, &error), PACK_E_NO_MEMORY);
    assert_pack_fails(pack_arena_string(arena, &text, "x", SIZE_MAX, &error), PACK_E_NO_MEMORY);
    assert_null(piece);
    assert_null(text);
}

static void an_arena_keeps_strings(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    const char *some = NULL, *none = NULL;
    assert_pack_ok(pack_arena_new(&arena, &error));
    assert_pack_ok(pack_arena_string(arena, &some, "a name and more", 6, &error));
    assert_pack_ok(pack_arena_string(arena, &none, "", 0, &error));
    assert_string_equal(some, "a name");
    assert_string_equal(none, "");
    pack_arena_free(&arena);
    assert_null(arena);
    pack_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(what_was_stolen_is_not_freed),
        cmocka_unit_test(pieces_of_an_arena_are_apart_aligned_and_zeroed),
        cmocka_unit_test(an_arena_takes_large_pieces_and_none),
        cmocka_unit_test(an_arena_refuses_what_wraps),
        cmocka_unit_test(an_arena_keeps_strings),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
