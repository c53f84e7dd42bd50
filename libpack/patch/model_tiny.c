/* SPDX-License-Identifier: MIT */
#include "patch/model.h"

/* Plain adaptive probabilities, no mixing: for devices with a few KiB. */

#define RATE 4
#define RUN_LEVELS 16

struct tiny {
    uint16_t runs[RUN_LEVELS][4];
    uint16_t hits[16][16];   /* by group; by the last three bytes and whether a reference moved */
    uint16_t misses[2][256]; /* differences, outside and inside of references */
    uint16_t extra[2][256];  /* bytes, at even and odd places */
    uint16_t as_ghost[8];    /* that a new byte is what the last cover would give */
};

static size_t tiny_memory(const struct patch_model_size *size)
{
    return size->slot_bits || size->history_bits || size->index_bits ? 0 : sizeof(struct tiny);
}

static void tiny_begin(void *memory, const struct patch_model_size *size)
{
    uint16_t *probabilities = memory;
    (void)size;
    for (size_t i = 0; i < sizeof(struct tiny) / sizeof(uint16_t); i++)
        probabilities[i] = PATCH_HALF;
}

static void tiny_bind(void *memory, const struct patch_model_size *size)
{
    (void)memory;
    (void)size;
}

static unsigned tiny_run(void *memory, struct patch_coder *coder, unsigned level, unsigned risk,
                         const struct patch_place *place, unsigned bit)
{
    struct tiny *tiny = memory;
    (void)place;
    return patch_code_adaptive(coder, &tiny->runs[level][risk], RATE, bit);
}

static unsigned tiny_hit(void *memory, struct patch_coder *coder, const struct patch_place *place,
                         unsigned bit)
{
    struct tiny *tiny = memory;
    unsigned moved = place->predicted != place->old[0];
    uint16_t *one = &tiny->hits[place->kind >> 4][(place->misses & 7) << 1 | moved];
    return patch_code_adaptive(coder, one, RATE, bit);
}

static uint8_t code_tree(struct patch_coder *coder, uint16_t tree[256], uint8_t byte)
{
    unsigned partial = 1;
    for (unsigned i = 8; i-- > 0;)
        partial = partial << 1 | patch_code_adaptive(coder, &tree[partial], RATE, byte >> i & 1);
    return (uint8_t)partial;
}

static uint8_t tiny_miss(void *memory, struct patch_coder *coder, const struct patch_place *place,
                         uint8_t byte)
{
    struct tiny *tiny = memory;
    return (uint8_t)(place->predicted + code_tree(coder, tiny->misses[place->kind != 0],
                                                  (uint8_t)(byte - place->predicted)));
}

static uint8_t tiny_extra(void *memory, struct patch_coder *coder, const struct patch_place *place,
                          patch_old_function old, void *user, uint8_t byte)
{
    struct tiny *tiny = memory;
    (void)old;
    (void)user;
    uint8_t ghost = place->ghost[0];
    uint16_t *as_ghost = &tiny->as_ghost[place->ghost_misses[0] & 7];
    if (place->has_ghost[0] && patch_code_adaptive(coder, as_ghost, RATE, byte == ghost))
        return ghost;
    return code_tree(coder, tiny->extra[place->offset & 1], byte);
}

const struct patch_model_kind patch_model_tiny = {
    .memory = tiny_memory,
    .begin = tiny_begin,
    .bind = tiny_bind,
    .run = tiny_run,
    .hit = tiny_hit,
    .miss = tiny_miss,
    .extra = tiny_extra,
};
