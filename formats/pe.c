/* SPDX-License-Identifier: MIT */
/* PE executables (Microsoft PE format) and the x86 Linux kernels that carry such a header. */
#include "formats/backends.h"
#include "formats/support.h"

#include <inttypes.h>

enum {
    PE_OFFSET = 0x3c,
    COFF_HEADER = 24,   /* with the signature */
    OPTIONAL_READ = 72, /* as much of the optional header as is told */
    SECTION = 40,
    MAX_SECTIONS = 96,
    PE32_PLUS = 0x20b,
    SECTION_CODE = 0x20,
};

static const struct word machines[] = {
    {0x014c, "x86"},         {0x8664, "x86-64"},        {0x01c0, "arm"},
    {0x01c2, "arm thumb"},   {0x01c4, "arm thumb-2"},   {0xaa64, "arm64"},
    {0x5032, "riscv32"},     {0x5064, "riscv64"},       {0x6232, "loongarch32"},
    {0x6264, "loongarch64"}, {0x0ebc, "EFI byte code"}, {0, NULL},
};
static const struct word subsystems[] = {
    {1, "native"},           {2, "Windows GUI"},
    {3, "Windows console"},  {10, "EFI application"},
    {11, "EFI boot driver"}, {12, "EFI runtime driver"},
    {13, "EFI ROM"},         {0, NULL},
};

static bool pe_offset(const uint8_t *head, size_t size, uint32_t *offset)
{
    if (!fwpack_has(head, size, 0, "MZ", 2) || size < PE_OFFSET + 4)
        return false;
    *offset = pack_le32(head + PE_OFFSET);
    return true;
}

static int tell_section(struct pack_input *input, struct pack_facts *facts, uint64_t offset,
                        struct pack_error *error)
{
    uint8_t section[SECTION];
    int code = fwpack_read(input, offset, section, sizeof section, error);
    if (code == 0)
        code = fwpack_inside_file(input, "a section", pack_le32(section + 20),
                                  pack_le32(section + 16), error);
    if (code != 0)
        return code;
    pack_facts_begin(facts, "sections");
    pack_fact_bytes(facts, "name", section, 8);
    pack_fact_address(facts, "address", pack_le32(section + 12));
    pack_fact_number(facts, "offset", pack_le32(section + 20));
    pack_fact_number(facts, "size", pack_le32(section + 16));
    pack_facts_end(facts);
    return 0;
}

static int tell_pe(struct pack_input *input, struct pack_facts *facts, uint32_t offset,
                   struct pack_error *error)
{
    uint8_t header[COFF_HEADER + OPTIONAL_READ];
    int code = fwpack_read(input, offset, header, sizeof header, error);
    if (code != 0)
        return code;
    const unsigned sections = pack_le16(header + 6), optional = pack_le16(header + 20);
    if (memcmp(header, "PE\0\0", 4) != 0)
        return fwpack_malformed(error, offset, "no PE signature");
    if (sections > MAX_SECTIONS)
        return fwpack_malformed(error, offset + 6, "%u sections, at most %d are allowed", sections,
                                MAX_SECTIONS);
    fwpack_fact_word(facts, "machine", machines, pack_le16(header + 4));
    if (optional >= OPTIONAL_READ) {
        pack_fact_text(facts, "kind", pack_le16(header + 24) == 0x20b ? "PE32+" : "PE32");
        fwpack_fact_word(facts, "subsystem", subsystems, pack_le16(header + COFF_HEADER + 68));
        pack_fact_address(facts, "entry", pack_le32(header + COFF_HEADER + 16));
    }
    for (unsigned i = 0; code == 0 && i < sections; i++)
        code = tell_section(
            input, facts, (uint64_t)offset + COFF_HEADER + optional + (uint64_t)i * SECTION, error);
    return code;
}

static int pe_describe(struct pack_input *input, struct pack_facts *facts, struct pack_error *error)
{
    uint8_t head[PE_OFFSET + 4];
    uint32_t offset = 0;
    const int code = fwpack_read(input, 0, head, sizeof head, error);
    if (code != 0)
        return code;
    if (!pe_offset(head, sizeof head, &offset))
        return fwpack_malformed(error, 0, "no MZ header");
    return tell_pe(input, facts, offset, error);
}

