/* SPDX-License-Identifier: MIT */
#include "patch/body.h"

#include <string.h>

#define RUN_LEAST 4  /* runs have at least 2^4 bytes … */
#define RUN_MOST 13  /* … and at most 2^13, or a window */
#define RUN_AFTER 16 /* so many right bytes make a run likely */

size_t patch_body_buffer(size_t window)
{
    return 3 * (window + PATCH_AHEAD) + PATCH_BEHIND;
}

/* The buffer's parts: old bytes with their neighbours, predictions, kinds. */
static uint8_t *old_part(const struct patch_body *body)
{
    return body->buffer + PATCH_BEHIND;
}

static uint8_t *predicted_part(const struct patch_body *body)
{
    return old_part(body) + body->window + PATCH_AHEAD;
}

static uint8_t *kinds_part(const struct patch_body *body)
{
    return predicted_part(body) + body->window + PATCH_AHEAD;
}

void patch_body_begin(struct patch_body *body)
{
    memset(&body->place, 0, sizeof(body->place));
    body->cover = 0;
    body->cover_at = 0;
    body->carry = 0;
    body->end = body->new_size;
    body->level = RUN_LEAST;
    body->failed = false;
    patch_predict_begin(&body->predictor, &body->layout, &body->covers);
}

void patch_body_page(struct patch_body *body, patch_offset start, patch_offset end)
{
    const struct patch_cover *list = body->covers.list;
    size_t low = 0, high = body->covers.count; /* the first cover that ends behind the start */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].new_offset + list[middle].size <= start)
            low = middle + 1;
        else
            high = middle;
    }
    body->cover = low;
    body->cover_at = 0;
    if (low < body->covers.count && list[low].new_offset < start)
        body->cover_at = start - list[low].new_offset;
    body->carry = 0;
    body->place.offset = start;
    body->end = end;
}

/* --- what is known after a byte --------------------------------------------------------------- */

static void advance(struct patch_place *place, uint8_t byte)
{
    place->last[1] = place->last[1] << 8 | place->last[0] >> 24;
    place->last[0] = place->last[0] << 8 | byte;
    place->offset++;
}

#ifndef PATCH_TINY_ONLY

static void note_field(struct patch_place *place, uint8_t kind, bool missed)
{
    uint32_t *group = &place->group_misses[kind >> 4];
    if ((kind & 7) == 0)
        *group <<= 1;
    *group |= missed;
}

static void note_difference(struct patch_place *place, uint8_t difference)
{
    place->differences[place->offset & (PATCH_DIFFERENCES - 1)] = difference;
    place->kind_difference[place->kind] = difference;
    note_field(place, place->kind, difference != 0);
}

static void note_equal(struct patch_place *place, const uint8_t *kinds, size_t size, unsigned risk)
{
    for (size_t i = 0; i < size && i < PATCH_DIFFERENCES; i++)
        place->differences[(place->offset + i) & (PATCH_DIFFERENCES - 1)] = 0;
    for (size_t i = 0; risk > 0 && i < size; i++) {
        if (kinds[i] != 0) {
            place->kind_difference[kinds[i]] = 0;
            note_field(place, kinds[i], false);
        }
    }
}

#else

static void note_difference(struct patch_place *place, uint8_t difference)
{
    (void)place;
    (void)difference;
}

static void note_equal(struct patch_place *place, const uint8_t *kinds, size_t size, unsigned risk)
{
    (void)place;
    (void)kinds;
    (void)size;
    (void)risk;
}

#endif

static void note_copied(struct patch_place *place, uint8_t byte)
{
    bool missed = byte != place->predicted;
    place->misses = place->misses << 1 | missed;
    place->since_miss = missed ? 0 : place->since_miss + 1;
    note_difference(place, (uint8_t)(byte - place->predicted));
    advance(place, byte);
}

/* The same for bytes that are all as predicted. */
static void note_run(struct patch_place *place, const uint8_t *bytes, const uint8_t *kinds,
                     size_t size, unsigned risk)
{
    place->misses = size < 32 ? place->misses << size : 0;
    place->since_miss += (uint32_t)size;
    note_equal(place, kinds, size, risk);
    size_t from = size < 8 ? 0 : size - 8;
    place->offset += (patch_offset)from;
    for (size_t i = from; i < size; i++)
        advance(place, bytes[i]);
}

/* --- bytes of a cover ------------------------------------------------------------------------- */

