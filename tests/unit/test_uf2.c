/* SPDX-License-Identifier: MIT */
/* UF2: blocks in any order, families, what is refused and where, and what is written. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/backends.h"
#include "formats/uf2.h"
#include "image_bytes.h"

#define UF2 (&fwpack_format_uf2)

enum { BLOCK = 512, MAX_BLOCKS = 8, RP2040 = 0xe48bff56u, ABSOLUTE = 0xe48bff57u };

/* --- files made here ------------------------------------------------------------------------- */

struct file {
    size_t count;
    uint8_t blocks[MAX_BLOCKS][BLOCK];
};

struct header {
    uint32_t flags, address, payload, number, count, family;
};

/* A block whose payload is the letter. */
static uint8_t *add(struct file *file, struct header header, char letter)
{
    uint8_t *block = file->blocks[file->count++];
    const uint32_t words[8] = {0x0a324655,     0x9e5d5157,    header.flags, header.address,
                               header.payload, header.number, header.count, header.family};
    memset(block, 0, BLOCK);
    for (size_t i = 0; i < 8; i++)
        pack_put_le32(block + 4 * i, words[i]);
    memset(block + 32, letter, header.payload <= 476 ? header.payload : 0);
    pack_put_le32(block + 508, 0x0ab16f30);
    return block;
}

static struct header page(uint32_t number, uint32_t count)
{
    return (struct header){0x2000, 0x10000000 + 256 * number, 256, number, count, RP2040};
}

static int read_file(struct pack_image **image, const struct file *file, struct pack_error *error)
{
    return image_from_bytes(image, UF2, file->blocks, file->count * BLOCK, error);
}

/* --- reading --------------------------------------------------------------------------------- */

static void blocks_come_in_any_order(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    struct file file = {0};
    (void)state;
    add(&file, page(2, 3), 'c');
    add(&file, page(0, 3), 'a');
    add(&file, page(1, 3), 'b');
    assert_pack_ok(read_file(&image, &file, &error));
    assert_int_equal(image->segment_count, 1);
    assert_int_equal(image->segments[0].address, 0x10000000);
    assert_int_equal(image->size, 768);
    assert_int_equal(image->bytes[0], 'a');
    assert_int_equal(image->bytes[256], 'b');
    assert_int_equal(image->bytes[767], 'c');
}

static void payloads_of_any_size_are_read(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    struct file file = {0};
    (void)state;
    add(&file, (struct header){0, 0x100, 476, 0, 2, 0}, 'a');
    add(&file, (struct header){0, 0x100 + 476, 3, 1, 2, 0}, 'b');
    assert_pack_ok(read_file(&image, &file, &error));
    assert_int_equal(image->segment_count, 1);
    assert_int_equal(image->size, 479);
    assert_int_equal(image->note_size, 0);
}

static void blocks_that_are_not_for_flash_are_passed_over(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    struct file file = {0};
    struct header comment = page(0, 3);
    comment.flags |= 1;
    (void)state;
    add(&file, comment, '#');
    add(&file, page(1, 3), 'b');
    add(&file, page(2, 3), 'c');
    assert_pack_ok(read_file(&image, &file, &error));
    assert_int_equal(image->segments[0].address, 0x10000100);
    assert_int_equal(image->size, 512);
}

static void md5_and_tags_are_tolerated(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    struct file file = {0};
    struct header header = page(0, 1);
    header.flags |= 0x4000 | 0x8000;
    (void)state;
    memset(add(&file, header, 'a') + 288, 0xff, 220);
    assert_pack_ok(read_file(&image, &file, &error));
    assert_int_equal(image->size, 256);
}

static void the_absolute_block_of_rp2350_files_is_no_data(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    struct file file = {0};
    (void)state;
    add(&file, (struct header){0xa000, 0x10ffff00, 256, 0, 2, ABSOLUTE}, (char)0xef);
    add(&file, page(0, 2), 'a');
    add(&file, page(1, 2), 'b');
    assert_pack_ok(read_file(&image, &file, &error));
    assert_int_equal(image->segments[0].address, 0x10000000);
    assert_int_equal(image->size, 512);
}

