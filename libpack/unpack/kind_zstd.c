/* SPDX-License-Identifier: MIT */
/* Zstandard frames (RFC 8878). */
#include "base/memory.h"
#include "unpack/kinds.h"

#include <zstd.h>
#include <zstd_errors.h>

enum {
    MAGIC_SIZE = 4,
    HEADER_SIZE = 18,
    LEVELS = 22,
    DECODER = 256 << 10,
    LONGEST_WINDOW_LOG = 27,
    SMALLEST_WINDOW = 1 << 10,
};

enum parameter { LEVEL, SIZED, CHECKED, THREADED, PARAMETERS };

/* --- headers (RFC 8878, 3.1.1.1) ------------------------------------------------------------- */

struct header {
    bool sized, checked;
    uint64_t window; /* 0: as long as the content */
};

static bool read_header(struct header *header, const uint8_t *bytes, size_t size)
{
    enum { DICTIONARY = 3, CHECKSUM = 4, RESERVED = 8, SINGLE = 0x20 };
    if (size < MAGIC_SIZE + 2 || pack_le32(bytes) != ZSTD_MAGICNUMBER)
        return false;
    const uint8_t descriptor = bytes[MAGIC_SIZE];
    if ((descriptor & (DICTIONARY | RESERVED)) != 0)
        return false;
    header->checked = (descriptor & CHECKSUM) != 0;
    header->sized = (descriptor & SINGLE) != 0 || descriptor >> 6 != 0;
    const uint8_t window = bytes[MAGIC_SIZE + 1];
    const unsigned log = 10U + (window >> 3);
    header->window = 0;
    if ((descriptor & SINGLE) == 0)
        header->window = (UINT64_C(1) << log) + (UINT64_C(1) << log) / 8 * (window & 7);
    return header->window <= UINT64_C(1) << LONGEST_WINDOW_LOG;
}

static bool zstd_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    struct header header;
    *skip = 0;
    return read_header(&header, bytes, size);
}

/* --- opening --------------------------------------------------------------------------------- */

static void free_decoder(ZSTD_DCtx **decoder)
{
    ZSTD_freeDCtx(*decoder);
}

static int limit_window(ZSTD_DCtx *decoder, uint64_t memory, struct pack_error *error)
{
    int log = 10;
    while (log < LONGEST_WINDOW_LOG && UINT64_C(2) << log <= memory)
        log++;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, log)))
        return pack_fail(error, PACK_E_INTERNAL, "zstd: no window of 2^%d bytes", log);
    return 0;
}

static int zstd_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                     size_t size, uint64_t memory, struct pack_error *error)
{
    (void)recipe;
    (void)size;
    ZSTD_DCtx *decoder PACK_AUTO(free_decoder) = ZSTD_createDCtx();
    if (decoder == NULL)
        return pack_fail_memory(error);
    int code = limit_window(decoder, memory, error);
    for (size_t result = 1; code == 0 && result != 0;) {
        size_t room = 0;
        code = source_fill(source, 1, error);
        if (code == 0)
            code = plain_room(plain, &room, error);
        if (code != 0)
            return code;
        ZSTD_inBuffer in = {source_bytes(source), source_left(source), 0};
        ZSTD_outBuffer out = {plain->bytes + plain->size, room, 0};
        result = ZSTD_decompressStream(decoder, &out, &in);
        source_skip(source, in.pos);
        plain->size += out.pos;
        if (ZSTD_isError(result))
            return stream_damaged(ZSTD_getErrorName(result), error);
        if (result != 0 && in.pos == 0 && out.pos == 0)
            return room == 0 ? pack_fail(error, PACK_E_LIMIT, "larger than %zu bytes", plain->limit)
                             : stream_damaged("cut short", error);
    }
    return code;
}

static uint64_t zstd_open_memory(const struct specimen *specimen)
{
    struct header header;
    if (!read_header(&header, specimen->packed, specimen->packed_size))
        return UINT64_MAX;
    const uint64_t window = header.window != 0 ? header.window : specimen->plain_size;
    /* The decoder keeps a ring of the window and two blocks; the limit is rounded to a power. */
    return DECODER + 2 * window + 2 * ZSTD_BLOCKSIZE_MAX;
}

/* --- packing --------------------------------------------------------------------------------- */

static void free_encoder(ZSTD_CCtx **encoder)
{
    ZSTD_freeCCtx(*encoder);
}

static int set_up(ZSTD_CCtx *encoder, const struct recipe *recipe, size_t size,
                  struct pack_error *error)
{
    const uint32_t *parameters = recipe->parameters;
    const struct {
        ZSTD_cParameter parameter;
        int value;
    } settings[] = {{ZSTD_c_compressionLevel, (int)parameters[LEVEL]},
                    {ZSTD_c_contentSizeFlag, (int)parameters[SIZED]},
                    {ZSTD_c_checksumFlag, (int)parameters[CHECKED]},
                    {ZSTD_c_nbWorkers, (int)parameters[THREADED]}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (ZSTD_isError(ZSTD_CCtx_setParameter(encoder, settings[i].parameter, settings[i].value)))
            return stream_damaged("recipe", error);
    if (parameters[SIZED] != 0 && ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(encoder, size)))
        return stream_damaged("recipe", error);
    return 0;
}

