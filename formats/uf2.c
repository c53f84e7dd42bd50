/* SPDX-License-Identifier: MIT */
/*
 * UF2, the USB Flashing Format (github.com/microsoft/uf2, README.md): blocks of 512 bytes, each
 * with its own address and number, in any order.
 */
#include "formats/uf2.h"

#include "formats/backends.h"
#include "formats/buffered.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"

#include <inttypes.h>

#define MAGIC_START0 UINT32_C(0x0a324655) /* "UF2\n" */
#define MAGIC_START1 UINT32_C(0x9e5d5157)
#define MAGIC_END UINT32_C(0x0ab16f30)
/* A block of the RP2350 tools that no flash takes; it works around that chip's erratum E10. */
#define ABSOLUTE_FAMILY UINT32_C(0xe48bff57)

enum {
    BLOCK_SIZE = 512,
    HEADER_SIZE = 32,
    MAX_PAYLOAD = 476,
    PAGE = 256,        /* the payload that every bootloader takes */
    MAX_FAMILIES = 16, /* that are told of */
    NOTE_SIZE = 12,    /* "uf2 ", family, address of the absolute block */
    ABSOLUTE_FILL = 0xef,
};

enum block_flags {
    NOT_MAIN_FLASH = 0x1,
    FILE_CONTAINER = 0x1000,
    HAS_FAMILY = 0x2000,
    HAS_MD5 = 0x4000,
    HAS_TAGS = 0x8000,
};

struct block {
    uint64_t offset; /* in the file */
    uint32_t flags;
    uint32_t address;
    uint32_t payload;
    uint32_t number;
    uint32_t count;
    uint32_t family; /* 0 where there is none */
    uint8_t bytes[BLOCK_SIZE];
};

static const struct word family_names[] = {
    {0x16573617, "Microchip ATmega32"},
    {0x1851780a, "Microchip SAML21"},
    {0x1b57745f, "Nordic NRF52"},
    {0x1c5f21b0, "ESP32"},
    {0x1e1f432d, "ST STM32L1"},
    {0x202e3a91, "ST STM32L0"},
    {0x21460ff0, "ST STM32WL"},
    {0x2abc77ec, "NXP LPC55"},
    {0x300f5633, "ST STM32G0"},
    {0x31d228c6, "GD32F350"},
    {0x4c71240a, "ST STM32G4"},
    {0x4e8f1c5d, "ST STM32H5"},
    {0x4f6ace52, "LISA"},
    {0x53b80f00, "ST STM32F7"},
    {0x55114460, "Microchip SAMD51"},
    {0x57755a57, "ST STM32F4"},
    {0x5a18069b, "Cypress FX2"},
    {0x5d1a0a2e, "ST STM32F2"},
    {0x5ee21072, "ST STM32F1"},
    {0x621e937a, "Nordic NRF52833"},
    {0x647824b6, "ST STM32F0"},
    {0x68ed2b88, "Microchip SAMD21"},
    {0x6b846188, "ST STM32F3"},
    {0x6d0922fa, "ST STM32F407"},
    {0x6db66082, "ST STM32H7"},
    {0x70d16653, "ST STM32WB"},
    {0x7eab61ed, "ESP8266"},
    {0x7f83e793, "NXP KL32L2"},
    {0x8fb060fe, "ST STM32F407VG"},
    {0xada52840, "Nordic NRF52840"},
    {0xbfdd4eee, "ESP32-S2"},
    {0xc47e5767, "ESP32-S3"},
    {0xd42ba06c, "ESP32-C3"},
    {0x2b88d29c, "ESP32-C2"},
    {0x540ddf62, "ESP32-C6"},
    {0x332726f6, "ESP32-H2"},
    {0x4fb2d5bd, "NXP i.MX RT10xx"},
    {0x9af03e33, "GD32VF103"},
    {0x699b62ec, "WCH CH32V"},
    {0xe48bff56, "Raspberry Pi RP2040"},
    {ABSOLUTE_FAMILY, "Raspberry Pi absolute"},
    {0xe48bff58, "Raspberry Pi RP2 data"},
    {0xe48bff59, "Raspberry Pi RP2350, Arm secure"},
    {0xe48bff5a, "Raspberry Pi RP2350, RISC-V"},
    {0xe48bff5b, "Raspberry Pi RP2350, Arm non-secure"},
    {0x00ff6919, "ST STM32L4"},
    {0x04240bdf, "ST STM32L5"},
    {0x06d1097b, "ST STM32F411xC"},
    {0, NULL},
};

