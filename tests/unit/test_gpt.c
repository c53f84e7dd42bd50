/* SPDX-License-Identifier: MIT */
/* Partition tables as sfdisk and sgdisk write them, and damage. */
#include "slot/gpt.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 512, BLOCKS = 2048, SIZE = BLOCK * BLOCKS };

#define ROOT_TYPE "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
#define ROOT_ID "0fc63daf-8483-4772-8e79-3d69d8477de4"

/* Runs a script in the folder; the test is skipped where a tool is missing. */
static void run_tool(const char *folder, const char *script)
{
    PACK_AUTO_FREE char *command = NULL;
    assert_true(asprintf(&command, "cd %s && PATH=$PATH:/usr/sbin:/sbin && %s", folder, script) >
                0);
    const int status = system(command);
    if (status == 127 << 8 && getenv("FWPACK_ALL_TOOLS") == NULL)
        skip();
    assert_int_equal(status, 0);
}

/* sfdisk syncs what it writes, so it writes once, and each test has a copy of it. */
static uint8_t *model;

static int free_model(void **state)
{
    (void)state;
    free(model);
    return 0;
}

/* Three partitions, of which the second one is deleted again. */
static void make_model(const char *folder)
{
    PACK_AUTO_FREE char *path = test_path(folder, "disk");
    size_t size = 0;
    test_write_text(path, "");
    assert_int_equal(truncate(path, SIZE), 0);
    run_tool(folder, "export LC_ALL=C.UTF-8 && printf '%s\\n' 'label: gpt' "
                     "'start=64,size=100,type=" ROOT_TYPE ",uuid=" ROOT_ID ",name=\"rootfs-a\"' "
                     "'start=200,size=10,name=\"gone\"' "
                     "'start=300,size=1,type=" ROOT_TYPE ",name=\"Größe\"' "
                     "| sfdisk -q disk && sfdisk -q --delete disk 2");
    model = test_read_file(path, &size);
    assert_int_equal(size, SIZE);
}

static uint8_t *disk_by_sfdisk(const char *folder)
{
    if (model == NULL)
        make_model(folder);
    uint8_t *disk = malloc(SIZE);
    assert_non_null(disk);
    memcpy(disk, model, SIZE);
    return disk;
}

static int read_bytes(struct gpt *gpt, const uint8_t *disk, size_t size, uint32_t block,
                      struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    assert_int_equal(pack_input_memory(&input, disk, size, "disk", error), 0);
    return gpt_read(gpt, input, block, error);
}

static void check_partitions(const struct gpt *gpt)
{
    assert_int_equal(gpt->count, 2);
    assert_int_equal(gpt->partitions[0].number, 1);
    assert_string_equal(gpt->partitions[0].type, ROOT_TYPE);
    assert_string_equal(gpt->partitions[0].id, ROOT_ID);
    assert_string_equal(gpt->partitions[0].label, "rootfs-a");
    assert_int_equal(gpt->partitions[0].first, 64);
    assert_int_equal(gpt->partitions[0].last, 163);
    assert_int_equal(gpt->partitions[1].number, 3);
    assert_string_equal(gpt->partitions[1].label, "Größe");
    assert_int_equal(gpt->partitions[1].last, 300);
}

static void assert_reads(const uint8_t *disk, bool from_backup)
{
    struct pack_error error = {0};
    struct gpt gpt;
    assert_pack_ok(read_bytes(&gpt, disk, SIZE, 0, &error));
    check_partitions(&gpt);
    assert_int_equal(gpt.from_backup, from_backup);
    gpt_clear(&gpt);
}

static void assert_damaged(const uint8_t *disk, const char *says)
{
    struct pack_error error = {0};
    struct gpt gpt;
    assert_pack_fails(read_bytes(&gpt, disk, SIZE, 0, &error), PACK_E_MALFORMED);
    assert_pack_says(says);
    assert_string_equal(error.file, "disk");
    assert_null(gpt.partitions);
}

static void test_table(void **state)
{
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    assert_reads(disk, false);
}

