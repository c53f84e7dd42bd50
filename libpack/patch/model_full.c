/* SPDX-License-Identifier: MIT */
#include "patch/mix.h"
#include "patch/model.h"
#include "patch/predict.h"
#include "patch/repeats.h"

#include <string.h>

enum use { USE_HIT, USE_MISS, USE_EXTRA };

#define STRETCH_BITS 12
#define REPEAT_LENGTHS 16
#define RUN_LEVELS 16

/* The directs are what the two repeats say. */
static const struct mix_shape shapes[MIX_USES] = {
    [USE_HIT] = {.contexts = 11, .directs = 0, .select = {1024, 256}, .refine = 256},
    [USE_MISS] = {.contexts = 13, .directs = 0, .select = {256, 256}, .refine = 256},
    [USE_EXTRA] = {.contexts = 17, .directs = 2, .select = {2048, 256}, .refine = 256},
};

struct full {
    struct mix_tables tables;
    struct mix mixes[MIX_USES];
    struct repeats repeats;
    uint16_t repeat_right[2][REPEAT_LENGTHS]; /* that an expected bit comes, by length */
    uint16_t runs[RUN_LEVELS][4][4];
};

static size_t full_memory(const struct patch_model_size *size)
{
    if (size->slot_bits < 10 || size->slot_bits > 24 || size->history_bits > 24 ||
        size->index_bits > 24)
        return 0;
    size_t sum =
        sizeof(struct full) + mix_tables_size(size->slot_bits, STRETCH_BITS) + repeats_size(size);
    for (int i = 0; i < MIX_USES; i++)
        sum += mix_size(&shapes[i]);
    return sum;
}

static void full_bind(void *memory, const struct patch_model_size *size)
{
    struct full *full = memory;
    uint8_t *rest = (uint8_t *)memory + sizeof(*full);
    mix_tables_bind(&full->tables, size->slot_bits, STRETCH_BITS, &rest);
    for (int i = 0; i < MIX_USES; i++)
        mix_bind(&full->mixes[i], &shapes[i], &rest);
    repeats_bind(&full->repeats, size, &rest);
}

static void full_begin(void *memory, const struct patch_model_size *size)
{
    struct full *full = memory;
    memset(full, 0, sizeof(*full));
    full_bind(memory, size);
    mix_tables_begin(&full->tables);
    for (int i = 0; i < MIX_USES; i++)
        mix_begin(&full->mixes[i]);
    repeats_begin(&full->repeats);
    for (int i = 0; i < 2; i++)
        for (unsigned length = 0; length < REPEAT_LENGTHS; length++)
            full->repeat_right[i][length] = (uint16_t)(65535 - 32768 / (length + 2));
    for (size_t i = 0; i < RUN_LEVELS * 4 * 4; i++)
        full->runs[i / 16][i / 4 % 4][i % 4] = PATCH_HALF;
}

static void full_train(void *memory, const uint8_t *bytes, size_t size)
{
    struct full *full = memory;
    repeats_train(&full->repeats, bytes, size);
}

static void full_learn(void *memory, const uint8_t *bytes, size_t size)
{
    struct full *full = memory;
    repeats_learn(&full->repeats, bytes, size);
}

/* --- copied bytes ----------------------------------------------------------------------------- */

static unsigned log_bucket(uint32_t value)
{
    unsigned bits = 0;
    while (value > 0) {
        value >>= 1;
        bits++;
    }
    return bits;
}

static unsigned full_run(void *memory, struct patch_coder *coder, unsigned level, unsigned risk,
                         const struct patch_place *place, unsigned bit)
{
    struct full *full = memory;
    unsigned recent = log_bucket(place->since_miss) / 4;
    return patch_code_adaptive(coder, &full->runs[level][risk][recent > 3 ? 3 : recent], 5, bit);
}

/* A byte's group with what makes its prediction more or less likely to hold. */
static unsigned field_of(const struct patch_place *place)
{
    return place->kind;
}