/* --- blocks ---------------------------------------------------------------------------------- */

static bool is_block(const uint8_t *bytes)
{
    return pack_le32(bytes) == MAGIC_START0 && pack_le32(bytes + 4) == MAGIC_START1;
}

static int check_block(const struct block *block, struct pack_error *error)
{
    if (!is_block(block->bytes))
        return fwpack_malformed(error, block->offset, "a block without the start of a UF2 block");
    if (pack_le32(block->bytes + BLOCK_SIZE - 4) != MAGIC_END)
        return fwpack_malformed(error, block->offset + BLOCK_SIZE - 4,
                                "a block without the end of a UF2 block");
    if (block->payload > MAX_PAYLOAD)
        return fwpack_malformed(error, block->offset + 16,
                                "a payload of %" PRIu32 " bytes, a block has room for %d",
                                block->payload, MAX_PAYLOAD);
    if (block->number >= block->count)
        return fwpack_malformed(error, block->offset + 20, "block number %" PRIu32 " of %" PRIu32,
                                block->number, block->count);
    return 0;
}

static int read_block(struct pack_input *input, uint64_t offset, struct block *block,
                      struct pack_error *error)
{
    const int code = fwpack_read(input, offset, block->bytes, BLOCK_SIZE, error);
    if (code != 0)
        return code;
    block->offset = offset;
    block->flags = pack_le32(block->bytes + 8);
    block->address = pack_le32(block->bytes + 12);
    block->payload = pack_le32(block->bytes + 16);
    block->number = pack_le32(block->bytes + 20);
    block->count = pack_le32(block->bytes + 24);
    block->family = block->flags & HAS_FAMILY ? pack_le32(block->bytes + 28) : 0;
    return check_block(block, error);
}

/* As picotool makes it. The family alone may also stand on an image for RAM. */
static bool is_absolute(const struct block *block)
{
    const uint8_t *payload = block->bytes + HEADER_SIZE;
    return block->family == ABSOLUTE_FAMILY && block->number == 0 && block->count == 2 &&
           block->payload == PAGE && payload[0] == ABSOLUTE_FILL &&
           memcmp(payload, payload + 1, PAGE - 1) == 0;
}

/* --- reading --------------------------------------------------------------------------------- */

/* What has been seen of each block number; a number may be taken by a block that is no flash. */
enum seen { NOT_SEEN, SEEN_OTHER, SEEN_FLASH };

struct reader {
    struct pack_image_builder *builder;
    uint32_t count; /* of blocks, as the first one says */
    uint8_t *seen;  /* `count` of enum seen; NULL before the first block */
    bool has_flash; /* a block for flash has been seen, so that the family is known */
    bool has_family;
    uint32_t family;
    uint32_t absolute; /* address of the absolute block, or 0 */
};

static int begin_numbers(struct reader *reader, const struct pack_input *input,
                         const struct block *block, struct pack_error *error)
{
    if (block->count > input->size / BLOCK_SIZE)
        return fwpack_malformed(error, block->offset + 24,
                                "%" PRIu32 " blocks are announced, the file has %" PRIu64,
                                block->count, input->size / BLOCK_SIZE);
    reader->count = block->count;
    return pack_allocate(&reader->seen, reader->count, 1, error);
}

static int check_family(struct reader *reader, const struct block *block, struct pack_error *error)
{
    const bool has_family = (block->flags & HAS_FAMILY) != 0;
    if (!reader->has_flash) {
        reader->has_flash = true;
        reader->has_family = has_family;
        reader->family = block->family;
    }
    if (has_family == reader->has_family && block->family == reader->family)
        return 0;
    pack_fail(error, PACK_E_UNSUPPORTED,
              "holds images for two families, 0x%08" PRIx32 " and 0x%08" PRIx32, reader->family,
              block->family);
    return pack_at_offset(error, block->offset + 28);
}

