/* SPDX-License-Identifier: MIT */
/* xz (tukaani.org/xz/xz-file-format.txt), whose index at the end tells all sizes. */
#include "formats/backends.h"
#include "formats/peek.h"
#include "formats/support.h"

#include "base/memory.h"

#include <lzma.h>

enum { IN_SIZE = 65536 };

static void end_stream(lzma_stream *stream)
{
    lzma_end(stream);
}

static void free_index(lzma_index **index)
{
    lzma_index_end(*index, NULL);
}

/* Bits of lzma_index_checks. */
static const struct word checks[] = {
    {1 << LZMA_CHECK_NONE, "none"},
    {1 << LZMA_CHECK_CRC32, "CRC-32"},
    {1 << LZMA_CHECK_CRC64, "CRC-64"},
    {1 << LZMA_CHECK_SHA256, "SHA-256"},
    {0, NULL},
};

static int fail_lzma(lzma_ret result, uint64_t offset, struct pack_error *error)
{
    if (result == LZMA_MEM_ERROR)
        return pack_fail_memory(error);
    if (result == LZMA_MEMLIMIT_ERROR)
        return pack_fail(error, PACK_E_LIMIT, "the xz index needs more than %llu MiB of memory",
                         (unsigned long long)(PEEK_MEMORY >> 20));
    return fwpack_malformed(error, offset, "the xz index is damaged or cut short");
}

/* liblzma reads the index from the end, and says where it wants to read next. */
static int read_index(lzma_stream *stream, struct pack_input *input, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *in = NULL;
    uint64_t offset = 0;
    lzma_ret result = LZMA_OK;
    int code = pack_allocate(&in, IN_SIZE, 1, error);
    while (code == 0 && (result == LZMA_OK || result == LZMA_SEEK_NEEDED)) {
        if (result == LZMA_SEEK_NEEDED) {
            offset = stream->seek_pos;
            stream->avail_in = 0;
        }
        if (stream->avail_in == 0) {
            code = pack_input_read(input, offset, in, IN_SIZE, &stream->avail_in, error);
            stream->next_in = in;
            offset += stream->avail_in;
        }
        if (code == 0)
            result = lzma_code(stream, LZMA_RUN);
    }
    return code != 0 || result == LZMA_STREAM_END ? code : fail_lzma(result, offset, error);
}

static void describe_index(struct pack_facts *facts, const lzma_index *index)
{
    pack_fact_number(facts, "uncompressed_size", lzma_index_uncompressed_size(index));
    pack_fact_number(facts, "streams", lzma_index_stream_count(index));
    pack_fact_number(facts, "blocks", lzma_index_block_count(index));
    fwpack_fact_bits(facts, "check", checks, lzma_index_checks(index));
}

static enum peek_result step(void *state, struct peek_bytes *bytes)
{
    lzma_stream *stream = state;
    stream->next_in = bytes->in;
    stream->avail_in = bytes->in_size;
    stream->next_out = bytes->out;
    stream->avail_out = bytes->out_size;
    const lzma_ret result = lzma_code(stream, LZMA_RUN);
    bytes->in = stream->next_in;
    bytes->in_size = stream->avail_in;
    bytes->out = stream->next_out;
    bytes->out_size = stream->avail_out;
    if (result == LZMA_OK)
        return PEEK_MORE;
    if (result == LZMA_STREAM_END)
        return PEEK_END;
    return result == LZMA_MEMLIMIT_ERROR || result == LZMA_MEM_ERROR ? PEEK_REFUSED : PEEK_DAMAGED;
}

static int describe_content(struct pack_facts *facts, struct pack_input *input,
                            struct pack_error *error)
{
    PACK_AUTO(end_stream) lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, PEEK_MEMORY, 0) != LZMA_OK)
        return pack_fail_memory(error);
    return fwpack_peek(facts, input, 0, step, &stream, error);
}

static int xz_describe(struct pack_input *input, struct pack_facts *facts, struct pack_error *error)
{
    PACK_AUTO(end_stream) lzma_stream stream = LZMA_STREAM_INIT;
    PACK_AUTO(free_index) lzma_index *index = NULL;
    if (lzma_file_info_decoder(&stream, &index, PEEK_MEMORY, input->size) != LZMA_OK)
        return pack_fail_memory(error);
    const int code = read_index(&stream, input, error);
    if (code != 0)
        return code;
    describe_index(facts, index);
    return describe_content(facts, input, error);
}

static int xz_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0,
                      "\xfd"
                      "7zXZ\0",
                      6)
               ? 95
               : 0;
}

const struct pack_format fwpack_format_xz = {
    .name = "xz",
    .summary = "xz compressed data",
    .suffixes = ".xz",
    .probe = xz_probe,
    .describe = xz_describe,
};
