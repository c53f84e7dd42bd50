/* SPDX-License-Identifier: MIT */
/* ext2, ext3 and ext4 (Linux, Documentation/filesystems/ext4/super.rst). */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"

enum {
    SUPER_OFFSET = 1024,
    SUPER_SIZE = 1024,
    MAGIC_OFFSET = SUPER_OFFSET + 0x38,
    MAX_BLOCK_LOG = 6, /* 64 KiB */
    HAS_JOURNAL = 4,
    ERROR_STATE = 2,
    VALID_STATE = 1,
    EXT4_64BIT = 0x80,
    /* Features that ext3 does not know (extents, 64 bit, flex_bg, metadata_csum, huge_file, …). */
    EXT4_INCOMPATIBLE = 0x40 | 0x80 | 0x200 | 0x400 | 0x1000 | 0x8000 | 0x10000,
    EXT4_READ_ONLY = 0x8 | 0x10 | 0x20 | 0x40 | 0x400,
};

static const struct word features[] = {
    {0x2, "filetype"},  {0x4, "needs_recovery"}, {0x8, "journal_dev"},
    {0x10, "meta_bg"},  {0x40, "extents"},       {0x80, "64bit"},
    {0x200, "flex_bg"}, {0x8000, "inline_data"}, {0x10000, "encrypt"},
    {0, NULL},
};

static const struct field fields[] = {
    {"label", 0x78, 16, FIELD_TEXT, NULL},           {"uuid", 0x68, 16, FIELD_UUID, NULL},
    {"features", 0x60, 4, FIELD_BITS, features},     {"inodes", 0x00, 4, FIELD_NUMBER, NULL},
    {"created", 0x108, 4, FIELD_TIME, NULL},         {"written", 0x30, 4, FIELD_TIME, NULL},
    {"last_mounted_on", 0x88, 64, FIELD_TEXT, NULL},
};

static const char *generation(const uint8_t *super)
{
    if ((pack_le32(super + 0x60) & EXT4_INCOMPATIBLE) || (pack_le32(super + 0x64) & EXT4_READ_ONLY))
        return "ext4";
    return pack_le32(super + 0x5c) & HAS_JOURNAL ? "ext3" : "ext2";
}

static int ext_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    uint8_t super[SUPER_SIZE];
    uint64_t size = 0;
    int code = fwpack_read(input, SUPER_OFFSET, super, sizeof super, error);
    if (code != 0)
        return code;
    const uint32_t block_log = pack_le32(super + 0x18);
    uint64_t blocks = pack_le32(super + 4);
    if (pack_le32(super + 0x60) & EXT4_64BIT)
        blocks |= (uint64_t)pack_le32(super + 0x150) << 32;
    if (block_log > MAX_BLOCK_LOG)
        return fwpack_malformed(error, SUPER_OFFSET + 0x18, "a block size of 2^%u bytes",
                                10 + (unsigned)block_log);
    if (!pack_multiply(blocks, UINT64_C(1024) << block_log, &size))
        size = UINT64_MAX;
    code = fwpack_inside_file(input, "the file system", 0, size, error);
    if (code != 0)
        return code;
    pack_fact_text(facts, "type", generation(super));
    pack_fact_number(facts, "block_size", UINT64_C(1024) << block_log);
    pack_fact_number(facts, "blocks", blocks);
    const uint16_t state = pack_le16(super + 0x3a);
    pack_fact_text(facts, "state",
                   state & ERROR_STATE   ? "with errors"
                   : state & VALID_STATE ? "clean"
                                         : "not clean");
    fwpack_fact_fields(facts, super, LITTLE, fields, COUNT(fields));
    return 0;
}

/* The magic has 16 bits only, so that two further fields must make sense. */
static int ext_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    if (!fwpack_has(head, size, MAGIC_OFFSET, "\x53\xef", 2) || size < SUPER_OFFSET + SUPER_SIZE)
        return 0;
    return pack_le32(head + SUPER_OFFSET + 0x18) <= MAX_BLOCK_LOG &&
                   pack_le32(head + SUPER_OFFSET + 0x4c) <= 1
               ? 80
               : 0;
}

const struct pack_format fwpack_format_ext = {
    .name = "ext",
    .summary = "ext2/3/4 file system",
    .suffixes = ".ext4 .ext3 .ext2",
    .probe = ext_probe,
    .describe = ext_describe,
};
