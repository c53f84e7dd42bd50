/* SPDX-License-Identifier: MIT */
/*
 * Deflate (RFC 1951), bare in zip members, with its trailer in gzip members (RFC 1952, whose header
 * stays as it is) and whole in zlib streams (RFC 1950).
 */
#include "unpack/gnu_deflate.h"
#include "unpack/kinds.h"

#define ZLIB_CONST
#include <zlib.h>

enum {
    OPEN_MEMORY = 48 << 10,
    GZIP_HEADER = 10,
    GZIP_TRAILER = 8,
    ZIP_HEADER = 30,
    WINDOW_BITS = 15,
    LONGEST_NAME = 1024,
};

enum parameter { FLAVOUR, LEVEL, MEMORY, STRATEGY, PARAMETERS };
enum flavour { FLAVOUR_ZLIB, FLAVOUR_GNU, FLAVOURS };

/* --- opening --------------------------------------------------------------------------------- */

static void end_inflate(z_stream *stream)
{
    inflateEnd(stream);
}

static int inflate_all(z_stream *stream, struct source *source, struct pack_buffer *plain,
                       struct pack_error *error)
{
    int status = Z_OK;
    while (status == Z_OK || status == Z_BUF_ERROR) {
        size_t room = 0;
        int code = source_fill(source, 1, error);
        if (code == 0)
            code = plain_room(plain, &room, error);
        if (code != 0)
            return code;
        const size_t given = source_left(source);
        uint8_t beyond;
        stream->next_in = source_bytes(source);
        stream->avail_in = given < UINT32_MAX ? (uInt)given : UINT32_MAX;
        stream->next_out = room != 0 ? plain->bytes + plain->size : &beyond;
        stream->avail_out = room != 0 ? (uInt)room : 1;
        const uInt offered = stream->avail_in;
        status = inflate(stream, Z_NO_FLUSH);
        source_skip(source, offered - stream->avail_in);
        if (room == 0 && stream->avail_out == 0)
            return pack_fail(error, PACK_E_LIMIT, "larger than %zu bytes", plain->limit);
        if (room != 0)
            plain->size += room - stream->avail_out;
        if (status == Z_BUF_ERROR && given == 0)
            break;
    }
    if (status == Z_MEM_ERROR)
        return pack_fail_memory(error);
    return status == Z_STREAM_END ? 0 : stream_damaged("deflate", error);
}

static int open_with(int window_bits, struct source *source, struct pack_buffer *plain,
                     struct pack_error *error)
{
    z_stream stream __attribute__((cleanup(end_inflate))) = {.next_in = NULL};
    if (inflateInit2(&stream, window_bits) != Z_OK)
        return pack_fail_memory(error);
    return inflate_all(&stream, source, plain, error);
}

static int deflate_open(const struct recipe *recipe, struct source *source,
                        struct pack_buffer *plain, size_t size, uint64_t memory,
                        struct pack_error *error)
{
    (void)recipe;
    (void)size;
    (void)memory;
    return open_with(-WINDOW_BITS, source, plain, error);
}

static int zlib_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                     size_t size, uint64_t memory, struct pack_error *error)
{
    (void)recipe;
    (void)size;
    (void)memory;
    return open_with(WINDOW_BITS, source, plain, error);
}

static uint32_t sum_of(const uint8_t *bytes, size_t size)
{
    return (uint32_t)crc32_z(0, bytes, size);
}

static int gzip_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                     size_t size, uint64_t memory, struct pack_error *error)
{
    const size_t start = plain->size;
    const uint8_t *trailer = NULL;
    int code = deflate_open(recipe, source, plain, size, memory, error);
    if (code == 0)
        code = source_take(source, &trailer, GZIP_TRAILER, error);
    if (code != 0)
        return code;
    const size_t got = plain->size - start;
    if (pack_le32(trailer + 4) != (uint32_t)got ||
        pack_le32(trailer) != sum_of(plain->bytes + start, got))
        return stream_damaged("gzip", error);
    return 0;
}

static uint64_t deflate_open_memory(const struct specimen *specimen)
{
    (void)specimen;
    return OPEN_MEMORY;
}

/* --- finding --------------------------------------------------------------------------------- */

static bool has_deflate(const uint8_t *bytes, size_t size, size_t at)
{
    enum { RESERVED_BLOCK = 3 };
    return at < size && (bytes[at] >> 1 & 3) != RESERVED_BLOCK;
}

static bool zlib_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    enum { DICTIONARY = 0x20 };
    *skip = 0;
    return size > 6 && bytes[0] == 0x78 && (bytes[0] << 8 | bytes[1]) % 31 == 0 &&
           (bytes[1] & DICTIONARY) == 0 && has_deflate(bytes, size, 2);
}

/* Passes over a text that ends with a zero byte. */
static bool skip_text(struct pack_cursor *cursor)
{
    for (size_t i = 0; i < LONGEST_NAME; i++) {
        const uint8_t *byte = pack_cursor_take(cursor, 1);
        if (byte == NULL)
            return false;
        if (*byte == 0)
            return true;
    }
    return false;
}