/* 128 entries, all of them in use, as another tool writes them. */
static void test_many_partitions(void **state)
{
    struct pack_error error = {0};
    struct gpt gpt;
    PACK_AUTO_FREE char *path = test_path(*state, "disk");
    size_t size = 0;
    test_write_text(path, "");
    assert_int_equal(truncate(path, SIZE), 0);
    run_tool(*state,
             "for i in $(seq 128); do set -- \"$@\" -n $i:$((100+i)):$((100+i)) -c $i:p$i; done; "
             "sgdisk -a 1 \"$@\" disk >/dev/null");
    PACK_AUTO_FREE uint8_t *disk = test_read_file(path, &size);
    assert_pack_ok(read_bytes(&gpt, disk, size, BLOCK, &error));
    assert_int_equal(gpt.count, 128);
    assert_int_equal(gpt.partitions[127].number, 128);
    assert_string_equal(gpt.partitions[127].label, "p128");
    assert_int_equal(gpt.partitions[127].first, 228);
    gpt_clear(&gpt);
}

static void test_each_damaged_byte_of_the_primary_is_noticed(void **state)
{
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    static const size_t places[] = {0, 8, 12, 16, 24, 32, 56, 72, 80, 84, 88, 91};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        disk[BLOCK + places[i]] ^= 0x10;
        assert_reads(disk, true);
        disk[BLOCK + places[i]] ^= 0x10;
    }
    disk[2 * BLOCK + 60] ^= 1; /* the first label */
    assert_reads(disk, true);
}

static void test_damaged_backup_does_not_matter(void **state)
{
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    disk[SIZE - BLOCK + 20] ^= 1;
    assert_reads(disk, false);
}

static void test_both_damaged(void **state)
{
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    disk[2 * BLOCK] ^= 1;
    disk[SIZE - BLOCK + 40] ^= 1;
    assert_damaged(disk, "entries do not fit their checksum");
    disk[BLOCK + 40] ^= 1;
    assert_damaged(disk, "header does not fit its checksum");
    memset(disk + BLOCK, 0, BLOCK);
    assert_damaged(disk, "header is missing");
}

/* Sets a field of the primary header to something false, under a checksum that holds. */
static void forge(uint8_t *disk, size_t at, uint64_t value, size_t size)
{
    uint8_t *header = disk + BLOCK;
    if (size == 8)
        pack_put_le64(header + at, value);
    else
        pack_put_le32(header + at, (uint32_t)value);
    memset(header + 16, 0, 4);
    pack_put_le32(header + 16, (uint32_t)crc32(0, header, pack_le32(header + 12)));
}

static void test_fields_that_lie(void **state)
{
    static const struct {
        size_t at, size;
        uint64_t value;
        const char *says;
    } cases[] = {
        {24, 8, 2, "header belongs to another place"},
        {72, 8, 0, "entries lie outside of the disk"},
        {72, 8, BLOCKS - 10, "entries lie outside of the disk"},
        {72, 8, UINT64_MAX / BLOCK, "entries lie outside of the disk"},
        {72, 8, UINT64_MAX, "entries lie outside of the disk"},
        {80, 4, 1025, "count or size that is not supported"},
        {80, 4, UINT32_MAX, "count or size that is not supported"},
        {84, 4, 64, "count or size that is not supported"},
        {84, 4, 129, "count or size that is not supported"},
        {84, 4, UINT32_MAX - 7, "count or size that is not supported"},
        {88, 4, 1, "entries do not fit their checksum"},
    };
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    uint8_t good[BLOCK];
    memcpy(good, disk + BLOCK, BLOCK);
    disk[SIZE - BLOCK] ^= 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forge(disk, cases[i].at, cases[i].value, cases[i].size);
        assert_damaged(disk, cases[i].says);
        memcpy(disk + BLOCK, good, BLOCK);
    }
    assert_reads(disk, false);
}

/* Partitions that end before they begin, or behind the disk. */
static void test_partition_outside_of_the_disk(void **state)
{
    static const uint64_t last[] = {63, BLOCKS, UINT64_MAX};
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    disk[SIZE - BLOCK] ^= 1;
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        pack_put_le64(disk + 2 * BLOCK + 40, last[i]);
        forge(disk, 88, crc32(0, disk + 2 * BLOCK, 128 * 128), 4);
        assert_damaged(disk, "a partition outside of the disk");
    }
}

