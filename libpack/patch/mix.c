/* SPDX-License-Identifier: MIT */
#include "patch/mix.h"

#include <string.h>

/* Most of the time is spent in loops over inputs, which such a machine does eight at a time. */
#if defined __x86_64__ && defined __GNUC__
#define HAS_WIDE
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* 65536 / (1 + e^(−x / 256)) for x = −2048, −1920 … 2048. */
static const uint16_t logistic[33] = {22,    36,    60,    98,    162,   267,   439,   720,   1179,
                                      1921,  3108,  4971,  7812,  11955, 17625, 24743, 32768, 40793,
                                      47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097,
                                      65269, 65374, 65438, 65476, 65500, 65514};

static uint32_t squash(int x)
{
    if (x <= -2047)
        return logistic[0];
    if (x >= 2047)
        return logistic[32];
    unsigned place = (unsigned)(x + 2048);
    unsigned weight = place & 127;
    return (logistic[place >> 7] * (128 - weight) + logistic[(place >> 7) + 1] * weight + 64) >> 7;
}

/* --- memory ----------------------------------------------------------------------------------- */

static size_t rounded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static void *take(uint8_t **memory, size_t size)
{
    void *start = *memory;
    *memory += rounded(size);
    return start;
}

size_t mix_tables_size(unsigned slot_bits, unsigned stretch_bits)
{
    return rounded((size_t)2 << slot_bits) + rounded(sizeof(int16_t) << stretch_bits) +
           rounded(sizeof(uint16_t) * MIX_RATES) + 512;
}

void mix_tables_bind(struct mix_tables *tables, unsigned slot_bits, unsigned stretch_bits,
                     uint8_t **memory)
{
    tables->slot_bits = slot_bits;
    tables->stretch_bits = stretch_bits;
    tables->slots = take(memory, (size_t)2 << slot_bits);
    tables->stretch = take(memory, sizeof(int16_t) << stretch_bits);
    tables->rates = take(memory, sizeof(uint16_t) * MIX_RATES);
    tables->next = take(memory, 512);
#ifdef HAS_WIDE
    tables->is_wide = __builtin_cpu_supports("avx2") != 0;
#endif
}

static uint8_t next_history(unsigned history, unsigned bit)
{
    static const uint8_t kept[16] = {0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6};
    unsigned zeros = history >> 4, ones = history & 15;
    unsigned *seen = bit ? &ones : &zeros, *other = bit ? &zeros : &ones;
    if (*seen < 15)
        ++*seen;
    *other = kept[*other];
    return (uint8_t)(zeros << 4 | ones);
}

void mix_tables_begin(struct mix_tables *tables)
{
    memset(tables->slots, 0, (size_t)2 << tables->slot_bits);
    /* The inverse of squash, at the middle of each step. */
    uint32_t steps = UINT32_C(1) << tables->stretch_bits;
    int x = -2047;
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t middle = (2 * i + 1) << (15 - tables->stretch_bits);
        while (x < 2047 && squash(x) < middle)
            x++;
        tables->stretch[i] = (int16_t)x;
    }
    for (uint32_t n = 0; n < MIX_RATES; n++)
        tables->rates[n] = (uint16_t)(131072 / (2 * n + 3));
    for (unsigned i = 0; i < 512; i++)
        tables->next[i] = next_history(i >> 1, i & 1);
}

static size_t inputs_of(const struct mix_shape *shape)
{
    return (size_t)shape->contexts + shape->directs + 1;
}

size_t mix_size(const struct mix_shape *shape)
{
    size_t inputs = inputs_of(shape);
    return rounded(sizeof(uint32_t) * 256 * shape->contexts) +
           rounded(sizeof(int32_t) * inputs * shape->select[0]) +
           rounded(sizeof(int32_t) * inputs * shape->select[1]) +
           rounded(sizeof(uint16_t) * 33 * shape->refine);
}

void mix_bind(struct mix *mix, const struct mix_shape *shape, uint8_t **memory)
{
    size_t inputs = inputs_of(shape);
    mix->shape = *shape;
    mix->maps = take(memory, sizeof(uint32_t) * 256 * shape->contexts);
    for (int i = 0; i < 2; i++)
        mix->weights[i] = take(memory, sizeof(int32_t) * inputs * shape->select[i]);
    mix->refined = take(memory, sizeof(uint16_t) * 33 * shape->refine);
}

