/* SPDX-License-Identifier: MIT */
#include "delta/detect_parts.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"

#include <stdlib.h>

enum {
    MOST_WORDS = 8192, /* changed words that vote; as many unchanged ones may speak against */
    MOST_BALLOTS = 32768,
    MOST_INTERVALS = 24, /* of one shift, that a word votes for */
    LEAST_VOTES = 8,
    LEAST_SHARE = 2, /* per cent of the words */
    PAGE_BITS = 12,
    MOST_BASES = 8,
    FURTHER = 8,     /* one in this many of the first base's votes is wanted for a further one */
    NEAR_ALL = 8,    /* less than one in this many votes may be missing to be a candidate, … */
    NEARER_ALL = 32, /* … and less than one in this many of the best score to win by roundness */
    CANDIDATES = 6,  /* for being round, and again for votes */
    MOST_MOVES = 4,
};

/* How pointers are written. */
struct writing {
    uint8_t size;
    bool big;
};

struct word {
    uint64_t value, change; /* change: new - old */
};

/* One more, or one less, base is possible from `base` on. */
struct ballot {
    uint64_t base;
    int weight;
};

/* What is elected: an offset x of the old image lies at base + x, one of the new at … - move. */
struct base {
    uint64_t base, move;
};

struct election {
    const struct delta_pair *pair;
    struct writing writing;
    uint64_t mask;                   /* of a word */
    struct patch_interval *by_shift; /* the pair's intervals in another order */
    struct word *words;              /* that changed */
    size_t word_count;
    uint64_t *still; /* words that did not */
    size_t still_count;
    struct ballot *ballots;
    size_t ballot_count;
};

/* --- words that changed ---------------------------------------------------------------------- */

static uint64_t read_word(const uint8_t *p, struct writing writing)
{
    if (writing.size == 8)
        return writing.big ? pack_be64(p) : pack_le64(p);
    return writing.big ? pack_be32(p) : pack_le32(p);
}

struct harvest {
    size_t every, seen; /* one word of so many is taken */
    bool changed;
    uint64_t first, span; /* of values, where they did not change */
};

/* Addresses of 64 bits have their upper ones all alike; two instructions have not. */
static bool is_plausible(const struct election *election, uint64_t value)
{
    return election->writing.size < 8 || value >> 40 == 0 || value >> 40 == 0xffffff;
}

static void take(struct election *election, struct harvest *harvest, const uint8_t *from,
                 const uint8_t *to)
{
    const uint64_t value = read_word(from, election->writing);
    if (harvest->changed ? !is_plausible(election, value) : value - harvest->first >= harvest->span)
        return;
    if (harvest->seen++ % harvest->every != 0)
        return;
    if (harvest->changed && election->word_count < MOST_WORDS)
        election->words[election->word_count++] =
            (struct word){value, (read_word(to, election->writing) - value) & election->mask};
    if (!harvest->changed && election->still_count < MOST_WORDS)
        election->still[election->still_count++] = value;
}

static void collect(struct election *election, struct harvest *harvest)
{
    const struct delta_pair *pair = election->pair;
    const size_t size = election->writing.size;
    for (size_t k = 0; k < pair->covers.count; k++) {
        const struct patch_cover *cover = &pair->covers.list[k];
        const uint8_t *from = pair->old_bytes + cover->old_offset;
        const uint8_t *to = pair->new_bytes + cover->new_offset;
        if ((cover->new_offset - cover->old_offset) % 4 != 0)
            continue;
        for (size_t i = -(size_t)cover->old_offset & 3; i + size <= cover->size; i += 4)
            if ((memcmp(from + i, to + i, size) != 0) == harvest->changed)
                take(election, harvest, from + i, to + i);
    }
}

/* Words that changed, evenly from the whole image where there are too many. */
static void collect_changed(struct election *election)
{
    struct harvest harvest = {.every = 1, .changed = true};
    collect(election, &harvest);
    if (harvest.seen <= MOST_WORDS)
        return;
    harvest.every = (size_t)pack_pieces(harvest.seen, MOST_WORDS);
    harvest.seen = 0;
    election->word_count = 0;
    collect(election, &harvest);
}

/* Words that did not change and look like addresses, for the bases near this one. */
static void collect_still(struct election *election, uint64_t base)
{
    struct harvest harvest = {.every = 1, .first = base, .span = election->pair->old_size};
    election->still_count = 0;
    collect(election, &harvest);
}

/* --- votes ----------------------------------------------------------------------------------- */

