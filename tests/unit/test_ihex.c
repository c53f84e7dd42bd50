/* SPDX-License-Identifier: MIT */
/* Intel HEX: what is read, what is refused and where, and what is written. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/backends.h"
#include "image_bytes.h"

#define IHEX (&fwpack_format_ihex)
#define END ":00000001FF\r\n"

/* --- reading --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t address;
    size_t size;
    bool has_entry;
    uint64_t entry;
} good[] = {
    {":0100100041AE\r\n" END, 0x10, 1, false, 0},
    {":0100100041AE\n:00000001FF", 0x10, 1, false, 0},
    {":0100100041ae\n:00000001ff\n\n\r\n", 0x10, 1, false, 0},
    {":020000021000EC\r\n:0100100041AE\r\n" END, 0x10010, 1, false, 0},
    {":020000040800F2\r\n:0100100041AE\r\n" END, 0x08000010, 1, false, 0},
    /* In linear mode a record may cross 64 KiB. */
    {":020000040001F9\r\n:02FFFF0041427D\r\n" END, 0x1ffff, 2, false, 0},
    {":02000004FFFFFC\r\n:01FFFF0041C0\r\n" END, 0xffffffff, 1, false, 0},
    {":0100100041AE\r\n:0400000312340010A3\r\n" END, 0x10, 1, true, 0x12350},
    {":0100100041AE\r\n:0400000508004001AE\r\n" END, 0x10, 1, true, 0x08004001},
    {":0100100041AE\r\n:00123401B9\r\n", 0x10, 1, true, 0x1234},
    {":0000000000\r\n:0100100041AE\r\n" END, 0x10, 1, false, 0},
    /* Set back to 0, either kind of base is out of the way of the other. */
    {":020000021000EC\r\n:020000020000FC\r\n:020000040800F2\r\n:0100100041AE\r\n" END, 0x08000010,
     1, false, 0},
};

static void good_files_are_read(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
        assert_pack_ok(image_from_text(&image, IHEX, good[i].text, &error));
        assert_int_equal(image->segment_count, 1);
        assert_int_equal(image->segments[0].address, good[i].address);
        assert_int_equal(image->size, good[i].size);
        assert_int_equal(image->bytes[0], 'A');
        assert_int_equal(image->has_entry, good[i].has_entry);
        assert_int_equal(image->entry, good[i].entry);
    }
}

static const struct {
    const char *text;
    const char *says;
    unsigned line;
} bad[] = {
    {"", "ends without an end record", 0},
    {":0100100041AE\r\n", "ends without an end record", 1},
    {"\n" END, "must begin with ':'", 1},
    {" :0100100041AE\n" END, "must begin with ':'", 1},
    {":0100100041AE\n;comment\n" END, "must begin with ':'", 2},
    {":0100100041AE\n0100100041AE\n" END, "must begin with ':'", 2},
    {":0100100041AF\n" END, "the checksum is 0xAF, 0xAE wanted", 1},
    {":0200100041AE\n" END, "says 2 data bytes has 1", 1},
    {":010010004142AE\n" END, "says 1 data bytes has 2", 1},
    {":01001000\n" END, "4 bytes, at least 5 wanted", 1},
    {":\n" END, "0 bytes, at least 5 wanted", 1},
    {":0100100041A\n" END, "ends in the middle of a pair", 1},
    {":01001000G1AE\n" END, "'G' where a hexadecimal digit is wanted", 1},
    {":0100100041AE \n" END, "' ' where a hexadecimal digit is wanted", 1},
    {":0100100041AE\r\r\n" END, "byte 0x0d where a hexadecimal digit is wanted", 1},
    {":01001000\xff\xff"
     "AE\n" END,
     "byte 0xff where a hexadecimal digit is wanted", 1},
    {":00000006FA\n" END, "unknown type 06", 1},
    {":000000FF01\n" END, "unknown type FF", 1},
    {":0100000100FE\n" END, "type 01 has 1 data bytes, 0 wanted", 1},
    {":0100000210ED\n" END, "type 02 has 1 data bytes, 2 wanted", 1},
    {":03000004080000F1\n" END, "type 04 has 3 data bytes, 2 wanted", 1},
    {":020000051234B3\n" END, "type 05 has 2 data bytes, 4 wanted", 1},
    {":0100100041AE\n" END ":0100110041AD\n", "more follows the end record", 3},
    {":0100100041AE\n" END "\n\nx", "more follows the end record", 5},
    {":0100100041AE\n" END END, "more follows the end record", 3},
    {":0100100041AE\n:0100100041AE\n" END, "0x00000010 is given twice, first at line 1", 2},
    {":0100100041AE\n:0100110041AD\n:021000004142"
     "6B\n:0110010041AD\n" END,
     "0x00001001 is given twice, first at line 3", 4},
    {":02FFFF0041427D\n" END, "2 bytes at offset 0xFFFF wrap around the segment", 1},
    {":020000021000EC\n:02FFFF0041427D\n" END, "wrap around the segment", 2},
    {":02000004FFFFFC\n:02FFFF0041427D\n" END, "wrap around 4 GiB", 2},
    {":020000021000EC\n:020000040800F2\n" END, "mixed, 0x10000 is still in force", 2},
    {":020000040800F2\n:020000021000EC\n" END, "mixed, 0x8000000 is still in force", 2},
    {":0400000508004001AE\n:0400000508004001AE\n" END, "a second entry point", 2},
};

