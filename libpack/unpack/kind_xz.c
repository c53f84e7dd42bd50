/* SPDX-License-Identifier: MIT */
/* xz streams (The .xz File Format 1.1.0), by liblzma. */
#include "base/checked.h"
#include "base/memory.h"
#include "unpack/kinds.h"

#include <lzma.h>

enum {
    MAGIC_SIZE = 6,
    BASE_MEMORY = 256 << 10,
    /* How the stream was made. */
    MANNER_STREAM = 0, /* by lzma_stream_encoder: its blocks do not say their sizes */
    MANNER_BUFFER,     /* by lzma_stream_buffer_encode */
    MANNER_THREADS,    /* by lzma_stream_encoder_mt, in blocks of BLOCK_SIZE */
    MANNERS,
};

/* FILTER is 0 or the identifier of the one before LZMA2; CODING is lc + 5 × lp + 25 × pb. */
enum parameter { MANNER, CHECK, PRESET, DICTIONARY, CODING, FILTER, DISTANCE, BLOCK, PARAMETERS };

/* --- opening --------------------------------------------------------------------------------- */

static int open_all(lzma_stream *stream, struct source *source, struct pack_buffer *plain,
                    struct pack_error *error)
{
    lzma_ret status = LZMA_OK;
    while (status == LZMA_OK) {
        size_t room = 0;
        int code = source_fill(source, 1, error);
        if (code == 0)
            code = plain_room(plain, &room, error);
        if (code != 0)
            return code;
        stream->next_in = source_bytes(source);
        stream->avail_in = source_left(source);
        stream->next_out = plain->bytes + plain->size;
        stream->avail_out = room;
        const size_t given = stream->avail_in;
        status = lzma_code(stream, LZMA_RUN);
        source_skip(source, given - stream->avail_in);
        plain->size += room - stream->avail_out;
    }
    if (status == LZMA_MEM_ERROR)
        return pack_fail_memory(error);
    if (status == LZMA_MEMLIMIT_ERROR)
        return pack_fail(error, PACK_E_LIMIT, "a packed part needs too much memory (xz)");
    return status == LZMA_STREAM_END ? 0 : stream_damaged("xz", error);
}

static int xz_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                   size_t size, uint64_t memory, struct pack_error *error)
{
    (void)recipe;
    (void)size;
    lzma_stream stream PACK_AUTO(lzma_end) = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, memory, 0) != LZMA_OK)
        return pack_fail_memory(error);
    return open_all(&stream, source, plain, error);
}

/* --- headers --------------------------------------------------------------------------------- */

static void free_filters(lzma_filter *filters)
{
    for (size_t i = 0; i <= LZMA_FILTERS_MAX && filters[i].id != LZMA_VLI_UNKNOWN; i++)
        free(filters[i].options);
}

struct header {
    lzma_stream_flags flags;
    lzma_block block;
    lzma_filter filters[LZMA_FILTERS_MAX + 1]; /* the options are malloc()ed */
};

static bool read_header(struct header *header, const uint8_t *bytes, size_t size)
{
    *header = (struct header){.filters = {{.id = LZMA_VLI_UNKNOWN}}};
    if (size < LZMA_STREAM_HEADER_SIZE + LZMA_BLOCK_HEADER_SIZE_MIN ||
        lzma_stream_header_decode(&header->flags, bytes) != LZMA_OK ||
        bytes[LZMA_STREAM_HEADER_SIZE] == 0)
        return false;
    header->block.check = header->flags.check;
    header->block.filters = header->filters;
    header->block.header_size = lzma_block_header_size_decode(bytes[LZMA_STREAM_HEADER_SIZE]);
    return header->block.header_size <= size - LZMA_STREAM_HEADER_SIZE &&
           lzma_block_header_decode(&header->block, NULL, bytes + LZMA_STREAM_HEADER_SIZE) ==
               LZMA_OK;
}

static bool xz_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    *skip = 0;
    return size > LZMA_STREAM_HEADER_SIZE && memcmp(bytes,
                                                    "\xfd"
                                                    "7zXZ",
                                                    MAGIC_SIZE) == 0;
}

static uint64_t xz_open_memory(const struct specimen *specimen)
{
    struct header header;
    uint64_t memory = UINT64_MAX;
    if (read_header(&header, specimen->packed, specimen->packed_size))
        memory = lzma_raw_decoder_memusage(header.filters);
    free_filters(header.filters);
    return memory < UINT64_MAX - BASE_MEMORY ? memory + BASE_MEMORY : UINT64_MAX;
}

/* --- packing --------------------------------------------------------------------------------- */

