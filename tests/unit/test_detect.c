/* SPDX-License-Identifier: MIT */
/* Finding the machine, the addresses and the tables of a pair of images. */
#include "support/test.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "delta/align.h"
#include "delta/detect.h"
#include "formats/formats.h"

#include <stdlib.h>

static const struct pack_context context = {.formats = fwpack_formats};

/* --- an image of Thumb code ------------------------------------------------------------------ */

enum {
    FUNCTION = 64,
    FUNCTIONS = 512,
    POOL = FUNCTION - 8, /* of each function: two addresses of functions */
    INSERTED = 128,
    SIZE = FUNCTION * FUNCTIONS,
};

static size_t after(size_t offset, size_t edge)
{
    return offset < edge ? offset : offset + INSERTED;
}

static void put_call(uint8_t *p, int32_t distance)
{
    const uint32_t value = (uint32_t)(distance - 4), sign = value >> 31;
    pack_put_le16(p, (uint16_t)(0xf000 | sign << 10 | (value >> 12 & 0x3ff)));
    pack_put_le16(p + 2, (uint16_t)(0xd000 | (~(value >> 23 ^ sign) & 1) << 13 |
                                    (~(value >> 22 ^ sign) & 1) << 11 | (value >> 1 & 0x7ff)));
}

/* Functions that call each other, where what lies from `edge` on is moved. */
static void make_code(uint8_t *image, uint32_t base, size_t edge)
{
    memset(image, 0xff, SIZE + INSERTED);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        const size_t start = after(i * FUNCTION, edge);
        uint8_t *p = image + start;
        pack_put_le16(p, 0xb510);
        for (size_t k = 0; k < 10; k++) {
            const size_t target = after((i * 37 + k * 101) % FUNCTIONS * FUNCTION, edge);
            put_call(p + 2 + 4 * k, (int32_t)target - (int32_t)(start + 2 + 4 * k));
        }
        pack_put_le16(p + 42, 0xbd10);
        pack_put_le16(p + 44, 0x4770);
        for (size_t k = 0; k < 2; k++) {
            const size_t target = after((i * 53 + k * 211) % FUNCTIONS * FUNCTION, edge);
            pack_put_le32(p + POOL + 4 * k, base + (uint32_t)target + 1);
        }
    }
}

static void detect(struct delta_layout *layout, uint32_t base, const char *architecture, int wanted)
{
    static uint8_t old[SIZE + INSERTED], new[SIZE + INSERTED];
    struct pack_error error = {0};
    const size_t edge = SIZE / 4;
    struct patch_cover list[] = {{0, 0, edge}, {edge + INSERTED, edge, SIZE - edge}};
    const struct delta_covers covers = {.list = list, .count = 2};
    const struct delta_detect_options options = {
        .architecture = architecture, .most_ranges = 4, .most_regions = 4, .context = &context};
    make_code(old, base, SIZE);
    make_code(new, base, edge);
    assert_int_equal(
        delta_detect(layout, old, SIZE, new, SIZE + INSERTED, &covers, &options, &error), wanted);
}

static void code_and_base_are_found(void **state)
{
    (void)state;
    static const uint32_t bases[] = {0x08008000, 0x10000000, 0x60001000};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct delta_layout layout;
        detect(&layout, bases[i], NULL, 0);
        assert_int_equal(layout.layout.region_count, 1);
        assert_int_equal(layout.layout.regions[0].kind, PATCH_REGION_THUMB);
        assert_int_equal(layout.layout.regions[0].end, SIZE);
        assert_int_equal(layout.layout.old_range_count, 1);
        assert_int_equal(layout.layout.old_ranges[0].address, bases[i]);
        assert_int_equal(layout.layout.new_ranges[0].address, bases[i]);
        assert_int_equal(layout.layout.new_ranges[0].end, SIZE + INSERTED);
        delta_layout_free(&layout);
    }
}

static void architectures_can_be_given(void **state)
{
    (void)state;
    struct delta_layout layout;
    detect(&layout, 0x08008000, "powerpc", 0);
    assert_int_equal(layout.layout.region_count, 1);
    assert_int_equal(layout.layout.regions[0].kind, PATCH_REGION_POWERPC);
    delta_layout_free(&layout);
    detect(&layout, 0x08008000, "none", 0);
    assert_int_equal(layout.layout.region_count, 0);
    delta_layout_free(&layout);
    detect(&layout, 0x08008000, "z80", PACK_E_USAGE);
    delta_layout_free(&layout);
}

