/* SPDX-License-Identifier: MIT */
#include "delta/detect_parts.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"

#include <stdlib.h>

enum {
    MOST_WORDS = 16384, /* changed words that vote */
    MOST_BALLOTS = 65536,
    MOST_INTERVALS = 24, /* of one shift, that a word votes for */
    LEAST_VOTES = 8,
    LEAST_SHARE = 10, /* per cent of the words */
    MOST_BASES = 8,
    NEAR_ALL = 8, /* less than one in this many of the votes may be missing */
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

struct election {
    const struct delta_pair *pair;
    struct writing writing;
    uint64_t mask;                   /* of a word */
    struct patch_interval *by_shift; /* the pair's intervals in another order */
    struct word *words;
    size_t word_count;
    struct ballot *ballots;
    size_t ballot_count;
};

/* --- words that changed ------------------------------------------------------------------------
 */

static uint64_t read_word(const uint8_t *p, struct writing writing)
{
    if (writing.size == 8)
        return writing.big ? pack_be64(p) : pack_le64(p);
    return writing.big ? pack_be32(p) : pack_le32(p);
}

static void collect(struct election *election, const struct patch_cover *cover)
{
    const struct delta_pair *pair = election->pair;
    const size_t size = election->writing.size;
    const uint8_t *from = pair->old_bytes + cover->old_offset;
    const uint8_t *to = pair->new_bytes + cover->new_offset;
    if ((cover->new_offset - cover->old_offset) % 4 != 0)
        return;
    for (size_t i = -(size_t)cover->old_offset & (size - 1); i + size <= cover->size; i += size) {
        if (election->word_count == MOST_WORDS)
            return;
        if (memcmp(from + i, to + i, size) == 0)
            continue;
        const uint64_t value = read_word(from + i, election->writing);
        const uint64_t change = (read_word(to + i, election->writing) - value) & election->mask;
        election->words[election->word_count++] = (struct word){value, change};
    }
}

/* --- votes -------------------------------------------------------------------------------------
 */

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

static void vote(struct election *election, const struct word *word)
{
    size_t count = 0;
    const struct patch_interval *intervals = of_shift(election, word->change, &count);
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

/*
 * The base of most votes. The true one may have some votes less than the most, for covers end
 * too early or too late: of those that come near, the roundest is taken.
 */
static size_t count_votes(struct election *election, uint64_t *base)
{
    int depth = 0, most = 0;
    election->ballot_count = 0;
    for (size_t i = 0; i < election->word_count; i++)
        vote(election, &election->words[i]);
    qsort(election->ballots, election->ballot_count, sizeof *election->ballots, by_base);
    for (size_t i = 0; i < election->ballot_count; i++) {
        depth += election->ballots[i].weight;
        if (depth > most)
            most = depth;
    }
    bool found = false;
    depth = 0;
    for (size_t i = 0; i + 1 < election->ballot_count; i++) {
        const uint64_t first = election->ballots[i].base, next = election->ballots[i + 1].base;
        depth += election->ballots[i].weight;
        if (depth * NEAR_ALL < most * (NEAR_ALL - 1) || next == first)
            continue;
        const uint64_t candidate = roundest(first, next - 1);
        if (!found || roundness(candidate) > roundness(*base))
            *base = candidate;
        found = true;
    }
    return found ? (size_t)most : 0;
}

static bool explains(const struct election *election, uint64_t base, const struct word *word)
{
    patch_offset moved = 0;
    const uint64_t offset = word->value - base;
    return offset < election->pair->old_size &&
           patch_covers_map(&election->pair->covers, (patch_offset)offset, &moved) &&
           ((moved - offset) & election->mask) == word->change;
}

/* Counts how many pointers with this base point to each part, and drops the words explained. */
static void drop_explained(struct election *election, uint64_t base, uint32_t *hits, size_t part)
{
    size_t kept = 0;
    for (size_t i = 0; i < election->word_count; i++) {
        if (explains(election, base, &election->words[i]))
            hits[(election->words[i].value - base) / part]++;
        else
            election->words[kept++] = election->words[i];
    }
    election->word_count = kept;
}

/* --- ranges ------------------------------------------------------------------------------------
 */

enum { PARTS = 256 };

struct result {
    uint64_t bases[MOST_BASES];
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
                      size_t end, uint64_t base)
{
    patch_offset from = 0, to = (patch_offset)pair->new_size;
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
        (struct patch_range){(patch_offset)start, (patch_offset)end, base + start};
    tables->new_ranges[count] = (struct patch_range){from, to, base + from};
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
            add_range(tables, pair, start, pair->old_size, result->bases[best]);
        last = best;
    }
}

static int elect(struct election *election, struct delta_tables *tables, struct pack_error *error)
{
    PACK_AUTO_FREE struct result *result = NULL;
    const size_t words = election->word_count;
    int code = pack_allocate(&result, 1, sizeof *result, error);
    if (code != 0)
        return code;
    result->part = (size_t)pack_pieces(election->pair->old_size, PARTS);
    while (result->count < MOST_BASES && result->count < tables->most_ranges) {
        uint64_t base = 0;
        const size_t votes = count_votes(election, &base);
        if (votes < LEAST_VOTES || votes * 100 < words * LEAST_SHARE)
            break;
        drop_explained(election, base, result->hits[result->count], result->part);
        result->bases[result->count++] = base;
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
    const size_t count = pair->covers.interval_count;
    if (count == 0)
        return 0;
    int code = pack_allocate(&intervals, count, sizeof *intervals, error);
    if (code == 0)
        code = pack_allocate(&words, MOST_WORDS, sizeof *words, error);
    if (code == 0)
        code = pack_allocate(&ballots, MOST_BALLOTS, sizeof *ballots, error);
    if (code != 0)
        return code;
    struct election election = {
        .pair = pair,
        .writing = writing_of(tables),
        .by_shift = intervals,
        .words = words,
        .ballots = ballots,
    };
    election.mask = election.writing.size == 8 ? UINT64_MAX : UINT32_MAX;
    memcpy(intervals, pair->covers.intervals, count * sizeof *intervals);
    qsort(intervals, count, sizeof *intervals, by_shift);
    for (size_t i = 0; i < pair->covers.count; i++)
        collect(&election, &pair->covers.list[i]);
    return elect(&election, tables, error);
}
