/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "delta/match_parts.h"
#include "delta/refine_predict.h"

#include <string.h>

/*
 * The cheapest way through the new image, where each byte is either extra or belongs to one of
 * the candidates that hold it. Between two events (a candidate begins or ends, or a byte of one
 * differs) nothing is gained by changing over, so that only events are looked at.
 */

#define NO_CANDIDATE UINT32_MAX

/* Steps in which the cover cost is sought that leaves no more covers than wanted. */
#define BISECTIONS 16

/* After so many events the way up to there is settled. */
#define MOST_EVENTS ((size_t)1 << 20)

/* So many ways are followed at once; of more, the dearest is given up. */
#define MOST_ACTIVE 96

struct event {
    size_t offset;
    uint32_t candidate; /* that the cheapest way came through; NO_CANDIDATE: extra bytes */
    uint32_t entered;   /* the event at which it was entered */
};

/* Differences that are remembered of each way. */
#define DIFFERENCES 4

struct active {
    uint32_t candidate, entered;
    int64_t cost;
    size_t mismatch;     /* the next byte that differs, or the end */
    size_t end;          /* of the candidate */
    const uint8_t *from; /* what is copied to the offset `known` and up, without its differences */
    size_t known, known_end;
    uint8_t differences[DIFFERENCES]; /* the last ones, the newest first */
    struct delta_forecast *forecast;  /* NULL without predictions */
};

struct choice {
    const struct delta_images *images;
    const struct delta_costs *costs;
    const struct delta_candidates *candidates;
    struct event *events;
    size_t event_count, event_capacity;
    struct active actives[MOST_ACTIVE];
    size_t active_count;
    struct delta_forecast *forecasts; /* MOST_ACTIVE, or NULL; those of no active are `spare` */
    struct delta_forecast *spare[MOST_ACTIVE];
    size_t next;  /* candidate to begin */
    size_t first; /* cover of this choice among the chosen ones */
    size_t offset;
    int64_t best;
};

static void choice_free(struct choice *choice)
{
    free(choice->events);
    free(choice->forecasts);
}

static int add_event(struct choice *choice, const struct event *event, struct pack_error *error)
{
    if (choice->event_count == choice->event_capacity) {
        size_t capacity = choice->event_capacity < 64 ? 64 : choice->event_capacity * 3 / 2;
        struct event *events = reallocarray(choice->events, capacity, sizeof *events);
        if (events == NULL)
            return pack_fail_memory(error);
        choice->events = events;
        choice->event_capacity = capacity;
    }
    choice->events[choice->event_count++] = *event;
    return 0;
}

/* The next byte from `offset` on that is not what would be copied, or the end. */
static size_t next_mismatch(const struct choice *choice, struct active *active, size_t offset)
{
    const uint8_t *new_bytes = choice->images->new_bytes;
    for (;;) {
        size_t equal = delta_equal(new_bytes + offset, active->from + (offset - active->known),
                                   active->known_end - offset);
        offset += equal;
        if (offset < active->known_end || offset == active->end)
            return offset;
        delta_forecast_next(active->forecast);
        active->known = offset;
        active->known_end = offset + active->forecast->size;
    }
}

/* What the byte that differs at `offset` costs. */
static int64_t cost_of_miss(const struct choice *choice, struct active *active, size_t offset)
{
    uint8_t difference =
        (uint8_t)(choice->images->new_bytes[offset] - active->from[offset - active->known]);
    size_t place = 0;
    while (place < DIFFERENCES - 1 && active->differences[place] != difference)
        place++;
    bool is_known = active->differences[place] == difference;
    memmove(active->differences + 1, active->differences, place);
    active->differences[0] = difference;
    return is_known ? choice->costs->again : choice->costs->miss;
}

/* Where bytes come from at first. */
static void begin_copy(struct choice *choice, struct active *active,
                       const struct patch_cover *cover, size_t offset)
{
    size_t old = cover->old_offset + (offset - cover->new_offset);
    active->known = offset;
    active->known_end = active->end;
    active->from = choice->images->old_bytes + old;
    if (active->forecast == NULL)
        return;
    delta_forecast_begin(active->forecast, choice->candidates->predictions, old, offset,
                         active->end - offset);
    delta_forecast_next(active->forecast);
    active->from = active->forecast->bytes;
    active->known_end = offset + active->forecast->size;
}