/* An unknown size must not be told by giving all at once, so the end comes with nothing more. */
static int zstd_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                     struct pack_sink *sink, struct pack_error *error)
{
    uint8_t chunk[16 << 10];
    ZSTD_CCtx *encoder PACK_AUTO(free_encoder) = ZSTD_createCCtx();
    if (encoder == NULL)
        return pack_fail_memory(error);
    int code = set_up(encoder, recipe, size, error);
    ZSTD_inBuffer in = {plain, size, 0};
    const bool sized = recipe->parameters[SIZED] != 0;
    for (size_t left = 1; code == 0 && left != 0;) {
        const bool end = sized || in.pos == in.size;
        ZSTD_outBuffer out = {chunk, sizeof chunk, 0};
        left = ZSTD_compressStream2(encoder, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
            return pack_fail_memory(error);
        if (ZSTD_isError(left))
            return stream_damaged("recipe", error);
        if (!end)
            left = 1;
        code = pack_sink_write(sink, chunk, out.pos, error);
    }
    return code;
}

/* What each level of libzstd 1.5 takes at most. */
static unsigned window_log(unsigned level)
{
    static const uint8_t logs[LEVELS + 1] = {0,  19, 20, 21, 21, 21, 21, 21, 21, 22, 22, 22,
                                             22, 22, 22, 22, 22, 23, 23, 23, 25, 26, 27};
    return logs[level];
}

static uint64_t zstd_pack_memory(const struct recipe *recipe, uint64_t size)
{
    const uint32_t *parameters = recipe->parameters;
    if (parameters[LEVEL] < 1 || parameters[LEVEL] > LEVELS || parameters[SIZED] > 1 ||
        parameters[CHECKED] > 1 || parameters[THREADED] > 1)
        return UINT64_MAX;
    uint64_t window = UINT64_C(1) << window_log(parameters[LEVEL]);
    while (parameters[SIZED] != 0 && window / 2 >= size && window > SMALLEST_WINDOW)
        window /= 2;
    /* Tables of up to 12 bytes for each of the window; a worker's jobs are four windows each. */
    return (parameters[THREADED] != 0 ? 13 + 24 : 13) * window + (4 << 20);
}

/* The programs have one worker, the library none. */
static bool zstd_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                       size_t number)
{
    static const uint8_t levels[] = {15, 19, 3,  9, 22, 1, 10, 12, 18, 17, 16,
                                     14, 13, 11, 8, 7,  6, 5,  4,  2,  20, 21};
    struct header header;
    const size_t count = effort == 0 ? 5 : sizeof levels;
    if (number >= 2 * count || !read_header(&header, specimen->packed, specimen->packed_size))
        return false;
    /* Short streams are those of libraries: blocks of file systems. */
    const bool threads_first = specimen->plain_size > (1 << 20);
    recipe->count = PARAMETERS;
    recipe->parameters[LEVEL] = levels[number / 2];
    recipe->parameters[SIZED] = header.sized;
    recipe->parameters[CHECKED] = header.checked;
    recipe->parameters[THREADED] = (number % 2 == 0) == threads_first;
    return true;
}

/*
 * Packs the beginning without a worker, whose first bytes would be the same. The workers of a guess
 * that is wrong would go on with their jobs of many MiB before they noticed.
 */
static bool zstd_refutes(const struct recipe *recipe, const struct specimen *specimen)
{
    enum { BEGINNING = 512 << 10, LONG = 4 * BEGINNING };
    struct pack_error failure = {.code = PACK_OK};
    struct recipe alone = *recipe;
    struct pack_cursor wanted = {.bytes = specimen->packed, .size = specimen->packed_size};
    ZSTD_CCtx *encoder PACK_AUTO(free_encoder) = ZSTD_createCCtx();
    alone.parameters[THREADED] = 0;
    if (specimen->plain_size < LONG || encoder == NULL ||
        set_up(encoder, &alone, specimen->plain_size, &failure) != 0)
        return false;
    ZSTD_inBuffer in = {specimen->plain, BEGINNING, 0};
    while (in.pos < in.size) {
        uint8_t chunk[16 << 10];
        ZSTD_outBuffer out = {chunk, sizeof chunk, 0};
        if (ZSTD_isError(ZSTD_compressStream2(encoder, &out, &in, ZSTD_e_continue)))
            return false;
        const uint8_t *bytes = pack_cursor_take(&wanted, out.pos);
        if (bytes == NULL || memcmp(bytes, chunk, out.pos) != 0)
            return true;
    }
    return false;
}

static enum encoder zstd_encoder(const struct recipe *recipe)
{
    (void)recipe;
    return ENCODER_ZSTD;
}

const struct stream_kind_entry kind_zstd = {
    .name = "zstd",
    .parameters = {0, PARAMETERS},
    .encoder = zstd_encoder,
    .begins = zstd_begins,
    .first = 0x28,
    .describe = describe_nothing,
    .open = zstd_open,
    .open_memory = zstd_open_memory,
    .guess = zstd_guess,
    .refutes = zstd_refutes,
    .pack = zstd_pack,
    .pack_memory = zstd_pack_memory,
};