/* What a history is worth before anything was learnt of it: (ones + 0.4) / (all + 0.8). */
static uint32_t first_guess(unsigned history)
{
    uint32_t zeros = history >> 4, ones = history & 15;
    uint32_t p = (5 * ones + 2) * ((UINT32_C(1) << 22) - 1) / (5 * (zeros + ones) + 4);
    return p << 10 | 8;
}

void mix_begin(struct mix *mix)
{
    size_t inputs = inputs_of(&mix->shape);
    for (size_t i = 0; i < mix->shape.contexts; i++)
        for (unsigned history = 0; history < 256; history++)
            mix->maps[i * 256 + history] = first_guess(history);
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; i < inputs * mix->shape.select[m]; i++)
            mix->weights[m][i] = i % inputs == inputs - 1 ? 0 : 10000;
    for (size_t i = 0; i < mix->shape.refine; i++)
        for (int step = 0; step < 33; step++)
            mix->refined[i * 33 + (size_t)step] = (uint16_t)squash((step - 16) * 128);
}

/* --- one bit ---------------------------------------------------------------------------------- */

struct work {
    int32_t inputs[MIX_INPUTS]; /* -2047 to 2047 */
    size_t count;
    uint32_t p; /* the mixers' answer, or the refined one */
    int x;      /* stretch of the mixers' answer */
    uint32_t answers[2];
    int32_t *weights[2];
    uint16_t *refined; /* the lower of the two steps that were used */
    unsigned refined_weight;
};

static uint32_t stirred(uint32_t hash)
{
    hash *= UINT32_C(0x9e3779b1);
    hash ^= hash >> 16;
    return hash * UINT32_C(0x85ebca6b);
}

void mix_find_flag(struct mix_question *question, const struct mix_tables *tables,
                   const uint32_t *hashes, size_t contexts)
{
    unsigned bits = tables->slot_bits < MIX_FLAG_BITS ? tables->slot_bits : MIX_FLAG_BITS;
    for (size_t i = 0; i < contexts; i++) {
        uint32_t hash = stirred(hashes[i]);
        uint8_t *slot = tables->slots + 2 * (size_t)(hash >> (32 - bits));
        uint8_t check = (uint8_t)hash;
        if (slot[0] != check) {
            slot[0] = check;
            slot[1] = 0;
        }
        question->histories[i] = slot + 1;
    }
    question->step = 0;
}

void mix_find_nibble(struct mix_question *question, const struct mix_tables *tables,
                     const uint32_t *hashes, size_t contexts, uint32_t partial)
{
    uint8_t checks[MIX_INPUTS];
    for (size_t i = 0; i < contexts; i++) {
        uint32_t hash = stirred(hashes[i] + partial * UINT32_C(0x2f0b4c47));
        question->histories[i] = tables->slots + 16 * (size_t)(hash >> (35 - tables->slot_bits));
        checks[i] = (uint8_t)hash;
        __builtin_prefetch(question->histories[i], 1);
    }
    /* Only now are they waited for, all at once: they lie anywhere in megabytes. */
    for (size_t i = 0; i < contexts; i++) {
        uint8_t *group = question->histories[i];
        if (group[0] != checks[i]) {
            memset(group, 0, 16);
            group[0] = checks[i];
        }
    }
}

ALWAYS_INLINE void look_up(struct mix *mix, const struct mix_tables *tables,
                           const struct mix_question *question, struct work *work)
{
    size_t contexts = mix->shape.contexts;
    for (size_t i = 0; i < contexts; i++) {
        uint32_t map = mix->maps[i * 256 + question->histories[i][question->step]];
        work->inputs[i] = mix_stretch(tables, map >> 16);
    }
    for (size_t i = 0; i < mix->shape.directs; i++)
        work->inputs[contexts + i] = question->directs[i];
    work->inputs[contexts + mix->shape.directs] = 256;
    work->count = contexts + mix->shape.directs + 1;
}

