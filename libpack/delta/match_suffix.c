/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "delta/match_parts.h"

#include <divsufsort.h>
#include <string.h>

#define BUCKETS ((size_t)1 << 16)
/* How far equally good suffixes are looked through on either side of the best one. */
#define NEIGHBOURS 24

uint64_t delta_suffixes_memory(size_t size)
{
    /* divsufsort takes its own buckets beside the array. */
    return (uint64_t)size * sizeof(int32_t) + (BUCKETS + 1) * sizeof(int32_t) + 300 * 1024;
}

void delta_suffixes_free(struct delta_suffixes *suffixes)
{
    free(suffixes->order);
    free(suffixes->buckets);
    *suffixes = (struct delta_suffixes){0};
}

static size_t pair_at(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

/* The last byte's suffix has no second byte; it is left to the bucket before which it sorts. */
static void fill_buckets(struct delta_suffixes *suffixes)
{
    const uint8_t *old_bytes = suffixes->images->old_bytes;
    for (size_t i = 0; i + 1 < suffixes->count; i++)
        suffixes->buckets[pair_at(old_bytes + i) + 1]++;
    suffixes->buckets[((size_t)old_bytes[suffixes->count - 1] << 8) + 1]++;
    for (size_t i = 0; i < BUCKETS; i++)
        suffixes->buckets[i + 1] += suffixes->buckets[i];
}

int delta_suffixes_make(struct delta_suffixes *suffixes, const struct delta_images *images,
                        struct pack_error *error)
{
    suffixes->images = images;
    suffixes->count = images->old_size;
    int status = pack_allocate(&suffixes->order, images->old_size, sizeof *suffixes->order, error);
    if (status == 0)
        status = pack_allocate(&suffixes->buckets, BUCKETS + 1, sizeof *suffixes->buckets, error);
    if (status != 0 || images->old_size == 0)
        return status;
    if (divsufsort(images->old_bytes, suffixes->order, (int32_t)images->old_size) != 0)
        return pack_fail_memory(error);
    fill_buckets(suffixes);
    return 0;
}

struct search {
    const struct delta_suffixes *suffixes;
    const uint8_t *wanted;
    size_t size;
};

static size_t common(const struct search *search, size_t at, size_t known)
{
    const struct delta_images *images = search->suffixes->images;
    size_t old = (size_t)search->suffixes->order[at];
    size_t most = images->old_size - old;
    if (most > search->size)
        most = search->size;
    if (known >= most)
        return most;
    return known +
           delta_equal(images->old_bytes + old + known, search->wanted + known, most - known);
}

/* Whether the suffix, equal for `length` bytes, sorts before what is wanted. */
static bool is_before(const struct search *search, size_t at, size_t length)
{
    const struct delta_images *images = search->suffixes->images;
    size_t old = (size_t)search->suffixes->order[at] + length;
    if (length == search->size)
        return false;
    return old == images->old_size || images->old_bytes[old] < search->wanted[length];
}

/* Adds a place; one that goes on at the shift of what lies before comes first of its length. */
static size_t add_place(struct delta_place *places, size_t count, size_t most, size_t old,
                        size_t length, size_t near)
{
    struct delta_place place = {.old_offset = old, .length = length};
    size_t distance = old > near ? old - near : near - old;
    size_t at = count;
    while (at > 0) {
        const struct delta_place *before = &places[at - 1];
        size_t other =
            before->old_offset > near ? before->old_offset - near : near - before->old_offset;
        if (before->length > length || (before->length == length && other <= distance))
            break;
        at--;
    }
    if (at >= most)
        return count;
    size_t kept = count < most ? count : most - 1;
    memmove(places + at + 1, places + at, (kept - at) * sizeof *places);
    places[at] = place;
    return kept + 1;
}

/* The first suffix in [low, high) that does not sort before what is wanted. */
static size_t lower_bound(const struct search *search, size_t low, size_t high)
{
    size_t low_length = 2, high_length = 2;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t known = low_length < high_length ? low_length : high_length;
        size_t length = common(search, middle, known);
        if (is_before(search, middle, length)) {
            low = middle + 1;
            low_length = length;
        } else {
            high = middle;
            high_length = length;
        }
    }
    return low;
}

size_t delta_suffixes_find(const void *state, size_t new_offset, size_t shift,
                           struct delta_place *places, size_t most)
{
    const struct delta_suffixes *suffixes = state;
    const struct delta_images *images = suffixes->images;
    struct search search = {.suffixes = suffixes,
                            .wanted = images->new_bytes + new_offset,
                            .size = images->new_size - new_offset};
    if (search.size < 2 || suffixes->count < 2)
        return 0;
    size_t pair = pair_at(search.wanted);
    size_t low = (size_t)suffixes->buckets[pair], high = (size_t)suffixes->buckets[pair + 1];
    /* The suffix of one byte is the first of its byte's buckets. */
    if (low < high && (size_t)suffixes->order[low] + 1 == images->old_size)
        low++;
    size_t found = lower_bound(&search, low, high), count = 0;
    size_t near = new_offset - shift, last = SIZE_MAX;

    for (size_t at = found, steps = 0; at < high && steps < NEIGHBOURS; at++, steps++) {
        size_t length = common(&search, at, 0);
        if (length > last || length < 4)
            break;
        count = add_place(places, count, most, (size_t)suffixes->order[at], length, near);
    }
    for (size_t at = found, steps = 0; at > low && steps < NEIGHBOURS; at--, steps++) {
        size_t length = common(&search, at - 1, 0);
        if (length < 4)
            break;
        count = add_place(places, count, most, (size_t)suffixes->order[at - 1], length, near);
    }
    return count;
}
