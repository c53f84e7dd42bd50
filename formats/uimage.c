/* SPDX-License-Identifier: MIT */
/* The legacy U-Boot image (U-Boot, include/image.h). */
#include "formats/backends.h"
#include "formats/support.h"

#include <zlib.h>

enum { HEADER_SIZE = 64, MULTI = 4, SCRIPT = 6, MAX_PARTS = 64 };

static const struct word systems[] = {
    {2, "NetBSD"},  {5, "Linux"}, {14, "VxWorks"}, {16, "QNX"},     {17, "U-Boot"}, {18, "RTEMS"},
    {22, "Plan 9"}, {25, "TF-A"}, {26, "OP-TEE"},  {27, "OpenSBI"}, {28, "EFI"},    {0, NULL},
};
static const struct word architectures[] = {
    {2, "arm"},     {3, "x86"},       {5, "mips"},   {6, "mips64"}, {7, "powerpc"},
    {8, "s390"},    {9, "superh"},    {10, "sparc"}, {12, "m68k"},  {14, "microblaze"},
    {15, "nios2"},  {21, "openrisc"}, {22, "arm64"}, {23, "arc"},   {24, "x86_64"},
    {25, "xtensa"}, {26, "riscv"},    {0, NULL},
};
static const struct word types[] = {
    {1, "standalone"},
    {2, "kernel"},
    {3, "ramdisk"},
    {MULTI, "multi-file"},
    {5, "firmware"},
    {SCRIPT, "script"},
    {7, "filesystem"},
    {8, "flat device tree"},
    {14, "kernel without load address"},
    {0, NULL},
};
static const struct word compressions[] = {
    {0, "none"}, {1, "gzip"}, {2, "bzip2"}, {3, "lzma"},
    {4, "lzo"},  {5, "lz4"},  {6, "zstd"},  {0, NULL},
};

static const struct field fields[] = {
    {"name", 32, 32, FIELD_TEXT, NULL},
    {"type", 30, 1, FIELD_WORD, types},
    {"os", 28, 1, FIELD_WORD, systems},
    {"arch", 29, 1, FIELD_WORD, architectures},
    {"compression", 31, 1, FIELD_WORD, compressions},
    {"created", 8, 4, FIELD_TIME, NULL},
    {"load", 16, 4, FIELD_ADDRESS, NULL},
    {"entry", 20, 4, FIELD_ADDRESS, NULL},
    {"data_size", 12, 4, FIELD_NUMBER, NULL},
};

/* The header's checksum is computed with its own field as 0. */
static bool header_crc_fits(const uint8_t header[HEADER_SIZE])
{
    uint8_t copy[HEADER_SIZE];
    memcpy(copy, header, sizeof copy);
    memset(copy + 4, 0, 4);
    return crc32(0, copy, sizeof copy) == pack_be32(header + 4);
}

static int check_checksums(struct pack_input *input, const uint8_t header[HEADER_SIZE],
                           struct pack_error *error)
{
    uint32_t crc = 0;
    if (!header_crc_fits(header))
        return fwpack_malformed(error, 4, "the checksum of the uImage header is wrong");
    int code = fwpack_inside_file(input, "the image", HEADER_SIZE, pack_be32(header + 12), error);
    if (code == 0)
        code = fwpack_crc32(input, HEADER_SIZE, pack_be32(header + 12), &crc, error);
    if (code == 0 && crc != pack_be32(header + 24))
        code = fwpack_malformed(error, 24, "the checksum of the uImage data is wrong");
    return code;
}

/* Sizes of the parts, ended by 0, then the parts, each padded to 4 bytes. */
static int describe_parts(struct pack_input *input, struct pack_facts *facts, uint64_t data_size,
                          struct pack_error *error)
{
    uint8_t sizes[4 * (MAX_PARTS + 1)];
    size_t got = 0, count = 0;
    int code = pack_input_read(input, HEADER_SIZE, sizes, sizeof sizes, &got, error);
    while (code == 0 && count < got / 4 && pack_be32(sizes + 4 * count) != 0)
        count++;
    if (code == 0 && count >= got / 4)
        code = fwpack_malformed(error, HEADER_SIZE, "the sizes of the parts do not end");
    uint64_t offset = HEADER_SIZE + 4 * (uint64_t)(count + 1);
    for (size_t i = 0; code == 0 && i < count; i++) {
        const uint64_t size = pack_be32(sizes + 4 * i);
        if (offset + size > HEADER_SIZE + data_size)
            return fwpack_malformed(error, HEADER_SIZE + 4 * i, "part %zu reaches behind the data",
                                    i);
        pack_facts_begin(facts, "parts");
        pack_fact_number(facts, "offset", offset);
        pack_fact_number(facts, "size", size);
        code = fwpack_describe_inside(facts, input, offset, size, error);
        pack_facts_end(facts);
        offset += (size + 3) & ~UINT64_C(3);
    }
    return code;
}

static int uimage_describe(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t header[HEADER_SIZE];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code == 0)
        code = check_checksums(input, header, error);
    if (code != 0)
        return code;
    const uint32_t size = pack_be32(header + 12);
    fwpack_fact_fields(facts, header, BIG, fields, COUNT(fields));
    if (header[30] == MULTI || header[30] == SCRIPT)
        return describe_parts(input, facts, size, error);
    return fwpack_describe_inside(facts, input, HEADER_SIZE, size, error);
}

static int uimage_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "\x27\x05\x19\x56", 4) ? 95 : 0;
}

const struct pack_format fwpack_format_uimage = {
    .name = "uimage",
    .summary = "U-Boot legacy image",
    .suffixes = ".uimage",
    .probe = uimage_probe,
    .describe = uimage_describe,
};
