/* SPDX-License-Identifier: MIT */
/*
 * Android: sparse images (system/core, libsparse/sparse_format.h), boot images (system/tools/
 * mkbootimg, bootimg.h) and A/B payloads (update_engine, update_metadata.proto).
 */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"

#include <inttypes.h>

/* --- sparse ---------------------------------------------------------------------------------- */

enum { SPARSE_HEADER = 28, CHUNK_HEADER = 12, CHUNK_KINDS = 4, CHUNK_FIRST = 0xcac1 };

static const char *const chunk_names[CHUNK_KINDS] = {"raw_blocks", "fill_blocks",
                                                     "dont_care_blocks", "crc_chunks"};

struct sparse {
    struct pack_input *input;
    struct window window;
    uint32_t block_size;
    uint64_t blocks; /* that the chunks make */
    uint64_t kinds[CHUNK_KINDS];
};

/* What the data of a chunk must take. */
static uint64_t chunk_data(const struct sparse *sparse, unsigned kind, uint32_t blocks)
{
    return kind == 0 ? (uint64_t)blocks * sparse->block_size : kind == 2 ? 0 : 4;
}

static int take_chunk(struct sparse *sparse, uint64_t *offset, struct pack_error *error)
{
    uint8_t header[CHUNK_HEADER];
    int code = fwpack_window_read(&sparse->window, *offset, header, sizeof header, error);
    if (code != 0)
        return code;
    const unsigned kind = pack_le16(header) - (unsigned)CHUNK_FIRST;
    const uint32_t blocks = pack_le32(header + 4), size = pack_le32(header + 8);
    if (kind >= CHUNK_KINDS)
        return fwpack_malformed(error, *offset, "a chunk of unknown type 0x%04x",
                                pack_le16(header));
    if (size != CHUNK_HEADER + chunk_data(sparse, kind, blocks))
        return fwpack_malformed(error, *offset + 8,
                                "a chunk of %" PRIu32 " blocks that takes %" PRIu32 " bytes",
                                blocks, size);
    code = fwpack_inside_file(sparse->input, "a chunk", *offset, size, error);
    *offset += size;
    sparse->kinds[kind] += kind == 3 ? 1 : blocks;
    sparse->blocks += kind == 3 ? 0 : blocks;
    return code;
}

static int walk_chunks(struct sparse *sparse, const uint8_t *header, struct pack_error *error)
{
    uint64_t offset = SPARSE_HEADER;
    for (uint32_t i = 0; i < pack_le32(header + 20); i++) {
        const int code = take_chunk(sparse, &offset, error);
        if (code != 0)
            return code;
    }
    if (sparse->blocks != pack_le32(header + 16))
        return fwpack_malformed(error, 16,
                                "%" PRIu32 " blocks are announced, the chunks make %" PRIu64,
                                pack_le32(header + 16), sparse->blocks);
    return 0;
}

static int sparse_describe(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    uint8_t header[SPARSE_HEADER];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    struct sparse sparse = {
        .input = input, .window = {.input = input}, .block_size = pack_le32(header + 12)};
    if (pack_le16(header + 4) != 1 || pack_le16(header + 8) != SPARSE_HEADER ||
        pack_le16(header + 10) != CHUNK_HEADER || sparse.block_size == 0 ||
        sparse.block_size % 4 != 0)
        return fwpack_malformed(error, 4,
                                "sparse version %d, headers of %d and %d bytes, blocks "
                                "of %" PRIu32,
                                pack_le16(header + 4), pack_le16(header + 8),
                                pack_le16(header + 10), sparse.block_size);
    code = walk_chunks(&sparse, header, error);
    if (code != 0)
        return code;
    fwpack_fact_print(facts, "version", "%d.%d", pack_le16(header + 4), pack_le16(header + 6));
    pack_fact_number(facts, "block_size", sparse.block_size);
    pack_fact_number(facts, "blocks", sparse.blocks);
    pack_fact_number(facts, "image_size", sparse.blocks * sparse.block_size);
    pack_fact_number(facts, "chunks", pack_le32(header + 20));
    for (size_t i = 0; i < CHUNK_KINDS; i++)
        pack_fact_number(facts, chunk_names[i], sparse.kinds[i]);
    return 0;
}

static int sparse_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "\x3a\xff\x26\xed", 4) ? 95 : 0;
}

const struct pack_format fwpack_format_android_sparse = {
    .name = "android-sparse",
    .summary = "Android sparse image",
    .suffixes = ".simg",
    .probe = sparse_probe,
    .describe = sparse_describe,
};

/* --- boot ------------------------------------------------------------------------------------ */

enum { BOOT_HEADER = 4096, BOOT_PAGE = 4096, MAX_BOOT_VERSION = 4 };

/* A part of the image: where its size stands in the header; parts follow each other by pages. */
struct boot_part {
    const char *name;
    unsigned size_offset;
};

