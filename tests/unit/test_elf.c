/* SPDX-License-Identifier: MIT */
/* ELF: segments by physical address, in both sizes and byte orders, and headers that lie. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/backends.h"
#include "image_bytes.h"

#define ELF (&fwpack_format_elf)

static uint8_t *seed(const char *name, size_t *size)
{
    char path[64];
    snprintf(path, sizeof path, "fuzz/seeds/elf/%s.elf", name);
    PACK_AUTO_FREE char *whole = test_fixture(path);
    return test_read_file(whole, size);
}

/* --- reading --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool has_entry;
    uint64_t entry;
    size_t segments;
    uint64_t address[2], size[2];
} good[] = {
    /* The second segment has 50 of its 120 bytes in the file: the rest is cleared memory. */
    {"arm", true, 0x08000001, 2, {0x08000000, 0x08000100}, {100, 50}},
    {"powerpc", true, 0x100, 2, {0x08000000, 0x08000100}, {100, 50}},
    {"aarch64", true, 0xffff000008000000, 1, {0x40080000}, {300}},
    {"big64", false, 0, 2, {0x08000000, 0x08000100}, {100, 50}},
    {"no-physical", true, 0x1000, 1, {0x1000}, {64}},
};

static void segments_are_read_by_physical_address(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed(good[i].name, &size);
        assert_pack_ok(image_from_bytes(&image, ELF, bytes, size, &error));
        assert_int_equal(image->segment_count, good[i].segments);
        for (size_t j = 0; j < good[i].segments; j++) {
            assert_int_equal(image->segments[j].address, good[i].address[j]);
            assert_int_equal(image->segments[j].size, good[i].size[j]);
        }
        assert_int_equal(image->has_entry, good[i].has_entry);
        assert_int_equal(image->entry, good[i].entry);
    }
}

static void headers_are_told(void **state)
{
    static const struct {
        const char *name;
        const char *tells;
    } cases[] = {
        {"arm", "class: 32 bit\n  byte order: little-endian\n  machine: Arm\n  type: executable\n"},
        {"arm", "build id: 0001020304050607\n"},
        {"arm", "- address: 0x08000100, virtual address: 0x20000000, size: 50, memory size: 120"},
        {"powerpc", "class: 32 bit\n  byte order: big-endian\n  machine: PowerPC\n"},
        {"powerpc", "build id: 0001020304050607\n"},
        {"aarch64", "class: 64 bit\n  byte order: little-endian\n  machine: AArch64\n"},
        {"big64", "machine: PowerPC 64\n"},
        {"big64", "build id: 0001020304050607\n"},
    };
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
        PACK_AUTO_FREE char *text = NULL;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed(cases[i].name, &size);
        assert_pack_ok(pack_input_memory(&input, bytes, size, "test", &error));
        assert_pack_ok(pack_image_describe_text(ELF, input, &text, &error));
        assert_non_null(strstr(text, cases[i].tells));
    }
}

/* --- headers that lie ------------------------------------------------------------------------ */

/* arm.elf: the header has 52 bytes, then three program headers of 32. */
enum { FIRST = 52, SECOND = 84, OFFSET = 4, PHYSICAL = 12, IN_FILE = 16, IN_MEMORY = 20 };

static const struct {
    size_t offset;
    uint32_t value;
    const char *says;
} lies[] = {
    {28, 0xfffffff0, "cut short: program takes 96 bytes from 4294967280"},
    {28, 10000, "cut short: program takes 96 bytes from 10000"},
    {42, 0x0003001f, "program headers of 31 bytes, 32 wanted"},
    {FIRST + OFFSET, 0xffffff00, "cut short: a segment takes 100 bytes from 4294967040"},
    {FIRST + IN_FILE, 0xffffffff, "has 4294967295 bytes in the file, 100 in memory"},
    {FIRST + IN_MEMORY, 99, "segment 0 has 100 bytes in the file, 99 in memory"},
    {SECOND + PHYSICAL, 0x08000063, "address 0x08000063 is given twice"},
    {48, 0x00280001, "section headers of 0 bytes, 40 wanted"},
};

static void headers_that_lie_are_refused(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct pack_image *image = NULL;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed("arm", &size);
        if (lies[i].offset == 48) /* one section header, where there was none */
            pack_put_le16(bytes + 46, 0);
        pack_put_le32(bytes + lies[i].offset, lies[i].value);
        assert_pack_fails(image_from_bytes(&image, ELF, bytes, size, &error), PACK_E_MALFORMED);
        assert_pack_says(lies[i].says);
        assert_true(error.has_offset);
    }
}

static void class_and_byte_order_must_be_known(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = seed("arm", &size);
    (void)state;
    bytes[4] = 3;
    assert_pack_fails(image_from_bytes(&image, ELF, bytes, size, &error), PACK_E_MALFORMED);
    assert_pack_says("ELF class 3");
    bytes[4] = 1;
    bytes[5] = 0;
    assert_pack_fails(image_from_bytes(&image, ELF, bytes, size, &error), PACK_E_MALFORMED);
    assert_pack_says("ELF byte order 0");
}

static void segments_that_wrap_are_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = seed("aarch64", &size);
    (void)state;
    memset(bytes + 64 + 24, 0xff, 8); /* the physical address */
    assert_pack_fails(image_from_bytes(&image, ELF, bytes, size, &error), PACK_E_MALFORMED);
    assert_pack_says("300 bytes at 0xffffffffffffffff wrap around");
}

static void a_file_that_loads_nothing_is_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = seed("no-physical", &size);
    (void)state;
    bytes[FIRST] = 6; /* PT_PHDR */
    assert_pack_fails(image_from_bytes(&image, ELF, bytes, size, &error), PACK_E_MALFORMED);
    assert_pack_says("ELF without any data");
}

/* Notes are read up to a budget, and sizes in them are believed only inside it. */
static void notes_that_lie_are_passed_over(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t field = 0; field < 2; field++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
        PACK_AUTO_FREE char *text = NULL;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed("arm", &size);
        uint8_t *note = bytes + size - 24;
        pack_put_le32(note + 4 * field, 0xfffffffd);
        assert_pack_ok(pack_input_memory(&input, bytes, size, "test", &error));
        assert_pack_ok(pack_image_describe_text(ELF, input, &text, &error));
        assert_null(strstr(text, "build id"));
    }
}

static void truncation_at_every_length_is_an_error(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed(good[i].name, &size);
        const size_t notes = strcmp(good[i].name, "no-physical") == 0 ? 0 : 24;
        for (size_t length = 0; length < size - notes; length++) {
            struct pack_image *image = NULL;
            assert_pack_fails(image_from_bytes(&image, ELF, bytes, length, &error),
                              PACK_E_MALFORMED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_read_by_physical_address),
        cmocka_unit_test(headers_are_told),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(class_and_byte_order_must_be_known),
        cmocka_unit_test(segments_that_wrap_are_refused),
        cmocka_unit_test(a_file_that_loads_nothing_is_refused),
        cmocka_unit_test(notes_that_lie_are_passed_over),
        cmocka_unit_test(truncation_at_every_length_is_an_error),
    };
    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
