/* SPDX-License-Identifier: MIT */
/* UBI images and the UBIFS inside (Linux, drivers/mtd/ubi/ubi-media.h, fs/ubifs/ubifs-media.h). */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"

#include <inttypes.h>
#include <zlib.h>

enum {
    HEADER_SIZE = 64,
    HEADER_CRC = 60, /* of both headers: where it stands, and what it covers */
    STEP = 512,      /* eraseblocks are multiples of the smallest page */
    MAX_ERASEBLOCK = 16 << 20,
    MAX_VOLUMES = 128,
    RECORD_SIZE = 172, /* of the volume table */
    RECORD_CRC = 168,
    NAME_SIZE = 128,
};

#define LAYOUT_VOLUME UINT32_C(0x7fffefff)

static const struct word volume_types[] = {{1, "dynamic"}, {2, "static"}, {0, NULL}};

struct volume {
    uint64_t blocks; /* eraseblocks that hold its data */
    uint64_t first;  /* offset of its first logical eraseblock's data; 0 where there is none */
};

struct ubi {
    struct pack_input *input;
    uint32_t header_offset, data_offset; /* in an eraseblock */
    uint64_t eraseblock;
    uint64_t used;
    uint64_t layout; /* offset of the volume table, or 0 */
    struct volume volumes[MAX_VOLUMES];
};

/* UBI's CRC-32 starts with all ones like zlib's, but is not inverted in the end. */
static bool crc_fits(const uint8_t *bytes, size_t size, uint32_t crc)
{
    return ~(uint32_t)crc32(0, bytes, (uInt)size) == crc;
}

static bool is_header(const uint8_t *header, const char *magic)
{
    return memcmp(header, magic, 4) == 0 &&
           crc_fits(header, HEADER_CRC, pack_be32(header + HEADER_CRC));
}

static bool is_erased(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0xff)
            return false;
    return true;
}

/* --- structure ------------------------------------------------------------------------------- */

/* The eraseblock size stands nowhere: it is where the next header is. */
static int find_eraseblock(struct ubi *ubi, struct pack_error *error)
{
    const uint64_t end = pack_min(ubi->input->size, (uint64_t)MAX_ERASEBLOCK + 1);
    for (uint64_t offset = STEP; offset < end; offset += STEP) {
        uint8_t header[HEADER_SIZE];
        size_t got = 0;
        const int code = pack_input_read(ubi->input, offset, header, sizeof header, &got, error);
        if (code != 0)
            return code;
        if (got == sizeof header && is_header(header, "UBI#")) {
            ubi->eraseblock = offset;
            return 0;
        }
    }
    ubi->eraseblock = ubi->input->size;
    return 0;
}

static int open_ubi(struct ubi *ubi, struct pack_input *input, struct pack_facts *facts,
                    struct pack_error *error)
{
    uint8_t header[HEADER_SIZE];
    ubi->input = input;
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code == 0 && !is_header(header, "UBI#"))
        code = fwpack_malformed(error, HEADER_CRC, "the checksum of the first UBI header is wrong");
    if (code == 0)
        code = find_eraseblock(ubi, error);
    if (code != 0)
        return code;
    ubi->header_offset = pack_be32(header + 16);
    ubi->data_offset = pack_be32(header + 20);
    if (ubi->header_offset < HEADER_SIZE || ubi->data_offset < HEADER_SIZE ||
        ubi->header_offset > ubi->data_offset - HEADER_SIZE || ubi->data_offset >= ubi->eraseblock)
        return fwpack_malformed(error, 16,
                                "the headers and data at %" PRIu32 " and %" PRIu32
                                " do not fit into eraseblocks of %" PRIu64 " bytes",
                                ubi->header_offset, ubi->data_offset, ubi->eraseblock);
    pack_fact_number(facts, "version", header[4]);
    pack_fact_number(facts, "image_sequence", pack_be32(header + 24));
    pack_fact_number(facts, "eraseblock_size", ubi->eraseblock);
    pack_fact_number(facts, "data_offset", ubi->data_offset);
    pack_fact_number(facts, "eraseblocks", pack_pieces(input->size, ubi->eraseblock));
    return 0;
}

static void take_block(struct ubi *ubi, const uint8_t *header, uint64_t data)
{
    const uint32_t id = pack_be32(header + 8);
    ubi->used++;
    if (id == LAYOUT_VOLUME && ubi->layout == 0)
        ubi->layout = data;
    if (id >= MAX_VOLUMES)
        return;
    ubi->volumes[id].blocks++;
    if (pack_be32(header + 12) == 0)
        ubi->volumes[id].first = data;
}

static int read_block(struct ubi *ubi, uint64_t offset, struct pack_error *error)
{
    uint8_t header[HEADER_SIZE];
    int code = fwpack_read(ubi->input, offset, header, sizeof header, error);
    if (code != 0 || is_erased(header, sizeof header))
        return code;
    if (!is_header(header, "UBI#"))
        return fwpack_malformed(error, offset, "an eraseblock without a good UBI header");
    code = fwpack_read(ubi->input, offset + ubi->header_offset, header, sizeof header, error);
    if (code != 0 || is_erased(header, sizeof header))
        return code;
    if (!is_header(header, "UBI!"))
        return fwpack_malformed(error, offset + ubi->header_offset,
                                "an eraseblock without a good volume header");
    take_block(ubi, header, offset + ubi->data_offset);
    return 0;
}

