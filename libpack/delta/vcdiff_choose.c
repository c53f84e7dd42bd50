/* SPDX-License-Identifier: MIT */
/*
 * Which instructions make a window: the cheapest way through blocks of the target, where each
 * byte may be added, or begin a copy that a cover, the old image or the target itself offers.
 * Costs are in bits and estimate what is left after the sections are compressed.
 */
#include "base/memory.h"
#include "delta/vcdiff.h"
#include "patch/covers.h"

#include <string.h>

enum {
    BLOCK = 1 << 15, /* bytes of the target that are looked at together */
    LONG = 256,      /* copies of so many bytes are taken without further thought */
    HASH_BITS = 16,
    CANDIDATES = 3, /* copies that are weighed at each byte: cover, target, repeated byte */
    COST_BYTE = 7,
    COST_ADD = 5, /* beginning to add */
    COST_COPY = 7,
    COST_NEAR = 9, /* the address of a copy by the cover */
    COST_RUN = 22,
    COST_SIZE = 7, /* a size that has no code of its own */
    SHORT = 18,
};

struct way {
    uint32_t cost;
    struct vcdiff_step step; /* the last one on the way here */
};

struct chooser {
    const struct vcdiff_parse *parse;
    struct vcdiff_steps *steps;
    size_t cover;        /* the first cover that ends beyond the position */
    uint32_t equal_from; /* the copy that the cover offers: target positions, and its address */
    uint32_t equal_end, equal_address;
    uint32_t *heads, *previous; /* positions + 1 of equal hashes in the target */
    uint32_t hashed;
    struct way *ways; /* BLOCK + 1 */
};

void vcdiff_steps_free(struct vcdiff_steps *steps)
{
    free(steps->list);
    *steps = (struct vcdiff_steps){0};
}

static void chooser_free(struct chooser *chooser)
{
    free(chooser->heads);
    free(chooser->previous);
    free(chooser->ways);
}

/* Adds a step; additions in a row become one. */
static int push(struct vcdiff_steps *steps, const struct vcdiff_step *step,
                struct pack_error *error)
{
    struct vcdiff_step *last = steps->count != 0 ? &steps->list[steps->count - 1] : NULL;
    if (last != NULL && step->kind == VCDIFF_ADD && last->kind == VCDIFF_ADD) {
        last->size += step->size;
        return 0;
    }
    if (steps->count == steps->capacity) {
        const size_t capacity = steps->capacity != 0 ? steps->capacity * 2 : 1024;
        struct vcdiff_step *list = reallocarray(steps->list, capacity, sizeof *list);
        if (list == NULL)
            return pack_fail_memory(error);
        steps->list = list;
        steps->capacity = capacity;
    }
    steps->list[steps->count++] = *step;
    return 0;
}

/* --- what may be copied ----------------------------------------------------------------------- */

static uint32_t hash_of(const uint8_t *bytes)
{
    return pack_le32(bytes) * UINT32_C(2654435761) >> (32 - HASH_BITS);
}

static uint32_t equal_bytes(const uint8_t *one, const uint8_t *other, uint32_t limit)
{
    uint32_t size = 0;
    while (size < limit && one[size] == other[size])
        size++;
    return size;
}

/* The copy that a cover offers at `at`. A run of equal bytes may go on past the cover's end. */
static struct vcdiff_step from_cover(struct chooser *chooser, uint32_t at)
{
    const struct vcdiff_parse *parse = chooser->parse;
    struct vcdiff_step step = {.kind = VCDIFF_COPY};
    const uint64_t place = parse->target_offset + at;
    while (chooser->cover < parse->cover_count) {
        const struct patch_cover *cover = &parse->covers[chooser->cover];
        if (cover->new_offset + cover->size > place)
            break;
        chooser->cover++;
    }
    if (chooser->cover == parse->cover_count)
        return step;
    const struct patch_cover *cover = &parse->covers[chooser->cover];
    const uint64_t old = cover->old_offset + (place - cover->new_offset) - parse->source_offset;
    if (cover->new_offset > place || old >= parse->source_size)
        return step;
    step.address = (uint32_t)old;
    if (at < chooser->equal_end && at >= chooser->equal_from &&
        chooser->equal_address + (at - chooser->equal_from) == step.address) {
        step.size = chooser->equal_end - at;
        return step;
    }
    const uint32_t limit = (uint32_t)(parse->source_size - old) < parse->target_size - at
                               ? (uint32_t)(parse->source_size - old)
                               : parse->target_size - at;
    step.size = equal_bytes(parse->source + old, parse->target + at, limit);
    chooser->equal_from = at;
    chooser->equal_end = at + step.size;
    chooser->equal_address = step.address;
    return step;
}

static void learn(struct chooser *chooser, uint32_t end)
{
    const struct vcdiff_parse *parse = chooser->parse;
    for (; chooser->hashed < end && chooser->hashed + VCDIFF_COPY_MIN <= parse->target_size;
         chooser->hashed++) {
        const uint32_t hash = hash_of(parse->target + chooser->hashed);
        chooser->previous[chooser->hashed] = chooser->heads[hash];
        chooser->heads[hash] = chooser->hashed + 1;
    }
}

static uint32_t distance_cost(uint32_t distance)
{
    return distance < 1 << 7 ? 7 : distance < 1 << 14 ? 14 : distance < 1 << 21 ? 21 : 28;
}

static uint32_t copy_cost(const struct chooser *chooser, uint32_t at,
                          const struct vcdiff_step *step)
{
    const uint32_t source_size = chooser->parse->source_size;
    if (step->kind == VCDIFF_RUN)
        return COST_RUN;
    const uint32_t address =
        step->address < source_size ? COST_NEAR : distance_cost(source_size + at - step->address);
    return COST_COPY + address;
}