/* --- parts ----------------------------------------------------------------------------------- */

static const struct word code_names[] = {
    {0x8664, "x86-64"},  {0x014c, "i386"},    {0xaa64, "aarch64"},
    {0x5032, "riscv32"}, {0x5064, "riscv64"}, {0x01c0, "code"},
    {0x01c2, "code"},    {0x01c4, "code"},    {0, NULL},
};

static int pe_parts(struct pack_input *input, struct pack_parts *parts, struct pack_error *error)
{
    uint8_t head[PE_OFFSET + 4], header[COFF_HEADER + OPTIONAL_READ];
    uint32_t offset = 0;
    int code = fwpack_read(input, 0, head, sizeof head, error);
    if (code != 0 || !pe_offset(head, sizeof head, &offset))
        return code;
    code = fwpack_read(input, offset, header, sizeof header, error);
    if (code != 0)
        return code;
    const bool wide = pack_le16(header + COFF_HEADER) == PE32_PLUS;
    const uint64_t base =
        wide ? pack_le64(header + COFF_HEADER + 24) : pack_le32(header + COFF_HEADER + 28);
    const unsigned count = pack_le16(header + 6);
    const uint64_t table = (uint64_t)offset + COFF_HEADER + pack_le16(header + 20);
    for (unsigned i = 0; code == 0 && i < count && i < MAX_SECTIONS; i++) {
        uint8_t section[SECTION];
        code = fwpack_read(input, table + (uint64_t)i * SECTION, section, sizeof section, error);
        if (code != 0)
            break;
        const bool is_code = (pack_le32(section + 36) & SECTION_CODE) != 0;
        code = pack_parts_add(
            parts,
            &(struct pack_part){.offset = pack_le32(section + 20),
                                .size = pack_le32(section + 16),
                                .placed = true,
                                .address = base + pack_le32(section + 12),
                                .contents = is_code ? fwpack_word(code_names, pack_le16(header + 4))
                                            : wide  ? "pointers64"
                                                    : "pointers32"},
            error);
    }
    return code;
}

static int pe_probe(const uint8_t *head, size_t size, uint64_t total)
{
    uint32_t offset = 0;
    (void)total;
    return pe_offset(head, size, &offset) && fwpack_has(head, size, offset, "PE\0\0", 4) ? 85 : 0;
}

const struct pack_format fwpack_format_pe = {
    .name = "pe",
    .summary = "PE executable",
    .suffixes = ".efi .exe",
    .probe = pe_probe,
    .describe = pe_describe,
    .parts = pe_parts,
};

/* --- bzImage (Linux, Documentation/arch/x86/boot.rst) ---------------------------------------- */

enum { SETUP_MAGIC = 0x202, SETUP_HEADER = 0x230, VERSION_BASE = 0x200, VERSION_SIZE = 256 };

static int bzimage_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, SETUP_MAGIC, "HdrS", 4) &&
                   fwpack_has(head, size, 510, "\x55\xaa", 2)
               ? 96
               : 0;
}

static int bzimage_describe(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    uint8_t setup[SETUP_HEADER], version[VERSION_SIZE];
    uint32_t offset = 0;
    size_t got = 0;
    int code = fwpack_read(input, 0, setup, sizeof setup, error);
    if (code != 0)
        return code;
    const uint16_t version_at = pack_le16(setup + 0x20e);
    if (version_at != 0)
        code = pack_input_read(input, (uint64_t)VERSION_BASE + version_at, version, sizeof version,
                               &got, error);
    if (code != 0)
        return code;
    if (got != 0)
        pack_fact_bytes(facts, "version", version, got);
    fwpack_fact_print(facts, "boot_protocol", "%d.%02d", setup[0x207], setup[0x206]);
    return pe_offset(setup, sizeof setup, &offset) ? tell_pe(input, facts, offset, error) : 0;
}

const struct pack_format fwpack_format_bzimage = {
    .name = "bzimage",
    .summary = "Linux kernel bzImage (x86)",
    .suffixes = NULL,
    .probe = bzimage_probe,
    .describe = bzimage_describe,
};