/* Halves of surrogate pairs, and a label without an end. */
static void test_odd_labels(void **state)
{
    struct pack_error error = {0};
    struct gpt gpt;
    PACK_AUTO_FREE uint8_t *disk = disk_by_sfdisk(*state);
    uint8_t *label = disk + 2 * BLOCK + 56;
    memset(label, 0xff, 72); /* U+FFFF */
    label[0] = 0x00, label[1] = 0xd8, label[2] = 'x', label[3] = 0;
    label[70] = 0x00, label[71] = 0xd8;
    memcpy(disk + 2 * BLOCK + 2 * 128 + 56, "\x34\xd8\x1e\xdd\0", 6); /* U+1D11E */
    forge(disk, 88, crc32(0, disk + 2 * BLOCK, 128 * 128), 4);
    assert_pack_ok(read_bytes(&gpt, disk, SIZE, BLOCK, &error));
    const char *text = gpt.partitions[0].label;
    assert_int_equal(strlen(text), 3 + 1 + 33 * 3 + 3);
    assert_memory_equal(text, "\xef\xbf\xbdx\xef\xbf\xbf", 7);
    assert_string_equal(text + 4 + 33 * 3, "\xef\xbf\xbd");
    assert_string_equal(gpt.partitions[1].label, "𝄞");
    gpt_clear(&gpt);
}

/* The same table where blocks have 4096 bytes. */
static void test_large_blocks(void **state)
{
    enum { LARGE = 4096, COUNT = 64 };
    struct pack_error error = {0};
    struct gpt gpt;
    PACK_AUTO_FREE uint8_t *small = disk_by_sfdisk(*state);
    PACK_AUTO_FREE uint8_t *disk = calloc(COUNT, LARGE);
    assert_non_null(disk);
    memcpy(disk + LARGE, small + BLOCK, BLOCK);
    memcpy(disk + 2 * LARGE, small + 2 * BLOCK, 128 * 128);
    pack_put_le64(disk + 2 * LARGE + 32, 10);
    pack_put_le64(disk + 2 * LARGE + 40, 20);
    pack_put_le64(disk + 2 * LARGE + 2 * 128 + 32, 21);
    pack_put_le64(disk + 2 * LARGE + 2 * 128 + 40, 21);
    uint8_t *header = disk + LARGE;
    pack_put_le32(header + 88, (uint32_t)crc32(0, disk + 2 * LARGE, 128 * 128));
    memset(header + 16, 0, 4);
    pack_put_le32(header + 16, (uint32_t)crc32(0, header, 92));
    for (uint32_t block = 0; block <= LARGE; block += LARGE) {
        assert_pack_ok(read_bytes(&gpt, disk, COUNT * LARGE, block, &error));
        assert_int_equal(gpt.count, 2);
        assert_int_equal(gpt.partitions[0].first, 10);
        gpt_clear(&gpt);
    }
    assert_pack_fails(read_bytes(&gpt, disk, COUNT * LARGE, BLOCK, &error), PACK_E_NOT_FOUND);
}

static void test_no_table(void **state)
{
    struct pack_error error = {0};
    struct gpt gpt;
    PACK_AUTO_FREE uint8_t *disk = calloc(1, SIZE);
    (void)state;
    assert_pack_fails(read_bytes(&gpt, disk, SIZE, 0, &error), PACK_E_NOT_FOUND);
    assert_pack_fails(read_bytes(&gpt, disk, 0, 0, &error), PACK_E_NOT_FOUND);
    assert_pack_fails(read_bytes(&gpt, disk, BLOCK, BLOCK, &error), PACK_E_NOT_FOUND);
    memcpy(disk + BLOCK, "EFI PART", 8);
    assert_pack_fails(read_bytes(&gpt, disk, BLOCK + 8, BLOCK, &error), PACK_E_NOT_FOUND);
    assert_pack_fails(read_bytes(&gpt, disk, SIZE, 0, &error), PACK_E_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table),
        TEST(test_many_partitions),
        TEST(test_each_damaged_byte_of_the_primary_is_noticed),
        TEST(test_damaged_backup_does_not_matter),
        TEST(test_both_damaged),
        TEST(test_fields_that_lie),
        TEST(test_partition_outside_of_the_disk),
        TEST(test_odd_labels),
        TEST(test_large_blocks),
        TEST(test_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, free_model);
}
