/* SPDX-License-Identifier: MIT */
/*
 * Motorola S-records. Written as GNU objcopy writes them (one record length, no count record, the
 * address size that the highest address needs), unless the file that was read differed; what it
 * did is kept in the image's note.
 */
#include "formats/backends.h"
#include "formats/buffered.h"
#include "formats/lines.h"
#include "formats/support.h"

#include "base/checked.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    DEFAULT_LENGTH = 16,
    NOTE_HEADER = 7,
    MAX_HEADER = PACK_NOTE_SIZE - NOTE_HEADER,
    TYPES = 10,
};

enum record_kind { RESERVED, HEADER, DATA, TALLY, END };

/* By the digit behind the 'S'. */
static const struct {
    enum record_kind kind;
    uint8_t address_size;
} types[TYPES] = {
    {HEADER, 2}, {DATA, 2},  {DATA, 3}, {DATA, 4}, {RESERVED, 0},
    {TALLY, 2},  {TALLY, 3}, {END, 4},  {END, 3},  {END, 2},
};

enum dialect_flags {
    LINE_FEED = 1, /* lines end with LF alone */
    COUNTED = 2,   /* a count record stands before the end */
    END_SHIFT = 2, /* two bits: 10 minus the end record's digit; 0: as the data records have it */
    END_MASK = 3 << END_SHIFT,
};

/* How a file was laid out, as far as its data does not say. */
struct dialect {
    uint8_t length; /* data bytes of a full record */
    uint8_t flags;
    uint8_t type; /* 1, 2 or 3: of the data records */
    size_t header_size;
    uint8_t header[MAX_HEADER]; /* of the S0 record, cut to what a note can hold */
};

struct reader {
    struct line_reader *lines;
    struct pack_image_builder *builder;
    struct record record;
    unsigned type;
    uint64_t data_records;
    bool has_header;
    bool ended;
    struct dialect dialect;
};

/* --- dialect --------------------------------------------------------------------------------- */

static int keep_dialect(struct pack_image_builder *builder, const struct dialect *dialect,
                        struct pack_error *error)
{
    uint8_t note[PACK_NOTE_SIZE] = {'s',          'r', 'e', 'c', dialect->length, dialect->flags,
                                    dialect->type};
    memcpy(note + NOTE_HEADER, dialect->header, dialect->header_size);
    return pack_image_note(builder, note, NOTE_HEADER + dialect->header_size, error);
}

static struct dialect read_dialect(const struct pack_image *image)
{
    struct dialect dialect = {.length = DEFAULT_LENGTH, .type = 1};
    const uint8_t *note = image->note;
    if (!fwpack_has(note, image->note_size, 0, "srec", 4) || image->note_size < NOTE_HEADER)
        return dialect;
    if (note[4] != 0 && note[4] <= 250)
        dialect.length = note[4];
    dialect.flags = note[5];
    if (note[6] >= 1 && note[6] <= 3)
        dialect.type = note[6];
    dialect.header_size = image->note_size - NOTE_HEADER;
    memcpy(dialect.header, note + NOTE_HEADER, dialect.header_size);
    return dialect;
}

/* --- reading --------------------------------------------------------------------------------- */

static uint64_t record_address(const struct reader *reader)
{
    return fwpack_integer(reader->record.bytes + 1, types[reader->type].address_size, BIG);
}

/* What stands between the address and the checksum. */
static const uint8_t *record_data(const struct reader *reader, size_t *size)
{
    const size_t before = 1 + (size_t)types[reader->type].address_size;
    *size = reader->record.size - before - 1;
    return reader->record.bytes + before;
}

static int read_header(struct reader *reader, struct pack_error *error)
{
    size_t size = 0;
    const uint8_t *data = record_data(reader, &size);
    (void)error;
    if (reader->has_header)
        return 0;
    reader->has_header = true;
    reader->dialect.header_size = (size_t)pack_min(size, MAX_HEADER);
    memcpy(reader->dialect.header, data, reader->dialect.header_size);
    return 0;
}

static int read_data(struct reader *reader, struct pack_error *error)
{
    size_t size = 0;
    const uint8_t *data = record_data(reader, &size);
    const uint64_t address = record_address(reader);
    const uint64_t span = UINT64_C(1) << (8 * types[reader->type].address_size);
    if (address + size > span)
        return fwpack_line_fail(reader->lines, 0, error,
                                "%zu bytes at 0x%" PRIX64 " wrap around the end of S%u addresses",
                                size, address, reader->type);
    if (size > reader->dialect.length)
        reader->dialect.length = (uint8_t)size;
    if (reader->type > reader->dialect.type)
        reader->dialect.type = (uint8_t)reader->type;
    reader->data_records++;
    return pack_image_add(reader->builder, address, data, size, reader->lines->number, error);
}

