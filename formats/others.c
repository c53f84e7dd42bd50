/* SPDX-License-Identifier: MIT */
/* Formats of which a few header fields are told. */
#include "formats/backends.h"
#include "formats/support.h"

#include <inttypes.h>

/* --- FAT (Microsoft, FAT specification 1.03) ------------------------------------------------- */

enum { FAT_SECTOR = 512 };

static const struct field fat_fields[] = {
    {"oem", 3, 8, FIELD_TEXT, NULL},
    {"sector_size", 11, 2, FIELD_NUMBER, NULL},
    {"cluster_sectors", 13, 1, FIELD_NUMBER, NULL},
};
static const struct field fat16_fields[] = {
    {"type", 54, 8, FIELD_TEXT, NULL},
    {"label", 43, 11, FIELD_TEXT, NULL},
    {"serial", 39, 4, FIELD_ADDRESS, NULL},
};
static const struct field fat32_fields[] = {
    {"type", 82, 8, FIELD_TEXT, NULL},
    {"label", 71, 11, FIELD_TEXT, NULL},
    {"serial", 67, 4, FIELD_ADDRESS, NULL},
};

static int fat_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    if (!fwpack_has(head, size, 510, "\x55\xaa", 2) || (head[0] != 0xeb && head[0] != 0xe9))
        return 0;
    return fwpack_has(head, size, 54, "FAT1", 4) || fwpack_has(head, size, 82, "FAT32", 5) ? 80 : 0;
}

static int fat_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    uint8_t sector[FAT_SECTOR];
    int code = fwpack_read(input, 0, sector, sizeof sector, error);
    if (code != 0)
        return code;
    const uint64_t few = pack_le16(sector + 19);
    const uint64_t sectors = few != 0 ? few : pack_le32(sector + 32);
    code = fwpack_inside_file(input, "the file system", 0, sectors * pack_le16(sector + 11), error);
    if (code != 0)
        return code;
    fwpack_fact_fields(facts, sector, LITTLE, fat_fields, COUNT(fat_fields));
    pack_fact_number(facts, "sectors", sectors);
    if (fwpack_has(sector, sizeof sector, 82, "FAT32", 5))
        fwpack_fact_fields(facts, sector, LITTLE, fat32_fields, COUNT(fat32_fields));
    else
        fwpack_fact_fields(facts, sector, LITTLE, fat16_fields, COUNT(fat16_fields));
    return 0;
}

const struct pack_format fwpack_format_fat = {
    .name = "fat",
    .summary = "FAT file system",
    .suffixes = ".vfat .fat",
    .probe = fat_probe,
    .describe = fat_describe,
};

/* --- cramfs ---------------------------------------------------------------------------------- */

enum { CRAMFS_SUPER = 76 };

static const struct field cramfs_fields[] = {
    {"name", 48, 16, FIELD_TEXT, NULL},
    {"image_size", 4, 4, FIELD_NUMBER, NULL},
    {"blocks", 40, 4, FIELD_NUMBER, NULL},
    {"files", 44, 4, FIELD_NUMBER, NULL},
};

static int cramfs_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "\x45\x3d\xcd\x28", 4) ||
                   fwpack_has(head, size, 0, "\x28\xcd\x3d\x45", 4)
               ? 90
               : 0;
}

static int cramfs_describe(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t super[CRAMFS_SUPER];
    int code = fwpack_read(input, 0, super, sizeof super, error);
    const enum byte_order order = code == 0 && super[0] == 0x28 ? BIG : LITTLE;
    if (code == 0)
        code = fwpack_inside_file(input, "the file system", 0, fwpack_integer(super + 4, 4, order),
                                  error);
    if (code == 0)
        fwpack_fact_fields(facts, super, order, cramfs_fields, COUNT(cramfs_fields));
    return code;
}

const struct pack_format fwpack_format_cramfs = {
    .name = "cramfs",
    .summary = "cramfs file system",
    .suffixes = ".cramfs",
    .probe = cramfs_probe,
    .describe = cramfs_describe,
};

/* --- romfs ----------------------------------------------------------------------------------- */

enum { ROMFS_HEADER = 32 };

static int romfs_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "-rom1fs-", 8) ? 95 : 0;
}

static int romfs_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    uint8_t header[ROMFS_HEADER];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code == 0)
        code = fwpack_inside_file(input, "the file system", 0, pack_be32(header + 8), error);
    if (code != 0)
        return code;
    pack_fact_bytes(facts, "name", header + 16, 16);
    pack_fact_number(facts, "image_size", pack_be32(header + 8));
    return 0;
}

const struct pack_format fwpack_format_romfs = {
    .name = "romfs",
    .summary = "romfs file system",
    .suffixes = ".romfs",
    .probe = romfs_probe,
    .describe = romfs_describe,
};

/* --- JFFS2 (Linux, include/uapi/linux/jffs2.h) ----------------------------------------------- */

