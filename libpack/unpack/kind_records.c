/* SPDX-License-Identifier: MIT */
/*
 * Intel HEX and Motorola S-records, taken apart into a layout (which addresses, how long, what is
 * unusual) and, behind it, the data in one piece. docs/delta-plans.md has the layout.
 */
#include "base/checked.h"
#include "unpack/kinds.h"
#include "unpack/varint.h"

enum parameter { PACKED, LAYOUT, PARAMETERS };

enum {
    LONGEST_LINE = 530,
    LARGEST_PACKED = 256 << 20,
    LEAST_RECORDS = 4, /* fewer are no file worth the trouble */
};

enum dialect { INTEL, S1, S2, S3, DIALECT = 3, CARRIAGE_RETURN = 4, LOWER_CASE = 8 };
enum operation { TEXT, RECORDS, LENGTH, ADDRESS };

struct state {
    uint8_t dialect;
    uint32_t address;
    uint32_t length;
};

/* --- lines ----------------------------------------------------------------------------------- */

static const char *put_digits(uint8_t dialect)
{
    return (dialect & LOWER_CASE) != 0 ? "0123456789abcdef" : "0123456789ABCDEF";
}

static unsigned address_size(uint8_t dialect)
{
    return (dialect & DIALECT) == INTEL ? 2 : 1U + (dialect & DIALECT);
}

static uint32_t next_address(const struct state *state, uint32_t length)
{
    const unsigned bits = 8 * address_size(state->dialect);
    const uint32_t mask = bits == 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;
    return (state->address + length) & mask;
}

/* The record's bytes between the start and the checksum, without the data. */
static size_t put_head(const struct state *state, uint8_t head[6])
{
    const unsigned width = address_size(state->dialect);
    const bool intel = (state->dialect & DIALECT) == INTEL;
    size_t size = 0;
    head[size++] = (uint8_t)(intel ? state->length : state->length + width + 1);
    for (unsigned i = width; i-- > 0;)
        head[size++] = (uint8_t)(state->address >> 8 * i);
    if (intel)
        head[size++] = 0;
    return size;
}

static size_t put_byte(char *line, const char *digits, uint8_t byte)
{
    line[0] = digits[byte >> 4];
    line[1] = digits[byte & 15];
    return 2;
}

/* The line of one record of data; returns its length. */
static size_t put_line(const struct state *state, const uint8_t *data, char line[LONGEST_LINE])
{
    const char *digits = put_digits(state->dialect);
    uint8_t head[6];
    const size_t head_size = put_head(state, head);
    size_t size = 0;
    uint8_t sum = 0;
    if ((state->dialect & DIALECT) == INTEL) {
        line[size++] = ':';
    } else {
        line[size++] = 'S';
        line[size++] = (char)('0' + (state->dialect & DIALECT));
    }
    for (size_t i = 0; i < head_size; i++) {
        sum = (uint8_t)(sum + head[i]);
        size += put_byte(line + size, digits, head[i]);
    }
    for (size_t i = 0; i < state->length; i++) {
        sum = (uint8_t)(sum + data[i]);
        size += put_byte(line + size, digits, data[i]);
    }
    sum = (uint8_t)((state->dialect & DIALECT) == INTEL ? -sum : ~sum);
    size += put_byte(line + size, digits, sum);
    if ((state->dialect & CARRIAGE_RETURN) != 0)
        line[size++] = '\r';
    line[size++] = '\n';
    return size;
}

static unsigned longest_data(uint8_t dialect)
{
    return (dialect & DIALECT) == INTEL ? 255 : 254 - address_size(dialect);
}

/* --- taking apart ---------------------------------------------------------------------------- */

struct parser {
    struct state state;
    struct pack_buffer layout, data;
    size_t records;    /* in a row, not yet written down */
    size_t all;        /* records in all */
    size_t text_start; /* of the lines not yet written down, and their end */
    size_t text_size;
    const uint8_t *bytes;
};

static int put_operation(struct parser *parser, enum operation operation, uint64_t value,
                         struct pack_error *error)
{
    return varint_append(&parser->layout, value << 2 | operation, error);
}

static int write_down(struct parser *parser, struct pack_error *error)
{
    int code = 0;
    if (parser->records != 0)
        code = put_operation(parser, RECORDS, parser->records, error);
    parser->records = 0;
    if (code == 0 && parser->text_size != 0) {
        code = put_operation(parser, TEXT, parser->text_size, error);
        if (code == 0)
            code = pack_buffer_append(&parser->layout, parser->bytes + parser->text_start,
                                      parser->text_size, error);
    }
    parser->text_size = 0;
    return code;
}

