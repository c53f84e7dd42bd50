/* SPDX-License-Identifier: MIT */
/*
 * Intel HEX ("Hexadecimal Object File Format Specification", Intel, 1988). Written as GNU objcopy
 * writes it, unless the file that was read differed; what it did is kept in the image's note.
 */
#include "formats/backends.h"
#include "formats/buffered.h"
#include "formats/lines.h"
#include "formats/support.h"

#include "base/checked.h"

#include <inttypes.h>

enum {
    DEFAULT_LENGTH = 16,
    MAX_DATA = 255,
    OVERHEAD = 5, /* length, address, type, checksum */
    SPAN = 0x10000,
    MAX_BREAKS = 14, /* as many as a note has room for */
    NOTE_HEADER = 6,
};

enum record_type { DATA, END, SEGMENT_BASE, SEGMENT_ENTRY, LINEAR_BASE, LINEAR_ENTRY, TYPES };

enum dialect_flags {
    LINE_FEED = 1,    /* lines end with LF alone */
    LINEAR_BELOW = 2, /* linear bases also below 1 MiB */
    BASE_FIRST = 4,   /* a base of 0 stands first */
};

/*
 * How a file was laid out, as far as its data does not say: objcopy starts a new record where one
 * section ends and the next one follows.
 */
struct dialect {
    uint8_t length; /* data bytes of a full record */
    uint8_t flags;
    size_t breaks; /* more than MAX_BREAKS: too irregular to be kept */
    uint32_t at[MAX_BREAKS];
};

struct reader {
    struct line_reader *lines;
    struct pack_image_builder *builder;
    struct record record;
    uint64_t segment_base, linear_base;
    bool linear;
    bool has_entry;
    bool ended;
    struct dialect dialect;
    uint64_t next;      /* address after the last data record */
    size_t last_length; /* of that record; 0 before the first */
};

/* --- dialect --------------------------------------------------------------------------------- */

static void learn_data(struct reader *reader, uint64_t address, size_t length)
{
    struct dialect *dialect = &reader->dialect;
    const bool short_before = reader->last_length != 0 && reader->last_length < dialect->length &&
                              reader->next == address && address % SPAN != 0;
    if (short_before && dialect->breaks < MAX_BREAKS)
        dialect->at[dialect->breaks] = (uint32_t)address;
    dialect->breaks += short_before && dialect->breaks <= MAX_BREAKS;
    if (length > dialect->length)
        dialect->length = (uint8_t)length;
    reader->next = address + length;
    reader->last_length = length;
}

static void learn_base(struct reader *reader, bool linear, uint64_t base)
{
    if (linear && base < 16 * SPAN)
        reader->dialect.flags |= LINEAR_BELOW;
    if (base == 0 && reader->last_length == 0)
        reader->dialect.flags |= BASE_FIRST;
}

static int keep_dialect(struct pack_image_builder *builder, const struct dialect *dialect,
                        struct pack_error *error)
{
    uint8_t note[PACK_NOTE_SIZE] = {'i', 'h', 'e', 'x', dialect->length, dialect->flags};
    size_t size = NOTE_HEADER;
    if (dialect->breaks > MAX_BREAKS || dialect->length == 0)
        return 0;
    if (dialect->breaks == 0 && dialect->length == DEFAULT_LENGTH && dialect->flags == 0)
        return 0;
    for (size_t i = 0; i < dialect->breaks; i++, size += 4)
        pack_put_le32(note + size, dialect->at[i]);
    return pack_image_note(builder, note, size, error);
}

static struct dialect read_dialect(const struct pack_image *image)
{
    struct dialect dialect = {.length = DEFAULT_LENGTH};
    if (!fwpack_has(image->note, image->note_size, 0, "ihex", 4) ||
        image->note_size < NOTE_HEADER || image->note[4] == 0)
        return dialect;
    dialect.length = image->note[4];
    dialect.flags = image->note[5];
    dialect.breaks = (image->note_size - NOTE_HEADER) / 4;
    for (size_t i = 0; i < dialect.breaks; i++)
        dialect.at[i] = pack_le32(image->note + NOTE_HEADER + 4 * i);
    return dialect;
}

/* --- reading --------------------------------------------------------------------------------- */

static uint32_t record_offset(const struct record *record)
{
    return pack_be16(record->bytes + 1);
}

