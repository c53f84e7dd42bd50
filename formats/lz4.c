/* SPDX-License-Identifier: MIT */
/* LZ4 frames (lz4_Frame_format.md 1.6.2) and the legacy frame that kernels are packed with. */
#include "formats/archive.h"
#include "formats/backends.h"
#include "formats/support.h"

#define MAGIC UINT32_C(0x184d2204)
#define LEGACY_MAGIC UINT32_C(0x184c2102)

enum {
    MIN_HEADER = 7,
    MAX_HEADER = 19,
    STORED = 0x80000000u, /* of a block size: not compressed */
};

enum frame_flags {
    HAS_DICTIONARY = 1,
    HAS_CHECKSUM = 4,
    HAS_SIZE = 8,
    HAS_BLOCK_CHECKSUMS = 16,
    INDEPENDENT = 32,
};

static const struct word block_sizes[] = {
    {4, "64 KiB"}, {5, "256 KiB"}, {6, "1 MiB"}, {7, "4 MiB"}, {0, NULL},
};

/* Blocks of the first frame; each tells its stored size, and 0 ends them. */
static int walk_blocks(struct pack_input *input, uint64_t offset, uint8_t flags, uint64_t *blocks,
                       struct pack_error *error)
{
    struct window window = {.input = input};
    for (*blocks = 0;; ++*blocks) {
        uint8_t bytes[4];
        const int code = fwpack_window_read(&window, offset, bytes, sizeof bytes, error);
        const uint32_t size = code == 0 ? pack_le32(bytes) : 0;
        if (code != 0 || size == 0)
            return code;
        offset += 4 + (uint64_t)(size & ~STORED) + (flags & HAS_BLOCK_CHECKSUMS ? 4 : 0);
    }
}

static int lz4_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    uint8_t header[MAX_HEADER] = {0};
    uint64_t blocks = 0;
    int code = fwpack_read(input, 0, header, MIN_HEADER, error);
    if (code != 0)
        return code;
    const uint8_t flags = header[4];
    const size_t size =
        MIN_HEADER + (flags & HAS_SIZE ? 8U : 0U) + (flags & HAS_DICTIONARY ? 4U : 0U);
    if (flags >> 6 != 1)
        return fwpack_malformed(error, 4, "LZ4 frame version %d, 1 wanted", flags >> 6);
    code = fwpack_read(input, 0, header, size, error);
    if (code == 0)
        code = walk_blocks(input, size, flags, &blocks, error);
    if (code != 0)
        return code;
    if (flags & HAS_SIZE)
        pack_fact_number(facts, "uncompressed_size", fwpack_integer(header + 6, 8, LITTLE));
    fwpack_fact_word(facts, "block_size", block_sizes, header[5] >> 4 & 7);
    pack_fact_number(facts, "blocks", blocks);
    pack_fact_text(facts, "checksum", flags & HAS_CHECKSUM ? "yes" : "no");
    return blocks != 0 ? fwpack_archive_peek(facts, input, ARCHIVE_LZ4, error) : 0;
}

static int lz4_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size >= 4 && pack_le32(head) == MAGIC ? 95 : 0;
}

const struct pack_format fwpack_format_lz4 = {
    .name = "lz4",
    .summary = "LZ4 compressed data",
    .suffixes = ".lz4",
    .probe = lz4_probe,
    .describe = lz4_describe,
};

static int legacy_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size >= 4 && pack_le32(head) == LEGACY_MAGIC ? 95 : 0;
}

const struct pack_format fwpack_format_lz4_legacy = {
    .name = "lz4-legacy",
    .summary = "LZ4 compressed data, legacy frame",
    .probe = legacy_probe,
};