static void noise_has_no_code(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE];
    struct pack_error error = {0};
    struct delta_layout layout;
    struct patch_cover list[] = {{0, 0, SIZE}};
    const struct delta_covers covers = {.list = list, .count = 1};
    const struct delta_detect_options options = {.most_ranges = 4, .most_regions = 4};
    uint32_t seed = 1;
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
        bytes[i] = (uint8_t)(seed >> 24);
    }
    assert_pack_ok(delta_detect(&layout, bytes, SIZE, bytes, SIZE, &covers, &options, &error));
    assert_int_equal(layout.layout.region_count, 0);
    assert_int_equal(layout.layout.old_range_count, 0);
    delta_layout_free(&layout);
}

static void images_of_any_size_are_looked_at(void **state)
{
    (void)state;
    static const uint8_t bytes[64] = {0xe8};
    struct pack_error error = {0};
    const struct delta_covers none = {0};
    const struct delta_detect_options options = {
        .most_ranges = 4, .most_regions = 4, .context = &context};
    for (size_t size = 0; size < sizeof bytes; size++) {
        struct delta_layout layout;
        PACK_AUTO_FREE uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        assert_pack_ok(delta_detect(&layout, copy, size, copy, size, &none, &options, &error));
        delta_layout_free(&layout);
    }
}

/* --- formats that know ----------------------------------------------------------------------- */

static void check_format(const uint8_t *bytes, size_t size, const struct patch_range *ranges,
                         size_t range_count, uint8_t kind)
{
    struct pack_error error = {0};
    struct delta_layout layout;
    struct patch_cover list[] = {{0, 0, size}};
    const struct delta_covers covers = {.list = list, .count = 1};
    const struct delta_detect_options options = {
        .most_ranges = 16, .most_regions = 16, .context = &context};
    assert_pack_ok(delta_detect(&layout, bytes, size, bytes, size, &covers, &options, &error));
    assert_int_equal(layout.layout.old_range_count, range_count);
    assert_int_equal(layout.layout.new_range_count, range_count);
    for (size_t i = 0; i < range_count; i++) {
        assert_int_equal(layout.layout.old_ranges[i].start, ranges[i].start);
        assert_int_equal(layout.layout.old_ranges[i].end, ranges[i].end);
        assert_int_equal(layout.layout.old_ranges[i].address, ranges[i].address);
    }
    assert_int_equal(layout.layout.regions[0].kind, kind);
    delta_layout_free(&layout);
}

/* One segment of RISC-V code, and no sections. */
static void elf_segments_are_followed(void **state)
{
    (void)state;
    uint8_t image[0x200] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    uint8_t *segment = image + 52;
    pack_put_le16(image + 16, 2);
    pack_put_le16(image + 18, 243);
    pack_put_le32(image + 28, 52);
    pack_put_le16(image + 42, 32);
    pack_put_le16(image + 44, 1);
    pack_put_le32(segment, 1);
    pack_put_le32(segment + 4, 0x100);
    pack_put_le32(segment + 8, 0x20010000);
    pack_put_le32(segment + 12, 0x20010000);
    pack_put_le32(segment + 16, 0x80);
    pack_put_le32(segment + 20, 0x80);
    pack_put_le32(segment + 24, 5);
    check_format(image, sizeof image, &(struct patch_range){0x100, 0x180, 0x20010000}, 1,
                 PATCH_REGION_RISCV32);
}

static void esp32_segments_are_followed(void **state)
{
    (void)state;
    uint8_t image[24 + 8 + 64 + 8 + 32 + 16] = {0xe9, 2};
    static const struct patch_range ranges[] = {{32, 96, 0x400d0020}, {104, 136, 0x3ffb0000}};
    pack_put_le32(image + 24, 0x400d0020);
    pack_put_le32(image + 28, 64);
    pack_put_le32(image + 96, 0x3ffb0000);
    pack_put_le32(image + 100, 32);
    check_format(image, sizeof image, ranges, 2, PATCH_REGION_XTENSA);
}

