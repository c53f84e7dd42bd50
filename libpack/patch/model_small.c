/* SPDX-License-Identifier: MIT */
#include "patch/mix.h"
#include "patch/model.h"

#include <string.h>

/* The full model's best contexts, and one mixer each, for devices with tens of KiB. */

enum use { USE_HIT, USE_MISS, USE_EXTRA };

#define CONTEXTS 6
#define STRETCH_BITS 10
#define RUN_LEVELS 16

static const struct mix_shape shapes[MIX_USES] = {
    [USE_HIT] = {.contexts = CONTEXTS, .select = {16, 0}},
    [USE_MISS] = {.contexts = CONTEXTS, .select = {16, 0}},
    [USE_EXTRA] = {.contexts = CONTEXTS, .select = {8, 0}},
};

struct small {
    struct mix_tables tables;
    struct mix mixes[MIX_USES];
    uint16_t runs[RUN_LEVELS][4];
};

static size_t small_memory(const struct patch_model_size *size)
{
    if (size->slot_bits < 8 || size->slot_bits > 14 || size->history_bits || size->index_bits)
        return 0;
    size_t sum = sizeof(struct small) + mix_tables_size(size->slot_bits, STRETCH_BITS);
    for (int i = 0; i < MIX_USES; i++)
        sum += mix_size(&shapes[i]);
    return sum;
}

static void small_bind(void *memory, const struct patch_model_size *size)
{
    struct small *small = memory;
    uint8_t *rest = (uint8_t *)memory + sizeof(*small);
    mix_tables_bind(&small->tables, size->slot_bits, STRETCH_BITS, &rest);
    for (int i = 0; i < MIX_USES; i++)
        mix_bind(&small->mixes[i], &shapes[i], &rest);
}

static void small_begin(void *memory, const struct patch_model_size *size)
{
    struct small *small = memory;
    memset(small, 0, sizeof(*small));
    small_bind(memory, size);
    mix_tables_begin(&small->tables);
    for (int i = 0; i < MIX_USES; i++)
        mix_begin(&small->mixes[i]);
    for (size_t i = 0; i < RUN_LEVELS * 4; i++)
        small->runs[i / 4][i % 4] = PATCH_HALF;
}

static unsigned small_run(void *memory, struct patch_coder *coder, unsigned level, unsigned risk,
                          const struct patch_place *place, unsigned bit)
{
    struct small *small = memory;
    (void)place;
    return patch_code_adaptive(coder, &small->runs[level][risk], 5, bit);
}

static unsigned small_hit(void *memory, struct patch_coder *coder, const struct patch_place *place,
                          unsigned bit)
{
    struct small *small = memory;
    const uint8_t *old = place->old;
    uint32_t group = place->kind >> 4, moved = place->predicted != old[0];
    uint32_t at = (uint32_t)place->offset & 3;
    uint32_t hashes[CONTEXTS] = {
        mix_hash(1, (place->misses & 0xff) << 9 | moved << 8 | place->kind),
        mix_hash(2, (place->since_miss > 15 ? 15 : place->since_miss) << 11 | moved << 10 |
                        at << 8 | place->kind),
        mix_hash(3, (place->group_misses[group] & 15) << 9 | moved << 8 | place->kind),
        mix_hash(4, (uint32_t)old[-1] << 16 | (uint32_t)old[0] << 8 | old[1]),
        mix_hash(5, (uint32_t)place->predicted << 2 | at),
        mix_hash(6, (uint32_t)place->kind_difference[place->kind] << 8 | place->kind),
    };
    struct mix_question question = {.select = {place->misses & 15, 0}};
    mix_find_flag(&question, &small->tables, hashes, CONTEXTS);
    return mix_code_bit(&small->mixes[USE_HIT], &small->tables, coder, &question, bit);
}

static uint8_t small_byte(struct small *small, enum use use, struct patch_coder *coder,
                          const uint32_t *hashes, unsigned other, uint8_t byte)
{
    struct mix_question question = {.directs = NULL};
    uint32_t stirred[CONTEXTS], partial = 1;
    for (unsigned i = 0; i < 8; i++) {
        unsigned bit = byte >> (7 - i) & 1;
        bool same = use == USE_MISS && partial == (other >> (8 - i) | 1u << i);
        if (i == 7 && same) { /* a miss is not the predicted byte */
            bit = !(other & 1);
        } else {
            /* Bit by bit: groups of histories would waste a small table. */
            for (size_t c = 0; c < CONTEXTS; c++)
                stirred[c] = mix_hash(hashes[c], partial);
            mix_find_flag(&question, &small->tables, stirred, CONTEXTS);
            question.select[0] = use == USE_MISS ? i << 1 | same : i;
            bit = mix_code_bit(&small->mixes[use], &small->tables, coder, &question, bit);
        }
        partial = partial << 1 | bit;
    }
    return (uint8_t)partial;
}

static uint8_t small_miss(void *memory, struct patch_coder *coder, const struct patch_place *place,
                          uint8_t byte)
{
    uint32_t p = place->predicted, at = (uint32_t)place->offset & 3;
    uint8_t before = place->differences[(place->offset - 1) & (PATCH_DIFFERENCES - 1)];
    uint8_t stride = place->differences[(place->offset - 4) & (PATCH_DIFFERENCES - 1)];
    uint32_t hashes[CONTEXTS] = {
        mix_hash(21, p << 8 | place->kind),
        mix_hash(22, ((p + place->kind_difference[place->kind]) & 0xff) << 8 | place->kind),
        mix_hash(23, (uint32_t)before << 8 | p),
        mix_hash(24, ((p + stride) & 0xff) << 2 | at),
        mix_hash(25, place->last[0] & 0xffff),
        mix_hash(26, (uint32_t)place->kind << 2 | at),
    };
    return small_byte(memory, USE_MISS, coder, hashes, p, byte);
}

static uint8_t small_extra(void *memory, struct patch_coder *coder, const struct patch_place *place,
                           patch_old_function old, void *user, uint8_t byte)
{
    (void)old;
    (void)user;
    uint32_t near = place->last[0], at = (uint32_t)place->offset & 3;
    uint32_t ghost =
        place->has_ghost[0] ? (uint32_t)place->ghost[0] << 4 | (place->ghost_misses[0] & 7) | 8 : 0;
    uint32_t hashes[CONTEXTS] = {
        mix_hash(41, near & 0xff),
        mix_hash(42, near & 0xffff),
        mix_hash(43, ghost),
        mix_hash(44, near & 0xffffff),
        mix_hash(45, (near >> 24) << 10 | at << 8 | (near & 0xff)),
        mix_hash(46, at),
    };
    return small_byte(memory, USE_EXTRA, coder, hashes, 0, byte);
}

const struct patch_model_kind patch_model_small = {
    .memory = small_memory,
    .begin = small_begin,
    .bind = small_bind,
    .run = small_run,
    .hit = small_hit,
    .miss = small_miss,
    .extra = small_extra,
};