static const struct boot_part old_parts[] = {
    {"kernel", 8}, {"ramdisk", 16}, {"second", 24}, {"recovery_dtbo", 1632}, {"dtb", 1648},
};
static const struct boot_part new_parts[] = {{"kernel", 8}, {"ramdisk", 12}, {"signature", 1580}};

static const struct field old_fields[] = {
    {"name", 48, 16, FIELD_TEXT, NULL},
    {"command_line", 64, 512, FIELD_TEXT, NULL},
    {"kernel_address", 12, 4, FIELD_ADDRESS, NULL},
    {"ramdisk_address", 20, 4, FIELD_ADDRESS, NULL},
};
static const struct field new_fields[] = {{"command_line", 44, 1536, FIELD_TEXT, NULL}};

/* The generations of the header; a part counts from a version of its own on. */
struct boot_layout {
    unsigned os_version;
    const struct field *fields;
    size_t field_count;
    const struct boot_part *parts;
    size_t part_counts[MAX_BOOT_VERSION + 1]; /* by version; 0 where another layout has it */
};

static const struct boot_layout boot_layouts[] = {
    {44, old_fields, COUNT(old_fields), old_parts, {3, 4, 5, 0, 0}},
    {16, new_fields, COUNT(new_fields), new_parts, {0, 0, 0, 2, 3}},
};

static void tell_os_version(struct pack_facts *facts, uint32_t packed)
{
    if (packed == 0)
        return;
    fwpack_fact_print(facts, "os_version", "%u.%u.%u", packed >> 25, packed >> 18 & 0x7f,
                      packed >> 11 & 0x7f);
    fwpack_fact_print(facts, "patch_level", "%04u-%02u", 2000 + (packed >> 4 & 0x7f), packed & 15);
}

static int tell_parts(struct pack_input *input, struct pack_facts *facts, const uint8_t *header,
                      const struct boot_part *parts, size_t count, uint64_t page,
                      struct pack_error *error)
{
    uint64_t offset = page;
    for (size_t i = 0; i < count; i++) {
        const uint64_t size = pack_le32(header + parts[i].size_offset);
        if (size == 0)
            continue;
        int code = fwpack_inside_file(input, parts[i].name, offset, size, error);
        if (code != 0)
            return code;
        pack_facts_begin(facts, "parts");
        pack_fact_text(facts, "name", parts[i].name);
        pack_fact_number(facts, "offset", offset);
        pack_fact_number(facts, "size", size);
        code = fwpack_describe_inside(facts, input, offset, size, error);
        pack_facts_end(facts);
        if (code != 0)
            return code;
        offset += pack_pieces(size, page) * page;
    }
    return 0;
}

static int boot_describe(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    uint8_t header[BOOT_HEADER] = {0};
    size_t got = 0;
    const int code = pack_input_read(input, 0, header, sizeof header, &got, error);
    if (code != 0)
        return code;
    const uint32_t version = pack_le32(header + 40);
    if (version > MAX_BOOT_VERSION) {
        pack_fail(error, PACK_E_UNSUPPORTED, "boot image header version %" PRIu32, version);
        return pack_at_offset(error, 40);
    }
    const struct boot_layout *layout = &boot_layouts[version >= 3];
    const uint32_t page = version >= 3 ? BOOT_PAGE : pack_le32(header + 36);
    if (page < 512 || (page & (page - 1)) != 0)
        return fwpack_malformed(error, 36, "a page size of %" PRIu32 " bytes", page);
    pack_fact_number(facts, "header_version", version);
    pack_fact_number(facts, "page_size", page);
    tell_os_version(facts, pack_le32(header + layout->os_version));
    fwpack_fact_fields(facts, header, LITTLE, layout->fields, layout->field_count);
    return tell_parts(input, facts, header, layout->parts, layout->part_counts[version], page,
                      error);
}

static int boot_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "ANDROID!", 8) ? 95 : 0;
}

const struct pack_format fwpack_format_android_boot = {
    .name = "android-boot",
    .summary = "Android boot image",
    .probe = boot_probe,
    .describe = boot_describe,
};

/* --- payload --------------------------------------------------------------------------------- */

enum {
    PAYLOAD_HEADER = 24,
    MAX_MANIFEST = 16 << 20,
    /* Fields of DeltaArchiveManifest, PartitionUpdate and PartitionInfo. */
    MANIFEST_BLOCK_SIZE = 3,
    MANIFEST_MINOR_VERSION = 12,
    MANIFEST_PARTITIONS = 13,
    MANIFEST_TIMESTAMP = 14,
    PARTITION_NAME = 1,
    PARTITION_NEW = 7,
    INFO_SIZE = 1,
    INFO_HASH = 2,
};

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* One field of a protobuf message. */
struct message_field {
    unsigned number;
    enum wire wire;
    uint64_t value; /* VARINT */
    struct pack_cursor bytes;
};

