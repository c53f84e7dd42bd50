/* SPDX-License-Identifier: MIT */
/* SquashFS 4.0 (Linux, fs/squashfs/squashfs_fs.h). */
#include "formats/backends.h"
#include "formats/support.h"

enum { SUPERBLOCK = 96, MIN_BLOCK_LOG = 12, MAX_BLOCK_LOG = 20 };

static const struct word compressions[] = {
    {1, "gzip"}, {2, "lzma"}, {3, "lzo"}, {4, "xz"}, {5, "lz4"}, {6, "zstd"}, {0, NULL},
};

static const struct field fields[] = {
    {"compression", 20, 2, FIELD_WORD, compressions},
    {"block_size", 12, 4, FIELD_NUMBER, NULL},
    {"inodes", 4, 4, FIELD_NUMBER, NULL},
    {"created", 8, 4, FIELD_TIME, NULL},
    {"bytes_used", 40, 8, FIELD_NUMBER, NULL},
};

static int check_superblock(const uint8_t *super, const struct pack_input *input,
                            struct pack_error *error)
{
    const uint32_t block_size = pack_le32(super + 12);
    const uint16_t block_log = pack_le16(super + 22);
    if (pack_le16(super + 28) != 4)
        return fwpack_malformed(error, 28, "SquashFS version %d.%d, 4.0 wanted",
                                pack_le16(super + 28), pack_le16(super + 30));
    if (block_log < MIN_BLOCK_LOG || block_log > MAX_BLOCK_LOG ||
        block_size != UINT32_C(1) << block_log)
        return fwpack_malformed(error, 12, "a block size of %u bytes, of which the logarithm is %d",
                                (unsigned)block_size, block_log);
    return fwpack_inside_file(input, "the file system", 0, pack_le64(super + 40), error);
}

static int squashfs_describe(struct pack_input *input, struct pack_facts *facts,
                             struct pack_error *error)
{
    uint8_t super[SUPERBLOCK];
    int code = fwpack_read(input, 0, super, sizeof super, error);
    if (code == 0)
        code = check_superblock(super, input, error);
    if (code != 0)
        return code;
    fwpack_fact_print(facts, "version", "%d.%d", pack_le16(super + 28), pack_le16(super + 30));
    fwpack_fact_fields(facts, super, LITTLE, fields, COUNT(fields));
    pack_fact_number(facts, "trailing_bytes", input->size - pack_le64(super + 40));
    return 0;
}

static int squashfs_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "hsqs", 4) ? 95 : 0;
}

const struct pack_format fwpack_format_squashfs = {
    .name = "squashfs",
    .summary = "SquashFS file system",
    .suffixes = ".squashfs .sqfs",
    .probe = squashfs_probe,
    .describe = squashfs_describe,
};