static struct active *room_for_one(struct choice *choice)
{
    if (choice->active_count < MOST_ACTIVE) {
        struct active *active = &choice->actives[choice->active_count];
        active->forecast = choice->spare[choice->active_count++];
        return active;
    }
    struct active *dearest = choice->actives;
    for (size_t i = 1; i < MOST_ACTIVE; i++) {
        struct active *active = &choice->actives[i];
        if (active->cost > dearest->cost ||
            (active->cost == dearest->cost && active->end < dearest->end))
            dearest = active;
    }
    return dearest;
}

static void begin_candidates(struct choice *choice)
{
    const struct delta_covers *candidates = &choice->candidates->covers;
    while (choice->next < candidates->count &&
           candidates->list[choice->next].new_offset <= choice->offset) {
        const struct patch_cover *cover = &candidates->list[choice->next];
        struct active *active = room_for_one(choice);
        *active = (struct active){.candidate = (uint32_t)choice->next++,
                                  .cost = choice->best + choice->costs->cover,
                                  .entered = (uint32_t)(choice->event_count - 1),
                                  .end = cover->new_offset + cover->size,
                                  .forecast = active->forecast};
        begin_copy(choice, active, cover, choice->offset);
        active->mismatch = next_mismatch(choice, active, choice->offset);
    }
}

static void end_candidates(struct choice *choice)
{
    size_t kept = 0;
    for (size_t i = 0; i < choice->active_count; i++) {
        struct active active = choice->actives[i];
        if (active.end > choice->offset)
            choice->actives[kept++] = active;
        else
            choice->spare[choice->active_count - 1 - (i - kept)] = active.forecast;
    }
    choice->active_count = kept;
}

/* Where the bytes after choice->offset stop being equal in all active candidates. */
static size_t stretch_end(const struct choice *choice)
{
    const struct delta_covers *candidates = &choice->candidates->covers;
    size_t end = choice->images->new_size;
    if (choice->next < candidates->count && candidates->list[choice->next].new_offset < end)
        end = candidates->list[choice->next].new_offset;
    for (size_t i = 0; i < choice->active_count; i++) {
        if (choice->actives[i].mismatch < end)
            end = choice->actives[i].mismatch;
    }
    /* A byte that differs is a stretch of its own. */
    return end > choice->offset ? end : choice->offset + 1;
}

static int advance(struct choice *choice, struct pack_error *error)
{
    const struct delta_costs *costs = choice->costs;
    size_t end = stretch_end(choice);
    int64_t size = (int64_t)(end - choice->offset);
    int64_t enter = choice->best + costs->cover;
    struct event event = {.offset = end, .candidate = NO_CANDIDATE};
    int64_t best = choice->best + size * costs->extra;

    for (size_t i = 0; i < choice->active_count; i++) {
        struct active *active = &choice->actives[i];
        if (enter < active->cost) {
            active->cost = enter;
            active->entered = (uint32_t)(choice->event_count - 1);
        }
        bool differs = active->mismatch == choice->offset;
        active->cost += differs ? cost_of_miss(choice, active, choice->offset) : size * costs->hit;
        if (differs)
            active->mismatch = next_mismatch(choice, active, end);
        if (active->cost < best) {
            best = active->cost;
            event.candidate = active->candidate;
            event.entered = active->entered;
        }
    }
    choice->best = best;
    choice->offset = end;
    return add_event(choice, &event, error);
}

/* Adds a cover, as a part of the last one where it only goes on. */
static int add_chosen(struct delta_covers *chosen, size_t first, const struct patch_cover *cover,
                      struct pack_error *error)
{
    struct patch_cover *last = chosen->count > first ? &chosen->list[chosen->count - 1] : NULL;
    if (last == NULL || last->new_offset + last->size != cover->new_offset ||
        last->old_offset + last->size != cover->old_offset)
        return delta_covers_add(chosen, cover, error);
    last->size += cover->size;
    return 0;
}

