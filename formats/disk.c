/* SPDX-License-Identifier: MIT */
/* Disk images: GPT (UEFI specification 2.10, 5.3) and MBR partition tables. */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"

#include <inttypes.h>
#include <zlib.h>

enum {
    SECTOR = 512,
    LARGE_SECTOR = 4096,
    GPT_HEADER = 92,
    GPT_ENTRY = 128,       /* the least that an entry takes */
    MAX_ENTRIES = 1 << 20, /* bytes of the partition array */
    MBR_TABLE = 446,
    MBR_ENTRY = 16,
    MBR_ENTRIES = 4,
    MAX_LOGICAL = 128,
};

/* --- GPT ------------------------------------------------------------------------------------- */

/* Type GUIDs, by their first 8 bytes as stored, read as a big-endian number. */
static const struct word partition_types[] = {
    {0x28732ac11ff8d211, "EFI system"},           {0xaf3dc60f83847247, "Linux data"},
    {0x6dfd5706aba4c443, "Linux swap"},           {0x79d3d6e607f5c244, "Linux LVM"},
    {0xa2a0d0ebe5b93344, "Microsoft basic data"}, {0x4861682149646f6e, "BIOS boot"},
    {0xffc213bce5596242, "Linux extended boot"},  {0xe3bc684fcde8b14d, "Linux root x86-64"},
    {0x45b021b9f01dc341, "Linux root AArch64"},   {0, NULL},
};

struct gpt {
    struct pack_input *input;
    unsigned sector;
    uint8_t header[GPT_HEADER];
    uint8_t *entries;
    uint32_t entry_count, entry_size;
};

static void gpt_clear(struct gpt *gpt)
{
    free(gpt->entries);
}

/* The header's own checksum is taken as 0 while it is computed. */
static bool header_crc_fits(const uint8_t header[GPT_HEADER])
{
    uint8_t copy[GPT_HEADER];
    memcpy(copy, header, sizeof copy);
    memset(copy + 16, 0, 4);
    return pack_le32(header + 12) == GPT_HEADER &&
           crc32(0, copy, sizeof copy) == pack_le32(header + 16);
}

static int read_entries(struct gpt *gpt, struct pack_error *error)
{
    const uint64_t at = pack_le64(gpt->header + 72);
    uint64_t offset = 0, size = 0;
    gpt->entry_count = pack_le32(gpt->header + 80);
    gpt->entry_size = pack_le32(gpt->header + 84);
    if (gpt->entry_size < GPT_ENTRY || !pack_multiply(gpt->entry_count, gpt->entry_size, &size) ||
        size > MAX_ENTRIES)
        return fwpack_malformed(error, gpt->sector + 80U,
                                "%" PRIu32 " partition entries of %" PRIu32 " bytes",
                                gpt->entry_count, gpt->entry_size);
    if (!pack_multiply(at, gpt->sector, &offset))
        return fwpack_malformed(error, gpt->sector + 72U, "partition entries at block %" PRIu64,
                                at);
    int code = fwpack_inside_file(gpt->input, "the partition array", offset, size, error);
    if (code == 0)
        code = pack_allocate(&gpt->entries, (size_t)size, 1, error);
    if (code == 0)
        code = fwpack_read(gpt->input, offset, gpt->entries, (size_t)size, error);
    if (code == 0 && crc32(0, gpt->entries, (uInt)size) != pack_le32(gpt->header + 88))
        code = fwpack_malformed(error, offset, "the checksum of the partition array is wrong");
    return code;
}

static int gpt_open(struct gpt *gpt, struct pack_input *input, struct pack_error *error)
{
    gpt->input = input;
    gpt->sector = SECTOR;
    int code = fwpack_read(input, SECTOR, gpt->header, sizeof gpt->header, error);
    if (code == 0 && memcmp(gpt->header, "EFI PART", 8) != 0) {
        gpt->sector = LARGE_SECTOR;
        code = fwpack_read(input, LARGE_SECTOR, gpt->header, sizeof gpt->header, error);
    }
    if (code == 0 && !header_crc_fits(gpt->header))
        code = fwpack_malformed(error, gpt->sector, "the checksum of the GPT header is wrong");
    return code == 0 ? read_entries(gpt, error) : code;
}

