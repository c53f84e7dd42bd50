/* SPDX-License-Identifier: MIT */
/*
 * The decoder of patches. The first byte's lowest bits choose: a whole patch as it is (3), or a
 * body behind a header of the tiny, small or full profile that is right as far as it goes. Bit 2
 * says in place, bit 3 unpacked. Then, for a header: the new image's size (2 bytes), counts of
 * covers, old ranges, new ranges and regions, three sizes of the model, page and scratch, plans'
 * sizes, the opened images' sizes (2 bytes each).
 */
#include "patch_target.h"

#include "patch/header.h"

enum { OLD_SIZE = 2048, FIELDS = 16, KIND_RAW = 3, IN_PLACE = 4, UNPACKED = 8 };

/* The base of all seeds; make_patch_seeds.py knows it too. */
static void fill_old(uint8_t old_bytes[OLD_SIZE])
{
    uint32_t state = 1;
    for (size_t i = 0; i < OLD_SIZE; i++) {
        state = state * UINT32_C(1664525) + UINT32_C(1013904223);
        old_bytes[i] =
            (uint8_t)(i % 4 == 3 ? 0xf0 | (state >> 29) : state >> (i % 4 == 0 ? 24 : 28));
    }
}

static int put_header(struct pack_buffer *patch, const uint8_t *fields, const uint8_t *old_bytes,
                      uint32_t *seal, struct pack_error *error)
{
    struct patch_header header = {
        .profile = fields[0] & 3,
        .flags = (uint8_t)((fields[0] & IN_PLACE ? PATCH_IN_PLACE : 0) |
                           (fields[0] & UNPACKED ? PATCH_UNPACKED : 0)),
        .old_size = OLD_SIZE,
        .new_size = pack_le16(fields + 1),
        .memory = PATCH_TARGET_MEMORY,
        .cover_count = fields[3],
        .old_range_count = fields[4] % 5,
        .new_range_count = fields[5] % 5,
        .region_count = fields[6] % 5,
        .model = {fields[7], fields[8], fields[9]},
        .page_size = UINT32_C(128) << fields[10] % 4,
        .scratch_size = (UINT32_C(128) << fields[10] % 4) * (fields[10] / 4 % 8),
        .old_plan_size = fields[11],
        .new_plan_size = fields[11],
        .plain_old_size = pack_le16(fields + 12),
        .plain_new_size = pack_le16(fields + 14),
    };
    uint8_t bytes[PATCH_MAX_HEADER];
    int code = pack_sha256_bytes(old_bytes, OLD_SIZE, header.old_hash, error);
    const size_t header_size = patch_header_encode(&header, bytes);
    *seal = patch_header_seal(bytes, header_size);
    return code != 0 ? code : pack_buffer_append(patch, bytes, header_size, error);
}

/* What follows the header; its first bytes are sealed, so that a seed's body fits this header. */
static int put_body(struct pack_buffer *patch, const uint8_t *body, size_t size, uint32_t seal,
                    struct pack_error *error)
{
    const size_t start = patch->size;
    const int code = pack_buffer_append(patch, body, size, error);
    for (size_t i = 0; code == 0 && i < 4 && i < size; i++)
        patch->bytes[start + i] ^= (uint8_t)(seal >> (24 - 8 * i));
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer patch PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct pack_buffer made PACK_AUTO_BUFFER = {.limit = 64 << 20};
    uint8_t old_bytes[OLD_SIZE];
    fill_old(old_bytes);
    const size_t start = size != 0 && (data[0] & 3) == KIND_RAW ? 1 : FIELDS;
    if (size < start)
        return 0;
    uint32_t seal = 0;
    if (start == FIELDS && put_header(&patch, data, old_bytes, &seal, &error) != 0)
        return 0;
    if (put_body(&patch, data + start, size - start, seal, &error) != 0)
        return 0;
    const int code =
        patch_target_apply(patch.bytes, patch.size, old_bytes, OLD_SIZE, &made, &error);
    if (code != (int)error.code || code == PACK_E_INTERNAL)
        abort();
    return 0;
}