static int check_like_others(struct reader *reader, const struct block *block,
                             struct pack_error *error)
{
    const int code = check_family(reader, block, error);
    if (code != 0)
        return code;
    if (block->count != reader->count)
        return fwpack_malformed(error, block->offset + 24,
                                "%" PRIu32 " blocks are announced, %" PRIu32 " before",
                                block->count, reader->count);
    if (reader->seen[block->number] == SEEN_FLASH)
        return fwpack_malformed(error, block->offset + 20,
                                "block number %" PRIu32 " for the second time", block->number);
    if ((uint64_t)block->address + block->payload > UINT64_C(0x100000000))
        return fwpack_malformed(error, block->offset + 12,
                                "%" PRIu32 " bytes at 0x%08" PRIx32 " wrap around 4 GiB",
                                block->payload, block->address);
    return 0;
}

static int take_flash_block(struct reader *reader, const struct block *block,
                            struct pack_error *error)
{
    const int code = check_like_others(reader, block, error);
    if (code != 0)
        return code;
    reader->seen[block->number] = SEEN_FLASH;
    return pack_image_add(reader->builder, block->address, block->bytes + HEADER_SIZE,
                          block->payload, block->offset, error);
}

static int take_block(struct reader *reader, const struct pack_input *input,
                      const struct block *block, struct pack_error *error)
{
    if (block->flags & FILE_CONTAINER) {
        pack_fail(error, PACK_E_UNSUPPORTED,
                  "a UF2 container of files, which has no addresses of flash");
        return pack_at_offset(error, block->offset + 8);
    }
    if (is_absolute(block)) {
        reader->absolute = block->address;
        return 0;
    }
    const int code = reader->seen == NULL ? begin_numbers(reader, input, block, error) : 0;
    if (code != 0)
        return code;
    if ((block->flags & NOT_MAIN_FLASH) == 0)
        return take_flash_block(reader, block, error);
    if (block->count == reader->count && reader->seen[block->number] == NOT_SEEN)
        reader->seen[block->number] = SEEN_OTHER;
    return 0;
}

static int finish_numbers(const struct reader *reader, struct pack_error *error)
{
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->seen[i] == NOT_SEEN)
            return pack_fail(error, PACK_E_MALFORMED,
                             "block number %" PRIu32 " of %" PRIu32 " is missing", i,
                             reader->count);
    return 0;
}

static int keep_note(const struct reader *reader, struct pack_error *error)
{
    uint8_t note[NOTE_SIZE] = {'u', 'f', '2', ' '};
    if (!reader->has_family && reader->absolute == 0)
        return 0;
    pack_put_le32(note + 4, reader->family);
    pack_put_le32(note + 8, reader->absolute);
    return pack_image_note(reader->builder, note, sizeof note, error);
}

static int check_size(const struct pack_input *input, struct pack_error *error)
{
    if (input->size % BLOCK_SIZE == 0)
        return 0;
    return fwpack_malformed(error, input->size - input->size % BLOCK_SIZE,
                            "ends inside a block of %d bytes", BLOCK_SIZE);
}

static int read_blocks(struct reader *reader, struct pack_input *input, struct pack_error *error)
{
    struct block block = {0};
    for (uint64_t offset = 0; offset < input->size; offset += BLOCK_SIZE) {
        int code = read_block(input, offset, &block, error);
        if (code == 0)
            code = take_block(reader, input, &block, error);
        if (code != 0)
            return code;
    }
    return finish_numbers(reader, error);
}

static int uf2_read(struct pack_input *input, struct pack_image_builder *builder,
                    struct pack_error *error)
{
    struct reader reader = {.builder = builder};
    int code = check_size(input, error);
    if (code == 0)
        code = read_blocks(&reader, input, error);
    if (code == 0)
        code = keep_note(&reader, error);
    free(reader.seen);
    return code;
}

/* --- describing ------------------------------------------------------------------------------ */

static const struct word tag_names[] = {
    {0x9fc7bc, "version"},
    {0x650d9d, "device"},
    {0, NULL},
};