static int by_shift(const void *left, const void *right)
{
    const struct patch_interval *a = left, *b = right;
    const patch_offset size_a = a->old_end - a->old_start, size_b = b->old_end - b->old_start;
    if (a->shift != b->shift)
        return a->shift < b->shift ? -1 : 1;
    if (size_a != size_b)
        return size_a > size_b ? -1 : 1;
    return a->old_start < b->old_start ? -1 : a->old_start > b->old_start;
}

static int by_base(const void *left, const void *right)
{
    const struct ballot *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    return a->weight - b->weight;
}

/* The intervals of one shift, largest first. */
static const struct patch_interval *of_shift(const struct election *election, uint64_t shift,
                                             size_t *count)
{
    size_t low = 0, high = election->pair->covers.interval_count, end;
    const size_t all = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((election->by_shift[middle].shift & election->mask) < shift)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < all && (election->by_shift[end].shift & election->mask) == shift; end++)
        ;
    *count = end - low;
    return election->by_shift + low;
}

static void vote(struct election *election, const struct word *word, uint64_t move)
{
    size_t count = 0;
    const struct patch_interval *intervals =
        of_shift(election, (word->change + move) & election->mask, &count);
    for (size_t i = 0; i < count && i < MOST_INTERVALS; i++) {
        const uint64_t first = word->value - (intervals[i].old_end - 1);
        const uint64_t last = word->value - intervals[i].old_start;
        if (first > last || election->ballot_count + 2 > MOST_BALLOTS)
            continue;
        election->ballots[election->ballot_count++] = (struct ballot){first, 1};
        election->ballots[election->ballot_count++] = (struct ballot){last + 1, -1};
    }
}

/* The number in [first, last] that most powers of two divide. */
static uint64_t roundest(uint64_t first, uint64_t last)
{
    for (unsigned shift = 63; shift > 0; shift--) {
        const uint64_t unit = (uint64_t)1 << shift;
        if (last / unit * unit >= first)
            return last / unit * unit;
    }
    return first;
}

static unsigned roundness(uint64_t base)
{
    return base == 0 ? 64 : (unsigned)__builtin_ctzll(base);
}

struct candidates {
    uint64_t list[2 * CANDIDATES]; /* roundest first */
    size_t count;
};

static void add_candidate(struct candidates *candidates, uint64_t base, size_t room)
{
    size_t place = 0;
    while (place < candidates->count && roundness(candidates->list[place]) >= roundness(base))
        if (candidates->list[place++] == base)
            return;
    if (place == room)
        return;
    candidates->count += candidates->count < room;
    for (size_t i = candidates->count - 1; i > place; i--)
        candidates->list[i] = candidates->list[i - 1];
    candidates->list[place] = base;
}

static int deepest(struct election *election)
{
    int depth = 0, most = 0;
    for (size_t i = 0; i < election->ballot_count; i++) {
        depth += election->ballots[i].weight;
        if (depth > most)
            most = depth;
    }
    return most;
}

/* Where a part stands behind a header, its base is not round: those of the very most votes. */
static void add_deepest(const struct election *election, int most, struct candidates *candidates)
{
    int depth = 0;
    for (size_t i = 0; i + 1 < election->ballot_count; i++) {
        const uint64_t first = election->ballots[i].base, next = election->ballots[i + 1].base;
        depth += election->ballots[i].weight;
        if (depth * NEARER_ALL >= most * (NEARER_ALL - 1) && next != first)
            add_candidate(candidates, roundest(first, next - 1), 2 * CANDIDATES);
    }
}

/*
 * The bases of most votes. The true one may have some votes less than the most, for covers end
 * too early or too late.
 */
static size_t count_votes(struct election *election, uint64_t move, struct candidates *candidates)
{
    int depth = 0;
    election->ballot_count = 0;
    for (size_t i = 0; i < election->word_count; i++)
        vote(election, &election->words[i], move);
    qsort(election->ballots, election->ballot_count, sizeof *election->ballots, by_base);
    const int most = deepest(election);
    for (size_t i = 0; i + 1 < election->ballot_count; i++) {
        const uint64_t first = election->ballots[i].base, next = election->ballots[i + 1].base;
        depth += election->ballots[i].weight;
        if (depth * NEAR_ALL >= most * (NEAR_ALL - 1) && next != first)
            add_candidate(candidates, roundest(first, next - 1), CANDIDATES);
    }
    add_deepest(election, most, candidates);
    return (size_t)most;
}

/* How an address would change. */
static bool change_of(const struct election *election, const struct base *base, uint64_t value,
                      uint64_t *change)
{
    patch_offset moved = 0;
    const uint64_t offset = value - base->base;
    if (offset >= election->pair->old_size ||
        !patch_covers_map(&election->pair->covers, (patch_offset)offset, &moved))
        return false;
    *change = (moved - offset - base->move) & election->mask;
    return true;
}

