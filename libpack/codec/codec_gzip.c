/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "codec/codecs.h"

#include <stdio.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    FRAME_SIZE = 1 << 20,
    WINDOW_BITS = 15 + 16, /* the largest window, with a gzip header (RFC 1952) */
    MEMORY_LEVEL = 8,      /* zlib's default */
    WRAPPER_SIZE = 32,     /* more than the header and trailer of a member take */
    OS_UNKNOWN = 255,
    DECODER_MEMORY = 48 << 10, /* zlib's state and a window of 32 KiB */
};

struct gzip_encoder {
    z_stream stream;
    gz_header header;
};

static void gzip_library(char *text, size_t capacity)
{
    snprintf(text, capacity, "zlib %s", zlibVersion());
}

static size_t gzip_bound(size_t plain)
{
    return deflateBound(NULL, plain) + WRAPPER_SIZE;
}

static uint64_t gzip_decoder_memory(void)
{
    return DECODER_MEMORY;
}

static int gzip_fault(const char *what, int status, struct pack_error *error)
{
    if (status == Z_MEM_ERROR)
        return pack_fail_memory(error);
    return pack_fail(error, PACK_E_INTERNAL, "zlib: %s failed (%d)", what, status);
}

static void gzip_encoder_free(void **state)
{
    struct gzip_encoder *encoder = *state;
    if (encoder != NULL)
        deflateEnd(&encoder->stream);
    free(encoder);
    *state = NULL;
}

static int gzip_encoder_new(void **state, int level, struct pack_error *error)
{
    *state = NULL;
    int code = pack_codec_check_level(&pack_codec_gzip, level, error);
    if (code != 0)
        return code;
    struct gzip_encoder *encoder PACK_AUTO_FREE = NULL;
    code = pack_allocate(&encoder, 1, sizeof *encoder, error);
    if (code != 0)
        return code;
    encoder->header.os = OS_UNKNOWN;
    const int status = deflateInit2(&encoder->stream, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                                    Z_DEFAULT_STRATEGY);
    if (status != Z_OK)
        return gzip_fault("deflateInit2", status, error);
    *state = pack_steal(&encoder);
    return 0;
}

static int gzip_encode(void *state, const void *plain, size_t plain_size, void *stored,
                       size_t capacity, size_t *stored_size, struct pack_error *error)
{
    struct gzip_encoder *encoder = state;
    z_stream *stream = &encoder->stream;
    const int code = pack_codec_check_plain(&pack_codec_gzip, plain_size, error);
    if (code != 0)
        return code;
    int status = deflateReset(stream);
    if (status == Z_OK)
        status = deflateSetHeader(stream, &encoder->header);
    if (status != Z_OK)
        return gzip_fault("deflateReset", status, error);
    stream->next_in = plain;
    stream->avail_in = (uInt)plain_size;
    stream->next_out = stored;
    stream->avail_out = capacity < UINT32_MAX ? (uInt)capacity : UINT32_MAX;
    status = deflate(stream, Z_FINISH);
    if (status != Z_STREAM_END)
        return gzip_fault("deflate", status, error);
    *stored_size = stream->total_out;
    return 0;
}

static void gzip_decoder_free(void **state)
{
    if (*state != NULL)
        inflateEnd(*state);
    free(*state);
    *state = NULL;
}

static int gzip_decoder_new(void **state, uint64_t memory_limit, struct pack_error *error)
{
    *state = NULL;
    int code = pack_codec_check_memory(&pack_codec_gzip, memory_limit, error);
    if (code != 0)
        return code;
    z_stream *stream PACK_AUTO_FREE = NULL;
    code = pack_allocate(&stream, 1, sizeof *stream, error);
    if (code != 0)
        return code;
    const int status = inflateInit2(stream, WINDOW_BITS);
    if (status != Z_OK)
        return gzip_fault("inflateInit2", status, error);
    *state = pack_steal(&stream);
    return 0;
}

/* zlib has compared CRC-32 and ISIZE (RFC 1952) when it reports the end. */
static int gzip_verdict(const z_stream *stream, int status, size_t plain_size,
                        struct pack_error *error)
{
    if (status == Z_MEM_ERROR)
        return pack_fail_memory(error);
    if (status == Z_BUF_ERROR && stream->avail_out == 0)
        return pack_fail(error, PACK_E_CORRUPT,
                         "the gzip member holds more than the %zu bytes "
                         "wanted",
                         plain_size);
    if (status == Z_BUF_ERROR)
        return pack_fail(error, PACK_E_CORRUPT, "the gzip member is cut short");
    if (status != Z_STREAM_END)
        return pack_fail(error, PACK_E_CORRUPT, "the gzip member is damaged: %s",
                         stream->msg != NULL ? stream->msg : "no deflate data");
    if (stream->total_out != plain_size)
        return pack_fail(error, PACK_E_CORRUPT, "the gzip member holds %lu bytes, %zu wanted",
                         stream->total_out, plain_size);
    if (stream->avail_in != 0)
        return pack_fail(error, PACK_E_CORRUPT, "%u bytes follow the gzip member",
                         stream->avail_in);
    return 0;
}

static int gzip_decode(void *state, const void *stored, size_t stored_size, void *plain,
                       size_t plain_size, struct pack_error *error)
{
    z_stream *stream = state;
    int code = pack_codec_check_plain(&pack_codec_gzip, plain_size, error);
    if (code != 0)
        return code;
    if (stored_size > gzip_bound(FRAME_SIZE))
        return pack_fail(error, PACK_E_CORRUPT, "a gzip member of %zu bytes is more than one frame",
                         stored_size);
    int status = inflateReset(stream);
    if (status != Z_OK)
        return gzip_fault("inflateReset", status, error);
    uint8_t nothing;
    stream->next_in = stored;
    stream->avail_in = (uInt)stored_size;
    stream->next_out = plain_size != 0 ? plain : &nothing;
    stream->avail_out = (uInt)plain_size;
    status = inflate(stream, Z_FINISH);
    return gzip_verdict(stream, status, plain_size, error);
}

const struct pack_codec pack_codec_gzip = {
    .name = "gzip",
    .extension = "gz",
    .frame_size = FRAME_SIZE,
    .level_min = 1,
    .level_max = 9,
    .level_default = 6,
    .library = gzip_library,
    .bound = gzip_bound,
    .decoder_memory = gzip_decoder_memory,
    .encoder_new = gzip_encoder_new,
    .encode = gzip_encode,
    .encoder_free = gzip_encoder_free,
    .decoder_new = gzip_decoder_new,
    .decode = gzip_decode,
    .decoder_free = gzip_decoder_free,
};