/* The covers of the cheapest way through the events, which are found from their end. */
static int trace_back(const struct choice *choice, struct delta_covers *chosen,
                      struct pack_error *error)
{
    PACK_AUTO(delta_covers_free) struct delta_covers found = {0};
    int status = 0;
    for (size_t at = choice->event_count - 1; at > 0 && status == 0;) {
        const struct event *event = &choice->events[at];
        if (event->candidate == NO_CANDIDATE) {
            at--;
            continue;
        }
        const struct patch_cover *source = &choice->candidates->covers.list[event->candidate];
        size_t start = choice->events[event->entered].offset;
        struct patch_cover cover = {.new_offset = start,
                                    .old_offset = source->old_offset + (start - source->new_offset),
                                    .size = event->offset - start};
        status = delta_covers_add(&found, &cover, error);
        at = event->entered;
    }
    for (size_t i = found.count; i-- > 0 && status == 0;)
        status = add_chosen(chosen, choice->first, &found.list[i], error);
    return status;
}

/*
 * Settles for the cheapest way up to here, so that the events do not grow without bound; all
 * others have to leave it.
 */
static int settle(struct choice *choice, struct delta_covers *chosen, struct pack_error *error)
{
    struct event last = choice->events[choice->event_count - 1];
    int status = trace_back(choice, chosen, error);
    for (size_t i = 0; i < choice->active_count; i++) {
        struct active *active = &choice->actives[i];
        active->entered = 0;
        if (active->candidate != last.candidate)
            active->cost = choice->best + choice->costs->cover;
    }
    choice->events[0] = (struct event){.offset = choice->offset, .candidate = NO_CANDIDATE};
    choice->event_count = 1;
    return status;
}

static int by_new_offset(const void *one, const void *other)
{
    const struct patch_cover *a = one, *b = other;
    if (a->new_offset != b->new_offset)
        return a->new_offset < b->new_offset ? -1 : 1;
    if (a->old_offset != b->old_offset)
        return a->old_offset < b->old_offset ? -1 : 1;
    return (a->size > b->size) - (a->size < b->size);
}

static int make_forecasts(struct choice *choice, struct pack_error *error)
{
    if (choice->candidates->predictions == NULL)
        return 0;
    int status = pack_allocate(&choice->forecasts, MOST_ACTIVE, sizeof *choice->forecasts, error);
    for (size_t i = 0; i < MOST_ACTIVE && status == 0; i++)
        choice->spare[i] = &choice->forecasts[i];
    return status;
}

void delta_covers_sort(struct delta_covers *covers)
{
    if (covers->count > 1)
        qsort(covers->list, covers->count, sizeof *covers->list, by_new_offset);
}

int delta_choose(struct delta_covers *chosen, const struct delta_candidates *candidates,
                 const struct delta_images *images, const struct delta_costs *costs,
                 struct pack_error *error)
{
    PACK_AUTO(choice_free)
    struct choice choice = {
        .images = images, .costs = costs, .candidates = candidates, .first = chosen->count};
    if (candidates->covers.count >= NO_CANDIDATE)
        return pack_fail(error, PACK_E_LIMIT, "the images have too much in common to choose from");

    int status = make_forecasts(&choice, error);
    if (status == 0)
        status = add_event(&choice, &(struct event){.candidate = NO_CANDIDATE}, error);
    while (status == 0 && choice.offset < images->new_size) {
        end_candidates(&choice);
        begin_candidates(&choice);
        status = advance(&choice, error);
        if (status == 0 && choice.event_count > MOST_EVENTS)
            status = settle(&choice, chosen, error);
    }
    return status == 0 ? trace_back(&choice, chosen, error) : status;
}

int delta_choose_few(struct delta_covers *chosen, const struct delta_candidates *candidates,
                     const struct delta_images *images, struct delta_costs costs, size_t most,
                     struct pack_error *error)
{
    int status = delta_choose(chosen, candidates, images, &costs, error);
    if (status != 0 || chosen->count <= most)
        return status;
    int64_t low = costs.cover, high = low;
    for (unsigned step = 0; step < BISECTIONS || chosen->count > most; step++) {
        bool is_found = high > low;
        costs.cover = !is_found ? high * 2 : step < BISECTIONS ? low + (high - low) / 2 : high;
        chosen->count = 0;
        status = delta_choose(chosen, candidates, images, &costs, error);
        if (status != 0)
            return status;
        if (chosen->count <= most)
            high = costs.cover;
        else if (is_found)
            low = costs.cover;
        else
            low = high = costs.cover;
    }
    return 0;
}