/* The old bytes of the aligned word around the place. */
static uint32_t old_word(const struct patch_place *place)
{
    const uint8_t *at = place->old - (place->offset & 3);
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint8_t difference(const struct patch_place *place, unsigned back)
{
    return place->differences[(place->offset - back) & (PATCH_DIFFERENCES - 1)];
}

static unsigned missed_at(const struct patch_place *place, unsigned back)
{
    return place->misses >> (back - 1) & 1;
}

static unsigned full_hit(void *memory, struct patch_coder *coder, const struct patch_place *place,
                         unsigned bit)
{
    struct full *full = memory;
    const uint8_t *old = place->old;
    uint32_t field = field_of(place), group = field >> 4;
    uint32_t moved = place->predicted != old[0];
    uint32_t since = log_bucket(place->since_miss);
    uint32_t strides = missed_at(place, 1) | missed_at(place, 2) << 1 | missed_at(place, 3) << 2 |
                       missed_at(place, 4) << 3 | missed_at(place, 8) << 4 |
                       missed_at(place, 12) << 5 | missed_at(place, 16) << 6 |
                       missed_at(place, 24) << 7;
    uint32_t at = (uint32_t)place->offset & 3;
    uint32_t hashes[MIX_INPUTS] = {
        mix_hash(1, (place->misses & 0xff) << 9 | moved << 8 | field),
        mix_hash(2, since << 11 | moved << 10 | at << 8 | field),
        mix_hash(3, (place->group_misses[group] & 15) << 9 | moved << 8 | field),
        mix_hash(mix_hash(4, old_word(place)), at),
        mix_hash(5, (uint32_t)place->predicted << 8 | old[-1]),
        mix_hash(6, strides << 8 | at << 6 | moved),
        mix_hash(7, (uint32_t)old[-1] << 16 | (uint32_t)old[0] << 8 | old[1]),
        mix_hash(8, place->misses & 0xffff),
        mix_hash(9, (uint32_t)place->kind_difference[field] << 8 | field),
        mix_hash(10, (place->last[0] & 0xff) << 8 | place->predicted),
        mix_hash(mix_hash(11, (uint32_t)old[-2] << 8 | old[2]),
                 (uint32_t)old[-1] << 16 | (uint32_t)old[0] << 8 | old[1]),
    };
    struct mix_question question = {
        .select = {(since > 15 ? 15 : since) * 64 + (group << 1 | moved), place->misses & 0xff},
        .refine = field,
    };
    mix_find_flag(&question, &full->tables, hashes, shapes[USE_HIT].contexts);
    return mix_code_bit(&full->mixes[USE_HIT], &full->tables, coder, &question, bit);
}

/* What is known of a nibble: 1, then its bits so far. */
static unsigned nibble_step(uint32_t partial, unsigned index)
{
    unsigned known = index & 3;
    return (1u << known) | (partial & ((1u << known) - 1));
}

static uint8_t full_miss(void *memory, struct patch_coder *coder, const struct patch_place *place,
                         uint8_t byte)
{
    struct full *full = memory;
    const uint8_t *old = place->old;
    uint32_t p = place->predicted, field = field_of(place), c1 = place->last[0] & 0xff;
    uint32_t at = (uint32_t)place->offset & 3;
    uint32_t hashes[MIX_INPUTS] = {
        mix_hash(21, p << 8 | field),
        mix_hash(22, ((p + place->kind_difference[field]) & 0xff) << 8 | field),
        mix_hash(23, (uint32_t)difference(place, 1) << 8 | p),
        mix_hash(mix_hash(24, old_word(place)), at),
        mix_hash(25, ((p + difference(place, 4)) & 0xff) << 2 | at),
        mix_hash(26, c1 << 8 | p),
        mix_hash(27, place->last[0] & 0xffff),
        mix_hash(28, p << 8 | old[0]),
        mix_hash(29, ((p + difference(place, 8)) & 0xff) << 2 | at),
        mix_hash(30, (uint32_t)old[-1] << 16 | (uint32_t)old[0] << 8 | old[1]),
        mix_hash(31, place->last[0] & 0xffffff),
        mix_hash(32, field << 2 | at),
        mix_hash(33, (uint32_t)difference(place, 1) << 16 | (uint32_t)difference(place, 2) << 8 |
                         field),
    };
    struct mix_question question = {.directs = NULL};
    uint32_t partial = 1;
    for (unsigned i = 0; i < 8; i++) {
        if (i % 4 == 0)
            mix_find_nibble(&question, &full->tables, hashes, shapes[USE_MISS].contexts, partial);
        uint32_t known = p >> (7 - i) | UINT32_C(1) << (i + 1);
        bool same = partial == known >> 1; /* so far it is the predicted byte, which it is not */
        unsigned bit = byte >> (7 - i) & 1;
        if (i == 7 && same) {
            bit = !(p & 1);
        } else {
            question.step = nibble_step(partial, i);
            question.select[0] = i << 1 | same;
            question.select[1] = field;
            question.refine = partial;
            bit = mix_code_bit(&full->mixes[USE_MISS], &full->tables, coder, &question, bit);
        }
        partial = partial << 1 | bit;
    }
    return (uint8_t)partial;
}

/* --- new bytes -------------------------------------------------------------------------------- */

struct expectation {
    bool active; /* the byte agrees so far */
    unsigned bit;
    uint16_t *right;
};

static int16_t expect(struct full *full, int which, const struct repeat *repeat, uint32_t partial,
                      unsigned index, struct expectation *expectation)
{
    uint32_t symbol = repeat->expected | 256u;
    expectation->active = repeat->length > 0 && symbol >> (8 - index) == partial;
    if (!expectation->active)
        return 0;
    unsigned length = repeat->length < 16 ? repeat->length / 2 : 6 + log_bucket(repeat->length) / 2;
    expectation->bit = symbol >> (7 - index) & 1;
    expectation->right =
        &full->repeat_right[which][length < REPEAT_LENGTHS ? length : REPEAT_LENGTHS - 1];
    int x = mix_stretch(&full->tables, *expectation->right);
    return (int16_t)(expectation->bit ? x : -x);
}

static void expect_learn(const struct expectation *expectation, unsigned bit)
{
    if (!expectation->active)
        return;
    uint16_t *right = expectation->right;
    if (bit == expectation->bit)
        *right = (uint16_t)(*right + ((65535u - *right) >> 6));
    else
        *right = (uint16_t)(*right - (*right >> 6));
}

static uint32_t repeat_key(const struct repeat *repeat)
{
    uint32_t length = repeat->length > 15 ? 15 : repeat->length;
    return repeat->length ? length << 8 | repeat->expected : 0;
}

static void extra_hashes(const struct full *full, const struct patch_place *place,
                         uint32_t hashes[MIX_INPUTS])
{
    uint32_t near = place->last[0], far = place->last[1], at = (uint32_t)place->offset & 3;
    uint32_t ghost0 =
        place->has_ghost[0] ? (uint32_t)place->ghost[0] << 4 | (place->ghost_misses[0] & 7) | 8 : 0;
    uint32_t ghost1 =
        place->has_ghost[1] ? (uint32_t)place->ghost[1] << 4 | (place->ghost_misses[1] & 7) | 8 : 0;
    hashes[0] = mix_hash(41, near & 0xff);
    hashes[1] = mix_hash(42, near & 0xffff);
    hashes[2] = mix_hash(43, ghost0);
    hashes[3] = mix_hash(44, near & 0xffffff);
    hashes[4] = mix_hash(45, (near >> 24) << 10 | at << 8 | (near & 0xff));
    hashes[5] = mix_hash(46, at);
    hashes[6] = mix_hash(47, near);
    hashes[7] = mix_hash(mix_hash(48, near), far & 0xffff);
    hashes[8] = mix_hash(49, ghost1);
    hashes[9] = mix_hash(50, near & 0xffff00);
    hashes[10] = mix_hash(mix_hash(51, near >> 24), far & 0xff);
    hashes[11] = mix_hash(52, ghost0 << 8 | (near & 0xff));
    hashes[12] = mix_hash(53, (near & 0xff000000) | at);
    hashes[13] = mix_hash(54, repeat_key(&full->repeats.old_image));
    hashes[14] = mix_hash(55, repeat_key(&full->repeats.new_image));
    hashes[15] = mix_hash(56, near & 0xff0000);
    hashes[16] = mix_hash(57, near & 0xff00ff);
}

static uint8_t full_extra(void *memory, struct patch_coder *coder, const struct patch_place *place,
                          patch_old_function old, void *user, uint8_t byte)
{
    struct full *full = memory;
    uint32_t hashes[MIX_INPUTS];
    int16_t directs[2];
    struct expectation expectations[2];
    repeats_find(&full->repeats, place, old, user);
    extra_hashes(full, place, hashes);
    struct mix_question question = {.directs = directs};
    const struct repeat *found[2] = {&full->repeats.old_image, &full->repeats.new_image};
    uint32_t partial = 1;
    for (unsigned i = 0; i < 8; i++) {
        if (i % 4 == 0)
            mix_find_nibble(&question, &full->tables, hashes, shapes[USE_EXTRA].contexts, partial);
        unsigned bit = byte >> (7 - i) & 1, state = 0;
        for (int which = 0; which < 2; which++) {
            directs[which] = expect(full, which, found[which], partial, i, &expectations[which]);
            unsigned length = log_bucket(found[which]->length);
            state = state * 8 +
                    (expectations[which].active ? 1 + (length > 9 ? 9 : length) * 2 / 3 : 0);
        }
        question.step = nibble_step(partial, i);
        question.select[0] = (state & 63) << 3 | i;
        question.select[1] = place->last[0] & 0xff;
        question.refine = partial;
        bit = mix_code_bit(&full->mixes[USE_EXTRA], &full->tables, coder, &question, bit);
        for (int which = 0; which < 2; which++)
            expect_learn(&expectations[which], bit);
        partial = partial << 1 | bit;
    }
    repeats_update(&full->repeats, place, (uint8_t)partial);
    return (uint8_t)partial;
}

const struct patch_model_kind patch_model_full = {
    .memory = full_memory,
    .begin = full_begin,
    .bind = full_bind,
    .train = full_train,
    .run = full_run,
    .hit = full_hit,
    .miss = full_miss,
    .extra = full_extra,
    .learn = full_learn,
};