/* A node begins with the magic, then one of the types that a file system starts with. */
static int jffs2_probe(const uint8_t *head, size_t size, uint64_t total)
{
    enum byte_order order = BIG;
    (void)total;
    if (size < 12)
        return 0;
    if (fwpack_has(head, size, 0, "\x85\x19", 2))
        order = LITTLE;
    else if (!fwpack_has(head, size, 0, "\x19\x85", 2))
        return 0;
    const uint64_t type = fwpack_integer(head + 2, 2, order);
    return type == 0xe001 || type == 0xe002 || type == 0x2003 ? 70 : 0;
}

static int jffs2_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    uint8_t magic[2];
    const int code = fwpack_read(input, 0, magic, sizeof magic, error);
    if (code == 0)
        pack_fact_text(facts, "byte_order", magic[0] == 0x85 ? "little-endian" : "big-endian");
    return code;
}

const struct pack_format fwpack_format_jffs2 = {
    .name = "jffs2",
    .summary = "JFFS2 file system",
    .suffixes = ".jffs2",
    .probe = jffs2_probe,
    .describe = jffs2_describe,
};

/* --- Android Verified Boot (external/avb, libavb/avb_vbmeta_image.h) ------------------------- */

enum { VBMETA_HEADER = 256 };

static const struct word vbmeta_algorithms[] = {
    {0, "none"},           {1, "SHA256 RSA2048"}, {2, "SHA256 RSA4096"}, {3, "SHA256 RSA8192"},
    {4, "SHA512 RSA2048"}, {5, "SHA512 RSA4096"}, {6, "SHA512 RSA8192"}, {0, NULL},
};
static const struct field vbmeta_fields[] = {
    {"algorithm", 28, 4, FIELD_WORD, vbmeta_algorithms},
    {"rollback_index", 112, 8, FIELD_NUMBER, NULL},
    {"release", 128, 48, FIELD_TEXT, NULL},
};

static int vbmeta_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "AVB0", 4) ? 90 : 0;
}

static int vbmeta_describe(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t header[VBMETA_HEADER];
    const int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    fwpack_fact_print(facts, "version", "%" PRIu32 ".%" PRIu32, pack_be32(header + 4),
                      pack_be32(header + 8));
    fwpack_fact_fields(facts, header, BIG, vbmeta_fields, COUNT(vbmeta_fields));
    return 0;
}

const struct pack_format fwpack_format_vbmeta = {
    .name = "vbmeta",
    .summary = "Android vbmeta image",
    .probe = vbmeta_probe,
    .describe = vbmeta_describe,
};

/* --- UEFI capsule and firmware volume (UEFI 2.10, 8.5.3 and 23.3; PI 1.8, volume 3, 3.2) ----- */

enum { CAPSULE_HEADER = 28, VOLUME_HEADER = 56 };

static const uint8_t fmp_guid[16] = {0xed, 0xd5, 0xcb, 0x6d, 0x2d, 0xe8, 0x44, 0x4c,
                                     0xbd, 0xa1, 0x71, 0x94, 0x19, 0x9a, 0xd9, 0x2a};

static int capsule_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, fmp_guid, sizeof fmp_guid) ? 95 : 0;
}

static int capsule_describe(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    uint8_t header[CAPSULE_HEADER], items[8];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code == 0)
        code = fwpack_inside_file(input, "the capsule", 0, pack_le32(header + 24), error);
    if (code == 0)
        code = fwpack_read(input, pack_le32(header + 16), items, sizeof items, error);
    if (code != 0)
        return code;
    fwpack_fact_guid(facts, "guid", header);
    pack_fact_address(facts, "flags", pack_le32(header + 20));
    pack_fact_number(facts, "image_size", pack_le32(header + 24));
    pack_fact_number(facts, "drivers", pack_le16(items + 4));
    pack_fact_number(facts, "payloads", pack_le16(items + 6));
    return 0;
}

const struct pack_format fwpack_format_uefi_capsule = {
    .name = "uefi-capsule",
    .summary = "UEFI firmware update capsule",
    .suffixes = ".cap",
    .probe = capsule_probe,
    .describe = capsule_describe,
};

static int volume_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 40, "_FVH", 4) ? 80 : 0;
}

static int volume_describe(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t header[VOLUME_HEADER];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code == 0)
        code = fwpack_inside_file(input, "the volume", 0, pack_le64(header + 32), error);
    if (code != 0)
        return code;
    fwpack_fact_guid(facts, "file_system_guid", header + 16);
    pack_fact_number(facts, "volume_size", pack_le64(header + 32));
    pack_fact_number(facts, "revision", header[55]);
    return 0;
}

const struct pack_format fwpack_format_uefi_volume = {
    .name = "uefi-volume",
    .summary = "UEFI firmware volume",
    .suffixes = ".fd",
    .probe = volume_probe,
    .describe = volume_describe,
};
