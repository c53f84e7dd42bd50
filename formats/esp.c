/* SPDX-License-Identifier: MIT */
/* Espressif images (esptool, docs/en/advanced-topics/firmware-image-format.rst). */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"
#include "pack/digest.h"

#include <inttypes.h>

enum {
    MAGIC = 0xe9,
    MAGIC_V2 = 0xea, /* ESP8266: a flash segment stands before the rest */
    V2_SEGMENTS = 4,
    HEADER = 8,
    EXTENDED = 24, /* with what the ESP32 family adds */
    SEGMENT_HEADER = 8,
    MAX_SEGMENTS = 16,
    CHECKSUM_SEED = 0xef,
    ALIGN = 16,
    DESCRIPTION = 176,
    SIGNATURE_ALIGN = 4096,
    SIGNATURE_MAGIC = 0xe7,
};

#define DESCRIPTION_MAGIC UINT32_C(0xabcd5432)

static const struct word chips[] = {
    {0, "ESP32"},      {2, "ESP32-S2"},  {5, "ESP32-C3"},  {9, "ESP32-S3"},   {12, "ESP32-C2"},
    {13, "ESP32-C6"},  {16, "ESP32-H2"}, {18, "ESP32-P4"}, {20, "ESP32-C61"}, {23, "ESP32-C5"},
    {25, "ESP32-H21"}, {28, "ESP32-H4"}, {0, NULL},
};
static const struct word modes[] = {
    {0, "QIO"}, {1, "QOUT"}, {2, "DIO"}, {3, "DOUT"}, {4, "fast read"}, {5, "slow read"}, {0, NULL},
};

/* The description that ESP-IDF puts first into the first segment (esp_app_desc.h). */
static const struct field description_fields[] = {
    {"version", 16, 32, FIELD_TEXT, NULL},      {"project", 48, 32, FIELD_TEXT, NULL},
    {"built_time", 80, 16, FIELD_TEXT, NULL},   {"built_date", 96, 16, FIELD_TEXT, NULL},
    {"idf_version", 112, 32, FIELD_TEXT, NULL}, {"security_version", 4, 4, FIELD_NUMBER, NULL},
    {"elf_sha256", 144, 32, FIELD_HEX, NULL},
};

struct esp {
    struct pack_input *input;
    struct pack_facts *facts;
    uint64_t position;
    uint8_t checksum;
};

static int sum_segment(struct esp *esp, uint64_t size, struct pack_error *error)
{
    uint8_t piece[16384];
    for (uint64_t done = 0; done < size;) {
        const size_t wanted = (size_t)pack_min(size - done, sizeof piece);
        const int code = fwpack_read(esp->input, esp->position + done, piece, wanted, error);
        if (code != 0)
            return code;
        for (size_t i = 0; i < wanted; i++)
            esp->checksum ^= piece[i];
        done += wanted;
    }
    return 0;
}

static int take_segment(struct esp *esp, bool summed, struct pack_error *error)
{
    uint8_t header[SEGMENT_HEADER];
    int code = fwpack_read(esp->input, esp->position, header, sizeof header, error);
    const uint32_t size = code == 0 ? pack_le32(header + 4) : 0;
    if (code == 0)
        code = fwpack_inside_file(esp->input, "a segment", esp->position + SEGMENT_HEADER, size,
                                  error);
    if (code != 0)
        return code;
    esp->position += SEGMENT_HEADER;
    pack_facts_begin(esp->facts, "segments");
    pack_fact_address(esp->facts, "address", pack_le32(header));
    pack_fact_number(esp->facts, "offset", esp->position);
    pack_fact_number(esp->facts, "size", size);
    pack_facts_end(esp->facts);
    if (summed)
        code = sum_segment(esp, size, error);
    esp->position += size;
    return code;
}