/* A window of a cover: the parts of the buffer, moved to its start. */
struct copied {
    const uint8_t *old, *predicted, *kinds;
    uint8_t *bytes;
    size_t size;
};

/* How likely a run breaks: 0 for no reference in it, then unmoved, moved and guessed ones. */
static unsigned risk_of(const struct copied *copied, size_t at, size_t size)
{
    unsigned risk = 0;
    for (size_t i = at; i < at + size && risk < 3; i++) {
        if (copied->kinds[i] == 0)
            continue;
        unsigned here = copied->kinds[i] & 8 ? 3 : copied->predicted[i] != copied->old[i] ? 2 : 1;
        risk = here > risk ? here : risk;
    }
    return risk;
}

static bool code_run(struct patch_body *body, const struct copied *copied, size_t at, size_t size,
                     unsigned level)
{
    unsigned risk = risk_of(copied, at, size);
    unsigned bit = patch_is_writing(body->coder) &&
                   memcmp(copied->bytes + at, copied->predicted + at, size) == 0;
    patch_account_to(body->coder, PATCH_ACCOUNT_HITS);
    if (!body->kind->run(body->model, body->coder, level, risk, &body->place, bit))
        return false;
    memmove(copied->bytes + at, copied->predicted + at, size);
    note_run(&body->place, copied->predicted + at, copied->kinds + at, size, risk);
    return true;
}

/* True when the byte was as predicted. */
static bool code_copied(struct patch_body *body, const struct copied *copied, size_t at)
{
    struct patch_place *place = &body->place;
    uint8_t *byte = &copied->bytes[at];
    place->old = copied->old + at;
    place->predicted = copied->predicted[at];
    place->kind = copied->kinds[at];
    patch_account_to(body->coder, PATCH_ACCOUNT_HITS);
    bool hit = body->kind->hit(body->model, body->coder, place, *byte == place->predicted);
    if (hit) {
        *byte = place->predicted;
    } else {
        patch_account_to(body->coder, PATCH_ACCOUNT_MISSES);
        *byte = body->kind->miss(body->model, body->coder, place, *byte);
    }
    note_copied(place, *byte);
    return hit;
}

/* A miss lies in the `size` bytes at *at: skips what is right before it, by halves. */
static void narrow(struct patch_body *body, const struct copied *copied, size_t *at, size_t size,
                   unsigned level)
{
    while (level > RUN_LEAST && size > 1) {
        size_t half = size / 2;
        level--;
        if (code_run(body, copied, *at, half, level)) {
            *at += half;
            size -= half;
        } else {
            size = half;
        }
    }
}

static void code_cover_window(struct patch_body *body, const struct copied *copied)
{
    size_t at = 0;
    while (at < copied->size) {
        if (body->place.since_miss < RUN_AFTER) {
            (void)code_copied(body, copied, at++);
            continue;
        }
        size_t size = (size_t)1 << body->level;
        size = size < copied->size - at ? size : copied->size - at;
        if (code_run(body, copied, at, size, body->level)) {
            at += size;
            body->level += body->level < RUN_MOST;
            continue;
        }
        narrow(body, copied, &at, size, body->level);
        body->level = body->level > RUN_LEAST + 1 ? body->level - 2 : RUN_LEAST;
        while (at < copied->size && code_copied(body, copied, at++))
            ;
    }
}

/* --- windows ---------------------------------------------------------------------------------- */

/* Old bytes from `from`, zeros from `end` on. */
static bool read_old(struct patch_body *body, patch_offset from, patch_offset end, uint8_t *bytes,
                     size_t size)
{
    patch_offset left = from < end ? end - from : 0;
    size_t part = left < size ? (size_t)left : size;
    memset(bytes + part, 0, size - part);
    if (part > 0 && !body->old.read(body->old.user, from, bytes, part))
        body->failed = true;
    return !body->failed;
}

static enum patch_status step_cover(struct patch_body *body, uint8_t *bytes, size_t size)
{
    const struct patch_cover *cover = &body->covers.list[body->cover];
    patch_offset from = cover->old_offset + body->cover_at;
    bool is_new = from >= body->old.size; /* then nobody knows what is around */
    size_t behind = is_new ? 0 : from < PATCH_BEHIND ? (size_t)from : PATCH_BEHIND;
    patch_offset source_end = is_new ? from + (patch_offset)size : body->old.size;
    uint8_t *old = old_part(body), *predicted = predicted_part(body), *kinds = kinds_part(body);
    memset(body->buffer, 0, PATCH_BEHIND);
    if (!read_old(body, from - (patch_offset)behind, source_end, old - behind,
                  behind + size + PATCH_AHEAD))
        return PATCH_IO;
    patch_offset left = source_end - from - (patch_offset)size;
    size_t ahead = left < PATCH_AHEAD ? (size_t)left : PATCH_AHEAD;

