/* SPDX-License-Identifier: MIT */
#include "delta/match_parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Offsets between two questions whether to go on. */
#define CANCEL_EVERY ((size_t)1 << 16)

/* The candidates found last, by shift, so that none is found twice. */
#define RECENT_BITS 12
#define RECENT ((size_t)1 << RECENT_BITS)

/* Steps of growth that are saved up at most. */
#define MOST_CREDIT ((size_t)1 << 16)

/* So many candidates over the same bytes are a crowd. */
#define CROWD 2

struct reached {
    size_t shift, start, end; /* in the new image; end 0: none */
    bool is_refused;          /* did not pay for itself */
    size_t candidate;
};

/* How candidates grow. */
struct manner {
    struct delta_costs costs;
    size_t tired; /* bytes after which one is given up that gains nothing on the leader */
    size_t most;  /* steps, each over a byte that differs or some that are equal */
};

struct scanner {
    const struct delta_scan *scan;
    struct delta_covers *candidates;
    struct reached recent[RECENT];
    struct reached leader; /* that others have to better */
    size_t start, end;     /* of the part of the new image */
    /*
     * Over more misses than pay, for predictions may turn those into hits; but not in a crowd, as
     * in tables of equal rows.
     */
    struct manner lenient, strict, hasty;
    size_t credit;      /* steps that may still be taken before haste */
    size_t ends[CROWD]; /* of the candidates added last */
    size_t added;
};

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

size_t delta_equal(const uint8_t *one, const uint8_t *other, size_t most)
{
    size_t size = 0;
    while (size + 8 <= most && word_at(one + size) == word_at(other + size))
        size += 8;
    while (size < most && one[size] == other[size])
        size++;
    return size;
}

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* Equal bytes from new_offset on, if the candidate holds it. */
static size_t equal_ahead(const struct delta_images *images, size_t new_offset,
                          const struct reached *reached)
{
    if (new_offset < reached->start || new_offset >= reached->end)
        return 0;
    return delta_equal(images->new_bytes + new_offset,
                       images->old_bytes + (new_offset - reached->shift),
                       reached->end - new_offset);
}

static void lead(struct scanner *scanner, size_t new_offset, const struct reached *reached)
{
    const struct delta_images *images = scanner->scan->images;
    if (reached->end > scanner->leader.end || equal_ahead(images, new_offset, reached) >
                                                  equal_ahead(images, new_offset, &scanner->leader))
        scanner->leader = *reached;
}

/* What is gained where the candidate is or is not equal, and where the leader is or is not. */
static int64_t gain_of(const struct delta_costs *costs, bool equal, bool leader_equal)
{
    int64_t other = leader_equal ? costs->hit : costs->extra;
    return other - (equal ? costs->hit : costs->miss);
}

struct reach {
    size_t steps;
    size_t size;    /* to where most is gained */
    int64_t gained; /* there, against the leader or against extra bytes, whichever is less */
};

/*
 * How far a candidate reaches on from new_offset, given up where more is lost than two covers
 * cost, or where the leader has long been as good.
 */
static struct reach reach_ahead(const struct scanner *scanner, const struct manner *manner,
                                size_t new_offset, size_t shift)
{
    const struct delta_costs *costs = &manner->costs;
    const struct delta_images *images = scanner->scan->images;
    size_t most = smaller(scanner->end - new_offset, images->old_size - (new_offset - shift));
    const uint8_t *one = images->new_bytes + new_offset;
    const uint8_t *other = images->old_bytes + (new_offset - shift);
    struct reach best = {0};
    size_t steps = 0;
    int64_t score = 0;
    for (size_t size = 0;
         size < most && steps < manner->most && score >= best.gained - 2 * costs->cover; steps++) {
        size_t at = new_offset + size;
        bool led = at >= scanner->leader.start && at < scanner->leader.end;
        if (led && size > best.size + manner->tired)
            break;
        size_t equal =
            led ? one[size] == other[size] : delta_equal(one + size, other + size, most - size);
        bool leader_equal = led && one[size] == images->old_bytes[at - scanner->leader.shift];
        size += equal != 0 ? equal : 1;
        score += (int64_t)(equal != 0 ? equal : 1) * gain_of(costs, equal != 0, leader_equal);
        if (score > best.gained)
            best = (struct reach){.size = size, .gained = score};
    }
    best.steps = steps;
    return best;
}

/* The same backwards from the byte before, by at most `most` bytes. */
static struct reach reach_behind(const struct scanner *scanner, const struct manner *manner,
                                 size_t new_offset, size_t shift, size_t most)
{
    const struct delta_costs *costs = &manner->costs;
    const struct delta_images *images = scanner->scan->images;
    struct reach best = {0};
    size_t steps = 0;
    int64_t score = 0;
    for (size_t size = 0;
         size < most && steps < manner->most && score >= best.gained - 2 * costs->cover; steps++) {
        size_t at = new_offset - ++size;
        bool led = at >= scanner->leader.start && at < scanner->leader.end;
        uint8_t byte = images->new_bytes[at];
        bool leader_equal = led && byte == images->old_bytes[at - scanner->leader.shift];
        score += gain_of(costs, byte == images->old_bytes[at - shift], leader_equal);
        if (score > best.gained)
            best = (struct reach){.size = size, .gained = score};
    }
    best.steps = steps;
    return best;
}

