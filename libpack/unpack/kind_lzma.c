/* SPDX-License-Identifier: MIT */
/*
 * LZMA with the header of the LZMA SDK (lzma-specification.txt there), as UEFI volumes, U-Boot and
 * old kernels have it; packed by the SDK's encoder or by liblzma's.
 */
#include "base/checked.h"
#include "base/memory.h"
#include "unpack/kinds.h"

#include <LzmaEnc.h>
#include <lzma.h>

enum {
    HEADER_SIZE = 13,
    USUAL_CODING = 0x5d, /* lc 3, lp 0, pb 2 */
    BASE_MEMORY = 256 << 10,
    SDK_MEMORY = 4 << 20,
    SMALLEST_DICTIONARY = 4 << 10,
};

#define LARGEST_PLAIN (UINT64_C(1) << 31)
#define LARGEST_DICTIONARY (UINT32_C(1) << 30)

/* CODING is the byte of the header. SIZED: the header says the size. MARKED: an end mark is there.
 */
enum parameter { FLAVOUR, LEVEL, DICTIONARY, CODING, SIZED, MARKED, PARAMETERS };
enum flavour { FLAVOUR_SDK, FLAVOUR_LIBLZMA, FLAVOURS };

/* --- opening --------------------------------------------------------------------------------- */

/* The first byte of the range coder is always 0. */
static bool lzma_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    *skip = 0;
    if (size < HEADER_SIZE + 5 || bytes[0] != USUAL_CODING || bytes[HEADER_SIZE] != 0)
        return false;
    const uint32_t dictionary = pack_le32(bytes + 1);
    const uint64_t plain = pack_le64(bytes + 5);
    const uint32_t lowest = dictionary & (~dictionary + 1);
    return dictionary >= SMALLEST_DICTIONARY && dictionary <= LARGEST_DICTIONARY &&
           (dictionary == lowest || dictionary == 3 * (uint64_t)lowest) &&
           (plain == UINT64_MAX || (plain >= SMALLEST_PLAIN && plain < LARGEST_PLAIN));
}

static int lzma_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                     size_t size, uint64_t memory, struct pack_error *error)
{
    (void)recipe;
    (void)size;
    lzma_stream stream PACK_AUTO(lzma_end) = LZMA_STREAM_INIT;
    if (lzma_alone_decoder(&stream, memory) != LZMA_OK)
        return pack_fail_memory(error);
    lzma_ret status = LZMA_OK;
    while (status == LZMA_OK) {
        size_t room = 0;
        int code = source_fill(source, 1, error);
        if (code == 0)
            code = plain_room(plain, &room, error);
        if (code != 0)
            return code;
        const size_t given = source_left(source);
        stream.next_in = source_bytes(source);
        stream.avail_in = given;
        stream.next_out = plain->bytes + plain->size;
        stream.avail_out = room;
        status = lzma_code(&stream, LZMA_RUN);
        source_skip(source, given - stream.avail_in);
        plain->size += room - stream.avail_out;
    }
    if (status == LZMA_MEM_ERROR)
        return pack_fail_memory(error);
    if (status == LZMA_MEMLIMIT_ERROR)
        return pack_fail(error, PACK_E_LIMIT, "a packed part needs too much memory (lzma)");
    return status == LZMA_STREAM_END ? 0 : stream_damaged("lzma", error);
}

static uint64_t lzma_open_memory(const struct specimen *specimen)
{
    return (uint64_t)pack_le32(specimen->packed + 1) + BASE_MEMORY;
}

/* --- packing by the SDK ---------------------------------------------------------------------- */

struct sdk_input {
    ISeqInStream stream;
    struct pack_cursor cursor;
};

struct sdk_output {
    ISeqOutStream stream;
    struct pack_sink *sink;
    struct pack_error *error;
    int code;
};

static SRes sdk_read(ISeqInStreamPtr stream, void *bytes, size_t *size)
{
    struct pack_cursor *cursor = &((struct sdk_input *)(uintptr_t)stream)->cursor;
    *size = (size_t)pack_min(*size, pack_cursor_left(cursor));
    if (*size != 0)
        memcpy(bytes, pack_cursor_take(cursor, *size), *size);
    return SZ_OK;
}

static size_t sdk_write(ISeqOutStreamPtr stream, const void *bytes, size_t size)
{
    struct sdk_output *output = (struct sdk_output *)(uintptr_t)stream;
    if (output->code == 0)
        output->code = pack_sink_write(output->sink, bytes, size, output->error);
    return output->code == 0 ? size : 0;
}