/* Tags stand behind the payload: size (u8, with this header of 4), type (u24), data, to 4 bytes. */
static void describe_tags(struct pack_facts *facts, const struct block *block)
{
    struct pack_cursor cursor = {.bytes = block->bytes + HEADER_SIZE,
                                 .size = MAX_PAYLOAD,
                                 .position = (block->payload + 3) & ~UINT32_C(3)};
    while (cursor.position + 4 <= cursor.size) {
        const uint8_t *tag = cursor.bytes + cursor.position;
        const size_t size = tag[0];
        const char *name = fwpack_word(tag_names, pack_le32(tag) >> 8);
        if (size < 4 || pack_cursor_take(&cursor, (size + 3) & ~(size_t)3) == NULL)
            return;
        if (name != NULL)
            pack_fact_bytes(facts, name, tag + 4, size - 4);
    }
}

struct families {
    size_t count;
    struct {
        uint32_t id;
        uint64_t blocks;
    } list[MAX_FAMILIES];
};

static void count_family(struct families *families, uint32_t id)
{
    size_t i = 0;
    while (i < families->count && families->list[i].id != id)
        i++;
    if (i == MAX_FAMILIES)
        return;
    if (i == families->count)
        families->list[families->count++].id = id;
    families->list[i].blocks++;
}

static void describe_families(struct pack_facts *facts, const struct families *families)
{
    for (size_t i = 0; i < families->count; i++) {
        pack_facts_begin(facts, "families");
        const char *name = fwpack_word(family_names, families->list[i].id);
        pack_fact_address(facts, "id", families->list[i].id);
        if (name != NULL)
            pack_fact_text(facts, "name", name);
        pack_fact_number(facts, "blocks", families->list[i].blocks);
        pack_facts_end(facts);
    }
}

static int describe_blocks(struct pack_input *input, struct pack_facts *facts, uint32_t *flags,
                           struct pack_error *error)
{
    struct families families = {0};
    struct block block = {0};
    for (uint64_t offset = 0; offset < input->size; offset += BLOCK_SIZE) {
        const int code = read_block(input, offset, &block, error);
        if (code != 0)
            return code;
        *flags |= block.flags;
        if (block.flags & HAS_FAMILY)
            count_family(&families, block.family);
        if ((block.flags & HAS_TAGS) && block.number == 0 && !is_absolute(&block))
            describe_tags(facts, &block);
    }
    describe_families(facts, &families);
    return 0;
}

static int uf2_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    uint32_t flags = 0;
    int code = check_size(input, error);
    pack_fact_number(facts, "blocks", input->size / BLOCK_SIZE);
    if (code == 0)
        code = describe_blocks(input, facts, &flags, error);
    if (code != 0)
        return code;
    if (flags & HAS_MD5)
        pack_fact_text(facts, "md5", "regions carry MD5 sums");
    if (flags & FILE_CONTAINER) {
        pack_fact_text(facts, "content", "files");
        return 0;
    }
    code = pack_image_read(&image, &fwpack_format_uf2, input, error);
    if (code == PACK_E_UNSUPPORTED) {
        pack_fact_text(facts, "content", error->text);
        pack_error_clear(error);
        return 0;
    }
    if (code == 0)
        fwpack_describe_segments(facts, image);
    return code;
}

static int uf2_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size >= 8 && is_block(head) ? 100 : 0;
}

/* --- writing --------------------------------------------------------------------------------- */

struct writer {
    struct pack_sink *sink;
    uint32_t flags;
    uint32_t family;
    uint32_t absolute;
    uint32_t number;
    uint32_t count;
    uint64_t page; /* address of the page being filled */
    bool pending;
    uint8_t block[BLOCK_SIZE];
};

static void put_header(struct writer *writer, uint32_t address, uint32_t number, uint32_t count)
{
    const uint32_t words[8] = {MAGIC_START0, MAGIC_START1, writer->flags, address,
                               PAGE,         number,       count,         writer->family};
    for (size_t i = 0; i < COUNT(words); i++)
        pack_put_le32(writer->block + 4 * i, words[i]);
    pack_put_le32(writer->block + BLOCK_SIZE - 4, MAGIC_END);
}

static int flush_page(struct writer *writer, struct pack_error *error)
{
    if (!writer->pending)
        return 0;
    put_header(writer, (uint32_t)writer->page, writer->number++, writer->count);
    const int code = pack_sink_write(writer->sink, writer->block, BLOCK_SIZE, error);
    memset(writer->block, 0, sizeof writer->block);
    writer->pending = false;
    return code;
}

