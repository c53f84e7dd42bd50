/* SPDX-License-Identifier: MIT */
/* EROFS (Linux, fs/erofs/erofs_fs.h). */
#include "formats/backends.h"
#include "formats/support.h"

enum {
    SUPER_OFFSET = 1024,
    SUPER_SIZE = 128,
    MIN_BLOCK_LOG = 9,
    MAX_BLOCK_LOG = 16,
};

static const struct word features[] = {
    {0x1, "zero_padding"},
    {0x2, "big_pcluster"},
    {0x4, "chunked_file"},
    {0x8, "device_table"},
    {0x10, "ztailpacking"},
    {0x20, "fragments"},
    {0, NULL},
};

static const struct field fields[] = {
    {"label", 64, 16, FIELD_TEXT, NULL},       {"uuid", 48, 16, FIELD_UUID, NULL},
    {"features", 80, 4, FIELD_BITS, features}, {"inodes", 16, 8, FIELD_NUMBER, NULL},
    {"created", 24, 8, FIELD_TIME, NULL},      {"blocks", 36, 4, FIELD_NUMBER, NULL},
};

static int erofs_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    uint8_t super[SUPER_SIZE];
    int code = fwpack_read(input, SUPER_OFFSET, super, sizeof super, error);
    if (code != 0)
        return code;
    const uint8_t block_log = super[12];
    if (block_log < MIN_BLOCK_LOG || block_log > MAX_BLOCK_LOG)
        return fwpack_malformed(error, SUPER_OFFSET + 12, "a block size of 2^%d bytes", block_log);
    code = fwpack_inside_file(input, "the file system", 0,
                              (uint64_t)pack_le32(super + 36) << block_log, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "block_size", UINT64_C(1) << block_log);
    fwpack_fact_fields(facts, super, LITTLE, fields, COUNT(fields));
    return 0;
}

static int erofs_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, SUPER_OFFSET, "\xe2\xe1\xf5\xe0", 4) ? 90 : 0;
}

const struct pack_format fwpack_format_erofs = {
    .name = "erofs",
    .summary = "EROFS file system",
    .suffixes = ".erofs",
    .probe = erofs_probe,
    .describe = erofs_describe,
};