static void pe_sections_are_followed(void **state)
{
    (void)state;
    uint8_t image[0x400] = {'M', 'Z'};
    uint8_t *header = image + 0x40, *section = header + 24 + 112;
    pack_put_le32(image + 0x3c, 0x40);
    memcpy(header, "PE\0\0", 4);
    pack_put_le16(header + 4, 0x8664);
    pack_put_le16(header + 6, 1);
    pack_put_le16(header + 20, 112);
    pack_put_le16(header + 24, 0x20b);
    pack_put_le64(header + 24 + 24, 0x140000000);
    pack_put_le32(section + 12, 0x1000);
    pack_put_le32(section + 16, 0x100);
    pack_put_le32(section + 20, 0x200);
    pack_put_le32(section + 36, 0x60000020);
    check_format(image, sizeof image, &(struct patch_range){0x200, 0x300, 0x140001000}, 1,
                 PATCH_REGION_X86_64);
}

/* --- tables ---------------------------------------------------------------------------------- */

enum { ENTRIES = 64, TEXT = 0x1000, ENTRY = 24, TEXT_ADDRESS = 1, TABLE_ADDRESS = 2 };

/* A table of relocations behind code; the new image has `extra` bytes and one entry more. */
static void make_relocations(uint8_t *image, size_t edge, size_t extra)
{
    size_t entry = 0;
    memset(image, 0x90, TEXT + extra);
    for (size_t i = 0; i < ENTRIES; i++) {
        const size_t place = i * 0x40;
        if (place == edge && extra > 0) /* in what was inserted */
            pack_put_le64(image + TEXT + extra + ENTRY * entry++, edge + 4);
        pack_put_le64(image + TEXT + extra + ENTRY * entry++, place < edge ? place : place + extra);
    }
}

/* Bytes say that entries of the same number correspond; places say that one is new. */
static void entries_are_paired_by_their_places(void **state)
{
    (void)state;
    static uint8_t old[TEXT + ENTRIES * ENTRY], new[TEXT + 0x10 + (ENTRIES + 1) * ENTRY];
    struct pack_error error = {0};
    enum { EDGE = 0x400, EXTRA = 0x10, BEFORE = EDGE / 0x40 };
    const struct patch_range old_ranges[] = {{0, TEXT, (uint64_t)TEXT_ADDRESS << 48},
                                             {TEXT, sizeof old, (uint64_t)TABLE_ADDRESS << 48}};
    const struct patch_range new_ranges[] = {
        {0, TEXT + EXTRA, (uint64_t)TEXT_ADDRESS << 48},
        {TEXT + EXTRA, sizeof new, (uint64_t)TABLE_ADDRESS << 48}};
    const struct patch_region region = {
        TEXT, sizeof old, PATCH_REGION_ELF_RELA64, {(uint64_t)TEXT_ADDRESS << 48, 0}};
    const struct patch_layout layout = {old_ranges, 2, new_ranges, 2, &region, 1};
    struct delta_covers covers = {0};
    covers.list = calloc(3, sizeof *covers.list);
    assert_non_null(covers.list);
    covers.capacity = covers.count = 3;
    covers.list[0] = (struct patch_cover){0, 0, EDGE};
    covers.list[1] = (struct patch_cover){EDGE + EXTRA, EDGE, TEXT - EDGE};
    covers.list[2] = (struct patch_cover){TEXT + EXTRA, TEXT, ENTRIES * ENTRY};
    make_relocations(old, EDGE, 0);
    make_relocations(new, EDGE, EXTRA);
    assert_pack_ok(delta_align(&covers, &layout, old, sizeof old, new, sizeof new, &error));
    const struct patch_cover *last = &covers.list[covers.count - 1];
    assert_int_equal(last->new_offset, TEXT + EXTRA + (BEFORE + 1) * ENTRY);
    assert_int_equal(last->old_offset, TEXT + BEFORE * ENTRY);
    assert_int_equal(last->size, (ENTRIES - BEFORE) * ENTRY);
    for (size_t i = 1; i < covers.count; i++)
        assert_true(covers.list[i].new_offset >=
                    covers.list[i - 1].new_offset + covers.list[i - 1].size);
    delta_covers_free(&covers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_and_base_are_found),
        cmocka_unit_test(architectures_can_be_given),
        cmocka_unit_test(noise_has_no_code),
        cmocka_unit_test(images_of_any_size_are_looked_at),
        cmocka_unit_test(elf_segments_are_followed),
        cmocka_unit_test(esp32_segments_are_followed),
        cmocka_unit_test(pe_sections_are_followed),
        cmocka_unit_test(entries_are_paired_by_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