static int describe_backup(const struct gpt *gpt, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t header[GPT_HEADER] = {0};
    uint64_t offset = 0;
    size_t got = 0;
    const char *state = "missing";
    if (pack_multiply(pack_le64(gpt->header + 32), gpt->sector, &offset) &&
        offset < gpt->input->size) {
        const int code = pack_input_read(gpt->input, offset, header, sizeof header, &got, error);
        if (code != 0)
            return code;
        state = got == sizeof header && header_crc_fits(header) ? "good" : "damaged";
    }
    pack_fact_text(facts, "backup_header", state);
    return 0;
}

static int partition_range(const struct gpt *gpt, uint32_t index, uint64_t *start, uint64_t *size,
                           struct pack_error *error)
{
    const uint8_t *entry = gpt->entries + (size_t)index * gpt->entry_size;
    const uint64_t first = pack_le64(entry + 32), last = pack_le64(entry + 40);
    uint64_t end = 0;
    if (last < first || last == UINT64_MAX || !pack_multiply(first, gpt->sector, start) ||
        !pack_multiply(last + 1, gpt->sector, &end))
        return fwpack_malformed(error, gpt->sector,
                                "partition %" PRIu32 " goes from block %" PRIu64 " to %" PRIu64,
                                index + 1, first, last);
    *size = end - *start;
    return fwpack_inside_file(gpt->input, "a partition", *start, *size, error);
}

static int describe_partition(const struct gpt *gpt, struct pack_facts *facts, uint32_t index,
                              struct pack_error *error)
{
    const uint8_t *entry = gpt->entries + (size_t)index * gpt->entry_size;
    uint64_t start = 0, size = 0;
    int code = partition_range(gpt, index, &start, &size, error);
    if (code != 0)
        return code;
    const char *type = fwpack_word(partition_types, fwpack_integer(entry, 8, BIG));
    pack_facts_begin(facts, "partitions");
    pack_fact_number(facts, "number", index + 1);
    fwpack_fact_utf16(facts, "name", entry + 56, 72);
    pack_fact_number(facts, "offset", start);
    pack_fact_number(facts, "size", size);
    if (type != NULL)
        pack_fact_text(facts, "type", type);
    fwpack_fact_guid(facts, "type_guid", entry);
    fwpack_fact_guid(facts, "guid", entry + 16);
    code = fwpack_describe_inside(facts, gpt->input, start, size, error);
    pack_facts_end(facts);
    return code;
}

static int gpt_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    static const uint8_t unused[16] = {0};
    PACK_AUTO(gpt_clear) struct gpt gpt = {0};
    int code = gpt_open(&gpt, input, error);
    if (code != 0)
        return code;
    fwpack_fact_guid(facts, "disk_guid", gpt.header + 56);
    pack_fact_number(facts, "sector_size", gpt.sector);
    code = describe_backup(&gpt, facts, error);
    for (uint32_t i = 0; code == 0 && i < gpt.entry_count; i++)
        if (memcmp(gpt.entries + (size_t)i * gpt.entry_size, unused, sizeof unused) != 0)
            code = describe_partition(&gpt, facts, i, error);
    return code;
}

static int gpt_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    if (fwpack_has(head, size, SECTOR, "EFI PART", 8))
        return 95;
    return fwpack_has(head, size, LARGE_SECTOR, "EFI PART", 8) ? 90 : 0;
}

const struct pack_format fwpack_format_gpt = {
    .name = "gpt",
    .summary = "disk image with a GPT",
    .suffixes = ".img .wic",
    .probe = gpt_probe,
    .describe = gpt_describe,
};

/* --- MBR ------------------------------------------------------------------------------------- */

static const struct word mbr_types[] = {
    {0x01, "FAT12"},          {0x04, "FAT16 (small)"}, {0x05, "extended"},
    {0x06, "FAT16"},          {0x07, "NTFS or exFAT"}, {0x0b, "FAT32"},
    {0x0c, "FAT32 (LBA)"},    {0x0e, "FAT16 (LBA)"},   {0x0f, "extended (LBA)"},
    {0x82, "Linux swap"},     {0x83, "Linux"},         {0x85, "Linux extended"},
    {0x8e, "Linux LVM"},      {0xa2, "SoC FPGA boot"}, {0xda, "no file system"},
    {0xee, "GPT protective"}, {0xef, "EFI system"},    {0, NULL},
};

struct mbr_entry {
    uint8_t status, type;
    uint32_t start, sectors;
};

