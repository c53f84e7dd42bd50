/* SPDX-License-Identifier: MIT */
/*
 * Linux kernels: the arm64 Image (Documentation/arch/arm64/booting.rst), which RISC-V shares, and
 * the zImage of 32-bit Arm.
 */
#include "formats/backends.h"
#include "formats/support.h"

/* --- Image ----------------------------------------------------------------------------------- */

enum { IMAGE_HEADER = 64, ARM64_MAGIC = 0x38, RISCV_MAGIC = 0x30 };

static const struct word page_sizes[] = {
    {0, "any"}, {1, "4 KiB"}, {2, "16 KiB"}, {3, "64 KiB"}, {0, NULL},
};

static const struct field image_fields[] = {
    {"load_offset", 8, 8, FIELD_ADDRESS, NULL},
    {"memory_size", 16, 8, FIELD_NUMBER, NULL},
};

static bool is_arm64(const uint8_t *head, size_t size)
{
    return fwpack_has(head, size, ARM64_MAGIC, "ARM\x64", 4);
}

static bool is_riscv(const uint8_t *head, size_t size)
{
    return fwpack_has(head, size, RISCV_MAGIC, "RISCV\0\0\0", 8) &&
           fwpack_has(head, size, ARM64_MAGIC, "RSC\x05", 4);
}

/* Above PE, whose header an EFI kernel carries too. */
static int image_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return is_arm64(head, size) || is_riscv(head, size) ? 97 : 0;
}

static int image_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    uint8_t header[IMAGE_HEADER];
    const int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    const uint64_t flags = pack_le64(header + 24);
    pack_fact_text(facts, "arch", is_arm64(header, sizeof header) ? "arm64" : "riscv");
    fwpack_fact_fields(facts, header, LITTLE, image_fields, COUNT(image_fields));
    pack_fact_text(facts, "byte_order", flags & 1 ? "big-endian" : "little-endian");
    if (is_arm64(header, sizeof header))
        fwpack_fact_word(facts, "page_size", page_sizes, flags >> 1 & 3);
    pack_fact_text(facts, "efi_stub", memcmp(header, "MZ", 2) == 0 ? "yes" : "no");
    return 0;
}

const struct pack_format fwpack_format_linux_image = {
    .name = "linux-image",
    .summary = "Linux kernel Image",
    .suffixes = NULL,
    .probe = image_probe,
    .describe = image_describe,
};

/* --- zImage ---------------------------------------------------------------------------------- */

enum { ZIMAGE_MAGIC = 0x24, ZIMAGE_HEADER = 0x34, ENDIAN_MAGIC = 0x30 };

static bool zimage_order(const uint8_t *head, size_t size, enum byte_order *order)
{
    *order = fwpack_has(head, size, ZIMAGE_MAGIC, "\x01\x6f\x28\x18", 4) ? BIG : LITTLE;
    return *order == BIG || fwpack_has(head, size, ZIMAGE_MAGIC, "\x18\x28\x6f\x01", 4);
}

static int zimage_probe(const uint8_t *head, size_t size, uint64_t total)
{
    enum byte_order order = LITTLE;
    (void)total;
    return zimage_order(head, size, &order) ? 95 : 0;
}

static int zimage_describe(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t header[ZIMAGE_HEADER];
    enum byte_order order = LITTLE;
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    if (!zimage_order(header, sizeof header, &order))
        return fwpack_malformed(error, ZIMAGE_MAGIC, "no zImage magic");
    const uint64_t start = fwpack_integer(header + 0x28, 4, order);
    const uint64_t end = fwpack_integer(header + 0x2c, 4, order);
    if (end < start)
        return fwpack_malformed(error, 0x28, "the zImage ends before it starts");
    code = fwpack_inside_file(input, "the zImage", 0, end - start, error);
    if (code != 0)
        return code;
    pack_fact_text(facts, "byte_order", order == BIG ? "big-endian" : "little-endian");
    pack_fact_address(facts, "start", start);
    pack_fact_number(facts, "image_size", end - start);
    if (input->size > end - start)
        return fwpack_describe_inside(facts, input, end - start, input->size - (end - start),
                                      error);
    return 0;
}

const struct pack_format fwpack_format_zimage = {
    .name = "zimage",
    .summary = "Linux kernel zImage (Arm)",
    .probe = zimage_probe,
    .describe = zimage_describe,
};
