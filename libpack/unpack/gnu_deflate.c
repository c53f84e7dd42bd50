/* SPDX-License-Identifier: MIT */
#include "unpack/gnu_deflate.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "unpack/deflate_block.h"

#include <string.h>

enum {
    WINDOW = 32 << 10, /* half of the buffer */
    HASH_SIZE = 1 << 15,
    HASH_SHIFT = 5,
    MIN_MATCH = 3,
    MAX_MATCH = 258,
    LOOKAHEAD = MAX_MATCH + MIN_MATCH + 1, /* what must be ahead, or the buffer is filled */
    FARTHEST = WINDOW - LOOKAHEAD,
    TOO_FAR = 4096, /* a match of three bytes does not pay from here on */
    TRUNCATE_EVERY = 4096,
    NONE = 0, /* position 0 of the buffer is never matched */
};

struct effort {
    uint16_t good;     /* a match this long makes the search shorter */
    uint16_t lazy;     /* one this long is not tried to be bettered */
    uint16_t nice;     /* one this long ends the search */
    uint16_t chain;    /* how many places are looked at */
    bool is_lazy;      /* a match waits for a longer one at the next byte */
    bool is_truncated; /* a block may end early where the data changes */
};

static const struct effort efforts[GNU_DEFLATE_LEVELS + 1] = {
    [1] = {4, 4, 8, 4, false, false},       [2] = {4, 5, 16, 8, false, false},
    [3] = {4, 6, 32, 32, false, true},      [4] = {4, 4, 16, 16, true, true},
    [5] = {8, 16, 32, 32, true, true},      [6] = {8, 16, 128, 128, true, true},
    [7] = {8, 32, 128, 256, true, true},    [8] = {32, 128, 258, 1024, true, true},
    [9] = {32, 258, 258, 4096, true, true},
};

/*
 * All positions are those in the buffer, which moves down by half its size when its end comes near.
 * What lies behind the end of the input is kept as gzip has it, stale bytes too, for matches are
 * first compared over them.
 */
struct searcher {
    const struct effort *effort;
    struct pack_cursor input;
    bool at_end; /* the input gave its last byte, and was asked again */
    unsigned position, ahead;
    long block_start;
    unsigned hash;
    unsigned match_start;
    unsigned previous_length;
    uint16_t heads[HASH_SIZE];
    uint16_t chains[WINDOW];
    uint8_t window[2 * WINDOW];
    struct deflate_block block;
    struct bit_writer writer;
};

/* --- the window ------------------------------------------------------------------------------ */

static void slide(struct searcher *searcher)
{
    memcpy(searcher->window, searcher->window + WINDOW, WINDOW);
    searcher->match_start -= WINDOW;
    searcher->position -= WINDOW;
    searcher->block_start -= WINDOW;
    for (size_t i = 0; i < HASH_SIZE; i++)
        searcher->heads[i] =
            (uint16_t)(searcher->heads[i] >= WINDOW ? searcher->heads[i] - WINDOW : NONE);
    for (size_t i = 0; i < WINDOW; i++)
        searcher->chains[i] =
            (uint16_t)(searcher->chains[i] >= WINDOW ? searcher->chains[i] - WINDOW : NONE);
}

static void fill(struct searcher *searcher)
{
    while (searcher->ahead < LOOKAHEAD && !searcher->at_end) {
        if (searcher->position >= WINDOW + FARTHEST)
            slide(searcher);
        const unsigned end = searcher->position + searcher->ahead;
        const size_t size = (size_t)pack_min(pack_cursor_left(&searcher->input), 2 * WINDOW - end);
        if (size == 0) {
            searcher->at_end = true;
            memset(searcher->window + end, 0,
                   end + MIN_MATCH - 1 <= 2 * WINDOW ? MIN_MATCH - 1 : 2 * WINDOW - end);
            return;
        }
        memcpy(searcher->window + end, pack_cursor_take(&searcher->input, size), size);
        searcher->ahead += (unsigned)size;
    }
}