/* --- volumes --------------------------------------------------------------------------------- */

static int describe_volume(const struct ubi *ubi, struct pack_facts *facts, unsigned id,
                           const uint8_t *record, struct pack_error *error)
{
    const struct volume *volume = &ubi->volumes[id];
    const uint64_t room = ubi->eraseblock - ubi->data_offset;
    const size_t name_size = (size_t)pack_min(pack_be16(record + 14), NAME_SIZE);
    int code = 0;
    pack_facts_begin(facts, "volumes");
    pack_fact_number(facts, "id", id);
    pack_fact_bytes(facts, "name", record + 16, name_size);
    fwpack_fact_word(facts, "type", volume_types, record[12]);
    pack_fact_number(facts, "size", pack_be32(record) * room);
    pack_fact_number(facts, "used_eraseblocks", volume->blocks);
    if (volume->first != 0)
        code = fwpack_describe_inside(facts, ubi->input, volume->first, room, error);
    pack_facts_end(facts);
    return code;
}

static int describe_volumes(const struct ubi *ubi, struct pack_facts *facts,
                            struct pack_error *error)
{
    const uint64_t room = ubi->eraseblock - ubi->data_offset;
    const unsigned count = (unsigned)pack_min(MAX_VOLUMES, room / RECORD_SIZE);
    if (ubi->layout == 0)
        return fwpack_malformed(error, 0, "no volume table");
    for (unsigned id = 0; id < count; id++) {
        uint8_t record[RECORD_SIZE];
        const uint64_t offset = ubi->layout + (uint64_t)id * RECORD_SIZE;
        int code = fwpack_read(ubi->input, offset, record, sizeof record, error);
        if (code == 0 && !crc_fits(record, RECORD_CRC, pack_be32(record + RECORD_CRC)))
            code = fwpack_malformed(error, offset + RECORD_CRC,
                                    "the checksum of volume %u in the table is wrong", id);
        if (code == 0 && pack_be32(record) != 0)
            code = describe_volume(ubi, facts, id, record, error);
        if (code != 0)
            return code;
    }
    return 0;
}

static int ubi_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    PACK_AUTO_FREE struct ubi *ubi = NULL;
    int code = pack_allocate(&ubi, 1, sizeof *ubi, error);
    if (code == 0)
        code = open_ubi(ubi, input, facts, error);
    for (uint64_t offset = 0; code == 0 && offset < input->size; offset += ubi->eraseblock)
        code = read_block(ubi, offset, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "used_eraseblocks", ubi->used);
    return describe_volumes(ubi, facts, error);
}

static int ubi_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "UBI#", 4) ? 95 : 0;
}

const struct pack_format fwpack_format_ubi = {
    .name = "ubi",
    .summary = "UBI image",
    .suffixes = ".ubi",
    .probe = ubi_probe,
    .describe = ubi_describe,
};

/* --- UBIFS ----------------------------------------------------------------------------------- */

enum { NODE_SIZE = 4096, NODE_COMMON = 24, CRC_FROM = 8, SUPER_NODE = 6, SUPER_FIELDS = 124 };

static const struct word compressions[] = {
    {0, "none"}, {1, "lzo"}, {2, "zlib"}, {3, "zstd"}, {0, NULL},
};

static const struct field super_fields[] = {
    {"uuid", 108, 16, FIELD_UUID, NULL},           {"compression", 84, 2, FIELD_WORD, compressions},
    {"format_version", 80, 4, FIELD_NUMBER, NULL}, {"min_io_size", 32, 4, FIELD_NUMBER, NULL},
    {"leb_size", 36, 4, FIELD_NUMBER, NULL},       {"leb_count", 40, 4, FIELD_NUMBER, NULL},
    {"max_leb_count", 44, 4, FIELD_NUMBER, NULL},
};

static int ubifs_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    uint8_t node[NODE_SIZE];
    int code = fwpack_read(input, 0, node, NODE_COMMON, error);
    const uint32_t length = code == 0 ? pack_le32(node + 16) : 0;
    if (code == 0 && (node[20] != SUPER_NODE || length < SUPER_FIELDS || length > NODE_SIZE))
        code = fwpack_malformed(error, 16,
                                "a first node of type %d and %" PRIu32 " bytes is no "
                                "UBIFS superblock",
                                node[20], length);
    if (code == 0)
        code = fwpack_read(input, 0, node, length, error);
    if (code == 0 && !crc_fits(node + CRC_FROM, length - CRC_FROM, pack_le32(node + 4)))
        code = fwpack_malformed(error, 4, "the checksum of the UBIFS superblock is wrong");
    if (code == 0)
        fwpack_fact_fields(facts, node, LITTLE, super_fields, COUNT(super_fields));
    return code;
}

static int ubifs_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "\x31\x18\x10\x06", 4) ? 90 : 0;
}

const struct pack_format fwpack_format_ubifs = {
    .name = "ubifs",
    .summary = "UBIFS file system",
    .suffixes = ".ubifs",
    .probe = ubifs_probe,
    .describe = ubifs_describe,
};