    /* A field that began in the window before has left its end here. */
    size_t carry = body->carry;
    memcpy(predicted + carry, old + carry, size + PATCH_AHEAD - carry);
    memset(kinds + carry, 0, size + PATCH_AHEAD - carry);
    size_t end = size;
    if (carry < size && !is_new)
        end = patch_predict(&body->predictor, old, size, ahead, from, body->place.offset, carry,
                            predicted, kinds);
    patch_count_copied(body->coder, bytes, predicted, kinds, size);
    code_cover_window(body, &(struct copied){old, predicted, kinds, bytes, size});
    body->carry = end - size;
    memmove(predicted, predicted + size, body->carry);
    memmove(kinds, kinds + size, body->carry);
    body->cover_at += (patch_offset)size;
    if (body->cover_at == cover->size) {
        body->cover++;
        body->cover_at = 0;
        body->carry = 0;
    }
    return PATCH_OK;
}

/* What the cover before or after the gap would give for its bytes, if it went on. */
static bool read_ghost(struct patch_body *body, size_t cover, uint8_t *bytes, size_t size,
                       bool *has)
{
    *has = false;
    if (cover >= body->covers.count)
        return true;
    const struct patch_cover *near = &body->covers.list[cover];
    patch_offset from = body->place.offset - near->new_offset + near->old_offset;
    *has = from < body->old.size && body->old.size - from >= size;
    return !*has || read_old(body, from, body->old.size, bytes, size);
}

static void note_ghost(struct patch_place *place, int which, uint8_t byte)
{
    bool missed = !place->has_ghost[which] || place->ghost[which] != byte;
    place->ghost_misses[which] = (uint8_t)(place->ghost_misses[which] << 1 | missed);
    place->ghost_differences[which] = (uint8_t)(byte - place->ghost[which]);
}

static enum patch_status step_gap(struct patch_body *body, uint8_t *bytes, size_t size)
{
    struct patch_place *place = &body->place;
    uint8_t *ghosts[2] = {old_part(body), predicted_part(body)};
    if (!read_ghost(body, body->cover > 0 ? body->cover - 1 : body->covers.count, ghosts[0], size,
                    &place->has_ghost[0]) ||
        !read_ghost(body, body->cover, ghosts[1], size, &place->has_ghost[1]))
        return PATCH_IO;
    patch_account_to(body->coder, PATCH_ACCOUNT_EXTRA);
    for (size_t i = 0; i < size; i++) {
        for (int which = 0; which < 2; which++)
            place->ghost[which] = place->has_ghost[which] ? ghosts[which][i] : 0;
        bytes[i] = body->kind->extra(body->model, body->coder, place, body->old.read,
                                     body->old.user, bytes[i]);
        if (body->kind->learn)
            body->kind->learn(body->model, &bytes[i], 1);
        for (int which = 0; which < 2; which++)
            note_ghost(place, which, bytes[i]);
        advance(place, bytes[i]);
    }
    return PATCH_OK;
}

enum patch_status patch_body_step(struct patch_body *body, uint8_t *bytes, size_t *size)
{
    patch_offset at = body->place.offset;
    bool covered =
        body->cover < body->covers.count && body->covers.list[body->cover].new_offset <= at;
    patch_offset left = body->end - at;
    if (covered && body->covers.list[body->cover].size - body->cover_at < left)
        left = body->covers.list[body->cover].size - body->cover_at;
    else if (!covered && body->cover < body->covers.count &&
             body->covers.list[body->cover].new_offset - at < left)
        left = body->covers.list[body->cover].new_offset - at;
    *size = left < body->window ? (size_t)left : body->window;
    if (*size == 0)
        return PATCH_OK;
    enum patch_status status =
        covered ? step_cover(body, bytes, *size) : step_gap(body, bytes, *size);
    if (covered && body->kind->learn)
        body->kind->learn(body->model, bytes, *size);
    if (status == PATCH_OK && body->coder->failed)
        status = PATCH_IO;
    return status;
}
