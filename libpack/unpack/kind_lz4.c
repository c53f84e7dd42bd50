/* SPDX-License-Identifier: MIT */
/* LZ4 (lz4_Frame_format.md 1.6.2): the legacy frames of kernels, and frames. */
#include "base/checked.h"
#include "base/memory.h"
#include "unpack/kinds.h"

#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>

#define LEGACY_MAGIC UINT32_C(0x184c2102)
#define FRAME_MAGIC UINT32_C(0x184d2204)

enum {
    LEGACY_BLOCK = 8 << 20,
    LEVELS = 12,
    FRAME_HEADER = 7, /* the shortest */
    FRAME_MEMORY = 8 << 20,
};

/* DESCRIPTOR is the FLG byte and, from bit 8 on, the BD byte. */
enum legacy_parameter { LEGACY_LEVEL, LEGACY_PARAMETERS };
enum frame_parameter { FRAME_LEVEL, DESCRIPTOR, MANNER, FRAME_PARAMETERS };
enum manner { MANNER_BLOCKS, MANNER_AT_ONCE, MANNERS };

static enum encoder lz4_encoder(const struct recipe *recipe)
{
    (void)recipe;
    return ENCODER_LZ4;
}

/* The order of likelihood of the levels: kernels are packed at 9. */
static bool guess_level(uint32_t *level, unsigned effort, size_t number)
{
    static const uint8_t levels[] = {9, 1, 12, 0, 3, 4, 5, 6, 7, 8, 10, 11, 2};
    const size_t count = effort == 0 ? 3 : sizeof levels;
    if (number >= count)
        return false;
    *level = levels[number];
    return true;
}

/* --- legacy ---------------------------------------------------------------------------------- */

static bool legacy_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    *skip = 0;
    return size > 12 && pack_le32(bytes) == LEGACY_MAGIC && pack_le32(bytes + 4) != 0 &&
           pack_le32(bytes + 4) <= LZ4_COMPRESSBOUND(LEGACY_BLOCK);
}

static int open_block(struct source *source, struct pack_buffer *plain, size_t packed_size,
                      size_t *got, struct pack_error *error)
{
    const uint8_t *packed = NULL;
    const size_t room = (size_t)pack_min(LEGACY_BLOCK, plain->limit - plain->size);
    source_skip(source, 4);
    int code = source_take(source, &packed, packed_size, error);
    if (code == 0)
        code = pack_buffer_reserve(plain, room, error);
    if (code != 0)
        return code;
    const int size = LZ4_decompress_safe((const char *)packed, (char *)plain->bytes + plain->size,
                                         (int)packed_size, (int)room);
    if (size < 0)
        return stream_damaged("lz4", error);
    plain->size += (size_t)size;
    *got = (size_t)size;
    return 0;
}

/*
 * Nothing marks the end but a block that is not full; after a full last one comes something that
 * is no block, or, where the size is known, anything.
 */
static int legacy_open(const struct recipe *recipe, struct source *source,
                       struct pack_buffer *plain, size_t size, uint64_t memory,
                       struct pack_error *error)
{
    const size_t start = plain->size;
    const uint8_t *magic = NULL;
    size_t got = LEGACY_BLOCK;
    (void)recipe;
    (void)memory;
    int code = source_take(source, &magic, 4, error);
    if (code == 0 && pack_le32(magic) != LEGACY_MAGIC)
        return stream_damaged("lz4", error);
    while (code == 0 && got == LEGACY_BLOCK && plain->size - start < size) {
        code = source_fill(source, 4, error);
        if (code != 0 || source_left(source) < 4)
            break;
        const uint32_t packed_size = pack_le32(source_bytes(source));
        if (packed_size == 0 || packed_size > LZ4_COMPRESSBOUND(LEGACY_BLOCK))
            break;
        code = open_block(source, plain, packed_size, &got, error);
    }
    return code;
}

static uint64_t legacy_open_memory(const struct specimen *specimen)
{
    (void)specimen;
    return LZ4_COMPRESSBOUND(LEGACY_BLOCK);
}

static int compress_block(const struct recipe *recipe, const uint8_t *plain, int size, char *packed,
                          int capacity)
{
    const int level = (int)recipe->parameters[LEGACY_LEVEL];
    if (level < LZ4HC_CLEVEL_MIN)
        return LZ4_compress_fast((const char *)plain, packed, size, capacity, 1);
    return LZ4_compress_HC((const char *)plain, packed, size, capacity, level);
}