struct chain {
    lzma_options_lzma lzma;
    lzma_options_delta delta;
    lzma_filter filters[LZMA_FILTERS_MAX + 1];
};

static bool is_preset(uint32_t preset)
{
    return (preset & ~(LZMA_PRESET_LEVEL_MASK | LZMA_PRESET_EXTREME)) == 0 &&
           (preset & LZMA_PRESET_LEVEL_MASK) <= 9;
}

static bool make_chain(struct chain *chain, const struct recipe *recipe)
{
    const uint32_t *parameters = recipe->parameters;
    size_t count = 0;
    if (!is_preset(parameters[PRESET]) || lzma_lzma_preset(&chain->lzma, parameters[PRESET]))
        return false;
    chain->lzma.dict_size = parameters[DICTIONARY];
    chain->lzma.lc = parameters[CODING] % 5;
    chain->lzma.lp = parameters[CODING] / 5 % 5;
    chain->lzma.pb = parameters[CODING] / 25;
    chain->delta = (lzma_options_delta){.type = LZMA_DELTA_TYPE_BYTE, .dist = parameters[DISTANCE]};
    if (parameters[FILTER] != 0)
        chain->filters[count++] = (lzma_filter){
            .id = parameters[FILTER],
            .options = parameters[FILTER] == LZMA_FILTER_DELTA ? &chain->delta : NULL};
    chain->filters[count++] = (lzma_filter){.id = LZMA_FILTER_LZMA2, .options = &chain->lzma};
    chain->filters[count] = (lzma_filter){.id = LZMA_VLI_UNKNOWN};
    return true;
}

static int fault(lzma_ret status, struct pack_error *error)
{
    return status == LZMA_MEM_ERROR ? pack_fail_memory(error) : stream_damaged("recipe", error);
}

static int pack_stream(lzma_stream *stream, const uint8_t *plain, size_t size,
                       struct pack_sink *sink, struct pack_error *error)
{
    uint8_t chunk[16 << 10];
    lzma_ret status = LZMA_OK;
    stream->next_in = plain;
    stream->avail_in = size;
    while (status == LZMA_OK) {
        stream->next_out = chunk;
        stream->avail_out = sizeof chunk;
        status = lzma_code(stream, LZMA_FINISH);
        const int code = pack_sink_write(sink, chunk, sizeof chunk - stream->avail_out, error);
        if (code != 0)
            return code;
    }
    return status == LZMA_STREAM_END ? 0 : fault(status, error);
}

static int pack_buffer_whole(struct chain *chain, lzma_check check, const uint8_t *plain,
                             size_t size, struct pack_sink *sink, struct pack_error *error)
{
    const size_t bound = lzma_stream_buffer_bound(size);
    uint8_t *packed PACK_AUTO_FREE = malloc(bound != 0 ? bound : 1);
    size_t used = 0;
    if (packed == NULL)
        return pack_fail_memory(error);
    const lzma_ret status =
        lzma_stream_buffer_encode(chain->filters, check, NULL, plain, size, packed, &used, bound);
    return status == LZMA_OK ? pack_sink_write(sink, packed, used, error) : fault(status, error);
}

static lzma_mt threads_of(struct chain *chain, const struct recipe *recipe)
{
    return (lzma_mt){.threads = 1,
                     .block_size = recipe->parameters[BLOCK],
                     .filters = chain->filters,
                     .check = recipe->parameters[CHECK]};
}

static int xz_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                   struct pack_sink *sink, struct pack_error *error)
{
    struct chain chain;
    const lzma_check check = recipe->parameters[CHECK];
    if (!make_chain(&chain, recipe))
        return stream_damaged("recipe", error);
    if (recipe->parameters[MANNER] == MANNER_BUFFER)
        return pack_buffer_whole(&chain, check, plain, size, sink, error);
    lzma_stream stream PACK_AUTO(lzma_end) = LZMA_STREAM_INIT;
    const lzma_mt threads = threads_of(&chain, recipe);
    const lzma_ret status = recipe->parameters[MANNER] == MANNER_THREADS
                                ? lzma_stream_encoder_mt(&stream, &threads)
                                : lzma_stream_encoder(&stream, chain.filters, check);
    return status == LZMA_OK ? pack_stream(&stream, plain, size, sink, error)
                             : fault(status, error);
}