static int read_data(struct reader *reader, struct pack_error *error)
{
    const size_t length = reader->record.bytes[0];
    const uint32_t offset = record_offset(&reader->record);
    const uint64_t address = reader->linear_base + reader->segment_base + offset;
    if (!reader->linear && offset + length > SPAN)
        return fwpack_line_fail(reader->lines, 0, error,
                                "%zu bytes at offset 0x%04" PRIX32 " wrap around the segment",
                                length, offset);
    if (address + length > UINT64_C(0x100000000))
        return fwpack_line_fail(reader->lines, 0, error,
                                "%zu bytes at 0x%08" PRIX64 " wrap around 4 GiB", length, address);
    if (length != 0)
        learn_data(reader, address, length);
    return pack_image_add(reader->builder, address, reader->record.bytes + 4, length,
                          reader->lines->number, error);
}

static int set_entry(struct reader *reader, uint64_t entry, struct pack_error *error)
{
    if (reader->has_entry)
        return fwpack_line_fail(reader->lines, 0, error, "a second entry point");
    reader->has_entry = true;
    pack_image_entry(reader->builder, entry);
    return 0;
}

/* Old 8-bit files carry the entry point in the end record. */
static int read_end(struct reader *reader, struct pack_error *error)
{
    const uint32_t entry = record_offset(&reader->record);
    reader->ended = true;
    return entry != 0 ? set_entry(reader, entry, error) : 0;
}

/* Readers disagree on whether one kind of base replaces the other or adds to it. */
static int check_other_base(const struct reader *reader, uint64_t other, struct pack_error *error)
{
    if (other == 0)
        return 0;
    return fwpack_line_fail(reader->lines, 0, error,
                            "segment and linear bases are mixed, 0x%" PRIX64 " is still in force",
                            other);
}

static int read_segment_base(struct reader *reader, struct pack_error *error)
{
    const int code = check_other_base(reader, reader->linear_base, error);
    reader->linear = false;
    reader->segment_base = (uint64_t)pack_be16(reader->record.bytes + 4) << 4;
    learn_base(reader, false, reader->segment_base);
    return code;
}

static int read_linear_base(struct reader *reader, struct pack_error *error)
{
    const int code = check_other_base(reader, reader->segment_base, error);
    reader->linear = true;
    reader->linear_base = (uint64_t)pack_be16(reader->record.bytes + 4) << 16;
    learn_base(reader, true, reader->linear_base);
    return code;
}

static int read_segment_entry(struct reader *reader, struct pack_error *error)
{
    const uint8_t *data = reader->record.bytes + 4;
    return set_entry(reader, ((uint64_t)pack_be16(data) << 4) + pack_be16(data + 2), error);
}

static int read_linear_entry(struct reader *reader, struct pack_error *error)
{
    return set_entry(reader, pack_be32(reader->record.bytes + 4), error);
}

static const struct {
    int length; /* of the data, or -1 for any */
    int (*read)(struct reader *reader, struct pack_error *error);
} types[TYPES] = {
    [DATA] = {-1, read_data},
    [END] = {0, read_end},
    [SEGMENT_BASE] = {2, read_segment_base},
    [SEGMENT_ENTRY] = {4, read_segment_entry},
    [LINEAR_BASE] = {2, read_linear_base},
    [LINEAR_ENTRY] = {4, read_linear_entry},
};

static int check_record(const struct reader *reader, struct pack_error *error)
{
    const struct record *record = &reader->record;
    const uint8_t sum = fwpack_record_sum(record->bytes, record->size);
    if (record->size < OVERHEAD)
        return fwpack_line_fail(reader->lines, 0, error,
                                "a record of %zu bytes, at least %d wanted", record->size,
                                OVERHEAD);
    if (record->size != (size_t)record->bytes[0] + OVERHEAD)
        return fwpack_line_fail(reader->lines, 0, error, "a record that says %d data bytes has %zu",
                                record->bytes[0], record->size - OVERHEAD);
    if (sum != 0)
        return fwpack_line_fail(reader->lines, 0, error, "the checksum is 0x%02X, 0x%02X wanted",
                                record->bytes[record->size - 1],
                                (uint8_t)(record->bytes[record->size - 1] - sum));
    const uint8_t type = record->bytes[3];
    if (type >= TYPES)
        return fwpack_line_fail(reader->lines, 0, error, "a record of unknown type %02X", type);
    if (types[type].length >= 0 && types[type].length != record->bytes[0])
        return fwpack_line_fail(reader->lines, 0, error,
                                "a record of type %02X has %d data bytes, %d wanted", type,
                                record->bytes[0], types[type].length);
    return 0;
}