static void bad_files_are_refused_with_the_line(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pack_image *image = NULL;
        assert_pack_fails(image_from_text(&image, IHEX, bad[i].text, &error), PACK_E_MALFORMED);
        assert_pack_says(bad[i].says);
        assert_int_equal(error.line, bad[i].line);
        assert_string_equal(error.file, "test");
        assert_null(image);
    }
}

static void a_file_without_data_is_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(image_from_text(&image, IHEX, END, &error), PACK_E_MALFORMED);
    assert_pack_says("Intel HEX without any data");
}

static void the_column_of_a_wrong_digit_is_told(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(image_from_text(&image, IHEX, ":0100100041AE\n:01001x0041AE\n", &error),
                      PACK_E_MALFORMED);
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 7);
}

static void an_endless_line_is_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    PACK_AUTO_FREE uint8_t *text = NULL;
    const size_t size = 200000;
    (void)state;
    assert_pack_ok(pack_allocate(&text, size, 1, &error));
    memset(text, '0', size);
    text[0] = ':';
    assert_pack_fails(image_from_bytes(&image, IHEX, text, size, &error), PACK_E_MALFORMED);
    assert_pack_says("more than 1024 characters");
}

/* A pipe gives whatever it has; lines are put together over its pieces. */
static void a_pipe_is_read(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *big = image_of(0x08000000, 100000);
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    PACK_AUTO_FREE uint8_t *text = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_input *inner = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_ok(image_to_bytes(&text, &size, IHEX, big, &error));
    assert_pack_ok(pack_input_memory(&inner, text, size, "test", &error));
    assert_pack_ok(pack_input_forward(&input, inner, &error));
    assert_pack_ok(pack_image_read(&image, IHEX, input, &error));
    assert_int_equal(image->size, big->size);
    assert_memory_equal(image->bytes, big->bytes, (size_t)big->size);
}

/* --- writing --------------------------------------------------------------------------------- */

static void is_written_as(uint64_t address, size_t size, const char *expected)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = image_of(address, size);
    PACK_AUTO_FREE uint8_t *text = NULL;
    size_t text_size = 0;
    assert_pack_ok(image_to_bytes(&text, &text_size, IHEX, image, &error));
    assert_string_equal((const char *)text, expected);
}

/* Expected lines are what GNU objcopy 2.40 wrote. */
static void it_is_written_as_objcopy_writes_it(void **state)
{
    (void)state;
    is_written_as(0, 18, ":10000000000102030405060708090A0B0C0D0E0F78\r\n:020010001011CD\r\n" END);
    is_written_as(0xfffe, 4, ":02FFFE00000100\r\n:020000021000EC\r\n:020000000203F9\r\n" END);
    is_written_as(0xffffe, 4,
                  ":02000002F0000C\r\n:02FFFE00000100\r\n:020000020000FC\r\n"
                  ":020000040010EA\r\n:020000000203F9\r\n" END);
    is_written_as(0x08004000, 1, ":020000040800F2\r\n:0140000000BF\r\n" END);
    is_written_as(0xffffffff, 1, ":02000004FFFFFC\r\n:01FFFF000001\r\n" END);
}

static void entries_below_1_mib_are_segmented(void **state)
{
    struct pack_error error = {0};
    static const struct {
        uint64_t entry;
        const char *text;
    } cases[] = {
        {0, ":0100000000FF\r\n:0400000300000000F9\r\n" END},
        {0x12345, ":0100000000FF\r\n:040000031000234581\r\n" END},
        {0xfffff, ":0100000000FF\r\n:04000003F000FFFF0B\r\n" END},
        {0x100000, ":0100000000FF\r\n:0400000500100000E7\r\n" END},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0, 1);
        PACK_AUTO_FREE uint8_t *text = NULL;
        size_t size = 0;
        image->has_entry = true;
        image->entry = cases[i].entry;
        assert_pack_ok(image_to_bytes(&text, &size, IHEX, image, &error));
        assert_string_equal((const char *)text, cases[i].text);
    }
}

