/* SPDX-License-Identifier: MIT */
#include "formats/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fwpack_lines_new(struct line_reader **reader, struct pack_input *input,
                     struct pack_error *error)
{
    const int code = pack_allocate(reader, 1, sizeof **reader, error);
    if (code == 0)
        (*reader)->input = input;
    return code;
}

void fwpack_lines_free(struct line_reader **reader)
{
    pack_free_memory(reader);
}

int fwpack_line_fail(const struct line_reader *reader, unsigned column, struct pack_error *error,
                     const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pack_fail(error, PACK_E_MALFORMED, "%s", text);
    return pack_at_line(error, reader->number, column);
}

/* Moves what is left to the front and fills the buffer. */
static int refill(struct line_reader *reader, struct pack_error *error)
{
    size_t got = 0;
    memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    const size_t room = sizeof reader->buffer - reader->end;
    const int code = pack_input_read(reader->input, reader->position, reader->buffer + reader->end,
                                     room, &got, error);
    reader->position += got;
    reader->end += got;
    reader->at_end = got < room;
    return code;
}

static int take_line(struct line_reader *reader, size_t length, size_t end_size,
                     const uint8_t **line, size_t *line_length, struct pack_error *error)
{
    const uint8_t *text = reader->buffer + reader->start;
    reader->number++;
    reader->carriage_return = length != 0 && end_size != 0 && text[length - 1] == '\r';
    if (reader->carriage_return)
        length--;
    if (length > LINE_MAX_SIZE)
        return fwpack_line_fail(reader, 0, error, "a line of more than %d characters",
                                LINE_MAX_SIZE);
    reader->start += length + reader->carriage_return + end_size;
    *line = text;
    *line_length = length;
    return 0;
}

int fwpack_line_next(struct line_reader *reader, const uint8_t **line, size_t *length,
                     struct pack_error *error)
{
    const uint8_t *text = reader->buffer + reader->start;
    const uint8_t *end = memchr(text, '\n', reader->end - reader->start);
    *line = NULL;
    *length = 0;
    if (end == NULL && !reader->at_end) {
        const int code = refill(reader, error);
        if (code != 0)
            return code;
        text = reader->buffer;
        end = memchr(text, '\n', reader->end);
    }
    if (end != NULL)
        return take_line(reader, (size_t)(end - text), 1, line, length, error);
    if (reader->end != reader->start)
        return take_line(reader, reader->end - reader->start, 0, line, length, error);
    return 0;
}

int fwpack_lines_end(struct line_reader *reader, const char *what, struct pack_error *error)
{
    const uint8_t *line = NULL;
    size_t length = 0;
    do {
        const int code = fwpack_line_next(reader, &line, &length, error);
        if (code != 0)
            return code;
    } while (line != NULL && length == 0);
    if (line == NULL)
        return 0;
    return fwpack_line_fail(reader, 0, error, "more follows the %s", what);
}

/* --- digits ---------------------------------------------------------------------------------- */

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool fwpack_record_decode(struct record *record, const uint8_t *line, size_t length, size_t skip,
                          size_t *bad)
{
    record->size = 0;
    for (size_t i = skip; i < length; i += 2) {
        const int high = digit_value(line[i]);
        const int low = i + 1 < length ? digit_value(line[i + 1]) : -1;
        if (high < 0 || low < 0 || record->size == RECORD_MAX_SIZE) {
            *bad = high < 0 ? i : i + 1;
            return false;
        }
        record->bytes[record->size++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int fwpack_record_parse(const struct line_reader *reader, struct record *record,
                        const uint8_t *line, size_t length, size_t skip, struct pack_error *error)
{
    size_t bad = 0;
    if (fwpack_record_decode(record, line, length, skip, &bad))
        return 0;
    if (record->size == RECORD_MAX_SIZE)
        return fwpack_line_fail(reader, 0, error, "a record of more than %d bytes",
                                RECORD_MAX_SIZE);
    if (bad >= length)
        return fwpack_line_fail(reader, (unsigned)length, error,
                                "ends in the middle of a pair of hexadecimal digits");
    if (line[bad] < 0x20 || line[bad] > 0x7e)
        return fwpack_line_fail(reader, (unsigned)bad + 1, error,
                                "byte 0x%02x where a hexadecimal digit is wanted", line[bad]);
    return fwpack_line_fail(reader, (unsigned)bad + 1, error,
                            "'%c' where a hexadecimal digit is wanted", line[bad]);
}

uint8_t fwpack_record_sum(const uint8_t *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return (uint8_t)sum;
}

int fwpack_record_write(struct pack_sink *sink, const char *prefix, const struct record *record,
                        const char *line_end, struct pack_error *error)
{
    static const char digits[] = "0123456789ABCDEF";
    char line[RECORD_LINE_SIZE];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", prefix);
    for (size_t i = 0; i < record->size; i++) {
        line[used++] = digits[record->bytes[i] >> 4];
        line[used++] = digits[record->bytes[i] & 15];
    }
    used += (size_t)snprintf(line + used, sizeof line - used, "%s", line_end);
    return pack_sink_write(sink, line, used, error);
}
