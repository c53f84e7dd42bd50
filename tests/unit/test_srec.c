/* SPDX-License-Identifier: MIT */
/* Motorola S-records: what is read, what is refused and where, and what is written. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/backends.h"
#include "image_bytes.h"

#define SREC (&fwpack_format_srec)
#define END1 "S9030000FC\r\n"
#define END3 "S70500000000FA\r\n"

/* --- reading --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t address;
    uint64_t entry; /* 0: none */
} good[] = {
    {"S104001041AA\r\n" END1, 0x10, 0},
    {"S104001041AA\nS9030000FC", 0x10, 0},
    {"S104001041aa\nS9030000fc\n\n", 0x10, 0},
    {"S2050123454150\r\nS804000000FB\r\n", 0x12345, 0},
    {"S3060800000041B0\r\nS70508000001F1\r\n", 0x08000000, 0x08000001},
    {"S3060800000041B0\r\nS9030000FC\r\n", 0x08000000, 0},
    {"S00800007469746C65D5\r\nS104001041AA\r\nS9031234B6\r\n", 0x10, 0x1234},
    {"S104001041AA\r\nS5030001FB\r\n" END1, 0x10, 0},
    {"S104001041AA\r\nS604000001FA\r\n" END1, 0x10, 0},
    {"S3060000001041A8\r\n" END3, 0x10, 0},
    {"S306FFFFFFFF41BC\r\n" END3, 0xffffffff, 0},
    {"S1030010EC\r\nS104001041AA\r\n" END1, 0x10, 0},
};

static void good_files_are_read(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
        assert_pack_ok(image_from_text(&image, SREC, good[i].text, &error));
        assert_int_equal(image->segment_count, 1);
        assert_int_equal(image->segments[0].address, good[i].address);
        assert_int_equal(image->size, 1);
        assert_int_equal(image->bytes[0], 'A');
        assert_int_equal(image->has_entry, good[i].entry != 0);
        assert_int_equal(image->entry, good[i].entry);
    }
}

static const struct {
    const char *text;
    const char *says;
    unsigned line;
} bad[] = {
    {"", "ends without an end record", 0},
    {"S104001041AA\r\n", "ends without an end record", 1},
    {"s104001041AA\n" END1, "must begin with 'S' and a digit", 1},
    {"S104001041AA\n\n" END1, "must begin with 'S' and a digit", 2},
    {"SA04001041AA\n" END1, "must begin with 'S' and a digit", 1},
    {"S\n" END1, "must begin with 'S' and a digit", 1},
    {"S4030000FC\n" END1, "the reserved type S4", 1},
    {"S104001041AB\n" END1, "the checksum is 0xAB, 0xAA wanted", 1},
    {"S105001041AA\n" END1, "says 5 bytes follow its length has 4", 1},
    {"S1\n" END1, "says 0 bytes follow its length has 0", 1},
    {"S10200FD\n" END1, "an S1 record of 3 bytes, 4 wanted", 1},
    {"S904000041BA\n", "an S9 record of 5 bytes, 4 wanted", 1},
    {"S10400104XAA\n" END1, "'X' where a hexadecimal digit is wanted", 1},
    {"S104001041A\n" END1, "ends in the middle of a pair", 1},
    {"S104001041AA\nS5030002FA\n" END1, "the count says 2 data records, there are 1", 2},
    {"S104001041AA\n" END1 "S104001141A9\n", "more follows the end record", 3},
    {"S104001041AA\nS104001041AA\n" END1, "0x00000010 is given twice, first at line 1", 2},
    {"S105FFFF414279\n" END1, "2 bytes at 0xFFFF wrap around the end of S1 addresses", 1},
    {"S206FFFFFF414279\n" END1, "wrap around the end of S2 addresses", 1},
    {"S307FFFFFFFF414279\n" END1, "wrap around the end of S3 addresses", 1},
};

static void bad_files_are_refused_with_the_line(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pack_image *image = NULL;
        assert_pack_fails(image_from_text(&image, SREC, bad[i].text, &error), PACK_E_MALFORMED);
        assert_pack_says(bad[i].says);
        assert_int_equal(error.line, bad[i].line);
        assert_null(image);
    }
}

static void a_file_without_data_is_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image *image = NULL;
    (void)state;
    assert_pack_fails(image_from_text(&image, SREC, END1, &error), PACK_E_MALFORMED);
    assert_pack_says("without any data");
}