static int read_line(struct reader *reader, struct pack_error *error)
{
    const uint8_t *line = NULL;
    size_t length = 0;
    int code = fwpack_line_next(reader->lines, &line, &length, error);
    if (code != 0)
        return code;
    if (line == NULL)
        return fwpack_line_fail(reader->lines, 0, error, "ends without an end record");
    if (length == 0 || line[0] != ':')
        return fwpack_line_fail(reader->lines, 1, error, "a record must begin with ':'");
    if (reader->lines->number == 1 && !reader->lines->carriage_return)
        reader->dialect.flags |= LINE_FEED;
    code = fwpack_record_parse(reader->lines, &reader->record, line, length, 1, error);
    if (code == 0)
        code = check_record(reader, error);
    return code == 0 ? types[reader->record.bytes[3]].read(reader, error) : code;
}

static int ihex_read(struct pack_input *input, struct pack_image_builder *builder,
                     struct pack_error *error)
{
    PACK_AUTO(fwpack_lines_free) struct line_reader *lines = NULL;
    struct reader reader = {.builder = builder};
    int code = fwpack_lines_new(&lines, input, error);
    reader.lines = lines;
    while (code == 0 && !reader.ended)
        code = read_line(&reader, error);
    if (code == 0)
        code = fwpack_lines_end(lines, "end record", error);
    if (code == 0)
        code = keep_dialect(builder, &reader.dialect, error);
    return code;
}

static int ihex_describe(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    const int code = pack_image_read(&image, &fwpack_format_ihex, input, error);
    if (code == 0)
        fwpack_describe_segments(facts, image);
    return code;
}

/* A whole first record with a good checksum. */
static int ihex_probe(const uint8_t *head, size_t size, uint64_t total)
{
    struct record record = {0};
    size_t bad = 0;
    (void)total;
    if (size == 0 || head[0] != ':')
        return 0;
    const uint8_t *end = memchr(head, '\n', size);
    size_t length = end != NULL ? (size_t)(end - head) : size;
    if (length != 0 && head[length - 1] == '\r')
        length--;
    if (!fwpack_record_decode(&record, head, length, 1, &bad) || record.size < OVERHEAD)
        return 0;
    return record.bytes[0] + OVERHEAD == (int)record.size && record.bytes[3] < TYPES ? 95 : 0;
}

/* --- writing --------------------------------------------------------------------------------- */

struct writer {
    struct pack_sink *sink;
    const char *line_end;
    struct dialect dialect;
    uint64_t segment_base, linear_base;
    bool based; /* a base record has been written */
};

static int write_record(struct writer *writer, enum record_type type, uint64_t offset,
                        const uint8_t *data, size_t size, struct pack_error *error)
{
    struct record record = {.size = size + OVERHEAD};
    record.bytes[0] = (uint8_t)size;
    record.bytes[1] = (uint8_t)(offset >> 8);
    record.bytes[2] = (uint8_t)offset;
    record.bytes[3] = (uint8_t)type;
    if (size != 0)
        memcpy(record.bytes + 4, data, size);
    record.bytes[size + 4] = (uint8_t)-fwpack_record_sum(record.bytes, size + 4);
    return fwpack_record_write(writer->sink, ":", &record, writer->line_end, error);
}