static void *sdk_allocate(ISzAllocPtr allocator, size_t size)
{
    (void)allocator;
    return malloc(size);
}

static void sdk_free(ISzAllocPtr allocator, void *address)
{
    (void)allocator;
    free(address);
}

static const ISzAlloc sdk_allocator = {sdk_allocate, sdk_free};

static void free_encoder(CLzmaEncHandle *encoder)
{
    if (*encoder != NULL)
        LzmaEnc_Destroy(*encoder, &sdk_allocator, &sdk_allocator);
}

/* The dictionary is no larger than the data, which changes nothing in what is written. */
static CLzmaEncProps sdk_settings(const struct recipe *recipe, uint64_t size)
{
    const uint32_t *parameters = recipe->parameters;
    CLzmaEncProps settings;
    LzmaEncProps_Init(&settings);
    settings.level = (int)parameters[LEVEL];
    settings.dictSize = parameters[DICTIONARY];
    settings.lc = (int)(parameters[CODING] % 9);
    settings.lp = (int)(parameters[CODING] / 9 % 5);
    settings.pb = (int)(parameters[CODING] / 45);
    settings.writeEndMark = parameters[MARKED];
    settings.reduceSize = size;
    settings.numThreads = 1;
    return settings;
}

static int pack_by_sdk(const struct recipe *recipe, const uint8_t *plain, size_t size,
                       struct pack_sink *sink, struct pack_error *error)
{
    struct sdk_input input = {{sdk_read}, {.bytes = plain, .size = size}};
    struct sdk_output output = {{sdk_write}, sink, error, 0};
    const CLzmaEncProps settings = sdk_settings(recipe, size);
    CLzmaEncHandle encoder PACK_AUTO(free_encoder) = LzmaEnc_Create(&sdk_allocator);
    if (encoder == NULL)
        return pack_fail_memory(error);
    SRes status = LzmaEnc_SetProps(encoder, &settings);
    if (status == SZ_OK) {
        /* The size of its hash follows from it. */
        LzmaEnc_SetDataSize(encoder, size);
        status = LzmaEnc_Encode(encoder, &output.stream, &input.stream, NULL, &sdk_allocator,
                                &sdk_allocator);
    }
    if (output.code != 0)
        return output.code;
    if (status == SZ_ERROR_MEM)
        return pack_fail_memory(error);
    return status == SZ_OK ? 0 : stream_damaged("recipe", error);
}

static int write_header(const struct recipe *recipe, size_t size, struct pack_sink *sink,
                        struct pack_error *error)
{
    uint8_t header[HEADER_SIZE];
    header[0] = (uint8_t)recipe->parameters[CODING];
    pack_put_le32(header + 1, recipe->parameters[DICTIONARY]);
    pack_put_le64(header + 5, recipe->parameters[SIZED] != 0 ? size : UINT64_MAX);
    return pack_sink_write(sink, header, sizeof header, error);
}

/* --- packing by liblzma, which writes its own header ----------------------------------------- */

static bool liblzma_settings(lzma_options_lzma *options, const struct recipe *recipe)
{
    const uint32_t *parameters = recipe->parameters;
    const uint32_t preset = parameters[LEVEL];
    if ((preset & ~(LZMA_PRESET_LEVEL_MASK | LZMA_PRESET_EXTREME)) != 0 ||
        lzma_lzma_preset(options, preset))
        return false;
    options->dict_size = parameters[DICTIONARY];
    options->lc = parameters[CODING] % 9;
    options->lp = parameters[CODING] / 9 % 5;
    options->pb = parameters[CODING] / 45;
    return true;
}

static int pack_by_liblzma(const struct recipe *recipe, const uint8_t *plain, size_t size,
                           struct pack_sink *sink, struct pack_error *error)
{
    uint8_t chunk[16 << 10];
    lzma_options_lzma options;
    lzma_stream stream PACK_AUTO(lzma_end) = LZMA_STREAM_INIT;
    if (!liblzma_settings(&options, recipe))
        return stream_damaged("recipe", error);
    lzma_ret status = lzma_alone_encoder(&stream, &options);
    stream.next_in = plain;
    stream.avail_in = size;
    while (status == LZMA_OK) {
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = lzma_code(&stream, LZMA_FINISH);
        const int code = pack_sink_write(sink, chunk, sizeof chunk - stream.avail_out, error);
        if (code != 0)
            return code;
    }
    if (status == LZMA_MEM_ERROR)
        return pack_fail_memory(error);
    return status == LZMA_STREAM_END ? 0 : stream_damaged("recipe", error);
}

/* --- recipes --------------------------------------------------------------------------------- */