static int digit_of(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    const int letter = character | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool get_bytes(uint8_t *bytes, const uint8_t *digits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int high = digit_of(digits[2 * i]);
        const int low = digit_of(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Whether the line is a record of data in every character as it would be written. */
static bool read_line(const struct state *state, struct state *read, uint8_t *data,
                      const uint8_t *line, size_t size)
{
    const unsigned width = address_size(state->dialect);
    const bool intel = (state->dialect & DIALECT) == INTEL;
    const size_t start = intel ? 1 : 2;
    const size_t head_size = 1 + width + intel;
    uint8_t head[6];
    char again[LONGEST_LINE];
    if (size < start + 2 * head_size || !get_bytes(head, line + start, head_size))
        return false;
    *read = *state;
    if (!intel && head[0] < width + 1)
        return false;
    read->length = intel ? head[0] : head[0] - width - 1;
    read->address = 0;
    for (unsigned i = 0; i < width; i++)
        read->address = read->address << 8 | head[1 + i];
    if (read->length == 0 || size < start + 2 * (head_size + read->length + 1) ||
        !get_bytes(data, line + start + 2 * head_size, read->length))
        return false;
    return put_line(read, data, again) == size && memcmp(again, line, size) == 0;
}

static int add_record(struct parser *parser, const struct state *read, const uint8_t *data,
                      struct pack_error *error)
{
    int code = 0;
    if (parser->text_size != 0 || read->length != parser->state.length ||
        read->address != parser->state.address)
        code = write_down(parser, error);
    if (code == 0 && read->length != parser->state.length)
        code = put_operation(parser, LENGTH, read->length, error);
    if (code == 0 && read->address != parser->state.address)
        code = put_operation(parser, ADDRESS, read->address, error);
    parser->state = *read;
    parser->state.address = next_address(read, read->length);
    parser->records++;
    parser->all++;
    return code == 0 ? pack_buffer_append(&parser->data, data, read->length, error) : code;
}

static int add_text(struct parser *parser, size_t start, size_t size, struct pack_error *error)
{
    int code = 0;
    if (parser->records != 0)
        code = write_down(parser, error);
    if (parser->text_size == 0)
        parser->text_start = start;
    parser->text_size += size;
    return code;
}

/* The dialect of the first record of data; the types of an S-record file do not change. */
static bool find_dialect(uint8_t *dialect, const uint8_t *bytes, size_t size)
{
    if (size == 0 || (bytes[0] != ':' && bytes[0] != 'S'))
        return false;
    for (size_t at = 0, lines = 0; at < size && lines < 8; lines++) {
        const uint8_t *end = memchr(bytes + at, '\n', size - at);
        if (end == NULL)
            return false;
        const size_t length = (size_t)(end - bytes) - at + 1;
        for (uint8_t tried = 0; tried < 16; tried++) {
            const struct state state = {.dialect = tried};
            struct state read;
            uint8_t data[256];
            const char start = (tried & DIALECT) == INTEL ? ':' : 'S';
            if (bytes[at] != (uint8_t)start || length > LONGEST_LINE ||
                (start == 'S' && bytes[at + 1] != '0' + (tried & DIALECT)))
                continue;
            *dialect = tried;
            if (read_line(&state, &read, data, bytes + at, length))
                return true;
        }
        at += length;
    }
    return false;
}

static void clear_parser(struct parser *parser)
{
    pack_buffer_clear(&parser->layout);
    pack_buffer_clear(&parser->data);
}

/* Takes all of the bytes apart; text that is no record is kept as it is. */
static int take_apart(struct parser *parser, const uint8_t *bytes, size_t size,
                      struct pack_error *error)
{
    uint8_t dialect = 0;
    parser->bytes = bytes;
    parser->layout.limit = parser->data.limit = 2 * size + 16;
    if (!find_dialect(&dialect, bytes, size))
        return stream_damaged("records", error);
    parser->state.dialect = dialect;
    int code = pack_buffer_append(&parser->layout, &dialect, 1, error);
    for (size_t at = 0; code == 0 && at < size;) {
        const uint8_t *end = memchr(bytes + at, '\n', size - at);
        const size_t length = end != NULL ? (size_t)(end - bytes) - at + 1 : size - at;
        struct state read;
        uint8_t data[256];
        if (length <= LONGEST_LINE && read_line(&parser->state, &read, data, bytes + at, length))
            code = add_record(parser, &read, data, error);
        else
            code = add_text(parser, at, length, error);
        at += length;
    }
    return code == 0 ? write_down(parser, error) : code;
}

/* --- kind ------------------------------------------------------------------------------------ */

static bool records_describe(struct recipe *recipe, const uint8_t *bytes, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    uint8_t dialect = 0;
    if (size > LARGEST_PACKED || !find_dialect(&dialect, bytes, size))
        return false;
    struct parser parser __attribute__((cleanup(clear_parser))) = {.bytes = bytes};
    if (take_apart(&parser, bytes, size, &error) != 0 || parser.all < LEAST_RECORDS ||
        parser.layout.size > size / 4)
        return false;
    recipe->parameters[PACKED] = (uint32_t)size;
    recipe->parameters[LAYOUT] = (uint32_t)parser.layout.size;
    recipe->count = PARAMETERS;
    return true;
}

static int records_open(const struct recipe *recipe, struct source *source,
                        struct pack_buffer *plain, size_t size, uint64_t memory,
                        struct pack_error *error)
{
    const uint8_t *bytes = NULL;
    struct parser parser __attribute__((cleanup(clear_parser))) = {.bytes = NULL};
    (void)size;
    if (recipe->parameters[PACKED] > memory)
        return pack_fail(error, PACK_E_LIMIT, "a packed part needs too much memory (records)");
    int code = source_take(source, &bytes, recipe->parameters[PACKED], error);
    if (code == 0)
        code = take_apart(&parser, bytes, recipe->parameters[PACKED], error);
    if (code == 0)
        code = pack_buffer_append(plain, parser.layout.bytes, parser.layout.size, error);
    return code == 0 ? pack_buffer_append(plain, parser.data.bytes, parser.data.size, error) : code;
}

static uint64_t records_open_memory(const struct specimen *specimen)
{
    return 2 * (uint64_t)specimen->packed_size;
}

static bool records_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                          size_t number)
{
    (void)recipe;
    (void)specimen;
    (void)effort;
    return number == 0;
}

static int write_records(struct state *state, struct pack_cursor *data, uint64_t count,
                         struct pack_sink *sink, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && count-- != 0) {
        char line[LONGEST_LINE];
        const uint8_t *bytes = pack_cursor_take(data, state->length);
        if (bytes == NULL || state->length == 0)
            return stream_damaged("records", error);
        code = pack_sink_write(sink, line, put_line(state, bytes, line), error);
        state->address = next_address(state, state->length);
    }
    return code;
}

static int do_operation(struct state *state, struct pack_cursor *layout, struct pack_cursor *data,
                        struct pack_sink *sink, struct pack_error *error)
{
    uint64_t word = 0;
    if (!varint_read(layout, &word))
        return stream_damaged("records", error);
    const uint64_t value = word >> 2;
    const uint8_t *text = NULL;
    switch ((enum operation)(word & 3)) {
    case TEXT:
        text = value <= pack_cursor_left(layout) ? pack_cursor_take(layout, (size_t)value) : NULL;
        return text != NULL ? pack_sink_write(sink, text, (size_t)value, error)
                            : stream_damaged("records", error);
    case RECORDS:
        return write_records(state, data, value, sink, error);
    case LENGTH:
        state->length = (uint32_t)value;
        return value <= longest_data(state->dialect) ? 0 : stream_damaged("records", error);
    case ADDRESS:
        state->address = (uint32_t)value;
        return 0;
    }
    return stream_damaged("records", error);
}

static int records_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                        struct pack_sink *sink, struct pack_error *error)
{
    const size_t layout_size = recipe->parameters[LAYOUT];
    if (layout_size > size || layout_size == 0 || plain[0] >= 16)
        return stream_damaged("records", error);
    struct pack_cursor layout = {.bytes = plain + 1, .size = layout_size - 1};
    struct pack_cursor data = {.bytes = plain + layout_size, .size = size - layout_size};
    struct state state = {.dialect = plain[0]};
    int code = 0;
    while (code == 0 && pack_cursor_left(&layout) != 0)
        code = do_operation(&state, &layout, &data, sink, error);
    if (code == 0 && pack_cursor_left(&data) != 0)
        return stream_damaged("records", error);
    return code;
}

static uint64_t records_pack_memory(const struct recipe *recipe, uint64_t size)
{
    return recipe->parameters[LAYOUT] <= size ? 4096 : UINT64_MAX;
}

static enum encoder records_encoder(const struct recipe *recipe)
{
    (void)recipe;
    return ENCODER_OWN;
}

const struct stream_kind_entry kind_records = {
    .name = "record file",
    .whole = true,
    .parameters = {PARAMETERS, PARAMETERS},
    .encoder = records_encoder,
    .describe = records_describe,
    .open = records_open,
    .open_memory = records_open_memory,
    .guess = records_guess,
    .pack = records_pack,
    .pack_memory = records_pack_memory,
};