static struct reached *recent_of(struct scanner *scanner, size_t shift)
{
    uint64_t mixed = (uint64_t)shift * UINT64_C(0x9e3779b97f4a7c15);
    return &scanner->recent[mixed >> (64 - RECENT_BITS)];
}

static const struct manner *manner_at(const struct scanner *scanner, size_t new_offset)
{
    if (scanner->credit == 0)
        return &scanner->hasty;
    for (size_t i = 0; i < CROWD; i++) {
        if (scanner->ends[i] <= new_offset)
            return &scanner->lenient;
    }
    return &scanner->strict;
}

/* Grows a candidate from a place, and keeps it if it can pay for itself. */
static int add_candidate(struct scanner *scanner, size_t new_offset,
                         const struct delta_place *place, struct pack_error *error)
{
    size_t shift = new_offset - place->old_offset;
    struct reached *recent = recent_of(scanner, shift);
    bool again = recent->end != 0 && recent->shift == shift;
    if (again && new_offset < recent->end) {
        if (!recent->is_refused)
            lead(scanner, new_offset, recent);
        return 0;
    }
    const struct manner *manner = manner_at(scanner, new_offset);
    struct reach ahead = reach_ahead(scanner, manner, new_offset, shift);
    size_t most = smaller(smaller(new_offset - scanner->start, place->old_offset), manner->tired);
    if (again && !recent->is_refused)
        most = smaller(most, new_offset - recent->end);
    struct reach behind = reach_behind(scanner, manner, new_offset, shift, most);
    scanner->credit -= smaller(scanner->credit, ahead.steps + behind.steps);
    if (ahead.gained + behind.gained < scanner->scan->costs.cover) {
        *recent =
            (struct reached){.shift = shift, .end = new_offset + place->length, .is_refused = true};
        return 0;
    }

    struct reached found = {.shift = shift,
                            .start = new_offset - behind.size,
                            .end = new_offset + ahead.size,
                            .candidate = scanner->candidates->count};
    bool goes_on = again && !recent->is_refused && found.start == recent->end;
    if (goes_on) {
        found.start = recent->start;
        found.candidate = recent->candidate;
    }
    *recent = found;
    lead(scanner, new_offset, recent);
    scanner->ends[scanner->added++ % CROWD] = recent->end;
    struct patch_cover cover = {.new_offset = found.start,
                                .old_offset = found.start - shift,
                                .size = found.end - found.start};
    if (!goes_on)
        return delta_covers_add(scanner->candidates, &cover, error);
    scanner->candidates->list[found.candidate] = cover;
    return 0;
}

/* Bytes from `offset` for which the candidate at hand is good enough, 0 to look further. */
static size_t skippable(const struct scanner *scanner, size_t offset)
{
    const struct delta_images *images = scanner->scan->images;
    if (offset >= scanner->leader.end)
        return 0;
    size_t most = scanner->leader.end - offset;
    const uint8_t *one = images->new_bytes + offset;
    const uint8_t *other = images->old_bytes + (offset - scanner->leader.shift);
    size_t skipped = smaller(most, one[0] != other[0]);
    size_t equal = delta_equal(one + skipped, other + skipped, most - skipped);
    return equal >= scanner->scan->enough ? skipped + equal : 0;
}

static int look(struct scanner *scanner, size_t offset, struct pack_error *error)
{
    const struct delta_scan *scan = scanner->scan;
    struct delta_place places[DELTA_MOST_PLACES];
    size_t count = scan->finder.find(scan->finder.state, offset, scanner->leader.shift, places,
                                     scan->most_places);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (places[i].length >= scan->least && scanner->candidates->count < scan->most)
            status = add_candidate(scanner, offset, &places[i], error);
    }
    return status;
}

static struct manner manner_of(const struct delta_scan *scan, size_t tired, size_t most)
{
    return (struct manner){.costs = scan->costs, .tired = tired, .most = most};
}

int delta_scan_run(const struct delta_scan *scan, size_t start, size_t end,
                   struct delta_covers *candidates, const struct pack_context *context,
                   struct pack_error *error)
{
    PACK_AUTO_FREE struct scanner *scanner = calloc(1, sizeof *scanner);
    if (!scanner)
        return pack_fail_memory(error);
    scanner->scan = scan;
    scanner->candidates = candidates;
    scanner->start = start;
    scanner->end = end;
    scanner->lenient = manner_of(scan, 2048, 1 << 16);
    scanner->strict = manner_of(scan, 256, 1024);
    scanner->hasty = manner_of(scan, 32, 128);
    scanner->lenient.costs.miss -= scan->costs.miss / 4;
    scanner->credit = MOST_CREDIT;
    size_t ask = start;
    for (size_t offset = start; offset < end;) {
        int status = 0;
        if (offset >= ask) {
            pack_progress(context, "match", offset, scan->images->new_size);
            status = pack_check_cancelled(context, error);
            ask = offset + CANCEL_EVERY;
        }
        size_t skipped = skippable(scanner, offset);
        if (status == 0 && skipped == 0)
            status = look(scanner, offset, error);
        if (status != 0)
            return status;
        offset += skipped == 0 ? 1 : skipped;
        scanner->credit = smaller(scanner->credit + scan->patience, MOST_CREDIT);
    }
    return 0;
}