static int lzma_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                     struct pack_sink *sink, struct pack_error *error)
{
    if (recipe->parameters[FLAVOUR] == FLAVOUR_LIBLZMA)
        return pack_by_liblzma(recipe, plain, size, sink, error);
    const int code = write_header(recipe, size, sink, error);
    return code == 0 ? pack_by_sdk(recipe, plain, size, sink, error) : code;
}

static uint64_t liblzma_memory(const struct recipe *recipe)
{
    lzma_options_lzma options;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    if (!liblzma_settings(&options, recipe))
        return UINT64_MAX;
    const uint64_t memory = lzma_raw_encoder_memusage(filters);
    return memory < UINT64_MAX - BASE_MEMORY ? memory + BASE_MEMORY : UINT64_MAX;
}

/* The window is kept one and a half times, its tree takes eight bytes each, its hash four. */
static uint64_t lzma_pack_memory(const struct recipe *recipe, uint64_t size)
{
    const uint32_t *parameters = recipe->parameters;
    if (parameters[FLAVOUR] >= FLAVOURS || parameters[CODING] >= 9 * 5 * 5 ||
        parameters[DICTIONARY] < SMALLEST_DICTIONARY ||
        parameters[DICTIONARY] > LARGEST_DICTIONARY || parameters[SIZED] > 1 ||
        parameters[MARKED] > 1 || size >= LARGEST_PLAIN)
        return UINT64_MAX;
    if (parameters[FLAVOUR] == FLAVOUR_LIBLZMA)
        return liblzma_memory(recipe);
    if (parameters[LEVEL] > 9)
        return UINT64_MAX;
    const CLzmaEncProps settings = sdk_settings(recipe, size);
    return UINT64_C(14) * LzmaEncProps_GetDictSize(&settings) + SDK_MEMORY;
}

static const struct {
    uint8_t effort;
    uint8_t flavour;
    uint32_t level;
} guesses[] = {
    {0, FLAVOUR_SDK, 5},
    {0, FLAVOUR_LIBLZMA, 9},
    {0, FLAVOUR_LIBLZMA, 6},
    {1, FLAVOUR_LIBLZMA, 9 | LZMA_PRESET_EXTREME},
    {1, FLAVOUR_SDK, 9},
    {1, FLAVOUR_SDK, 7},
    {1, FLAVOUR_LIBLZMA, 7},
    {1, FLAVOUR_LIBLZMA, 8},
    {1, FLAVOUR_LIBLZMA, 6 | LZMA_PRESET_EXTREME},
    {2, FLAVOUR_SDK, 6},
    {2, FLAVOUR_SDK, 8},
    {2, FLAVOUR_SDK, 4},
    {2, FLAVOUR_SDK, 3},
    {2, FLAVOUR_SDK, 1},
    {2, FLAVOUR_LIBLZMA, 5},
    {2, FLAVOUR_LIBLZMA, 4},
    {2, FLAVOUR_LIBLZMA, 3},
    {2, FLAVOUR_LIBLZMA, 2},
    {2, FLAVOUR_LIBLZMA, 1},
    {2, FLAVOUR_LIBLZMA, 0},
};

/* liblzma never says the size, and always ends with a mark. */
static bool lzma_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                       size_t number)
{
    const bool sized = pack_le64(specimen->packed + 5) != UINT64_MAX;
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        const bool fits = guesses[i].flavour == FLAVOUR_SDK || !sized;
        if (!fits || guesses[i].effort > effort || number-- != 0)
            continue;
        recipe->count = PARAMETERS;
        recipe->parameters[FLAVOUR] = guesses[i].flavour;
        recipe->parameters[LEVEL] = guesses[i].level;
        recipe->parameters[DICTIONARY] = pack_le32(specimen->packed + 1);
        recipe->parameters[CODING] = specimen->packed[0];
        recipe->parameters[SIZED] = sized;
        recipe->parameters[MARKED] = !sized;
        return true;
    }
    return false;
}

static enum encoder lzma_encoder(const struct recipe *recipe)
{
    return recipe->parameters[FLAVOUR] == FLAVOUR_SDK ? ENCODER_SDK : ENCODER_LIBLZMA;
}

const struct stream_kind_entry kind_lzma = {
    .name = "lzma",
    .parameters = {0, PARAMETERS},
    .encoder = lzma_encoder,
    .begins = lzma_begins,
    .first = USUAL_CODING,
    .describe = describe_nothing,
    .open = lzma_open,
    .open_memory = lzma_open_memory,
    .guess = lzma_guess,
    .pack = lzma_pack,
    .pack_memory = lzma_pack_memory,
};