static struct mbr_entry mbr_entry(const uint8_t *sector, size_t index)
{
    const uint8_t *entry = sector + MBR_TABLE + index * MBR_ENTRY;
    return (struct mbr_entry){.status = entry[0],
                              .type = entry[4],
                              .start = pack_le32(entry + 8),
                              .sectors = pack_le32(entry + 12)};
}

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static int describe_mbr_entry(struct pack_input *input, struct pack_facts *facts, unsigned number,
                              const struct mbr_entry *entry, uint64_t base,
                              struct pack_error *error)
{
    const uint64_t offset = (base + entry->start) * SECTOR;
    const uint64_t size = (uint64_t)entry->sectors * SECTOR;
    int code = 0;
    if (entry->type != 0xee)
        code = fwpack_inside_file(input, "a partition", offset, size, error);
    if (code != 0)
        return code;
    pack_facts_begin(facts, "partitions");
    pack_fact_number(facts, "number", number);
    pack_fact_number(facts, "offset", offset);
    pack_fact_number(facts, "size", size);
    fwpack_fact_word(facts, "type", mbr_types, entry->type);
    if (entry->status & 0x80)
        pack_fact_text(facts, "active", "yes");
    if (!is_extended(entry->type) && entry->type != 0xee)
        code = fwpack_describe_inside(facts, input, offset, size, error);
    pack_facts_end(facts);
    return code;
}

/*
 * Logical partitions are a chain of tables: the first entry is the partition, relative to its
 * table; the second the next table, relative to the extended partition. Tables that do not go
 * upwards would be a loop.
 */
static int describe_logical(struct pack_input *input, struct pack_facts *facts, uint64_t extended,
                            struct pack_error *error)
{
    uint64_t table = extended;
    for (unsigned number = 5; number < 5 + MAX_LOGICAL; number++) {
        uint8_t sector[SECTOR];
        int code = fwpack_read(input, table * SECTOR, sector, sizeof sector, error);
        if (code == 0 && !fwpack_has(sector, SECTOR, 510, "\x55\xaa", 2))
            code = fwpack_malformed(error, table * SECTOR, "no table of a logical partition");
        const struct mbr_entry entry = mbr_entry(sector, 0), next = mbr_entry(sector, 1);
        if (code == 0 && entry.type != 0)
            code = describe_mbr_entry(input, facts, number, &entry, table, error);
        if (code != 0 || next.type == 0)
            return code;
        if (extended + next.start <= table)
            return fwpack_malformed(error, table * SECTOR, "the logical partitions go in a circle");
        table = extended + next.start;
    }
    return pack_fail(error, PACK_E_LIMIT, "more than %d logical partitions", MAX_LOGICAL);
}

static int mbr_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    uint8_t sector[SECTOR];
    int code = fwpack_read(input, 0, sector, sizeof sector, error);
    if (code != 0)
        return code;
    fwpack_fact_print(facts, "disk_id", "0x%08" PRIx32, pack_le32(sector + 440));
    for (unsigned i = 0; code == 0 && i < MBR_ENTRIES; i++) {
        const struct mbr_entry entry = mbr_entry(sector, i);
        if (entry.type != 0)
            code = describe_mbr_entry(input, facts, i + 1, &entry, 0, error);
    }
    for (unsigned i = 0; code == 0 && i < MBR_ENTRIES; i++) {
        const struct mbr_entry entry = mbr_entry(sector, i);
        if (is_extended(entry.type))
            code = describe_logical(input, facts, entry.start, error);
    }
    return code;
}

/* The signature is two bytes only, so that all four entries must make sense. */
static int mbr_probe(const uint8_t *head, size_t size, uint64_t total)
{
    unsigned used = 0;
    (void)total;
    if (!fwpack_has(head, size, 510, "\x55\xaa", 2))
        return 0;
    for (size_t i = 0; i < MBR_ENTRIES; i++) {
        const struct mbr_entry entry = mbr_entry(head, i);
        if ((entry.status & 0x7f) != 0 || (entry.type == 0) != (entry.sectors == 0) ||
            (entry.type != 0 && entry.start == 0))
            return 0;
        used += entry.type != 0;
    }
    return used != 0 ? 50 : 0;
}

const struct pack_format fwpack_format_mbr = {
    .name = "mbr",
    .summary = "disk image with an MBR",
    .suffixes = ".img .wic",
    .probe = mbr_probe,
    .describe = mbr_describe,
};