/* The copy from the target that saves most at `at`. */
static struct vcdiff_step from_target(struct chooser *chooser, uint32_t at)
{
    const struct vcdiff_parse *parse = chooser->parse;
    struct vcdiff_step best = {.kind = VCDIFF_COPY};
    if (parse->target_size - at < VCDIFF_COPY_MIN)
        return best;
    learn(chooser, at);
    int64_t best_gain = 0;
    uint32_t next = chooser->heads[hash_of(parse->target + at)];
    for (unsigned i = 0; i < parse->effort && next != 0; i++, next = chooser->previous[next - 1]) {
        const uint32_t from = next - 1;
        const uint32_t size =
            equal_bytes(parse->target + from, parse->target + at, parse->target_size - at);
        const int64_t gain = (int64_t)size * COST_BYTE - distance_cost(at - from);
        if (size >= VCDIFF_COPY_MIN && gain > best_gain) {
            best.size = size;
            best.address = parse->source_size + from;
            best_gain = gain;
        }
    }
    return best;
}

static struct vcdiff_step repeated(const struct chooser *chooser, uint32_t at)
{
    const uint8_t *target = chooser->parse->target;
    struct vcdiff_step step = {.kind = VCDIFF_RUN, .size = 1};
    while (step.size < chooser->parse->target_size - at && target[at + step.size] == target[at])
        step.size++;
    return step;
}

/* --- the cheapest way ------------------------------------------------------------------------ */

static void weigh(struct way *to, const struct way *from, uint32_t cost,
                  const struct vcdiff_step *step, uint32_t size)
{
    if (from->cost + cost >= to->cost)
        return;
    to->cost = from->cost + cost;
    to->step = *step;
    to->step.size = size;
}

static void weigh_copy(struct chooser *chooser, uint32_t start, uint32_t at,
                       const struct vcdiff_step *step, uint32_t end)
{
    struct way *way = &chooser->ways[at - start];
    const uint32_t cost = copy_cost(chooser, at, step);
    const uint32_t most = step->size < end - at ? step->size : end - at;
    for (uint32_t size = VCDIFF_COPY_MIN; size <= most; size++)
        weigh(way + size, way, cost + (size > SHORT ? COST_SIZE : 0), step, size);
}

/* Fills the ways of a block. A long copy ends it early: *jump is that copy. */
static uint32_t explore(struct chooser *chooser, uint32_t start, uint32_t end,
                        struct vcdiff_step *jump)
{
    struct way *ways = chooser->ways;
    for (uint32_t i = 0; i <= end - start; i++)
        ways[i] = (struct way){.cost = UINT32_MAX};
    ways[0] = (struct way){.step.kind = VCDIFF_COPY};
    const struct vcdiff_step add = {.kind = VCDIFF_ADD};
    for (uint32_t at = start; at < end; at++) {
        struct way *way = &ways[at - start];
        const struct vcdiff_step copies[CANDIDATES] = {
            from_cover(chooser, at), from_target(chooser, at), repeated(chooser, at)};
        const struct vcdiff_step *longest = &copies[0];
        for (size_t i = 1; i < CANDIDATES; i++)
            if (copies[i].size > longest->size)
                longest = &copies[i];
        if (longest->size >= LONG) {
            *jump = *longest;
            return at;
        }
        weigh(way + 1, way, COST_BYTE + (way->step.kind != VCDIFF_ADD ? COST_ADD : 0), &add, 1);
        for (size_t i = 0; i < CANDIDATES; i++)
            weigh_copy(chooser, start, at, &copies[i], end);
    }
    return end;
}

/* Turns the way to `end` into steps, in their order. */
static int follow(struct chooser *chooser, uint32_t start, uint32_t end, struct pack_error *error)
{
    struct way *ways = chooser->ways;
    uint32_t forward = 0;
    /* Each step is put where it begins, over what was there. */
    struct vcdiff_step step = ways[end - start].step;
    for (uint32_t at = end - start; at != 0;) {
        at -= step.size;
        const struct vcdiff_step before = ways[at].step;
        ways[at].step = step;
        step = before;
    }
    int code = 0;
    while (code == 0 && forward < end - start) {
        code = push(chooser->steps, &ways[forward].step, error);
        forward += ways[forward].step.size;
    }
    return code;
}

static int choose_all(struct chooser *chooser, struct pack_error *error)
{
    const uint32_t size = chooser->parse->target_size;
    int code = 0;
    for (uint32_t start = 0; code == 0 && start < size;) {
        struct vcdiff_step jump = {0};
        const uint32_t end =
            explore(chooser, start, size - start < BLOCK ? size : start + BLOCK, &jump);
        code = follow(chooser, start, end, error);
        if (code == 0 && jump.size != 0)
            code = push(chooser->steps, &jump, error);
        start = end + jump.size;
    }
    return code;
}

int vcdiff_choose(const struct vcdiff_parse *parse, struct vcdiff_steps *steps,
                  struct pack_error *error)
{
    struct chooser chooser PACK_AUTO(chooser_free) = {.parse = parse, .steps = steps};
    steps->count = 0;
    int code = pack_allocate(&chooser.heads, 1 << HASH_BITS, sizeof *chooser.heads, error);
    if (code == 0)
        code = pack_allocate(&chooser.previous, (size_t)parse->target_size + 1,
                             sizeof *chooser.previous, error);
    if (code == 0)
        code = pack_allocate(&chooser.ways, BLOCK + 1, sizeof *chooser.ways, error);
    return code != 0 ? code : choose_all(&chooser, error);
}
