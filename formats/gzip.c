/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952). */
#include "formats/backends.h"
#include "formats/peek.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"

#define ZLIB_CONST /* its next_in is then a pointer to const */
#include <zlib.h>

enum {
    HEADER_SIZE = 10,
    TRAILER_SIZE = 8,
    MAX_OPTIONAL = 65536, /* bytes of optional header fields that are looked at */
    WITH_GZIP_HEADER = 15 + 16,
};

enum header_flags { HAS_CRC = 2, HAS_EXTRA = 4, HAS_NAME = 8, HAS_COMMENT = 16, UNKNOWN = 0xe0 };

static const struct word systems[] = {
    {0, "FAT"}, {3, "Unix"}, {7, "Macintosh"}, {11, "NTFS"}, {255, "unknown"}, {0, NULL},
};

static const struct field fields[] = {
    {"modified", 4, 4, FIELD_TIME, NULL},
    {"system", 9, 1, FIELD_WORD, systems},
};

/* A text that a zero byte ends. */
static bool take_text(struct pack_cursor *cursor, struct pack_facts *facts, const char *name)
{
    const uint8_t *text = cursor->bytes + cursor->position;
    const size_t left = pack_cursor_left(cursor);
    const size_t length = strnlen((const char *)text, left);
    if (length == left)
        return false;
    pack_fact_bytes(facts, name, text, length);
    return pack_cursor_take(cursor, length + 1) != NULL;
}

static bool take_optional(struct pack_cursor *cursor, struct pack_facts *facts, uint8_t flags)
{
    if (flags & HAS_EXTRA) {
        const uint8_t *size = pack_cursor_take(cursor, 2);
        if (size == NULL || pack_cursor_take(cursor, pack_le16(size)) == NULL)
            return false;
    }
    if ((flags & HAS_NAME) && !take_text(cursor, facts, "name"))
        return false;
    return (flags & HAS_COMMENT) == 0 || take_text(cursor, facts, "comment");
}

static int describe_header(struct pack_input *input, struct pack_facts *facts,
                           struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *header = NULL;
    size_t size = 0;
    int code = pack_allocate(&header, MAX_OPTIONAL, 1, error);
    if (code == 0)
        code = pack_input_read(input, 0, header, MAX_OPTIONAL, &size, error);
    if (code != 0)
        return code;
    if (size < HEADER_SIZE)
        return fwpack_malformed(error, size, "ends inside the gzip header");
    if (header[3] & UNKNOWN)
        return fwpack_malformed(error, 3, "reserved gzip flags are set (0x%02x)", header[3]);
    struct pack_cursor cursor = {.bytes = header, .size = size, .position = HEADER_SIZE};
    if (!take_optional(&cursor, facts, header[3]))
        return fwpack_malformed(error, cursor.position, "the gzip header does not end");
    fwpack_fact_fields(facts, header, LITTLE, fields, COUNT(fields));
    return 0;
}

static enum peek_result step(void *state, struct peek_bytes *bytes)
{
    z_stream *stream = state;
    stream->next_in = bytes->in;
    stream->avail_in = (uInt)bytes->in_size;
    stream->next_out = bytes->out;
    stream->avail_out = (uInt)bytes->out_size;
    const int result = inflate(stream, Z_NO_FLUSH);
    bytes->in = stream->next_in;
    bytes->in_size = stream->avail_in;
    bytes->out = stream->next_out;
    bytes->out_size = stream->avail_out;
    if (result == Z_OK)
        return PEEK_MORE;
    return result == Z_STREAM_END ? PEEK_END : PEEK_DAMAGED;
}

/* The size that the last member's trailer tells, which wraps at 4 GiB. */
static int describe_trailer(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    uint8_t trailer[TRAILER_SIZE];
    if (input->size < HEADER_SIZE + TRAILER_SIZE)
        return fwpack_malformed(error, input->size, "ends before the gzip trailer");
    const int code = fwpack_read(input, input->size - TRAILER_SIZE, trailer, sizeof trailer, error);
    if (code == 0)
        pack_fact_number(facts, "last_member_size", pack_le32(trailer + 4));
    return code;
}

static int gzip_describe(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    z_stream stream = {0};
    int code = describe_header(input, facts, error);
    if (code == 0)
        code = describe_trailer(input, facts, error);
    if (code == 0 && inflateInit2(&stream, WITH_GZIP_HEADER) != Z_OK)
        code = pack_fail_memory(error);
    if (code != 0)
        return code;
    code = fwpack_peek(facts, input, 0, step, &stream, error);
    inflateEnd(&stream);
    return code;
}

static int gzip_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "\x1f\x8b\x08", 3) ? 90 : 0;
}

const struct pack_format fwpack_format_gzip = {
    .name = "gzip",
    .summary = "gzip compressed data",
    .suffixes = ".gz",
    .probe = gzip_probe,
    .describe = gzip_describe,
};