static bool explains(const struct election *election, const struct base *base,
                     const struct word *word)
{
    uint64_t change = 0;
    return change_of(election, base, word->value, &change) && change == word->change;
}

/* Words that a base explains, less those that should have changed and did not. */
static int64_t score(const struct election *election, const struct base *base)
{
    int64_t sum = 0;
    uint64_t change = 0;
    for (size_t i = 0; i < election->word_count; i++)
        sum += explains(election, base, &election->words[i]);
    for (size_t i = 0; i < election->still_count; i++)
        sum -= change_of(election, base, election->still[i], &change) && change != 0;
    return sum;
}

static int64_t best_of(struct election *election, const struct candidates *candidates,
                       struct base *base)
{
    int64_t scores[2 * CANDIDATES], best = 0;
    if (candidates->count > 0)
        collect_still(election, candidates->list[0]);
    for (size_t i = 0; i < candidates->count; i++) {
        scores[i] = score(election, &(struct base){candidates->list[i], base->move});
        if (scores[i] > best)
            best = scores[i];
    }
    for (size_t i = 0; i < candidates->count; i++) {
        if (best == 0 || scores[i] * NEARER_ALL < best * (NEARER_ALL - 1))
            continue;
        base->base = candidates->list[i];
        break;
    }
    return best;
}

/* --- moves of the whole ---------------------------------------------------------------------- */

struct moves {
    uint64_t list[MOST_MOVES];
    size_t count;
};

/* Distances by which a whole part of the image may have moved: none, and those of most bytes. */
static void find_moves(const struct election *election, struct moves *moves)
{
    const size_t count = election->pair->covers.interval_count;
    moves->count = 1; /* none */
    while (moves->count < MOST_MOVES) {
        uint64_t best = 0, most = election->pair->old_size / 16;
        for (size_t i = 0, next = 0; i < count; i = next) {
            uint64_t bytes = 0;
            const uint64_t shift = election->by_shift[i].shift;
            for (next = i; next < count && election->by_shift[next].shift == shift; next++)
                bytes += election->by_shift[next].old_end - election->by_shift[next].old_start;
            bool known = false;
            for (size_t k = 0; k < moves->count; k++)
                known = known || moves->list[k] == shift;
            if (known || bytes <= most)
                continue;
            most = bytes;
            best = shift;
        }
        if (best == 0)
            return;
        moves->list[moves->count++] = best;
    }
}

/* Chance makes some votes too, but hardly for the start of a page. */
static bool is_credible(const struct election *election, const struct base *base, size_t votes,
                        int64_t sum)
{
    if (roundness(base->base) >= PAGE_BITS && sum >= 2 * LEAST_VOTES)
        return true;
    return votes * 100 >= election->word_count * LEAST_SHARE && 2 * sum >= (int64_t)votes;
}

/* Tries further moves while most of the words stay unexplained. */
static size_t elect_one(struct election *election, const struct moves *moves, struct base *base)
{
    int64_t best = 0;
    size_t most = 0;
    for (size_t i = 0; i < moves->count && 2 * (size_t)best < election->word_count; i++) {
        struct candidates candidates = {0};
        struct base found = {.move = moves->list[i]};
        const size_t votes = count_votes(election, found.move, &candidates);
        if (votes < LEAST_VOTES)
            continue;
        const int64_t sum = best_of(election, &candidates, &found);
        if (sum <= best || !is_credible(election, &found, votes, sum))
            continue;
        best = sum;
        most = votes;
        *base = found;
    }
    return most;
}

/* Counts how many pointers with this base point to each part, and drops the words explained. */
static void drop_explained(struct election *election, const struct base *base, uint32_t *hits,
                           size_t part)
{
    size_t kept = 0;
    for (size_t i = 0; i < election->word_count; i++) {
        if (explains(election, base, &election->words[i]))
            hits[(election->words[i].value - base->base) / part]++;
        else
            election->words[kept++] = election->words[i];
    }
    election->word_count = kept;
}

/* --- ranges ---------------------------------------------------------------------------------- */

enum { PARTS = 256 };

struct result {
    struct base bases[MOST_BASES];
    uint32_t hits[MOST_BASES][PARTS];
    size_t count;
    size_t part; /* bytes */
};

static size_t best_base(const struct result *result, size_t part)
{
    size_t best = MOST_BASES;
    for (size_t i = 0; i < result->count; i++)
        if (result->hits[i][part] > 0 &&
            (best == MOST_BASES || result->hits[i][part] > result->hits[best][part]))
            best = i;
    return best;
}

