/* SPDX-License-Identifier: MIT */
/* Zstandard (RFC 8878). Frames and blocks tell their sizes, so that all can be walked unread. */
#include "formats/backends.h"
#include "formats/peek.h"
#include "formats/support.h"

#include "base/checked.h"

#include <zstd.h>

enum {
    MAX_HEADER = 18,
    MAX_WINDOW_LOG = 27, /* 128 MiB, PEEK_MEMORY */
    BLOCK_HEADER = 3,
    RLE_BLOCK = 1,
    RESERVED_BLOCK = 3,
};

#define MAGIC UINT32_C(0xfd2fb528)
#define SKIPPABLE UINT32_C(0x184d2a50) /* the low 4 bits are the writer's */

struct walk {
    struct pack_input *input;
    struct window cache;
    uint64_t offset;
    uint64_t frames, skippable;
    bool all_sizes; /* each frame told its content size */
    uint64_t content_size;
    uint64_t window; /* the largest */
    uint32_t dictionary;
    bool checksum;
};

static bool is_skippable(uint32_t magic)
{
    return (magic & UINT32_C(0xfffffff0)) == SKIPPABLE;
}

/* Sizes of the fields that the descriptor byte tells of (RFC 8878, 3.1.1.1.1). */
struct frame_fields {
    bool single, checksum;
    size_t window, dictionary, content;
};

static struct frame_fields frame_fields(uint8_t descriptor)
{
    static const size_t dictionaries[] = {0, 1, 2, 4};
    static const size_t contents[] = {0, 2, 4, 8};
    const bool single = (descriptor & 0x20) != 0;
    const size_t content = contents[descriptor >> 6];
    return (struct frame_fields){
        .single = single,
        .checksum = (descriptor & 4) != 0,
        .window = single ? 0 : 1,
        .dictionary = dictionaries[descriptor & 3],
        .content = content == 0 && single ? 1 : content,
    };
}

static uint64_t window_size(uint8_t descriptor)
{
    const uint64_t base = UINT64_C(1) << (10 + (descriptor >> 3));
    return base + base / 8 * (descriptor & 7);
}

static int walk_frame_header(struct walk *walk, struct pack_error *error)
{
    uint8_t header[MAX_HEADER];
    int code = fwpack_window_read(&walk->cache, walk->offset, header, 5, error);
    if (code != 0)
        return code;
    const struct frame_fields fields = frame_fields(header[4]);
    const size_t size = 5 + fields.window + fields.dictionary + fields.content;
    code = fwpack_window_read(&walk->cache, walk->offset, header, size, error);
    if (code != 0)
        return code;
    const uint8_t *content = header + 5 + fields.window + fields.dictionary;
    uint64_t content_size = fwpack_integer(content, fields.content, LITTLE);
    if (fields.content == 2)
        content_size += 256;
    const uint64_t window = fields.single ? content_size : window_size(header[5]);
    walk->window = window > walk->window ? window : walk->window;
    if (fields.dictionary != 0)
        walk->dictionary =
            (uint32_t)fwpack_integer(header + 5 + fields.window, fields.dictionary, LITTLE);
    walk->checksum = fields.checksum;
    if (fields.content == 0 || !pack_add(walk->content_size, content_size, &walk->content_size))
        walk->all_sizes = false;
    walk->offset += size;
    return 0;
}

static int walk_blocks(struct walk *walk, struct pack_error *error)
{
    bool last = false;
    while (!last) {
        uint8_t bytes[BLOCK_HEADER];
        const int code = fwpack_window_read(&walk->cache, walk->offset, bytes, sizeof bytes, error);
        if (code != 0)
            return code;
        const uint64_t header = fwpack_integer(bytes, sizeof bytes, LITTLE);
        const unsigned type = header >> 1 & 3;
        if (type == RESERVED_BLOCK)
            return fwpack_malformed(error, walk->offset, "a zstd block of the reserved type");
        last = (header & 1) != 0;
        walk->offset += BLOCK_HEADER + (type == RLE_BLOCK ? 1 : header >> 3);
    }
    walk->offset += walk->checksum ? 4 : 0;
    return fwpack_inside_file(walk->input, "a zstd frame", 0, walk->offset, error);
}

static int walk_next(struct walk *walk, struct pack_error *error)
{
    uint8_t bytes[8];
    int code = fwpack_window_read(&walk->cache, walk->offset, bytes, sizeof bytes, error);
    if (code != 0)
        return code;
    const uint32_t magic = pack_le32(bytes);
    if (is_skippable(magic)) {
        walk->skippable++;
        walk->offset += 8 + (uint64_t)pack_le32(bytes + 4);
        return fwpack_inside_file(walk->input, "a skippable frame", 0, walk->offset, error);
    }
    if (magic != MAGIC)
        return fwpack_malformed(error, walk->offset, "what follows is no zstd frame");
    walk->frames++;
    code = walk_frame_header(walk, error);
    return code == 0 ? walk_blocks(walk, error) : code;
}

static enum peek_result step(void *state, struct peek_bytes *bytes)
{
    ZSTD_inBuffer in = {.src = bytes->in, .size = bytes->in_size};
    ZSTD_outBuffer out = {.dst = bytes->out, .size = bytes->out_size};
    const size_t result = ZSTD_decompressStream(state, &out, &in);
    bytes->in += in.pos;
    bytes->in_size -= in.pos;
    bytes->out += out.pos;
    bytes->out_size -= out.pos;
    if (ZSTD_isError(result))
        return PEEK_DAMAGED;
    return result == 0 ? PEEK_BOUNDARY : PEEK_MORE;
}

static int describe_content(const struct walk *walk, struct pack_facts *facts,
                            struct pack_error *error)
{
    if (walk->dictionary != 0 || walk->window > PEEK_MEMORY || walk->frames == 0)
        return 0;
    ZSTD_DCtx *decoder = ZSTD_createDCtx();
    if (decoder == NULL)
        return pack_fail_memory(error);
    int code = 0;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, MAX_WINDOW_LOG)))
        code = pack_fail(error, PACK_E_INTERNAL, "the zstd decoder refuses its window limit");
    else
        code = fwpack_peek(facts, walk->input, 0, step, decoder, error);
    ZSTD_freeDCtx(decoder);
    return code;
}

static int zstd_describe(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    struct walk walk = {.input = input, .cache = {.input = input}, .all_sizes = true};
    while (walk.offset < input->size) {
        const int code = walk_next(&walk, error);
        if (code != 0)
            return code;
    }
    pack_fact_number(facts, "frames", walk.frames);
    if (walk.skippable != 0)
        pack_fact_number(facts, "skippable_frames", walk.skippable);
    if (walk.all_sizes)
        pack_fact_number(facts, "uncompressed_size", walk.content_size);
    pack_fact_number(facts, "window_size", walk.window);
    if (walk.dictionary != 0)
        pack_fact_number(facts, "dictionary", walk.dictionary);
    return describe_content(&walk, facts, error);
}

static int zstd_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    if (size < 4)
        return 0;
    return pack_le32(head) == MAGIC ? 95 : is_skippable(pack_le32(head)) ? 40 : 0;
}

const struct pack_format fwpack_format_zstd = {
    .name = "zstd",
    .summary = "Zstandard compressed data",
    .suffixes = ".zst",
    .probe = zstd_probe,
    .describe = zstd_describe,
};