static int legacy_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                       struct pack_sink *sink, struct pack_error *error)
{
    const int capacity = LZ4_compressBound(LEGACY_BLOCK);
    char *packed PACK_AUTO_FREE = malloc((size_t)capacity);
    uint8_t number[4];
    if (packed == NULL)
        return pack_fail_memory(error);
    pack_put_le32(number, LEGACY_MAGIC);
    int code = pack_sink_write(sink, number, sizeof number, error);
    for (size_t done = 0; code == 0 && done < size; done += LEGACY_BLOCK) {
        const int part = (int)pack_min(LEGACY_BLOCK, size - done);
        const int used = compress_block(recipe, plain + done, part, packed, capacity);
        if (used <= 0)
            return pack_fail_memory(error);
        pack_put_le32(number, (uint32_t)used);
        code = pack_sink_write(sink, number, sizeof number, error);
        if (code == 0)
            code = pack_sink_write(sink, packed, (size_t)used, error);
    }
    return code;
}

static uint64_t legacy_pack_memory(const struct recipe *recipe, uint64_t size)
{
    (void)size;
    if (recipe->parameters[LEGACY_LEVEL] > LEVELS)
        return UINT64_MAX;
    return LZ4_COMPRESSBOUND(LEGACY_BLOCK) + (512 << 10);
}

static bool legacy_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                         size_t number)
{
    (void)specimen;
    recipe->count = LEGACY_PARAMETERS;
    return guess_level(&recipe->parameters[LEGACY_LEVEL], effort, number);
}

/* --- frames ---------------------------------------------------------------------------------- */

enum frame_flags { DICTIONARY = 1, CHECKSUM = 4, SIZED = 8, BLOCK_CHECKSUM = 16, INDEPENDENT = 32 };

static bool frame_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    *skip = 0;
    return size > FRAME_HEADER + 8 && pack_le32(bytes) == FRAME_MAGIC && bytes[4] >> 6 == 1 &&
           (bytes[4] & (DICTIONARY | 2)) == 0 && (bytes[5] & 0x8f) == 0 && bytes[5] >> 4 >= 4;
}

static void free_decoder(LZ4F_dctx **decoder)
{
    LZ4F_freeDecompressionContext(*decoder);
}

static int frame_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                      size_t size, uint64_t memory, struct pack_error *error)
{
    LZ4F_dctx *decoder PACK_AUTO(free_decoder) = NULL;
    (void)recipe;
    (void)size;
    (void)memory;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&decoder, LZ4F_VERSION)))
        return pack_fail_memory(error);
    for (size_t result = 1; result != 0;) {
        size_t room = 0;
        int code = source_fill(source, 1, error);
        if (code == 0)
            code = plain_room(plain, &room, error);
        if (code != 0)
            return code;
        size_t given = source_left(source);
        size_t made = room;
        result = LZ4F_decompress(decoder, plain->bytes + plain->size, &made, source_bytes(source),
                                 &given, NULL);
        if (LZ4F_isError(result))
            return stream_damaged("lz4", error);
        source_skip(source, given);
        plain->size += made;
        if (result != 0 && given == 0 && made == 0)
            return room == 0 ? pack_fail(error, PACK_E_LIMIT, "larger than %zu bytes", plain->limit)
                             : stream_damaged("lz4", error);
    }
    return 0;
}

static uint64_t frame_open_memory(const struct specimen *specimen)
{
    (void)specimen;
    return FRAME_MEMORY + (1 << 20);
}

static size_t block_size(unsigned identifier)
{
    return (size_t)1 << (8 + 2 * identifier);
}

static LZ4F_preferences_t preferences_of(const struct recipe *recipe, size_t size)
{
    const unsigned flags = recipe->parameters[DESCRIPTOR];
    return (LZ4F_preferences_t){
        .frameInfo = {.blockSizeID = (LZ4F_blockSizeID_t)(flags >> 12),
                      .blockMode = flags & INDEPENDENT ? LZ4F_blockIndependent : LZ4F_blockLinked,
                      .contentChecksumFlag =
                          flags & CHECKSUM ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum,
                      .contentSize = flags & SIZED ? size : 0,
                      .blockChecksumFlag = flags & BLOCK_CHECKSUM ? LZ4F_blockChecksumEnabled
                                                                  : LZ4F_noBlockChecksum},
        .compressionLevel = (int)recipe->parameters[FRAME_LEVEL],
        .autoFlush = 1};
}

static void free_frame_encoder(LZ4F_cctx **encoder)
{
    LZ4F_freeCompressionContext(*encoder);
}

