/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "bundle/tar.h"

#include <string.h>

static void a_header_is_a_function_of_name_and_size(void **state)
{
    (void)state;
    uint8_t header[TAR_HEADER_MAX];
    char name[TAR_NAME_SIZE];
    uint64_t size = 0;
    struct pack_error error = {0};
    tar_header(header, "release.json", 1234);
    assert_int_equal(tar_header_size(1234), TAR_BLOCK);
    assert_pack_ok(tar_parse(header, name, &size, &error));
    assert_string_equal(name, "release.json");
    assert_int_equal(size, 1234);
    assert_memory_equal(header + 257, "ustar\00000", 8);
}

/* A58: the largest size of ustar, the first that needs pax, and what a pax size may not be. */
static void sizes_beyond_ustar_get_a_pax_record(void **state)
{
    (void)state;
    uint8_t header[TAR_HEADER_MAX];
    assert_int_equal(tar_header_size(TAR_USTAR_MAX), TAR_BLOCK);
    assert_int_equal(tar_header_size(TAR_USTAR_MAX + 1), TAR_HEADER_MAX);
    tar_header(header, "payloads/rootfs.0.bin", TAR_USTAR_MAX + 1);
    assert_int_equal(header[156], 'x');
    assert_string_equal((char *)header + TAR_BLOCK, "19 size=8589934592\n");
    assert_int_equal(header[2 * TAR_BLOCK + 156], '0');
}

static void padding_fills_the_block(void **state)
{
    (void)state;
    assert_int_equal(tar_padding(0), 0);
    assert_int_equal(tar_padding(1), 511);
    assert_int_equal(tar_padding(512), 0);
    assert_int_equal(tar_padding(513), 511);
}

/* A10, A52–A56, A58: any other byte in a header is refused. */
static void every_other_byte_is_refused(void **state)
{
    (void)state;
    uint8_t header[TAR_HEADER_MAX];
    char name[TAR_NAME_SIZE];
    uint64_t size = 0;
    tar_header(header, "release.json", 1234);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct pack_error error = {0};
            header[i] ^= (uint8_t)(1 << bit);
            assert_int_equal(tar_parse(header, name, &size, &error), PACK_E_MALFORMED);
            header[i] ^= (uint8_t)(1 << bit);
        }
}

static void refuses_with_type(char type, const char *words)
{
    uint8_t header[TAR_HEADER_MAX];
    char name[TAR_NAME_SIZE];
    uint64_t size = 0;
    struct pack_error error = {0};
    tar_header(header, "release.json", 0);
    header[156] = (uint8_t)type;
    assert_pack_fails(tar_parse(header, name, &size, &error), PACK_E_MALFORMED);
    assert_pack_says(words);
}

/* A52, A53, A54, A59: what is no regular file is refused by its name. */
static void other_types_are_refused_by_name(void **state)
{
    (void)state;
    refuses_with_type('1', "hard links");
    refuses_with_type('2', "symbolic links");
    refuses_with_type('3', "devices");
    refuses_with_type('4', "devices");
    refuses_with_type('5', "folders");
    refuses_with_type('6', "FIFOs");
    refuses_with_type('S', "sparse");
    refuses_with_type('L', "long names");
    refuses_with_type('g', "pax");
    refuses_with_type('Z', "type 0x5a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_a_function_of_name_and_size),
        cmocka_unit_test(sizes_beyond_ustar_get_a_pax_record),
        cmocka_unit_test(padding_fills_the_block),
        cmocka_unit_test(every_other_byte_is_refused),
        cmocka_unit_test(other_types_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