static void update_hash(struct searcher *searcher, unsigned at)
{
    searcher->hash = (searcher->hash << HASH_SHIFT ^ searcher->window[at]) & (HASH_SIZE - 1);
}

/* Remembers the position; returns the last one with the same hash. */
static unsigned insert(struct searcher *searcher)
{
    update_hash(searcher, searcher->position + MIN_MATCH - 1);
    const uint16_t last = searcher->heads[searcher->hash];
    searcher->chains[searcher->position % WINDOW] = last;
    searcher->heads[searcher->hash] = (uint16_t)searcher->position;
    return last;
}

/* --- matches --------------------------------------------------------------------------------- */

static unsigned common_length(const uint8_t *a, const uint8_t *b)
{
    unsigned length = 0;
    for (; length + sizeof(uint64_t) <= MAX_MATCH; length += (unsigned)sizeof(uint64_t)) {
        uint64_t first, second;
        memcpy(&first, a + length, sizeof first);
        memcpy(&second, b + length, sizeof second);
        if (first != second)
            break;
    }
    while (length < MAX_MATCH && a[length] == b[length])
        length++;
    return length;
}

/* The longest match that beats the one before; sets match_start where there is one. */
static unsigned longest_match(struct searcher *searcher, unsigned candidate)
{
    const struct effort *effort = searcher->effort;
    const uint8_t *scan = searcher->window + searcher->position;
    const unsigned limit = searcher->position > FARTHEST ? searcher->position - FARTHEST : NONE;
    unsigned best = searcher->previous_length;
    unsigned left = best >= effort->good ? effort->chain / 4U : effort->chain;
    do {
        const uint8_t *match = searcher->window + candidate;
        if (match[best] == scan[best] && match[best - 1] == scan[best - 1]) {
            const unsigned length = common_length(match, scan);
            if (length > best) {
                searcher->match_start = candidate;
                best = length;
                if (length >= effort->nice)
                    break;
            }
        }
        candidate = searcher->chains[candidate % WINDOW];
    } while (candidate > limit && --left != 0);
    return best;
}

static unsigned search(struct searcher *searcher, unsigned candidate, unsigned otherwise)
{
    if (candidate == NONE || searcher->position - candidate > FARTHEST ||
        searcher->position > 2 * WINDOW - LOOKAHEAD)
        return otherwise;
    const unsigned length = longest_match(searcher, candidate);
    return length < searcher->ahead ? length : searcher->ahead;
}

/* --- blocks ---------------------------------------------------------------------------------- */

static bool is_block_over(const struct searcher *searcher)
{
    const struct deflate_block *block = &searcher->block;
    if (searcher->effort->is_truncated && block->count % TRUNCATE_EVERY == 0) {
        uint64_t distances = 0;
        for (size_t i = 0; i < DISTANCES; i++)
            distances += block->distances[i];
        const uint64_t out = (block->count * 8 + deflate_block_distance_bits(block)) / 8;
        const uint64_t in = (uint64_t)((long)searcher->position - searcher->block_start);
        if (distances < block->count / 2 && out < in / 2)
            return true;
    }
    return block->count == TOKENS;
}

static bool add_literal(struct searcher *searcher, unsigned at)
{
    deflate_block_add(&searcher->block, 0, searcher->window[at]);
    return is_block_over(searcher);
}

static bool add_match(struct searcher *searcher, unsigned distance, unsigned length)
{
    deflate_block_add(&searcher->block, distance, length - MIN_MATCH);
    return is_block_over(searcher);
}

static int end_block(struct searcher *searcher, bool last, struct pack_error *error)
{
    const uint8_t *plain =
        searcher->block_start >= 0 ? searcher->window + searcher->block_start : NULL;
    const size_t size = (size_t)((long)searcher->position - searcher->block_start);
    const int code =
        deflate_block_write(&searcher->block, plain, size, last, &searcher->writer, error);
    searcher->block_start = (long)searcher->position;
    return code;
}