static int write_frame(size_t used, const uint8_t *packed, struct pack_sink *sink,
                       struct pack_error *error)
{
    return LZ4F_isError(used) ? stream_damaged("recipe", error)
                              : pack_sink_write(sink, packed, used, error);
}

/* As libraries do; linked blocks then find each other's bytes where these lie. */
static int pack_at_once(const struct recipe *recipe, const uint8_t *plain, size_t size,
                        struct pack_sink *sink, struct pack_error *error)
{
    const LZ4F_preferences_t preferences = preferences_of(recipe, size);
    const size_t capacity = LZ4F_compressFrameBound(size, &preferences);
    uint8_t *packed PACK_AUTO_FREE = malloc(capacity);
    if (packed == NULL)
        return pack_fail_memory(error);
    return write_frame(LZ4F_compressFrame(packed, capacity, plain, size, &preferences), packed,
                       sink, error);
}

/* Given in whole blocks, as the program `lz4` does. */
static int pack_blocks(const struct recipe *recipe, const uint8_t *plain, size_t size,
                       struct pack_sink *sink, struct pack_error *error)
{
    const LZ4F_preferences_t preferences = preferences_of(recipe, size);
    const size_t block = block_size(recipe->parameters[DESCRIPTOR] >> 12);
    const size_t capacity = LZ4F_compressBound(block, &preferences) + LZ4F_HEADER_SIZE_MAX;
    uint8_t *packed PACK_AUTO_FREE = malloc(capacity);
    LZ4F_cctx *encoder PACK_AUTO(free_frame_encoder) = NULL;
    if (packed == NULL || LZ4F_isError(LZ4F_createCompressionContext(&encoder, LZ4F_VERSION)))
        return pack_fail_memory(error);
    int code = write_frame(LZ4F_compressBegin(encoder, packed, capacity, &preferences), packed,
                           sink, error);
    for (size_t done = 0; code == 0 && done < size; done += block) {
        const size_t part = (size_t)pack_min(block, size - done);
        code = write_frame(LZ4F_compressUpdate(encoder, packed, capacity, plain + done, part, NULL),
                           packed, sink, error);
    }
    if (code == 0)
        code = write_frame(LZ4F_compressEnd(encoder, packed, capacity, NULL), packed, sink, error);
    return code;
}

static int frame_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                      struct pack_sink *sink, struct pack_error *error)
{
    return (recipe->parameters[MANNER] == MANNER_AT_ONCE ? pack_at_once : pack_blocks)(
        recipe, plain, size, sink, error);
}

static uint64_t frame_pack_memory(const struct recipe *recipe, uint64_t size)
{
    const uint32_t descriptor = recipe->parameters[DESCRIPTOR];
    if (recipe->parameters[FRAME_LEVEL] > LEVELS || recipe->parameters[MANNER] >= MANNERS ||
        descriptor >> 16 != 0 || descriptor >> 12 < LZ4F_max64KB || descriptor >> 12 > LZ4F_max4MB)
        return UINT64_MAX;
    const uint64_t at_once = recipe->parameters[MANNER] == MANNER_AT_ONCE ? size + size / 128 : 0;
    return 3 * (uint64_t)block_size(descriptor >> 12) + (1 << 20) + at_once;
}

static bool frame_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                        size_t number)
{
    recipe->count = FRAME_PARAMETERS;
    const bool linked = (specimen->packed[4] & INDEPENDENT) == 0;
    recipe->parameters[DESCRIPTOR] = pack_le16(specimen->packed + 4);
    recipe->parameters[MANNER] = (number % 2 == 0) == linked ? MANNER_AT_ONCE : MANNER_BLOCKS;
    return guess_level(&recipe->parameters[FRAME_LEVEL], effort, number / 2);
}

const struct stream_kind_entry kind_lz4_legacy = {
    .name = "lz4",
    .parameters = {0, LEGACY_PARAMETERS},
    .encoder = lz4_encoder,
    .begins = legacy_begins,
    .first = 0x02,
    .describe = describe_nothing,
    .open = legacy_open,
    .open_memory = legacy_open_memory,
    .guess = legacy_guess,
    .pack = legacy_pack,
    .pack_memory = legacy_pack_memory,
};

const struct stream_kind_entry kind_lz4_frame = {
    .name = "lz4 frame",
    .parameters = {0, FRAME_PARAMETERS},
    .encoder = lz4_encoder,
    .begins = frame_begins,
    .first = 0x04,
    .describe = describe_nothing,
    .open = frame_open,
    .open_memory = frame_open_memory,
    .guess = frame_guess,
    .pack = frame_pack,
    .pack_memory = frame_pack_memory,
};
