/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_LINES_H
#define FORMATS_LINES_H

/* Formats of lines with hexadecimal digits: a reader of lines, and digits to bytes and back. */

#include "base/memory.h"
#include "pack/backend/format.h"

enum {
    LINE_MAX_SIZE = 1024,   /* characters of a line, more than any record has */
    RECORD_MAX_SIZE = 260,  /* bytes that the digits of a record stand for */
    RECORD_LINE_SIZE = 600, /* characters that fwpack_record_write makes at most */
};

/* Reads an input in order, so that a pipe will do. Lines end with LF or CR LF. */
struct line_reader {
    struct pack_input *input;
    uint64_t position; /* of the next read */
    size_t start, end; /* what is in the buffer */
    bool at_end;
    unsigned number;      /* of the line given last, from 1 */
    bool carriage_return; /* the line given last ended with CR LF */
    uint8_t buffer[65536];
};

PACK_MUST_USE int fwpack_lines_new(struct line_reader **reader, struct pack_input *input,
                                   struct pack_error *error);
void fwpack_lines_free(struct line_reader **reader);
/* The next line without its end, valid until the next call; NULL after the last. */
PACK_MUST_USE int fwpack_line_next(struct line_reader *reader, const uint8_t **line, size_t *length,
                                   struct pack_error *error);
/* Fails unless only empty lines follow: `what` has been the last. */
PACK_MUST_USE int fwpack_lines_end(struct line_reader *reader, const char *what,
                                   struct pack_error *error);

/* PACK_E_MALFORMED in the line given last; column from 1, or 0. */
int fwpack_line_fail(const struct line_reader *reader, unsigned column, struct pack_error *error,
                     const char *format, ...) PACK_PRINTF(4, 5);

struct record {
    size_t size;
    uint8_t bytes[RECORD_MAX_SIZE];
};

/*
 * Decodes the digits of `line` from column `skip` on. False when they are no pairs of
 * hexadecimal digits or too many; *bad is then the first wrong column, from 0.
 */
bool fwpack_record_decode(struct record *record, const uint8_t *line, size_t length, size_t skip,
                          size_t *bad);
/* fwpack_record_decode, with the failure put in words. */
PACK_MUST_USE int fwpack_record_parse(const struct line_reader *reader, struct record *record,
                                      const uint8_t *line, size_t length, size_t skip,
                                      struct pack_error *error);
/* The sum of the bytes, modulo 256. */
uint8_t fwpack_record_sum(const uint8_t *bytes, size_t size);
/* Writes `prefix`, the bytes as upper-case digits, and the line end. */
PACK_MUST_USE int fwpack_record_write(struct pack_sink *sink, const char *prefix,
                                      const struct record *record, const char *line_end,
                                      struct pack_error *error);

#endif