/* The segments, then the checksum as the last byte of a row of 16. */
static int take_segments(struct esp *esp, unsigned count, struct pack_error *error)
{
    uint8_t found = 0;
    int code = 0;
    if (count == 0 || count > MAX_SEGMENTS)
        return fwpack_malformed(error, 1, "%u segments, 1 to %d wanted", count, MAX_SEGMENTS);
    esp->checksum = CHECKSUM_SEED;
    for (unsigned i = 0; code == 0 && i < count; i++)
        code = take_segment(esp, true, error);
    if (code != 0)
        return code;
    esp->position |= ALIGN - 1;
    code = fwpack_read(esp->input, esp->position, &found, 1, error);
    if (code == 0 && found != esp->checksum)
        code = fwpack_malformed(error, esp->position, "the checksum is 0x%02x, 0x%02x wanted",
                                found, esp->checksum);
    esp->position++;
    return code;
}

static void tell_header(struct pack_facts *facts, const uint8_t *header)
{
    pack_fact_address(facts, "entry", pack_le32(header + 4));
    fwpack_fact_word(facts, "flash_mode", modes, header[2]);
}

/* --- parts ----------------------------------------------------------------------------------- */

/* What the processors run stands from here on; below are data, in flash or memory. */
#define FIRST_CODE UINT32_C(0x40000000)
#define BEYOND_CODE UINT32_C(0x50000000)

static const struct word code_names[] = {
    {0, "xtensa"},
    {2, "xtensa"},
    {9, "xtensa"},
    {0, NULL},
};

/* The segments from *position on, of an image in whose code `code_name` is. */
static int add_segments(struct pack_input *input, uint64_t *position, unsigned count,
                        const char *code_name, struct pack_parts *parts, struct pack_error *error)
{
    int code = 0;
    for (unsigned i = 0; code == 0 && i < count && i < MAX_SEGMENTS; i++) {
        uint8_t header[SEGMENT_HEADER];
        code = fwpack_read(input, *position, header, sizeof header, error);
        if (code != 0)
            break;
        const uint32_t address = pack_le32(header), size = pack_le32(header + 4);
        *position += SEGMENT_HEADER;
        code = pack_parts_add(
            parts,
            &(struct pack_part){.offset = *position,
                                .size = size,
                                .placed = address != 0,
                                .address = address,
                                .contents = address >= FIRST_CODE && address < BEYOND_CODE
                                                ? code_name
                                                : "pointers32"},
            error);
        *position += size;
    }
    return code;
}

static int add_image(struct pack_input *input, uint64_t offset, struct pack_parts *parts,
                     struct pack_error *error)
{
    uint8_t header[EXTENDED];
    uint64_t position = offset + EXTENDED;
    const int code = fwpack_read(input, offset, header, sizeof header, error);
    if (code != 0 || header[0] != MAGIC)
        return code;
    const char *name = fwpack_word(code_names, pack_le16(header + 12));
    return add_segments(input, &position, header[1], name != NULL ? name : "riscv32", parts, error);
}

static int esp32_parts(struct pack_input *input, struct pack_parts *parts, struct pack_error *error)
{
    return add_image(input, 0, parts, error);
}

/* --- ESP32 ----------------------------------------------------------------------------------- */

static int tell_description(struct esp *esp, struct pack_error *error)
{
    uint8_t bytes[DESCRIPTION];
    size_t got = 0;
    const int code =
        pack_input_read(esp->input, EXTENDED + SEGMENT_HEADER, bytes, sizeof bytes, &got, error);
    if (code == 0 && got == sizeof bytes && pack_le32(bytes) == DESCRIPTION_MAGIC)
        fwpack_fact_fields(esp->facts, bytes, LITTLE, description_fields,
                           COUNT(description_fields));
    return code;
}