/* The family alone does not make such a block: an image for RAM may have it. */
static void the_absolute_family_may_carry_data(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    struct file file = {0};
    (void)state;
    add(&file, (struct header){0x2000, 0x20000000, 256, 0, 1, ABSOLUTE}, 'a');
    assert_pack_ok(read_file(&image, &file, &error));
    assert_int_equal(image->segments[0].address, 0x20000000);
}

/* --- refusing -------------------------------------------------------------------------------- */

struct change {
    size_t offset; /* in the file of two pages */
    uint32_t value;
    enum pack_code code;
    const char *says;
    uint64_t at; /* the offset told */
};

static const struct change changes[] = {
    {0, 0, PACK_E_MALFORMED, "without the start of a UF2 block", 0},
    {512 + 4, 0, PACK_E_MALFORMED, "without the start of a UF2 block", 512},
    {508, 0, PACK_E_MALFORMED, "without the end of a UF2 block", 508},
    {16, 477, PACK_E_MALFORMED, "a payload of 477 bytes", 16},
    {16, UINT32_MAX, PACK_E_MALFORMED, "a payload of 4294967295 bytes", 16},
    {20, 2, PACK_E_MALFORMED, "block number 2 of 2", 20},
    {24, 0, PACK_E_MALFORMED, "block number 0 of 0", 20},
    {24, 3, PACK_E_MALFORMED, "3 blocks are announced, the file has 2", 24},
    {24, UINT32_MAX, PACK_E_MALFORMED, "4294967295 blocks are announced", 24},
    {512 + 24, 7, PACK_E_MALFORMED, "7 blocks are announced, 2 before", 512 + 24},
    {512 + 20, 0, PACK_E_MALFORMED, "block number 0 for the second time", 512 + 20},
    {512 + 12, 0x10000010, PACK_E_MALFORMED, "0x10000010 is given twice, first at offset 0", 512},
    {512 + 12, 0xffffff01, PACK_E_MALFORMED, "wrap around 4 GiB", 512 + 12},
    {512 + 28, 1, PACK_E_UNSUPPORTED, "two families, 0xe48bff56 and 0x00000001", 512 + 28},
    {512 + 8, 0, PACK_E_UNSUPPORTED, "two families", 512 + 28},
    {8, 0x1000, PACK_E_UNSUPPORTED, "container of files", 8},
};

static void contradictions_are_refused_with_the_offset(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct pack_image *image = NULL;
        struct file file = {0};
        add(&file, page(0, 2), 'a');
        add(&file, page(1, 2), 'b');
        pack_put_le32(&file.blocks[0][0] + changes[i].offset, changes[i].value);
        assert_pack_fails(read_file(&image, &file, &error), changes[i].code);
        assert_pack_says(changes[i].says);
        assert_true(error.has_offset);
        assert_int_equal(error.offset, changes[i].at);
        assert_null(image);
    }
}

static void a_missing_block_is_an_error(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    struct file file = {0};
    struct header comment = page(0, 3);
    comment.flags |= 1;
    (void)state;
    add(&file, page(0, 3), 'a');
    add(&file, page(2, 3), 'c');
    add(&file, comment, '#');
    assert_pack_fails(read_file(&image, &file, &error), PACK_E_MALFORMED);
    assert_pack_says("block number 1 of 3 is missing");
}

static void truncation_at_every_length_is_an_error(void **state)
{
    struct pack_error error = {0};
    struct file file = {0};
    (void)state;
    add(&file, page(0, 2), 'a');
    add(&file, page(1, 2), 'b');
    for (size_t size = 0; size < 2 * BLOCK; size++) {
        struct pack_image *image = NULL;
        assert_pack_fails(image_from_bytes(&image, UF2, file.blocks, size, &error),
                          PACK_E_MALFORMED);
    }
}

/* --- writing --------------------------------------------------------------------------------- */

static void seeds_come_back(void **state)
{
    static const char *const names[] = {"two", "rp2350"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[64];
        size_t size = 0;
        snprintf(name, sizeof name, "fuzz/seeds/uf2/%s.uf2", names[i]);
        PACK_AUTO_FREE char *path = test_fixture(name);
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
        check_comes_back(UF2, bytes, size);
    }
}