static int read_tally(struct reader *reader, struct pack_error *error)
{
    const uint64_t count = record_address(reader);
    reader->dialect.flags |= COUNTED;
    if (count == reader->data_records)
        return 0;
    return fwpack_line_fail(reader->lines, 0, error,
                            "the count says %" PRIu64 " data records, there are %" PRIu64
                            " before it",
                            count, reader->data_records);
}

/* An entry point of 0 is how the format says that there is none. */
static int read_end(struct reader *reader, struct pack_error *error)
{
    const unsigned as_data = 10U - reader->dialect.type;
    (void)error;
    reader->ended = true;
    if (reader->type != as_data)
        reader->dialect.flags |= (uint8_t)((10U - reader->type) << END_SHIFT);
    if (record_address(reader) != 0)
        pack_image_entry(reader->builder, record_address(reader));
    return 0;
}

static int (*const read_kinds[])(struct reader *reader, struct pack_error *error) = {
    [HEADER] = read_header,
    [DATA] = read_data,
    [TALLY] = read_tally,
    [END] = read_end,
};

static int check_record(const struct reader *reader, struct pack_error *error)
{
    const struct record *record = &reader->record;
    const size_t least = (size_t)types[reader->type].address_size + 2;
    if (record->size == 0 || record->size != (size_t)record->bytes[0] + 1)
        return fwpack_line_fail(
            reader->lines, 0, error, "a record that says %d bytes follow its length has %zu",
            record->size != 0 ? record->bytes[0] : 0, record->size - (record->size != 0));
    if (record->size < least || (types[reader->type].kind > DATA && record->size != least))
        return fwpack_line_fail(reader->lines, 0, error, "an S%u record of %zu bytes, %zu wanted",
                                reader->type, record->size, least);
    const uint8_t sum = fwpack_record_sum(record->bytes, record->size);
    if (sum == 0xff)
        return 0;
    const uint8_t found = record->bytes[record->size - 1];
    return fwpack_line_fail(reader->lines, 0, error, "the checksum is 0x%02X, 0x%02X wanted", found,
                            (uint8_t) ~(uint8_t)(sum - found));
}

static int read_line(struct reader *reader, struct pack_error *error)
{
    const uint8_t *line = NULL;
    size_t length = 0;
    int code = fwpack_line_next(reader->lines, &line, &length, error);
    if (code != 0)
        return code;
    if (line == NULL)
        return fwpack_line_fail(reader->lines, 0, error, "ends without an end record (S7, S8, S9)");
    if (length < 2 || line[0] != 'S' || line[1] < '0' || line[1] > '9')
        return fwpack_line_fail(reader->lines, 1, error,
                                "a record must begin with 'S' and a digit");
    reader->type = (unsigned)(line[1] - '0');
    if (types[reader->type].kind == RESERVED)
        return fwpack_line_fail(reader->lines, 1, error, "a record of the reserved type S%u",
                                reader->type);
    if (reader->lines->number == 1 && !reader->lines->carriage_return)
        reader->dialect.flags |= LINE_FEED;
    code = fwpack_record_parse(reader->lines, &reader->record, line, length, 2, error);
    if (code == 0)
        code = check_record(reader, error);
    return code == 0 ? read_kinds[types[reader->type].kind](reader, error) : code;
}

static int srec_read(struct pack_input *input, struct pack_image_builder *builder,
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
    return code == 0 ? keep_dialect(builder, &reader.dialect, error) : code;
}

static int srec_describe(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    const int code = pack_image_read(&image, &fwpack_format_srec, input, error);
    if (code != 0)
        return code;
    const struct dialect dialect = read_dialect(image);
    if (dialect.header_size != 0)
        pack_fact_bytes(facts, "header", dialect.header, dialect.header_size);
    pack_fact_number(facts, "address_bits", 8 + 8 * (uint64_t)dialect.type);
    fwpack_describe_segments(facts, image);
    return 0;
}

/* A whole first record with a good checksum. */
static int srec_probe(const uint8_t *head, size_t size, uint64_t total)
{
    struct record record = {0};
    size_t bad = 0;
    (void)total;
    if (size < 4 || head[0] != 'S' || head[1] < '0' || head[1] > '9')
        return 0;
    const uint8_t *end = memchr(head, '\n', size);
    size_t length = end != NULL ? (size_t)(end - head) : size;
    if (head[length - 1] == '\r')
        length--;
    if (!fwpack_record_decode(&record, head, length, 2, &bad) || record.size < 3)
        return 0;
    return record.bytes[0] + 1 == (int)record.size ? 95 : 0;
}