static int write_base(struct writer *writer, enum record_type type, uint64_t value,
                      struct pack_error *error)
{
    const uint8_t data[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    writer->based = true;
    return write_record(writer, type, 0, data, sizeof data, error);
}

/*
 * Below 1 MiB a segment base, above a linear one. A segment base is set back to 0 first, because
 * some readers add the two.
 */
static int set_base(struct writer *writer, uint64_t address, struct pack_error *error)
{
    int code = 0;
    if (address < 16 * SPAN && (writer->dialect.flags & LINEAR_BELOW) == 0) {
        writer->segment_base = address & 0xf0000;
        return write_base(writer, SEGMENT_BASE, writer->segment_base >> 4, error);
    }
    if (writer->segment_base != 0)
        code = write_base(writer, SEGMENT_BASE, 0, error);
    writer->segment_base = 0;
    writer->linear_base = address & 0xffff0000;
    return code == 0 ? write_base(writer, LINEAR_BASE, address >> 16, error) : code;
}

/* How many bytes the record at `address` takes: it crosses neither 64 KiB nor a break. */
static size_t record_length(const struct writer *writer, uint64_t address, uint64_t left)
{
    uint64_t length = pack_min(left, writer->dialect.length);
    length = pack_min(length, SPAN - address % SPAN);
    for (size_t i = 0; i < writer->dialect.breaks; i++)
        if (writer->dialect.at[i] > address)
            length = pack_min(length, writer->dialect.at[i] - address);
    return (size_t)length;
}

static int write_segment(struct writer *writer, const struct pack_segment *segment,
                         const uint8_t *bytes, struct pack_error *error)
{
    uint64_t done = 0;
    while (done < segment->size) {
        const uint64_t address = segment->address + done;
        const uint64_t base = writer->segment_base + writer->linear_base;
        int code = 0;
        if (address > base + 0xffff || ((writer->dialect.flags & BASE_FIRST) && !writer->based))
            code = set_base(writer, address, error);
        const size_t length = record_length(writer, address, segment->size - done);
        if (code == 0)
            code = write_record(writer, DATA, address - writer->segment_base - writer->linear_base,
                                bytes + done, length, error);
        if (code != 0)
            return code;
        done += length;
    }
    return 0;
}

static int write_entry(struct writer *writer, uint64_t entry, struct pack_error *error)
{
    uint8_t data[4] = {(uint8_t)(entry >> 24), (uint8_t)(entry >> 16), (uint8_t)(entry >> 8),
                       (uint8_t)entry};
    if (entry >= 16 * SPAN)
        return write_record(writer, LINEAR_ENTRY, 0, data, sizeof data, error);
    data[0] = (uint8_t)(entry >> 12 & 0xf0);
    data[1] = 0;
    return write_record(writer, SEGMENT_ENTRY, 0, data, sizeof data, error);
}

static int check_address(const char *what, uint64_t address, struct pack_error *error)
{
    if (address <= UINT32_MAX)
        return 0;
    return pack_fail(error, PACK_E_UNSUPPORTED,
                     "Intel HEX has addresses below 4 GiB only, %s is at 0x%" PRIX64, what,
                     address);
}

static int check_addresses(const struct pack_image *image, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < image->segment_count; i++)
        code = check_address("the end of a segment",
                             image->segments[i].address + image->segments[i].size - 1, error);
    return code == 0 && image->has_entry ? check_address("the entry point", image->entry, error)
                                         : code;
}

static int write_all(struct writer *writer, const struct pack_image *image,
                     struct pack_error *error)
{
    const uint8_t *bytes = image->bytes;
    for (size_t i = 0; i < image->segment_count; i++) {
        const int code = write_segment(writer, &image->segments[i], bytes, error);
        if (code != 0)
            return code;
        bytes += image->segments[i].size;
    }
    const int code = image->has_entry ? write_entry(writer, image->entry, error) : 0;
    return code == 0 ? write_record(writer, END, 0, NULL, 0, error) : code;
}

static int ihex_write(struct pack_sink *sink, const struct pack_image *image,
                      struct pack_error *error)
{
    PACK_AUTO(fwpack_buffered_free) struct buffered_sink *buffered = NULL;
    struct writer writer = {.dialect = read_dialect(image)};
    writer.line_end = writer.dialect.flags & LINE_FEED ? "\n" : "\r\n";
    int code = check_addresses(image, error);
    if (code == 0)
        code = fwpack_buffered_new(&buffered, sink, error);
    if (code != 0)
        return code;
    writer.sink = &buffered->sink;
    code = write_all(&writer, image, error);
    return code == 0 ? fwpack_buffered_flush(buffered, error) : code;
}

const struct pack_format fwpack_format_ihex = {
    .name = "ihex",
    .summary = "Intel HEX",
    .suffixes = ".hex .ihex .ihx .mcs",
    .abilities = PACK_FORMAT_SEGMENTED | PACK_FORMAT_LINES | PACK_FORMAT_ENTRY,
    .probe = ihex_probe,
    .describe = ihex_describe,
    .read = ihex_read,
    .write = ihex_write,
};