static bool gzip_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    enum { HEADER_SUM = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0 };
    struct pack_cursor cursor = {.bytes = bytes, .size = size};
    const uint8_t *header = pack_cursor_take(&cursor, GZIP_HEADER);
    if (header == NULL || pack_le16(header) != 0x8b1f || header[2] != 8 ||
        (header[3] & RESERVED) != 0)
        return false;
    if ((header[3] & EXTRA) != 0) {
        const uint8_t *length = pack_cursor_take(&cursor, 2);
        if (length == NULL || pack_cursor_take(&cursor, pack_le16(length)) == NULL)
            return false;
    }
    if (((header[3] & NAME) != 0 && !skip_text(&cursor)) ||
        ((header[3] & COMMENT) != 0 && !skip_text(&cursor)) ||
        ((header[3] & HEADER_SUM) != 0 && pack_cursor_take(&cursor, 2) == NULL))
        return false;
    *skip = cursor.position;
    return has_deflate(bytes, size, cursor.position);
}

/* A member of a zip file (APPNOTE.TXT, 4.3.7). */
static bool deflate_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    enum { ENCRYPTED = 1, DEFLATED = 8 };
    if (size < ZIP_HEADER || pack_le32(bytes) != 0x04034b50 ||
        (pack_le16(bytes + 6) & ENCRYPTED) != 0 || pack_le16(bytes + 8) != DEFLATED)
        return false;
    *skip = ZIP_HEADER + (size_t)pack_le16(bytes + 26) + pack_le16(bytes + 28);
    return has_deflate(bytes, size, *skip);
}

/* --- packing --------------------------------------------------------------------------------- */

static void end_deflate(z_stream *stream)
{
    deflateEnd(stream);
}

static int deflate_with(const struct recipe *recipe, int window_bits, const uint8_t *plain,
                        size_t size, struct pack_sink *sink, struct pack_error *error)
{
    const uint32_t *parameters = recipe->parameters;
    uint8_t chunk[16 << 10];
    z_stream stream __attribute__((cleanup(end_deflate))) = {.next_in = NULL};
    int status = deflateInit2(&stream, (int)parameters[LEVEL], Z_DEFLATED, window_bits,
                              (int)parameters[MEMORY], (int)parameters[STRATEGY]);
    if (status != Z_OK)
        return status == Z_MEM_ERROR ? pack_fail_memory(error) : stream_damaged("recipe", error);
    stream.next_in = plain;
    for (size_t left = size; status == Z_OK || status == Z_BUF_ERROR;) {
        if (stream.avail_in == 0) {
            stream.avail_in = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
            left -= stream.avail_in;
        }
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
        const int code = pack_sink_write(sink, chunk, sizeof chunk - stream.avail_out, error);
        if (code != 0)
            return code;
    }
    return status == Z_STREAM_END ? 0 : stream_damaged("recipe", error);
}

static int deflate_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                        struct pack_sink *sink, struct pack_error *error)
{
    if (recipe->parameters[FLAVOUR] == FLAVOUR_GNU)
        return gnu_deflate(plain, size, recipe->parameters[LEVEL], sink, error);
    return deflate_with(recipe, -WINDOW_BITS, plain, size, sink, error);
}

static int gzip_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                     struct pack_sink *sink, struct pack_error *error)
{
    uint8_t trailer[GZIP_TRAILER];
    const int code = deflate_pack(recipe, plain, size, sink, error);
    if (code != 0)
        return code;
    pack_put_le32(trailer, sum_of(plain, size));
    pack_put_le32(trailer + 4, (uint32_t)size);
    return pack_sink_write(sink, trailer, sizeof trailer, error);
}

static int zlib_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                     struct pack_sink *sink, struct pack_error *error)
{
    return deflate_with(recipe, WINDOW_BITS, plain, size, sink, error);
}

static bool is_recipe(const struct recipe *recipe)
{
    const uint32_t *parameters = recipe->parameters;
    if (parameters[FLAVOUR] >= FLAVOURS || parameters[LEVEL] > 9)
        return false;
    if (parameters[FLAVOUR] == FLAVOUR_GNU)
        return recipe->kind != KIND_ZLIB && parameters[LEVEL] != 0;
    return parameters[MEMORY] >= 1 && parameters[MEMORY] <= 9 && parameters[STRATEGY] <= Z_FIXED;
}

/* zconf.h: (1 << (windowBits+2)) + (1 << (memLevel+9)), and the state. */
static uint64_t deflate_pack_memory(const struct recipe *recipe, uint64_t size)
{
    (void)size;
    if (!is_recipe(recipe))
        return UINT64_MAX;
    return recipe->parameters[FLAVOUR] == FLAVOUR_GNU ? GNU_DEFLATE_MEMORY : 320 << 10;
}