static bool take_varint(struct pack_cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = pack_cursor_take(cursor, 1);
        if (byte == NULL)
            return false;
        *value |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80)
            return true;
    }
    return false;
}

static bool take_field(struct pack_cursor *message, struct message_field *field)
{
    uint64_t key = 0, size = 0;
    if (!take_varint(message, &key) || key >> 3 > UINT32_MAX)
        return false;
    field->number = (unsigned)(key >> 3);
    field->wire = (enum wire)(key & 7);
    if (field->wire == VARINT)
        return take_varint(message, &field->value);
    if (field->wire == FIXED64)
        return pack_cursor_take(message, 8) != NULL;
    if (field->wire == FIXED32)
        return pack_cursor_take(message, 4) != NULL;
    if (field->wire != BYTES || !take_varint(message, &size) || size > pack_cursor_left(message))
        return false;
    field->bytes = (struct pack_cursor){.size = (size_t)size};
    field->bytes.bytes = pack_cursor_take(message, (size_t)size);
    return true;
}

static bool tell_partition_info(struct pack_facts *facts, struct pack_cursor info)
{
    struct message_field field = {0};
    while (pack_cursor_left(&info) != 0) {
        if (!take_field(&info, &field))
            return false;
        if (field.number == INFO_SIZE && field.wire == VARINT)
            pack_fact_number(facts, "size", field.value);
        if (field.number == INFO_HASH && field.wire == BYTES)
            pack_fact_hex(facts, "sha256", field.bytes.bytes, field.bytes.size);
    }
    return true;
}

static bool tell_partition(struct pack_facts *facts, struct pack_cursor partition)
{
    struct message_field field = {0};
    bool good = true;
    pack_facts_begin(facts, "partitions");
    while (good && pack_cursor_left(&partition) != 0) {
        good = take_field(&partition, &field);
        if (good && field.number == PARTITION_NAME && field.wire == BYTES)
            pack_fact_bytes(facts, "name", field.bytes.bytes, field.bytes.size);
        if (good && field.number == PARTITION_NEW && field.wire == BYTES)
            good = tell_partition_info(facts, field.bytes);
    }
    pack_facts_end(facts);
    return good;
}

static bool tell_manifest_field(struct pack_facts *facts, const struct message_field *field)
{
    static const struct word numbers[] = {
        {MANIFEST_BLOCK_SIZE, "block_size"},
        {MANIFEST_MINOR_VERSION, "minor_version"},
        {0, NULL},
    };
    const char *name = fwpack_word(numbers, field->number);
    if (field->wire == VARINT && name != NULL)
        pack_fact_number(facts, name, field->value);
    if (field->wire == VARINT && field->number == MANIFEST_TIMESTAMP)
        fwpack_fact_time(facts, "newest_build", field->value);
    return field->wire != BYTES || field->number != MANIFEST_PARTITIONS ||
           tell_partition(facts, field->bytes);
}

static int tell_manifest(struct pack_input *input, struct pack_facts *facts, uint64_t size,
                         struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    struct message_field field = {0};
    if (size > MAX_MANIFEST)
        return pack_fail(error, PACK_E_LIMIT, "a manifest of %" PRIu64 " bytes", size);
    int code = pack_allocate(&bytes, (size_t)size, 1, error);
    if (code == 0)
        code = fwpack_read(input, PAYLOAD_HEADER, bytes, (size_t)size, error);
    struct pack_cursor manifest = {.bytes = bytes, .size = (size_t)size};
    while (code == 0 && pack_cursor_left(&manifest) != 0)
        if (!take_field(&manifest, &field) || !tell_manifest_field(facts, &field))
            code = fwpack_malformed(error, PAYLOAD_HEADER + manifest.position,
                                    "the manifest is no protobuf message");
    return code;
}

static int payload_describe(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    uint8_t header[PAYLOAD_HEADER];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    const uint64_t version = pack_be64(header + 4), size = pack_be64(header + 12);
    if (version != 2) {
        pack_fail(error, PACK_E_UNSUPPORTED, "payload version %" PRIu64 ", 2 wanted", version);
        return pack_at_offset(error, 4);
    }
    code = fwpack_inside_file(input, "the manifest", PAYLOAD_HEADER, size, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "version", version);
    pack_fact_number(facts, "manifest_size", size);
    pack_fact_number(facts, "metadata_signature_size", pack_be32(header + 20));
    return tell_manifest(input, facts, size, error);
}

static int payload_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "CrAU", 4) ? 95 : 0;
}

const struct pack_format fwpack_format_android_payload = {
    .name = "android-payload",
    .summary = "Android A/B update payload",
    .probe = payload_probe,
    .describe = payload_describe,
};