/* --- writing --------------------------------------------------------------------------------- */

static void is_written_as(uint64_t address, size_t size, uint64_t entry, const char *expected)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = image_of(address, size);
    PACK_AUTO_FREE uint8_t *text = NULL;
    size_t text_size = 0;
    image->has_entry = entry != 0;
    image->entry = entry;
    assert_pack_ok(image_to_bytes(&text, &text_size, SREC, image, &error));
    assert_string_equal((const char *)text, expected);
}

/* But for the header, the lines are those of GNU objcopy 2.40. */
static void the_highest_address_gives_the_type(void **state)
{
    (void)state;
    is_written_as(0, 18, 0,
                  "S0030000FC\r\nS1130000000102030405060708090A0B0C0D0E0F74\r\n"
                  "S10500101011C9\r\n" END1);
    is_written_as(0xfffe, 4, 0, "S0030000FC\r\nS20800FFFE00010203F4\r\nS804000000FB\r\n");
    is_written_as(0xfffffe, 4, 0, "S0030000FC\r\nS30900FFFFFE00010203F4\r\n" END3);
    is_written_as(0, 1, 0x08000001, "S0030000FC\r\nS3060000000000F9\r\nS70508000001F1\r\n");
}

static void what_is_beyond_4_gib_cannot_be_written(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0xffffffff, 2);
    uint8_t *text = NULL;
    size_t size = 0;
    (void)state;
    assert_pack_fails(image_to_bytes(&text, &size, SREC, image, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("below 4 GiB only, not 0x100000000");
}

static void layouts_come_back(void **state)
{
    static const char *const texts[] = {
        "S00800007469746C65D5\r\nS104001041AA\r\n" END1,
        "S0030000FC\nS104001041AA\nS5030001FB\nS9030000FC\n",
        "S0030000FC\r\nS3060000001041A8\r\n" END3,
        /* as srec_cat ends a file without an entry point */
        "S0030000FC\r\nS3060000001041A8\r\n" END1,
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_comes_back(SREC, texts[i], strlen(texts[i]));
}

static void seeds_come_back(void **state)
{
    static const char *const names[] = {"s1", "s2", "s3", "counted"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[64];
        size_t size = 0;
        snprintf(name, sizeof name, "fuzz/seeds/srec/%s.srec", names[i]);
        PACK_AUTO_FREE char *path = test_fixture(name);
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
        check_comes_back(SREC, bytes, size);
    }
}

static void any_note_is_harmless(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } notes[] = {{"srec", 4}, {"srec\0\0\0", 7}, {"srec\xff\xff\xff title", 13}, {"ihex\x20\0", 6}};
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        PACK_AUTO(pack_image_free) struct pack_image *image = image_of(0x100, 300);
        PACK_AUTO(pack_image_free) struct pack_image *again = NULL;
        PACK_AUTO_FREE uint8_t *text = NULL;
        size_t size = 0;
        memcpy(image->note, notes[i].bytes, notes[i].size);
        image->note_size = notes[i].size;
        assert_pack_ok(image_to_bytes(&text, &size, SREC, image, &error));
        assert_pack_ok(image_from_bytes(&again, SREC, text, size, &error));
        assert_int_equal(again->segments[0].address, 0x100);
        assert_memory_equal(again->bytes, image->bytes, 300);
    }
}

static void truncation_at_every_length_is_an_error(void **state)
{
    struct pack_error error = {0};
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_fixture("fuzz/seeds/srec/s3.srec");
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    (void)state;
    for (size_t length = 0; length < size - 2; length++) {
        struct pack_image *image = NULL;
        assert_pack_fails(image_from_bytes(&image, SREC, bytes, length, &error), PACK_E_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(bad_files_are_refused_with_the_line),
        cmocka_unit_test(a_file_without_data_is_refused),
        cmocka_unit_test(the_highest_address_gives_the_type),
        cmocka_unit_test(what_is_beyond_4_gib_cannot_be_written),
        cmocka_unit_test(layouts_come_back),
        cmocka_unit_test(seeds_come_back),
        cmocka_unit_test(any_note_is_harmless),
        cmocka_unit_test(truncation_at_every_length_is_an_error),
    };
    return cmocka_run_group_tests_name("srec", tests, NULL, NULL);
}