static enum encoder deflate_encoder(const struct recipe *recipe)
{
    return recipe->parameters[FLAVOUR] == FLAVOUR_GNU ? ENCODER_OWN : ENCODER_ZLIB;
}

/* --- guessing -------------------------------------------------------------------------------- */

/* What common programs do; zlib's own `deflate` is at memory level 8. */
static const struct {
    uint8_t effort, parameters[PARAMETERS];
} guesses[] = {
    {0, {FLAVOUR_GNU, 9}},
    {0, {FLAVOUR_GNU, 6}},
    {0, {FLAVOUR_ZLIB, 9, 8}},
    {0, {FLAVOUR_ZLIB, 6, 8}},
    {1, {FLAVOUR_ZLIB, 1, 8}},
    {1, {FLAVOUR_ZLIB, 8, 8}},
    {1, {FLAVOUR_ZLIB, 7, 8}},
    {1, {FLAVOUR_ZLIB, 5, 8}},
    {1, {FLAVOUR_ZLIB, 9, 9}},
    {1, {FLAVOUR_ZLIB, 6, 9}},
    {1, {FLAVOUR_ZLIB, 4, 8}},
    {1, {FLAVOUR_ZLIB, 3, 8}},
    {1, {FLAVOUR_ZLIB, 2, 8}},
    {1, {FLAVOUR_GNU, 8}},
    {1, {FLAVOUR_GNU, 7}},
    {1, {FLAVOUR_GNU, 5}},
    {1, {FLAVOUR_GNU, 1}},
    {1, {FLAVOUR_GNU, 4}},
    {1, {FLAVOUR_GNU, 3}},
    {1, {FLAVOUR_GNU, 2}},
    {2, {FLAVOUR_ZLIB, 9, 8, Z_FILTERED}},
    {2, {FLAVOUR_ZLIB, 6, 8, Z_FILTERED}},
    {2, {FLAVOUR_ZLIB, 9, 9, Z_FILTERED}},
    {2, {FLAVOUR_ZLIB, 8, 9}},
    {2, {FLAVOUR_ZLIB, 7, 9}},
    {2, {FLAVOUR_ZLIB, 1, 9}},
    {2, {FLAVOUR_ZLIB, 9, 8, Z_HUFFMAN_ONLY}},
    {2, {FLAVOUR_ZLIB, 9, 8, Z_RLE}},
};

static bool deflate_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                          size_t number)
{
    (void)specimen;
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        const bool fits =
            recipe->kind != KIND_ZLIB || guesses[i].parameters[FLAVOUR] == FLAVOUR_ZLIB;
        if (!fits || guesses[i].effort > effort || number-- != 0)
            continue;
        recipe->count = PARAMETERS;
        for (size_t j = 0; j < PARAMETERS; j++)
            recipe->parameters[j] = guesses[i].parameters[j];
        return true;
    }
    return false;
}

uint32_t zlib_identity(void)
{
    /* Enough that a match finder other than zlib's own shows. */
    uint8_t sample[8 << 10], packed[16 << 10];
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof sample; i++) {
        state = state * 1664525 + 1013904223;
        const uint8_t fresh = (uint8_t)("firmware"[state >> 29]);
        sample[i] = i > 600 && (state >> 20 & 3) != 0 ? sample[i - 300 - (state >> 24)] : fresh;
    }
    uint32_t sum = 0;
    for (int level = 1; level <= 9; level++) {
        uLongf size = sizeof packed;
        if (compress2(packed, &size, sample, sizeof sample, level) != Z_OK)
            return 0;
        sum = (uint32_t)crc32_z(sum, packed, size);
    }
    return sum;
}

const struct stream_kind_entry kind_deflate = {
    .name = "deflate",
    .parameters = {0, PARAMETERS},
    .encoder = deflate_encoder,
    .begins = deflate_begins,
    .first = 'P',
    .describe = describe_nothing,
    .open = deflate_open,
    .open_memory = deflate_open_memory,
    .guess = deflate_guess,
    .pack = deflate_pack,
    .pack_memory = deflate_pack_memory,
};

const struct stream_kind_entry kind_gzip = {
    .name = "gzip",
    .parameters = {0, PARAMETERS},
    .encoder = deflate_encoder,
    .begins = gzip_begins,
    .first = 0x1f,
    .describe = describe_nothing,
    .open = gzip_open,
    .open_memory = deflate_open_memory,
    .guess = deflate_guess,
    .pack = gzip_pack,
    .pack_memory = deflate_pack_memory,
};

const struct stream_kind_entry kind_zlib = {
    .name = "zlib",
    .parameters = {0, PARAMETERS},
    .encoder = deflate_encoder,
    .begins = zlib_begins,
    .first = 0x78,
    .describe = describe_nothing,
    .open = zlib_open,
    .open_memory = deflate_open_memory,
    .guess = deflate_guess,
    .pack = zlib_pack,
    .pack_memory = deflate_pack_memory,
};