/* --- writing --------------------------------------------------------------------------------- */

struct writer {
    struct pack_sink *sink;
    struct dialect dialect;
    uint64_t data_records;
};

static int write_record(struct writer *writer, unsigned type, uint64_t address, const uint8_t *data,
                        size_t size, struct pack_error *error)
{
    const char prefix[3] = {'S', (char)('0' + type), '\0'};
    const size_t address_size = types[type].address_size;
    struct record record = {.size = 1 + address_size + size + 1};
    record.bytes[0] = (uint8_t)(record.size - 1);
    for (size_t i = 0; i < address_size; i++)
        record.bytes[address_size - i] = (uint8_t)(address >> (8 * i));
    if (size != 0)
        memcpy(record.bytes + 1 + address_size, data, size);
    record.bytes[record.size - 1] = (uint8_t)~fwpack_record_sum(record.bytes, record.size - 1);
    return fwpack_record_write(writer->sink, prefix, &record,
                               writer->dialect.flags & LINE_FEED ? "\n" : "\r\n", error);
}

static int write_segment(struct writer *writer, const struct pack_segment *segment,
                         const uint8_t *bytes, struct pack_error *error)
{
    for (uint64_t done = 0; done < segment->size; done += writer->dialect.length) {
        const size_t length = (size_t)pack_min(segment->size - done, writer->dialect.length);
        const int code = write_record(writer, writer->dialect.type, segment->address + done,
                                      bytes + done, length, error);
        if (code != 0)
            return code;
        writer->data_records++;
    }
    return 0;
}

/* The end record's digit: the one that was read, where the entry point fits into it. */
static unsigned end_type(const struct dialect *dialect, uint64_t entry)
{
    const unsigned kept = (dialect->flags & END_MASK) >> END_SHIFT;
    return 10U - (kept != 0 && entry >> (8 * types[kept].address_size) == 0 ? kept : dialect->type);
}

static int write_end(struct writer *writer, const struct pack_image *image,
                     struct pack_error *error)
{
    const uint64_t entry = image->has_entry ? image->entry : 0;
    int code = 0;
    if ((writer->dialect.flags & COUNTED) && writer->data_records < 0x1000000)
        code = write_record(writer, writer->data_records < 0x10000 ? 5 : 6, writer->data_records,
                            NULL, 0, error);
    return code == 0
               ? write_record(writer, end_type(&writer->dialect, entry), entry, NULL, 0, error)
               : code;
}

static int write_all(struct writer *writer, const struct pack_image *image,
                     struct pack_error *error)
{
    const uint8_t *bytes = image->bytes;
    int code =
        write_record(writer, 0, 0, writer->dialect.header, writer->dialect.header_size, error);
    for (size_t i = 0; code == 0 && i < image->segment_count; i++) {
        code = write_segment(writer, &image->segments[i], bytes, error);
        bytes += image->segments[i].size;
    }
    return code == 0 ? write_end(writer, image, error) : code;
}

/* Raises the record type until `address` fits. */
static int fit_address(struct dialect *dialect, uint64_t address, struct pack_error *error)
{
    if (address > UINT32_MAX)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "S-records have addresses below 4 GiB only, not 0x%" PRIX64, address);
    while (address >> (8 * types[dialect->type].address_size) != 0)
        dialect->type++;
    return 0;
}

static int fit_image(struct dialect *dialect, const struct pack_image *image,
                     struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < image->segment_count; i++)
        code =
            fit_address(dialect, image->segments[i].address + image->segments[i].size - 1, error);
    return code == 0 && image->has_entry ? fit_address(dialect, image->entry, error) : code;
}

static int srec_write(struct pack_sink *sink, const struct pack_image *image,
                      struct pack_error *error)
{
    PACK_AUTO(fwpack_buffered_free) struct buffered_sink *buffered = NULL;
    struct writer writer = {.dialect = read_dialect(image)};
    int code = fit_image(&writer.dialect, image, error);
    if (code == 0)
        code = fwpack_buffered_new(&buffered, sink, error);
    if (code != 0)
        return code;
    writer.sink = &buffered->sink;
    code = write_all(&writer, image, error);
    return code == 0 ? fwpack_buffered_flush(buffered, error) : code;
}

const struct pack_format fwpack_format_srec = {
    .name = "srec",
    .summary = "Motorola S-record",
    .suffixes = ".srec .s19 .s28 .s37 .mot",
    .abilities = PACK_FORMAT_SEGMENTED | PACK_FORMAT_LINES | PACK_FORMAT_ENTRY,
    .probe = srec_probe,
    .describe = srec_describe,
    .read = srec_read,
    .write = srec_write,
};