/* SHA-256 of all that is before it. */
static int check_digest(struct esp *esp, struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    uint8_t found[PACK_SHA256_SIZE], digest[PACK_SHA256_SIZE], piece[16384];
    int code = fwpack_read(esp->input, esp->position, found, sizeof found, error);
    if (code == 0)
        code = pack_sha256_new(&hash, error);
    for (uint64_t done = 0; code == 0 && done < esp->position;) {
        const size_t wanted = (size_t)pack_min(esp->position - done, sizeof piece);
        code = fwpack_read(esp->input, done, piece, wanted, error);
        if (code == 0)
            code = pack_sha256_update(hash, piece, wanted, error);
        done += wanted;
    }
    if (code == 0)
        code = pack_sha256_finish(hash, digest, error);
    if (code == 0 && memcmp(found, digest, sizeof digest) != 0)
        code = fwpack_malformed(error, esp->position, "the SHA-256 of the image differs");
    if (code == 0)
        pack_fact_hex(esp->facts, "digest", digest, sizeof digest);
    esp->position += PACK_SHA256_SIZE;
    return code;
}

/* Secure Boot V2 appends a sector of signature blocks. */
static int tell_signature(struct esp *esp, struct pack_error *error)
{
    uint8_t header[4];
    size_t got = 0;
    const uint64_t offset = pack_pieces(esp->position, SIGNATURE_ALIGN) * SIGNATURE_ALIGN;
    const int code = pack_input_read(esp->input, offset, header, sizeof header, &got, error);
    if (code == 0 && got == sizeof header && header[0] == SIGNATURE_MAGIC &&
        (header[1] == 2 || header[1] == 3))
        pack_fact_text(esp->facts, "signature",
                       header[1] == 2 ? "Secure Boot V2, RSA" : "Secure Boot V2, ECDSA");
    return code;
}

static int esp32_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    struct esp esp = {.input = input, .facts = facts, .position = EXTENDED};
    uint8_t header[EXTENDED];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    fwpack_fact_word(facts, "chip", chips, pack_le16(header + 12));
    tell_header(facts, header);
    code = tell_description(&esp, error);
    if (code == 0)
        code = take_segments(&esp, header[1], error);
    if (code == 0 && header[23] == 1)
        code = check_digest(&esp, error);
    return code == 0 ? tell_signature(&esp, error) : code;
}

/* The magic is one byte, so that the rest of the headers must make sense. */
static int esp32_probe(const uint8_t *head, size_t size, uint64_t total)
{
    if (size < EXTENDED + SEGMENT_HEADER || head[0] != MAGIC || head[1] == 0 ||
        head[1] > MAX_SEGMENTS || fwpack_word(modes, head[2]) == NULL ||
        fwpack_word(chips, pack_le16(head + 12)) == NULL || head[23] > 1)
        return 0;
    const uint32_t reserved = pack_le32(head + 19), segment = pack_le32(head + EXTENDED + 4);
    return reserved == 0 && segment < total ? 85 : 0;
}

const struct pack_format fwpack_format_esp32 = {
    .name = "esp32",
    .summary = "ESP32 application image",
    .probe = esp32_probe,
    .describe = esp32_describe,
    .parts = esp32_parts,
};

/* --- ESP8266 --------------------------------------------------------------------------------- */

static int esp8266_describe(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    struct esp esp = {.input = input, .facts = facts, .position = HEADER};
    uint8_t header[HEADER];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "version", header[0] == MAGIC ? 1 : 2);
    tell_header(facts, header);
    if (header[0] == MAGIC_V2) {
        code = take_segment(&esp, false, error);
        if (code == 0)
            code = fwpack_read(input, esp.position, header, sizeof header, error);
        if (code == 0 && header[0] != MAGIC)
            code =
                fwpack_malformed(error, esp.position, "no second header behind the flash segment");
        esp.position += HEADER;
    }
    return code == 0 ? take_segments(&esp, header[1], error) : code;
}

static bool is_esp8266_address(uint32_t address)
{
    return address >= UINT32_C(0x3ffe8000) && address < UINT32_C(0x40300000);
}

