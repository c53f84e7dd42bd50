/* SPDX-License-Identifier: MIT */
#include "unpack/search.h"

#include "base/memory.h"
#include "unpack/plan.h"

#include <lzma.h>

/*
 * One list at a level of nesting. Both sides are searched level by level, so that streams inside
 * of streams are compared too, wherever they were found.
 */
struct place {
    struct found_list *list;
    struct unpack_bytes bytes;
};

struct level {
    size_t count;
    struct place *places;
};

void side_free(struct side *side)
{
    found_list_free(&side->root);
}

static void level_free(struct level *level)
{
    free(level->places);
    *level = (struct level){.count = 0};
}

/* --- streams of both sides ------------------------------------------------------------------- */

struct fingerprint {
    uint64_t sum;
    size_t size;
};

struct fingerprints {
    size_t count;
    struct fingerprint *list;
};

static struct fingerprint fingerprint_of(const struct found *found, const uint8_t *bytes)
{
    const struct specimen specimen = specimen_of(found, bytes);
    return (struct fingerprint){lzma_crc64(specimen.packed, specimen.packed_size, 0),
                                specimen.packed_size};
}

static int compare(const void *left, const void *right)
{
    const struct fingerprint *a = left;
    const struct fingerprint *b = right;
    if (a->sum != b->sum)
        return a->sum < b->sum ? -1 : 1;
    return a->size < b->size ? -1 : a->size > b->size;
}

static int take_fingerprints(struct fingerprints *prints, const struct level *level,
                             struct pack_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < level->count; i++)
        count += level->places[i].list->count;
    const int code = pack_allocate(&prints->list, count, sizeof *prints->list, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < level->count; i++) {
        const struct place *place = &level->places[i];
        for (size_t j = 0; j < place->list->count; j++)
            prints->list[prints->count++] =
                fingerprint_of(&place->list->streams[j], place->bytes.bytes);
    }
    if (prints->count != 0)
        qsort(prints->list, prints->count, sizeof *prints->list, compare);
    return 0;
}

/*
 * That two streams only seem to be the same does no harm but to the size: both stay packed. One
 * that is unchanged must stay so on both sides, for it may be that the new side cannot pack it.
 */
static void drop_shared(struct side *side, const struct level *level,
                        const struct fingerprints *others)
{
    for (size_t i = 0; i < level->count; i++) {
        const struct place *place = &level->places[i];
        for (size_t j = 0; j < place->list->count; j++) {
            struct found *found = &place->list->streams[j];
            const struct fingerprint print = fingerprint_of(found, place->bytes.bytes);
            found->kept = others->count == 0 || bsearch(&print, others->list, others->count,
                                                        sizeof print, compare) == NULL;
        }
        found_list_drop(place->list, &side->search);
    }
}

static void free_prints(struct fingerprints *prints)
{
    free(prints->list);
}

static int drop_what_both_have(struct side *other, const struct level *other_level,
                               struct side *side, const struct level *level,
                               struct pack_error *error)
{
    struct fingerprints prints PACK_AUTO(free_prints) = {.count = 0};
    struct fingerprints other_prints PACK_AUTO(free_prints) = {.count = 0};
    int code = take_fingerprints(&prints, level, error);
    if (code == 0)
        code = take_fingerprints(&other_prints, other_level, error);
    if (code != 0)
        return code;
    drop_shared(side, level, &other_prints);
    drop_shared(other, other_level, &prints);
    return 0;
}

/* --- levels ---------------------------------------------------------------------------------- */

static int scan_level(struct side *side, const struct level *level, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < level->count; i++) {
        const struct place *place = &level->places[i];
        code = scan_bytes(place->list, &side->search, place->bytes.bytes, place->bytes.size, error);
    }
    return code;
}

/*
 * What the new side cannot pack had better stay packed on the old side too, for the packed bytes
 * may agree in part. Streams at the same place of two lists of the same length are taken for the
 * same part of the images.
 */
static void match_proved(struct side *other, const struct found_list *proved)
{
    struct found_list *list = &other->root;
    bool any = false;
    for (size_t i = 0; i < proved->count; i++)
        any = any || proved->streams[i].kept;
    if (any && list->count != proved->count)
        return;
    for (size_t i = 0; i < list->count; i++)
        list->streams[i].kept = any && proved->streams[i].kept;
    found_list_drop(list, &other->search);
}

static int prove_level(struct side *other, struct side *side, const struct level *level,
                       struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < level->count; i++) {
        const struct place *place = &level->places[i];
        for (size_t j = 0; j < place->list->count; j++)
            place->list->streams[j].kept = false;
        code = prove_streams(place->list, &side->search, place->bytes.bytes, error);
        if (code == 0 && other != NULL && place->list == &side->root)
            match_proved(other, place->list);
        found_list_drop(place->list, &side->search);
    }
    return code;
}

/* Goes on to the streams of the level, whose lists stay where they are from now on. */
static int next_level(struct level *level, struct pack_error *error)
{
    PACK_AUTO(level_free) struct level next = {.count = 0};
    size_t count = 0;
    for (size_t i = 0; i < level->count; i++)
        count += level->places[i].list->count;
    const int code = pack_allocate(&next.places, count, sizeof *next.places, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < level->count; i++) {
        const struct found_list *list = level->places[i].list;
        for (size_t j = 0; j < list->count; j++) {
            struct found *found = &list->streams[j];
            next.places[next.count++] =
                (struct place){&found->inside, {found->plain, found->plain_size}};
        }
    }
    const struct level done = *level;
    *level = next;
    next = done;
    return 0;
}

static int first_level(struct level *level, struct side *side, struct pack_error *error)
{
    const int code = pack_allocate(&level->places, 1, sizeof *level->places, error);
    if (code == 0)
        *level->places = (struct place){&side->root, side->image};
    level->count = code == 0;
    return code;
}

int search_sides(struct side *other, struct side *side, struct pack_error *error)
{
    PACK_AUTO(level_free) struct level level = {.count = 0};
    PACK_AUTO(level_free) struct level other_level = {.count = 0};
    const unsigned wanted = side->search.options->depth;
    unsigned left = wanted < PLAN_DEPTH - 1 ? wanted : PLAN_DEPTH - 1;
    int code = first_level(&level, side, error);
    if (code == 0 && other != NULL)
        code = first_level(&other_level, other, error);
    for (; code == 0 && left != 0 && level.count + other_level.count != 0; left--) {
        code = scan_level(side, &level, error);
        if (code == 0 && other != NULL)
            code = scan_level(other, &other_level, error);
        if (code == 0 && other != NULL)
            code = drop_what_both_have(other, &other_level, side, &level, error);
        if (code == 0 && side->prove)
            code = prove_level(other, side, &level, error);
        if (code == 0)
            code = next_level(&level, error);
        if (code == 0 && other != NULL)
            code = next_level(&other_level, error);
    }
    return code;
}