static void what_is_beyond_4_gib_cannot_be_written(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0xffffffff, 2);
    PACK_AUTO(pack_image_free) struct pack_image *entered = image_of(0, 1);
    uint8_t *text = NULL;
    size_t size = 0;
    (void)state;
    entered->has_entry = true;
    entered->entry = UINT64_C(0x100000000);
    assert_pack_fails(image_to_bytes(&text, &size, IHEX, image, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("the end of a segment is at 0x100000000");
    assert_pack_fails(image_to_bytes(&text, &size, IHEX, entered, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("the entry point is at 0x100000000");
}

/* --- layouts that come back ------------------------------------------------------------------ */

static void layouts_come_back(void **state)
{
    static const char *const texts[] = {
        /* LF, short full records, a record broken where a section ended */
        ":0400000041424344F2\n:020004004546"
        "6F\n:0400060041424344EC\n:00000001FF\n",
        /* a linear base below 1 MiB, and one of 0 that stands first */
        ":020000040000FA\r\n:0100100041AE\r\n:020000040001F9\r\n:0100100041AE\r\n" END,
        ":020000020000FC\r\n:0100100041AE\r\n" END,
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_comes_back(IHEX, texts[i], strlen(texts[i]));
}

static void an_irregular_layout_becomes_a_plain_one(void **state)
{
    struct pack_error error = {0};
    char text[4096];
    size_t used = 0;
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    PACK_AUTO_FREE uint8_t *again = NULL;
    size_t size = 0;
    (void)state;
    /* Records of 2 and 1 bytes in turn have more breaks than are kept. */
    for (unsigned i = 0; i < 40; i++)
        used +=
            (size_t)(i % 2 == 0 ? snprintf(text + used, sizeof text - used, ":02%04X000000%02X\r\n",
                                           3 * i / 2, (0x100 - 2 - 3 * i / 2) & 0xff)
                                : snprintf(text + used, sizeof text - used, ":01%04X0000%02X\r\n",
                                           3 * (i / 2) + 2, (0x100 - 1 - 3 * (i / 2) - 2) & 0xff));
    snprintf(text + used, sizeof text - used, "%s", END);
    assert_pack_ok(image_from_text(&image, IHEX, text, &error));
    assert_int_equal(image->segment_count, 1);
    assert_int_equal(image->size, 60);
    assert_int_equal(image->note_size, 0);
    assert_pack_ok(image_to_bytes(&again, &size, IHEX, image, &error));
    assert_memory_equal(again, ":10000000", 9);
}

/* A note may come from a file that an enemy made, and from another format. */
static void any_note_is_harmless(void **state)
{
    static const char *const notes[] = {
        "ihex", "ihex\0", "ihex\0\0", "srec\x10\x01\x03", "", "ihex\x10\xff\0\0\0\0\1\0\0\0\2"};
    static const size_t sizes[] = {4, 5, 6, 7, 0, 15};
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0x100, 40);
        PACK_AUTO(pack_image_free) struct pack_image *again = NULL;
        PACK_AUTO_FREE uint8_t *text = NULL;
        size_t size = 0;
        memcpy(image->note, notes[i], sizes[i]);
        image->note_size = sizes[i];
        assert_pack_ok(image_to_bytes(&text, &size, IHEX, image, &error));
        assert_pack_ok(image_from_bytes(&again, IHEX, text, size, &error));
        assert_int_equal(again->segments[0].address, 0x100);
        assert_memory_equal(again->bytes, image->bytes, 40);
    }
}

static void seeds_come_back(void **state)
{
    static const char *const names[] = {"zero", "segment", "both", "flash", "long-lines"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[64];
        size_t size = 0;
        snprintf(name, sizeof name, "fuzz/seeds/ihex/%s.hex", names[i]);
        PACK_AUTO_FREE char *path = test_fixture(name);
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
        check_comes_back(IHEX, bytes, size);
    }
}

static void truncation_at_every_length_is_an_error(void **state)
{
    struct pack_error error = {0};
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_fixture("fuzz/seeds/ihex/both.hex");
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    (void)state;
    for (size_t length = 0; length < size - 2; length++) {
        struct pack_image *image = NULL;
        assert_pack_fails(image_from_bytes(&image, IHEX, bytes, length, &error), PACK_E_MALFORMED);
    }
}

/* --- recognition ----------------------------------------------------------------------------- */

static void only_a_whole_first_record_is_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {":0100100041AE\r\n", true},
        {":0100100041AE", true},
        {":00000001FF\n", true},
        {":0100100041", false},
        {":", false},
        {"", false},
        {": a title\n", false},
        {":01001000ZZAE", false},
        {":0100106041AE\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(IHEX->probe((const uint8_t *)cases[i].text, strlen(cases[i].text), 0) != 0,
                         cases[i].is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(bad_files_are_refused_with_the_line),
        cmocka_unit_test(a_file_without_data_is_refused),
        cmocka_unit_test(the_column_of_a_wrong_digit_is_told),
        cmocka_unit_test(an_endless_line_is_refused),
        cmocka_unit_test(a_pipe_is_read),
        cmocka_unit_test(it_is_written_as_objcopy_writes_it),
        cmocka_unit_test(entries_below_1_mib_are_segmented),
        cmocka_unit_test(what_is_beyond_4_gib_cannot_be_written),
        cmocka_unit_test(layouts_come_back),
        cmocka_unit_test(an_irregular_layout_becomes_a_plain_one),
        cmocka_unit_test(any_note_is_harmless),
        cmocka_unit_test(seeds_come_back),
        cmocka_unit_test(truncation_at_every_length_is_an_error),
        cmocka_unit_test(only_a_whole_first_record_is_recognised),
    };
    return cmocka_run_group_tests_name("ihex", tests, NULL, NULL);
}