/* As picotool writes it: two blocks are announced, one is there. */
static int write_absolute(struct writer *writer, struct pack_error *error)
{
    const uint32_t flags = writer->flags, family = writer->family;
    if (writer->absolute == 0)
        return 0;
    writer->flags = HAS_FAMILY | HAS_TAGS;
    writer->family = ABSOLUTE_FAMILY;
    memset(writer->block + HEADER_SIZE, ABSOLUTE_FILL, PAGE);
    pack_put_le32(writer->block + HEADER_SIZE + PAGE, UINT32_C(0x9957e304));
    put_header(writer, writer->absolute, 0, 2);
    const int code = pack_sink_write(writer->sink, writer->block, BLOCK_SIZE, error);
    memset(writer->block, 0, sizeof writer->block);
    writer->flags = flags;
    writer->family = family;
    return code;
}

static int write_segment(struct writer *writer, const struct pack_segment *segment,
                         const uint8_t *bytes, struct pack_error *error)
{
    for (uint64_t done = 0; done < segment->size;) {
        const uint64_t address = segment->address + done;
        const uint64_t page = address - address % PAGE;
        if (page != writer->page) {
            const int code = flush_page(writer, error);
            if (code != 0)
                return code;
        }
        const uint64_t length = pack_min(segment->size - done, PAGE - address % PAGE);
        memcpy(writer->block + HEADER_SIZE + address % PAGE, bytes + done, (size_t)length);
        writer->page = page;
        writer->pending = true;
        done += length;
    }
    return 0;
}

/* How many pages have data; false when an address is out of reach. */
static bool count_pages(const struct pack_image *image, uint32_t *count)
{
    uint64_t pages = 0, next = 0; /* next: the first page not counted yet */
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct pack_segment *segment = &image->segments[i];
        const uint64_t last = (segment->address + segment->size - 1) / PAGE;
        const uint64_t first = segment->address / PAGE < next ? next : segment->address / PAGE;
        if (last > UINT32_MAX / PAGE)
            return false;
        pages += last + 1 - first;
        next = last + 1;
    }
    *count = (uint32_t)pages;
    return true;
}

static void read_note(struct writer *writer, const struct pack_image *image)
{
    if (image->note_size != NOTE_SIZE || memcmp(image->note, "uf2 ", 4) != 0)
        return;
    writer->family = pack_le32(image->note + 4);
    writer->flags = writer->family != 0 ? HAS_FAMILY : 0;
    writer->absolute = pack_le32(image->note + 8);
}

void fwpack_uf2_set_family(struct pack_image *image, uint32_t family)
{
    struct writer writer = {0};
    read_note(&writer, image);
    memcpy(image->note, "uf2 ", 4);
    pack_put_le32(image->note + 4, family);
    pack_put_le32(image->note + 8, writer.absolute);
    image->note_size = NOTE_SIZE;
}

static int write_all(struct writer *writer, const struct pack_image *image,
                     struct pack_error *error)
{
    const uint8_t *bytes = image->bytes;
    int code = write_absolute(writer, error);
    for (size_t i = 0; code == 0 && i < image->segment_count; i++) {
        code = write_segment(writer, &image->segments[i], bytes, error);
        bytes += image->segments[i].size;
    }
    return code == 0 ? flush_page(writer, error) : code;
}

static int uf2_write(struct pack_sink *sink, const struct pack_image *image,
                     struct pack_error *error)
{
    PACK_AUTO(fwpack_buffered_free) struct buffered_sink *buffered = NULL;
    struct writer writer = {0};
    if (!count_pages(image, &writer.count))
        return pack_fail(error, PACK_E_UNSUPPORTED, "UF2 has addresses below 4 GiB only");
    read_note(&writer, image);
    int code = fwpack_buffered_new(&buffered, sink, error);
    if (code != 0)
        return code;
    writer.sink = &buffered->sink;
    code = write_all(&writer, image, error);
    return code == 0 ? fwpack_buffered_flush(buffered, error) : code;
}

const struct pack_format fwpack_format_uf2 = {
    .name = "uf2",
    .summary = "UF2 flashing format",
    .suffixes = ".uf2",
    .abilities = PACK_FORMAT_SEGMENTED,
    .probe = uf2_probe,
    .describe = uf2_describe,
    .read = uf2_read,
    .write = uf2_write,
};
