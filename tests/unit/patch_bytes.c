/* SPDX-License-Identifier: MIT */
#include "patch_bytes.h"

#include "support/test.h"

#include "base/memory.h"
#include "patch/decoder.h"

/* --- pairs ----------------------------------------------------------------------------------- */

void patch_pair_free(struct patch_pair *pair)
{
    free(pair->old_bytes);
    free(pair->new_bytes);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state >> 16;
}

static struct patch_pair pair_of(size_t old_size, size_t new_size)
{
    struct patch_pair pair = {.old_size = old_size, .new_size = new_size};
    pair.old_bytes = calloc(old_size + 1, 1);
    pair.new_bytes = calloc(new_size + 1, 1);
    assert_non_null(pair.old_bytes);
    assert_non_null(pair.new_bytes);
    return pair;
}

/* A Thumb BL to a place near by, a pointer into flash, or something else. */
static void put_word(uint8_t *word, uint32_t at, uint32_t moved, uint32_t *seed)
{
    const uint32_t what = next_random(seed) % 8, value = next_random(seed);
    if (what == 0)
        pack_put_le32(word, UINT32_C(0xf800f000) | (value & 0x3ff) | (value + moved) << 16 % 2048);
    else if (what == 1)
        pack_put_le32(word, UINT32_C(0x08000000) + (value + at) % 4096 + moved);
    else
        pack_put_le32(word, what == 2 ? 0 : value % 64 * UINT32_C(0x01010001));
}

struct patch_pair patch_pair_code(size_t size)
{
    const size_t added = size / 16 * 4;
    struct patch_pair pair = pair_of(size, size + added);
    uint32_t seeds[2] = {1, 1};
    for (size_t at = 0; at + 4 <= size; at += 4) {
        const bool behind = at >= size / 2;
        put_word(pair.old_bytes + at, (uint32_t)at, 0, &seeds[0]);
        put_word(pair.new_bytes + at + (behind ? added : 0), (uint32_t)at, behind ? 64 : 0,
                 &seeds[1]);
    }
    for (size_t i = 0; i < added; i++)
        pair.new_bytes[size / 2 / 4 * 4 + i] = (uint8_t)next_random(&seeds[0]);
    for (size_t i = 11; i < pair.new_size; i += 151)
        pair.new_bytes[i] ^= 0x21;
    return pair;
}

struct patch_pair patch_pair_unrelated(size_t size)
{
    struct patch_pair pair = pair_of(size, size);
    uint32_t seed = 5;
    for (size_t i = 0; i < size; i++)
        pair.old_bytes[i] = (uint8_t)next_random(&seed);
    for (size_t i = 0; i < size; i++)
        pair.new_bytes[i] = (uint8_t)next_random(&seed);
    return pair;
}

/* --- patches --------------------------------------------------------------------------------- */

struct memory_sink {
    struct pack_sink sink;
    struct pack_buffer *bytes;
};

static int keep(struct pack_sink *sink, const void *bytes, size_t size, struct pack_error *error)
{
    return pack_buffer_append(((struct memory_sink *)(void *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops keep_ops = {.write = keep};

struct pack_buffer patch_make(const struct patch_pair *pair,
                              const struct pack_delta_options *options)
{
    static const struct pack_context context = {.jobs = 1};
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer patch = {.limit = SIZE_MAX / 2};
    struct memory_sink sink = {.sink.ops = &keep_ops, .bytes = &patch};
    struct pack_input *old_image PACK_AUTO(pack_input_close) = NULL;
    struct pack_input *new_image PACK_AUTO(pack_input_close) = NULL;
    assert_pack_ok(pack_input_memory(&old_image, pair->old_bytes, pair->old_size, "old", &error));
    assert_pack_ok(pack_input_memory(&new_image, pair->new_bytes, pair->new_size, "new", &error));
    assert_pack_ok(
        pack_delta_create(&context, old_image, new_image, &sink.sink, options, NULL, &error));
    return patch;
}

int patch_apply_bytes(const uint8_t *patch, size_t size, const uint8_t *old_bytes, size_t old_size,
                      struct pack_buffer *made, struct pack_error *error)
{
    static const struct pack_context context = {.jobs = 1, .decoder_memory = 64 << 20};
    struct memory_sink sink = {.sink.ops = &keep_ops, .bytes = made};
    struct pack_input *patch_input PACK_AUTO(pack_input_close) = NULL;
    struct pack_input *old_image PACK_AUTO(pack_input_close) = NULL;
    pack_buffer_clear(made);
    int code = pack_input_memory(&patch_input, patch, size, "patch", error);
    if (code == 0)
        code = pack_input_memory(&old_image, old_bytes, old_size, "base", error);
    return code != 0 ? code : pack_patch_apply(&context, patch_input, old_image, &sink.sink, error);
}

struct patch_header patch_header_for(const struct patch_pair *pair, uint8_t profile)
{
    struct pack_error error = {.code = PACK_OK};
    struct patch_header header = {
        .profile = profile,
        .old_size = pair->old_size,
        .new_size = pair->new_size,
        .plain_old_size = pair->old_size,
        .plain_new_size = pair->new_size,
        .memory = 32 << 20,
        .model.slot_bits = profile == PATCH_TINY    ? 0
                           : profile == PATCH_SMALL ? 12
                                                    : 15,
    };
    assert_pack_ok(pack_sha256_bytes(pair->old_bytes, pair->old_size, header.old_hash, &error));
    assert_pack_ok(pack_sha256_bytes(pair->new_bytes, pair->new_size, header.new_hash, &error));
    return header;
}

static bool append(void *user, const uint8_t *bytes, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    return pack_buffer_append(user, bytes, size, &error) == 0;
}

struct pack_buffer patch_with_tables(struct patch_header *header, struct patch_tables *tables,
                                     uint64_t old_size, uint64_t new_size)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer patch = {.limit = SIZE_MAX / 2};
    uint8_t bytes[PATCH_MAX_HEADER];
    header->cover_count = (uint32_t)tables->cover_count;
    header->old_range_count = (uint32_t)tables->old_range_count;
    header->new_range_count = (uint32_t)tables->new_range_count;
    header->region_count = (uint32_t)tables->region_count;
    const size_t header_size = patch_header_encode(header, bytes);
    const uint32_t seal = patch_header_seal(bytes, header_size);
    assert_pack_ok(pack_buffer_append(&patch, bytes, header_size, &error));
    struct patch_coder coder;
    const struct patch_source source = {.size = old_size};
    patch_coder_write(&coder, append, &patch);
    /* It may find fault with them, but writes them first. */
    uint64_t work[PATCH_TABLES_WORK / sizeof(uint64_t)];
    tables->work = work;
    (void)patch_code_tables(&coder, tables, &source, new_size);
    tables->work = NULL;
    patch_coder_write_end(&coder);
    for (size_t i = 0; i < 4; i++)
        patch.bytes[header_size + i] ^= (uint8_t)(seal >> (24 - 8 * i));
    return patch;
}
