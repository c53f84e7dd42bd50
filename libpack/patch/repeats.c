/* SPDX-License-Identifier: MIT */
#include "patch/repeats.h"

#include <string.h>

#define SHORTEST_OLD 6
#define SHORTEST_NEW 5
#define PLACE_BITS 16 /* at first */
#define LONGEST 65535

static size_t rounded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static unsigned new_index_bits(const struct patch_model_size *size)
{
    return size->history_bits > 2 ? size->history_bits - 2u : 0;
}

static size_t table_size(unsigned bits)
{
    return bits == 0 ? 0 : rounded(sizeof(uint32_t) << bits);
}

size_t repeats_size(const struct patch_model_size *size)
{
    return table_size(size->index_bits) + table_size(new_index_bits(size)) +
           (size->history_bits ? rounded((size_t)1 << size->history_bits) : 0);
}

static void bind_table(struct repeat *repeat, unsigned bits, unsigned shortest, uint8_t **memory)
{
    repeat->index = (uint32_t *)(void *)*memory;
    repeat->index_bits = bits;
    repeat->shortest = shortest;
    *memory += table_size(bits);
}

void repeats_bind(struct repeats *repeats, const struct patch_model_size *size, uint8_t **memory)
{
    bind_table(&repeats->old_image, size->index_bits, SHORTEST_OLD, memory);
    bind_table(&repeats->new_image, new_index_bits(size), SHORTEST_NEW, memory);
    repeats->history = *memory;
    repeats->history_bits = size->history_bits;
    *memory += size->history_bits ? rounded((size_t)1 << size->history_bits) : 0;
}

void repeats_begin(struct repeats *repeats)
{
    if (repeats->old_image.index_bits)
        memset(repeats->old_image.index, 0, sizeof(uint32_t) << repeats->old_image.index_bits);
    if (repeats->new_image.index_bits)
        memset(repeats->new_image.index, 0, sizeof(uint32_t) << repeats->new_image.index_bits);
    repeats->place_bits = PLACE_BITS;
}