static uint64_t xz_pack_memory(const struct recipe *recipe, uint64_t size)
{
    struct chain chain;
    const uint32_t *parameters = recipe->parameters;
    if (parameters[MANNER] >= MANNERS || parameters[CODING] >= 5 * 5 * 5 ||
        !make_chain(&chain, recipe) || !lzma_filter_encoder_is_supported(chain.filters[0].id))
        return UINT64_MAX;
    uint64_t memory = lzma_raw_encoder_memusage(chain.filters);
    if (parameters[MANNER] == MANNER_THREADS) {
        const lzma_mt threads = threads_of(&chain, recipe);
        memory = lzma_stream_encoder_mt_memusage(&threads);
    }
    if (parameters[MANNER] == MANNER_BUFFER && !pack_add(memory, size + size / 64, &memory))
        return UINT64_MAX;
    return memory < UINT64_MAX - BASE_MEMORY ? memory + BASE_MEMORY : UINT64_MAX;
}

/* --- guessing -------------------------------------------------------------------------------- */

/* What the headers say: all but the preset. The first LZMA2 chunk has the coding (5.3.1 there). */
static bool learn(struct recipe *recipe, const struct header *header,
                  const struct specimen *specimen)
{
    const lzma_filter *filter = header->filters;
    const size_t at = LZMA_STREAM_HEADER_SIZE + header->block.header_size;
    recipe->count = PARAMETERS;
    recipe->parameters[CHECK] = header->flags.check;
    if (filter->id != LZMA_FILTER_LZMA2) {
        if (filter->id > UINT32_MAX)
            return false;
        recipe->parameters[FILTER] = (uint32_t)filter->id;
        if (filter->id == LZMA_FILTER_DELTA)
            recipe->parameters[DISTANCE] = ((const lzma_options_delta *)filter->options)->dist;
        else if (filter->options != NULL)
            return false;
        filter++;
    }
    if (filter->id != LZMA_FILTER_LZMA2 || filter[1].id != LZMA_VLI_UNKNOWN)
        return false;
    recipe->parameters[DICTIONARY] = ((const lzma_options_lzma *)filter->options)->dict_size;
    recipe->parameters[CODING] = 3 + 25 * 2;
    if (at + 6 <= specimen->packed_size && specimen->packed[at] >= 0xc0) {
        const unsigned coding = specimen->packed[at + 5];
        recipe->parameters[CODING] = coding % 9 + 5 * (coding / 9 % 5) + 25 * (coding / 45);
        return coding < 225 && coding % 9 < 5;
    }
    return true;
}

/* The presets by likelihood, those with the header's dictionary first. */
static bool choose_preset(struct recipe *recipe, unsigned effort, size_t number)
{
    static const uint32_t presets[] = {6,
                                       9,
                                       9 | LZMA_PRESET_EXTREME,
                                       6 | LZMA_PRESET_EXTREME,
                                       7,
                                       8,
                                       8 | LZMA_PRESET_EXTREME,
                                       7 | LZMA_PRESET_EXTREME,
                                       5,
                                       3,
                                       2,
                                       1,
                                       0,
                                       4,
                                       5 | LZMA_PRESET_EXTREME,
                                       3 | LZMA_PRESET_EXTREME};
    const size_t count = effort == 0 ? 4 : sizeof presets / sizeof presets[0];
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            lzma_options_lzma options;
            if (lzma_lzma_preset(&options, presets[i]))
                return false;
            const bool fits = options.dict_size == recipe->parameters[DICTIONARY];
            if (fits != (pass == 0) || number-- != 0)
                continue;
            recipe->parameters[PRESET] = presets[i];
            return true;
        }
    }
    return false;
}

static bool xz_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                     size_t number)
{
    struct header header;
    bool known = read_header(&header, specimen->packed, specimen->packed_size) &&
                 learn(recipe, &header, specimen);
    free_filters(header.filters);
    if (!known)
        return false;
    const bool sized = header.block.uncompressed_size != LZMA_VLI_UNKNOWN;
    if (!sized)
        return choose_preset(recipe, effort, number);
    /* A block of its own, or all of a one-shot stream. */
    recipe->parameters[MANNER] = number % 2 == 0 ? MANNER_BUFFER : MANNER_THREADS;
    if (number % 2 != 0 && header.block.uncompressed_size < specimen->plain_size)
        recipe->parameters[BLOCK] = (uint32_t)pack_min(header.block.uncompressed_size, UINT32_MAX);
    return choose_preset(recipe, effort, number / 2);
}

static enum encoder xz_encoder(const struct recipe *recipe)
{
    (void)recipe;
    return ENCODER_LIBLZMA;
}

const struct stream_kind_entry kind_xz = {
    .name = "xz",
    .parameters = {0, PARAMETERS},
    .encoder = xz_encoder,
    .begins = xz_begins,
    .first = 0xfd,
    .describe = describe_nothing,
    .open = xz_open,
    .open_memory = xz_open_memory,
    .guess = xz_guess,
    .pack = xz_pack,
    .pack_memory = xz_pack_memory,
};