static int esp8266_probe(const uint8_t *head, size_t size, uint64_t total)
{
    if (size < HEADER + SEGMENT_HEADER || fwpack_word(modes, head[2]) == NULL ||
        !is_esp8266_address(pack_le32(head + 4)) || pack_le32(head + HEADER + 4) >= total)
        return 0;
    if (head[0] == MAGIC_V2 && head[1] == V2_SEGMENTS)
        return pack_le32(head + HEADER) == 0 ? 85 : 0;
    return head[0] == MAGIC && head[1] != 0 && head[1] <= MAX_SEGMENTS &&
                   is_esp8266_address(pack_le32(head + HEADER))
               ? 85
               : 0;
}

const struct pack_format fwpack_format_esp8266 = {
    .name = "esp8266",
    .summary = "ESP8266 application image",
    .probe = esp8266_probe,
    .describe = esp8266_describe,
};

/* --- whole flash of an ESP32 (esp-idf, docs/en/api-guides/partition-tables.rst) -------------- */

enum {
    TABLE_OFFSET = 0x8000,
    TABLE_ENTRY = 32,
    TABLE_ENTRIES = 95,
};

static const struct word partition_types[] = {{0, "app"}, {1, "data"}, {0, NULL}};

/* The second-stage bootloader stands at 0x1000, or at 0 on the newer chips. */
static bool has_bootloader(const uint8_t *head, size_t size)
{
    return size > 0x1000 + EXTENDED && (head[0] == MAGIC || head[0x1000] == MAGIC);
}

/* Above the application image that such a file may begin with. */
static int flash_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return has_bootloader(head, size) && fwpack_has(head, size, TABLE_OFFSET, "\xaa\x50", 2) ? 90
                                                                                             : 0;
}

/* A partition that has not been written yet may lie behind the end of the file. */
static int tell_partition(struct pack_input *input, struct pack_facts *facts, const uint8_t *entry,
                          struct pack_error *error)
{
    const uint32_t offset = pack_le32(entry + 4);
    int code = 0;
    pack_facts_begin(facts, "partitions");
    pack_fact_bytes(facts, "name", entry + 12, 16);
    fwpack_fact_word(facts, "type", partition_types, entry[2]);
    pack_fact_number(facts, "subtype", entry[3]);
    pack_fact_number(facts, "offset", offset);
    pack_fact_number(facts, "size", pack_le32(entry + 8));
    if (entry[2] == 0)
        code = fwpack_describe_inside(facts, input, offset, pack_le32(entry + 8), error);
    pack_facts_end(facts);
    return code;
}

static int flash_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        uint8_t entry[TABLE_ENTRY];
        int code = fwpack_read(input, TABLE_OFFSET + (uint64_t)i * TABLE_ENTRY, entry, sizeof entry,
                               error);
        if (code != 0 || memcmp(entry, "\xaa\x50", 2) != 0)
            return code;
        code = tell_partition(input, facts, entry, error);
        if (code != 0)
            return code;
    }
    return 0;
}

/* The bootloader, and what the partitions for applications hold. */
static int flash_parts(struct pack_input *input, struct pack_parts *parts, struct pack_error *error)
{
    int code = add_image(input, 0x1000, parts, error);
    for (unsigned i = 0; code == 0 && i < TABLE_ENTRIES; i++) {
        uint8_t entry[TABLE_ENTRY];
        code = fwpack_read(input, TABLE_OFFSET + (uint64_t)i * TABLE_ENTRY, entry, sizeof entry,
                           error);
        if (code != 0 || memcmp(entry, "\xaa\x50", 2) != 0)
            return code;
        if (entry[2] == 0 && pack_le32(entry + 4) < input->size)
            code = add_image(input, pack_le32(entry + 4), parts, error);
    }
    return code;
}

const struct pack_format fwpack_format_esp32_flash = {
    .name = "esp32-flash",
    .summary = "ESP32 flash image",
    .suffixes = NULL,
    .probe = flash_probe,
    .describe = flash_describe,
    .parts = flash_parts,
};