static int clamp(int x)
{
    return x < -2047 ? -2047 : x > 2047 ? 2047 : x;
}

ALWAYS_INLINE void weigh(struct mix *mix, const struct mix_question *question, struct work *work)
{
    int sum = 0, mixers = 0;
    for (int m = 0; m < 2; m++) {
        if (mix->shape.select[m] == 0)
            continue;
        work->weights[m] = mix->weights[m] + question->select[m] * work->count;
        int64_t dot = 0;
        for (size_t i = 0; i < work->count; i++)
            dot += (int64_t)work->inputs[i] * work->weights[m][i];
        int x = clamp((int)(dot >> 16));
        work->answers[m] = squash(x);
        sum += x;
        mixers++;
    }
    work->x = sum / mixers;
    work->p = squash(work->x);
}

/* Corrects the answer by what really followed such answers in this context. */
ALWAYS_INLINE void refine(struct mix *mix, const struct mix_question *question, struct work *work)
{
    if (mix->shape.refine == 0)
        return;
    unsigned place = (unsigned)(work->x + 2048);
    work->refined_weight = place & 127;
    work->refined = &mix->refined[question->refine * 33 + (place >> 7)];
    uint32_t found = (work->refined[0] * (128 - work->refined_weight) +
                      work->refined[1] * work->refined_weight) >>
                     7;
    work->p = (work->p + found) / 2;
}

ALWAYS_INLINE void learn(struct mix *mix, const struct mix_tables *tables,
                         const struct mix_question *question, struct work *work, unsigned bit)
{
    for (size_t i = 0; i < mix->shape.contexts; i++) {
        uint8_t *history = &question->histories[i][question->step];
        uint32_t *map = &mix->maps[i * 256 + *history];
        uint32_t count = *map & 1023, p = *map >> 10;
        int32_t error = (int32_t)(bit << 22) - (int32_t)p;
        p = (uint32_t)((int32_t)p + (int32_t)((int64_t)error * tables->rates[count] >> 16));
        *map = p << 10 | (count < MIX_RATES - 1 ? count + 1 : count);
        *history = tables->next[2u * *history + bit];
    }
    for (int m = 0; m < 2; m++) {
        if (mix->shape.select[m] == 0)
            continue;
        int32_t error = ((int32_t)(bit << 16) - (int32_t)work->answers[m]) * 16;
        for (size_t i = 0; i < work->count; i++) /* 2047 · 65535 · 16 is below 2^31 */
            work->weights[m][i] += work->inputs[i] * error >> 18;
    }
    if (mix->shape.refine > 0) {
        uint16_t *step = &work->refined[work->refined_weight >= 64];
        *step = (uint16_t)(*step + (bit ? (65535 - *step) / 64 : -(*step / 64)));
    }
}

ALWAYS_INLINE unsigned code_bit(struct mix *mix, const struct mix_tables *tables,
                                struct patch_coder *coder, const struct mix_question *question,
                                unsigned bit)
{
    struct work work;
    work.refined = NULL;
    work.refined_weight = 0;
    look_up(mix, tables, question, &work);
    weigh(mix, question, &work);
    refine(mix, question, &work);
    uint32_t p = work.p < PATCH_LEAST ? PATCH_LEAST : work.p > PATCH_MOST ? PATCH_MOST : work.p;
    bit = patch_code_bit(coder, p, bit);
    learn(mix, tables, question, &work, bit);
    return bit;
}

#ifdef HAS_WIDE

__attribute__((target("avx2"))) static unsigned
code_bit_wide(struct mix *mix, const struct mix_tables *tables, struct patch_coder *coder,
              const struct mix_question *question, unsigned bit)
{
    return code_bit(mix, tables, coder, question, bit);
}

#endif

unsigned mix_code_bit(struct mix *mix, const struct mix_tables *tables, struct patch_coder *coder,
                      const struct mix_question *question, unsigned bit)
{
#ifdef HAS_WIDE
    if (tables->is_wide)
        return code_bit_wide(mix, tables, coder, question, bit);
#endif
    return code_bit(mix, tables, coder, question, bit);
}