/* Two segments in one page share its block; what is between them and to its end is zero. */
static void pages_are_filled_up_with_zeros(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    PACK_AUTO(pack_image_free) struct pack_image *again = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_ok(pack_image_builder_new(&builder, &error));
    assert_pack_ok(pack_image_add(builder, 0x2010, "abc", 3, 0, &error));
    assert_pack_ok(pack_image_add(builder, 0x2080, "def", 3, 0, &error));
    assert_pack_ok(pack_image_add(builder, 0x30ff, "gh", 2, 0, &error));
    assert_pack_ok(pack_image_builder_finish(&builder, &image, &error));
    assert_pack_ok(image_to_bytes(&bytes, &size, UF2, image, &error));
    assert_int_equal(size, 3 * BLOCK);
    assert_int_equal(pack_le32(bytes + 8), 0); /* no family */
    assert_int_equal(pack_le32(bytes + 24), 3);
    assert_pack_ok(image_from_bytes(&again, UF2, bytes, size, &error));
    assert_int_equal(again->segment_count, 2);
    assert_int_equal(again->segments[0].address, 0x2000);
    assert_int_equal(again->segments[0].size, 256);
    assert_int_equal(again->segments[1].address, 0x3000);
    assert_int_equal(again->segments[1].size, 512);
    assert_int_equal(again->bytes[0x0f], 0);
    assert_memory_equal(again->bytes + 0x10, "abc\0", 4);
    assert_memory_equal(again->bytes + 0x80, "def\0", 4);
    assert_int_equal(again->bytes[256 + 255], 'g');
    assert_int_equal(again->bytes[256 + 256], 'h');
}

static void a_family_is_set_and_kept(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0x2000, 256);
    PACK_AUTO(pack_image_free) struct pack_image *again = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL, *second = NULL;
    size_t size = 0, second_size = 0;
    (void)state;
    fwpack_uf2_set_family(image, 0x68ed2b88);
    assert_pack_ok(image_to_bytes(&bytes, &size, UF2, image, &error));
    assert_int_equal(pack_le32(bytes + 8), 0x2000);
    assert_int_equal(pack_le32(bytes + 28), 0x68ed2b88);
    assert_pack_ok(image_from_bytes(&again, UF2, bytes, size, &error));
    assert_pack_ok(image_to_bytes(&second, &second_size, UF2, again, &error));
    assert_int_equal(second_size, size);
    assert_memory_equal(second, bytes, size);
}

static void a_new_family_keeps_the_absolute_block(void **state)
{
    struct pack_error error = {0};
    size_t size = 0, again_size = 0;
    PACK_AUTO_FREE char *path = test_fixture("fuzz/seeds/uf2/rp2350.uf2");
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    PACK_AUTO_FREE uint8_t *again = NULL;
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    (void)state;
    assert_pack_ok(image_from_bytes(&image, UF2, bytes, size, &error));
    fwpack_uf2_set_family(image, 0xe48bff5b);
    assert_pack_ok(image_to_bytes(&again, &again_size, UF2, image, &error));
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, BLOCK);
    assert_int_equal(pack_le32(again + BLOCK + 28), 0xe48bff5b);
}

static void what_is_beyond_4_gib_cannot_be_written(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0xffffffff, 2);
    uint8_t *bytes = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_fails(image_to_bytes(&bytes, &size, UF2, image, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("below 4 GiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_in_any_order),
        cmocka_unit_test(payloads_of_any_size_are_read),
        cmocka_unit_test(blocks_that_are_not_for_flash_are_passed_over),
        cmocka_unit_test(md5_and_tags_are_tolerated),
        cmocka_unit_test(the_absolute_block_of_rp2350_files_is_no_data),
        cmocka_unit_test(the_absolute_family_may_carry_data),
        cmocka_unit_test(contradictions_are_refused_with_the_offset),
        cmocka_unit_test(a_missing_block_is_an_error),
        cmocka_unit_test(truncation_at_every_length_is_an_error),
        cmocka_unit_test(seeds_come_back),
        cmocka_unit_test(pages_are_filled_up_with_zeros),
        cmocka_unit_test(a_family_is_set_and_kept),
        cmocka_unit_test(a_new_family_keeps_the_absolute_block),
        cmocka_unit_test(what_is_beyond_4_gib_cannot_be_written),
    };
    return cmocka_run_group_tests_name("uf2", tests, NULL, NULL);
}