/* --- the two ways to choose ------------------------------------------------------------------ */

/* Takes each match as it comes. */
static int choose_first(struct searcher *searcher, struct pack_error *error)
{
    int code = 0;
    unsigned length = 0;
    searcher->previous_length = MIN_MATCH - 1;
    while (code == 0 && searcher->ahead != 0) {
        bool over;
        length = search(searcher, insert(searcher), length);
        if (length >= MIN_MATCH) {
            over = add_match(searcher, searcher->position - searcher->match_start, length);
            searcher->ahead -= length;
            if (length <= searcher->effort->lazy) {
                while (--length != 0) {
                    searcher->position++;
                    insert(searcher);
                }
                searcher->position++;
            } else {
                searcher->position += length;
                length = 0;
                searcher->hash = 0;
                update_hash(searcher, searcher->position);
                update_hash(searcher, searcher->position + 1);
            }
        } else {
            over = add_literal(searcher, searcher->position);
            searcher->position++;
            searcher->ahead--;
        }
        if (over)
            code = end_block(searcher, false, error);
        fill(searcher);
    }
    return code;
}

struct waiting {
    bool literal;    /* the byte before the position is not written yet */
    unsigned length; /* of the match found there */
};

static bool take_waiting_match(struct searcher *searcher, struct waiting *waiting,
                               unsigned match_start)
{
    const unsigned length = searcher->previous_length;
    const bool over = add_match(searcher, searcher->position - 1 - match_start, length);
    searcher->ahead -= length - 1;
    for (unsigned i = 0; i < length - 2; i++) {
        searcher->position++;
        insert(searcher);
    }
    searcher->position++;
    *waiting = (struct waiting){.length = MIN_MATCH - 1};
    return over;
}

/* A match is taken only if the next byte does not begin a longer one. */
static int choose_lazily(struct searcher *searcher, struct pack_error *error)
{
    int code = 0;
    struct waiting waiting = {.length = MIN_MATCH - 1};
    while (code == 0 && searcher->ahead != 0) {
        const unsigned candidate = insert(searcher);
        const unsigned match_start = searcher->match_start;
        bool over = false;
        searcher->previous_length = waiting.length;
        waiting.length = MIN_MATCH - 1;
        if (searcher->previous_length < searcher->effort->lazy)
            waiting.length = search(searcher, candidate, MIN_MATCH - 1);
        if (waiting.length == MIN_MATCH && searcher->position - searcher->match_start > TOO_FAR)
            waiting.length--;
        if (searcher->previous_length >= MIN_MATCH && waiting.length <= searcher->previous_length) {
            over = take_waiting_match(searcher, &waiting, match_start);
            if (over)
                code = end_block(searcher, false, error);
        } else {
            /* The block ends before the byte that waits now. */
            if (waiting.literal && add_literal(searcher, searcher->position - 1))
                code = end_block(searcher, false, error);
            waiting.literal = true;
            searcher->position++;
            searcher->ahead--;
        }
        fill(searcher);
    }
    if (code == 0 && waiting.literal)
        add_literal(searcher, searcher->position - 1);
    return code;
}

int gnu_deflate(const uint8_t *plain, size_t size, unsigned level, struct pack_sink *sink,
                struct pack_error *error)
{
    struct searcher *searcher PACK_AUTO_FREE = NULL;
    int code = pack_allocate(&searcher, 1, sizeof *searcher, error);
    if (code != 0)
        return code;
    searcher->effort = &efforts[level];
    searcher->input = (struct pack_cursor){.bytes = plain, .size = size};
    searcher->writer.sink = sink;
    fill(searcher);
    update_hash(searcher, 0);
    update_hash(searcher, 1);
    code = (searcher->effort->is_lazy ? choose_lazily : choose_first)(searcher, error);
    if (code == 0)
        code = end_block(searcher, true, error);
    return code == 0 ? bit_writer_finish(&searcher->writer, error) : code;
}