/* `last` holds the last eight bytes, the newest lowest. The slot is the highest bits of it. */
static uint64_t hash_of(const struct repeat *repeat, uint64_t last)
{
    return (last << (64 - 8 * repeat->shortest)) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t slot_of(const struct repeat *repeat, uint64_t hash)
{
    return (uint32_t)(hash >> (64 - repeat->index_bits));
}

/*
 * An entry of the old image's index is a place in its lowest bits, and in those that no place has
 * needed yet bits of the hash. They change nothing in what is found; but most entries are of other
 * bytes, and where these bits tell so the old image, which may lie on flash, is not read.
 */
static uint32_t check_of(const struct repeat *repeat, uint32_t place_bits, uint64_t hash)
{
    const uint32_t places = place_bits < 32 ? (UINT32_C(1) << place_bits) - 1 : UINT32_MAX;
    return (uint32_t)(hash >> (32 - repeat->index_bits)) & ~places;
}

static void widen_places(struct repeats *repeats)
{
    const uint32_t place_bit = UINT32_C(1) << repeats->place_bits++;
    for (size_t i = 0; i < (size_t)1 << repeats->old_image.index_bits; i++)
        repeats->old_image.index[i] &= ~place_bit;
}

void repeats_train(struct repeats *repeats, const uint8_t *bytes, size_t size)
{
    const struct repeat repeat = repeats->old_image; /* a copy, which stays in registers */
    uint64_t last = repeats->rolling, place = repeats->trained;
    for (size_t i = 0; i < size; i++) {
        last = last << 8 | bytes[i];
        place++;
        if (!repeat.index_bits || place < repeat.shortest || place > UINT32_MAX)
            continue;
        if (place >> repeats->place_bits != 0)
            widen_places(repeats);
        const uint64_t hash = hash_of(&repeat, last);
        repeat.index[slot_of(&repeat, hash)] =
            check_of(&repeat, repeats->place_bits, hash) | (uint32_t)place;
    }
    repeats->rolling = last;
    repeats->trained = place;
}

void repeats_learn(struct repeats *repeats, const uint8_t *bytes, size_t size)
{
    if (!repeats->history_bits) {
        repeats->learnt += size;
        return;
    }
    size_t ring = (size_t)1 << repeats->history_bits;
    while (size > 0) {
        size_t at = (size_t)repeats->learnt & (ring - 1);
        size_t part = size < ring - at ? size : ring - at;
        memcpy(repeats->history + at, bytes, part);
        repeats->learnt += part;
        bytes += part;
        size -= part;
    }
}

/* --- reading back ----------------------------------------------------------------------------- */

static bool old_byte(struct repeats *repeats, patch_old_function old, void *user, uint64_t place,
                     uint8_t *byte)
{
    if (place >= repeats->trained)
        return false;
    uint64_t start = place & ~(uint64_t)(REPEAT_WINDOW - 1);
    if (!repeats->window_valid || repeats->window_start != start) {
        uint64_t left = repeats->trained - start;
        size_t size = left < REPEAT_WINDOW ? (size_t)left : REPEAT_WINDOW;
        repeats->window_valid = old(user, (patch_offset)start, repeats->window, size);
        repeats->window_start = start;
        if (!repeats->window_valid)
            return false;
    }
    *byte = repeats->window[place - start];
    return true;
}

static bool new_byte(struct repeats *repeats, uint64_t place, uint8_t *byte)
{
    uint64_t ring = UINT64_C(1) << repeats->history_bits;
    if (place >= repeats->learnt || repeats->learnt - place > ring)
        return false;
    *byte = repeats->history[place & (ring - 1)];
    return true;
}

static bool byte_at(struct repeats *repeats, const struct repeat *repeat, patch_old_function old,
                    void *user, uint64_t place, uint8_t *byte)
{
    return repeat == &repeats->old_image ? old_byte(repeats, old, user, place, byte)
                                         : new_byte(repeats, place, byte);
}

/* How many of the last eight bytes stand before `place`. */
static uint32_t agreeing(struct repeats *repeats, const struct repeat *repeat, uint64_t last,
                         uint64_t place, patch_old_function old, void *user)
{
    uint32_t length = 0;
    uint8_t byte;
    while (length < 8 && length < place &&
           byte_at(repeats, repeat, old, user, place - 1 - length, &byte) &&
           byte == (uint8_t)(last >> (8 * length)))
        length++;
    return length;
}

/* The place that an entry of the index names, or 0 where it is of other bytes. */
static uint64_t place_in(const struct repeats *repeats, const struct repeat *repeat, uint64_t hash)
{
    const uint32_t entry = repeat->index[slot_of(repeat, hash)];
    if (repeat != &repeats->old_image)
        return entry;
    const uint32_t place = entry ^ check_of(repeat, repeats->place_bits, hash);
    return place >> (repeats->place_bits - 1) > 1 ? 0 : place;
}

static void find(struct repeats *repeats, struct repeat *repeat, uint64_t last,
                 patch_old_function old, void *user)
{
    if (!repeat->index_bits)
        return;
    if (repeat->length == 0) {
        uint64_t place = place_in(repeats, repeat, hash_of(repeat, last));
        if (place == 0)
            return;
        uint32_t length = agreeing(repeats, repeat, last, place, old, user);
        if (length < repeat->shortest)
            return;
        repeat->next = place;
        repeat->length = length;
    }
    if (!byte_at(repeats, repeat, old, user, repeat->next, &repeat->expected))
        repeat->length = 0;
}

static uint64_t last_eight(const struct patch_place *place)
{
    return (uint64_t)place->last[1] << 32 | place->last[0];
}

void repeats_find(struct repeats *repeats, const struct patch_place *place, patch_old_function old,
                  void *user)
{
    uint64_t last = last_eight(place);
    if (repeats->learnt != repeats->followed)
        repeats->old_image.length = repeats->new_image.length = 0;
    find(repeats, &repeats->old_image, last, old, user);
    find(repeats, &repeats->new_image, last, old, user);
}

static void follow(struct repeat *repeat, uint8_t byte)
{
    if (repeat->length == 0)
        return;
    repeat->next++;
    if (byte != repeat->expected)
        repeat->length = 0;
    else if (repeat->length < LONGEST)
        repeat->length++;
}

void repeats_update(struct repeats *repeats, const struct patch_place *place, uint8_t byte)
{
    follow(&repeats->old_image, byte);
    follow(&repeats->new_image, byte);
    repeats->followed = repeats->learnt + 1;
    struct repeat *repeat = &repeats->new_image;
    if (repeat->index_bits && repeats->learnt >= 8)
        repeat->index[slot_of(repeat, hash_of(repeat, last_eight(place)))] =
            (uint32_t)repeats->learnt;
}