static void add_range(struct delta_tables *tables, const struct delta_pair *pair, size_t start,
                      size_t end, const struct base *base)
{
    patch_offset from = 0, to = (patch_offset)pair->new_size;
    const uint64_t mask = base->base >> 32 != 0 ? UINT64_MAX : UINT32_MAX;
    const size_t count = tables->old_range_count;
    if (count > 0) {
        patch_covers_map(&pair->covers, (patch_offset)start, &from);
        struct patch_range *last = &tables->new_ranges[count - 1];
        if (from <= last->start || from >= to)
            return;
        last->end = from;
        tables->old_ranges[count - 1].end = (patch_offset)start;
    }
    tables->old_ranges[count] =
        (struct patch_range){(patch_offset)start, (patch_offset)end, base->base + start};
    tables->new_ranges[count] =
        (struct patch_range){from, to, (base->base - base->move + from) & mask};
    tables->old_range_count = tables->new_range_count = count + 1;
}

/* Each part has the base that most pointers to it have; the others follow the part before. */
static void make_ranges(struct delta_tables *tables, const struct delta_pair *pair,
                        const struct result *result)
{
    size_t last = MOST_BASES;
    for (size_t part = 0; part * result->part < pair->old_size; part++) {
        const size_t best = best_base(result, part);
        if (best == MOST_BASES || best == last)
            continue;
        const size_t start = last == MOST_BASES ? 0 : part * result->part;
        if (tables->old_range_count < tables->most_ranges)
            add_range(tables, pair, start, pair->old_size, &result->bases[best]);
        last = best;
    }
}

static int elect(struct election *election, struct delta_tables *tables, struct pack_error *error)
{
    PACK_AUTO_FREE struct result *result = NULL;
    struct moves moves = {0};
    size_t most = 0;
    int code = pack_allocate(&result, 1, sizeof *result, error);
    if (code != 0)
        return code;
    result->part = (size_t)pack_pieces(election->pair->old_size, PARTS);
    find_moves(election, &moves);
    while (result->count < MOST_BASES && result->count < tables->most_ranges) {
        struct base *base = &result->bases[result->count];
        const size_t votes = elect_one(election, &moves, base);
        if (votes == 0 || votes * FURTHER < most)
            break;
        most = votes > most ? votes : most;
        drop_explained(election, base, result->hits[result->count], result->part);
        result->count++;
    }
    make_ranges(tables, election->pair, result);
    return 0;
}

static struct writing writing_of(const struct delta_tables *tables)
{
    static const uint8_t wide[] = {PATCH_REGION_A64, PATCH_REGION_X86_64, PATCH_REGION_RISCV64,
                                   PATCH_REGION_POINTERS64_LE, PATCH_REGION_POINTERS64_BE};
    static const uint8_t big[] = {PATCH_REGION_MIPS_BE, PATCH_REGION_POWERPC,
                                  PATCH_REGION_POINTERS32_BE, PATCH_REGION_POINTERS64_BE};
    const uint8_t kind = tables->region_count > 0 ? tables->regions[0].kind : PATCH_REGION_NONE;
    return (struct writing){.size = memchr(wide, kind, sizeof wide) ? 8 : 4,
                            .big = memchr(big, kind, sizeof big) != NULL};
}

int delta_detect_bases(struct delta_tables *tables, const struct delta_pair *pair,
                       struct pack_error *error)
{
    PACK_AUTO_FREE struct patch_interval *intervals = NULL;
    PACK_AUTO_FREE struct word *words = NULL;
    PACK_AUTO_FREE struct ballot *ballots = NULL;
    PACK_AUTO_FREE uint64_t *still = NULL;
    const size_t count = pair->covers.interval_count;
    if (count == 0)
        return 0;
    int code = pack_allocate(&intervals, count, sizeof *intervals, error);
    if (code == 0)
        code = pack_allocate(&words, MOST_WORDS, sizeof *words, error);
    if (code == 0)
        code = pack_allocate(&ballots, MOST_BALLOTS, sizeof *ballots, error);
    if (code == 0)
        code = pack_allocate(&still, MOST_WORDS, sizeof *still, error);
    if (code != 0)
        return code;
    struct election election = {
        .pair = pair,
        .writing = writing_of(tables),
        .by_shift = intervals,
        .words = words,
        .ballots = ballots,
        .still = still,
    };
    election.mask = election.writing.size == 8 ? UINT64_MAX : UINT32_MAX;
    memcpy(intervals, pair->covers.intervals, count * sizeof *intervals);
    qsort(intervals, count, sizeof *intervals, by_shift);
    collect_changed(&election);
    return elect(&election, tables, error);
}
