/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "codec/codecs.h"

#include <lzma.h>
#include <stdio.h>

enum {
    FRAME_SIZE = 2 << 20, /* also the largest dictionary: nothing lies further back */
    STREAM_SLACK = 1024,  /* what chunks of a running encoder may take beyond liblzma's bound */
    DECODER_MEMORY = (2 << 20) + (128 << 10), /* the dictionary and LZMA's tables */
};

struct xz_encoder {
    lzma_stream stream;
    lzma_options_lzma options;
};

static void xz_library(char *text, size_t capacity)
{
    snprintf(text, capacity, "liblzma %s", lzma_version_string());
}

static size_t xz_bound(size_t plain)
{
    return lzma_stream_buffer_bound(plain) + STREAM_SLACK;
}

static uint64_t xz_decoder_memory(void)
{
    return DECODER_MEMORY;
}

static int xz_fault(const char *what, lzma_ret status, struct pack_error *error)
{
    if (status == LZMA_MEM_ERROR)
        return pack_fail_memory(error);
    return pack_fail(error, PACK_E_INTERNAL, "liblzma: %s failed (%d)", what, (int)status);
}

static void xz_encoder_free(void **state)
{
    struct xz_encoder *encoder = *state;
    if (encoder != NULL)
        lzma_end(&encoder->stream);
    free(encoder);
    *state = NULL;
}

static int xz_encoder_new(void **state, int level, struct pack_error *error)
{
    *state = NULL;
    int code = pack_codec_check_level(&pack_codec_xz, level, error);
    if (code != 0)
        return code;
    struct xz_encoder *encoder PACK_AUTO_FREE = NULL;
    code = pack_allocate(&encoder, 1, sizeof *encoder, error);
    if (code != 0)
        return code;
    if (lzma_lzma_preset(&encoder->options, (uint32_t)level))
        return xz_fault("lzma_lzma_preset", LZMA_OPTIONS_ERROR, error);
    if (encoder->options.dict_size > FRAME_SIZE)
        encoder->options.dict_size = FRAME_SIZE;
    *state = pack_steal(&encoder);
    return 0;
}

static int xz_encode(void *state, const void *plain, size_t plain_size, void *stored,
                     size_t capacity, size_t *stored_size, struct pack_error *error)
{
    struct xz_encoder *encoder = state;
    lzma_stream *stream = &encoder->stream;
    const int code = pack_codec_check_plain(&pack_codec_xz, plain_size, error);
    if (code != 0)
        return code;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &encoder->options},
                                   {LZMA_VLI_UNKNOWN, NULL}};
    lzma_ret status = lzma_stream_encoder(stream, filters, LZMA_CHECK_CRC64);
    if (status != LZMA_OK)
        return xz_fault("lzma_stream_encoder", status, error);
    stream->next_in = plain;
    stream->avail_in = plain_size;
    stream->next_out = stored;
    stream->avail_out = capacity;
    status = lzma_code(stream, LZMA_FINISH);
    if (status != LZMA_STREAM_END)
        return xz_fault("lzma_code", status, error);
    *stored_size = capacity - stream->avail_out;
    return 0;
}

static void xz_decoder_free(void **state)
{
    if (*state != NULL)
        lzma_end(*state);
    free(*state);
    *state = NULL;
}

static int xz_decoder_new(void **state, uint64_t memory_limit, struct pack_error *error)
{
    *state = NULL;
    const int code = pack_codec_check_memory(&pack_codec_xz, memory_limit, error);
    if (code != 0)
        return code;
    return pack_allocate(state, 1, sizeof(lzma_stream), error);
}

static int xz_damage(const lzma_stream *stream, lzma_ret status, struct pack_error *error)
{
    static const struct {
        lzma_ret status;
        enum pack_code code;
        const char *text;
    } damages[] = {
        {LZMA_FORMAT_ERROR, PACK_E_CORRUPT, "not an xz stream"},
        {LZMA_DATA_ERROR, PACK_E_CORRUPT, "the xz stream is damaged"},
        {LZMA_BUF_ERROR, PACK_E_CORRUPT, "the xz stream is cut short"},
        {LZMA_NO_CHECK, PACK_E_CORRUPT, "the xz stream has no integrity check"},
        {LZMA_UNSUPPORTED_CHECK, PACK_E_CORRUPT, "the xz stream has an unknown integrity check"},
        {LZMA_OPTIONS_ERROR, PACK_E_CORRUPT, "the xz stream uses an unknown filter"},
        {LZMA_MEMLIMIT_ERROR, PACK_E_LIMIT, "the xz stream wants more memory than a frame may"},
        {LZMA_MEM_ERROR, PACK_E_NO_MEMORY, "out of memory"},
    };
    if (status == LZMA_OK || (status == LZMA_BUF_ERROR && stream->avail_out == 0))
        return pack_fail(error, PACK_E_CORRUPT, "the xz stream holds more bytes than wanted");
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        if (damages[i].status == status)
            return pack_fail(error, damages[i].code, "%s", damages[i].text);
    return xz_fault("lzma_code", status, error);
}

static int xz_decode(void *state, const void *stored, size_t stored_size, void *plain,
                     size_t plain_size, struct pack_error *error)
{
    lzma_stream *stream = state;
    const int code = pack_codec_check_plain(&pack_codec_xz, plain_size, error);
    if (code != 0)
        return code;
    lzma_ret status = lzma_stream_decoder(stream, DECODER_MEMORY,
                                          LZMA_TELL_NO_CHECK | LZMA_TELL_UNSUPPORTED_CHECK);
    if (status != LZMA_OK)
        return xz_fault("lzma_stream_decoder", status, error);
    uint8_t nothing;
    stream->next_in = stored;
    stream->avail_in = stored_size;
    stream->next_out = plain_size != 0 ? plain : &nothing;
    stream->avail_out = plain_size;
    status = lzma_code(stream, LZMA_FINISH);
    if (status != LZMA_STREAM_END)
        return xz_damage(stream, status, error);
    if (stream->avail_out != 0)
        return pack_fail(error, PACK_E_CORRUPT, "the xz stream holds %zu bytes, %zu wanted",
                         plain_size - stream->avail_out, plain_size);
    if (stream->avail_in != 0)
        return pack_fail(error, PACK_E_CORRUPT, "%zu bytes follow the xz stream", stream->avail_in);
    return 0;
}

const struct pack_codec pack_codec_xz = {
    .name = "xz",
    .extension = "xz",
    .frame_size = FRAME_SIZE,
    .level_min = 0,
    .level_max = 9,
    .level_default = 6,
    .library = xz_library,
    .bound = xz_bound,
    .decoder_memory = xz_decoder_memory,
    .encoder_new = xz_encoder_new,
    .encode = xz_encode,
    .encoder_free = xz_encoder_free,
    .decoder_new = xz_decoder_new,
    .decode = xz_decode,
    .decoder_free = xz_decoder_free,
};
