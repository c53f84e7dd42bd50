/* SPDX-License-Identifier: MIT */
#include "unpack/deflate_block.h"

#include <string.h>

enum {
    END_OF_BLOCK = 256,
    FIXED_LITERALS = 288,
    LENGTH_CODES = 19,
    MAX_BITS = 15,
    MAX_LENGTH_BITS = 7,
    HEAP = 2 * FIXED_LITERALS + 1,
    STORED = 0,
    FIXED = 1,
    DYNAMIC = 2,
};

/* The order in which the lengths of length codes are sent (RFC 1951, 3.2.7). */
static const uint8_t length_order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                   11, 4,  12, 3, 13, 2, 14, 1, 15};

static unsigned length_extra(unsigned code)
{
    if (code < 257 + 8 || code == 285)
        return 0;
    return (code - 257) / 4 - 1;
}

static unsigned distance_extra(unsigned code)
{
    return code < 4 ? 0 : code / 2 - 1;
}

static unsigned length_code_extra(unsigned code)
{
    static const uint8_t extra[LENGTH_CODES] = {[16] = 2, [17] = 3, [18] = 7};
    return extra[code];
}

/* Of a value that is a length or distance from 0; `shift` is 2 for lengths, 1 for distances. */
static unsigned class_of(unsigned value, unsigned shift)
{
    if (value < (2U << shift))
        return value;
    const unsigned top = 31U - (unsigned)__builtin_clz(value);
    return ((top - shift + 1) << shift) + (value >> (top - shift)) - (1U << shift);
}

static unsigned length_symbol(unsigned value)
{
    return value == 255 ? 285 : 257 + class_of(value, 2);
}

static unsigned distance_symbol(unsigned distance)
{
    return class_of(distance - 1, 1);
}

/* --- collecting ------------------------------------------------------------------------------ */

void deflate_block_clear(struct deflate_block *block)
{
    block->count = 0;
    memset(block->literals, 0, sizeof block->literals);
    memset(block->distances, 0, sizeof block->distances);
}

void deflate_block_add(struct deflate_block *block, unsigned distance, unsigned value)
{
    block->tokens[block->count++] =
        (struct deflate_token){.distance = (uint16_t)distance, .value = (uint8_t)value};
    block->literals[distance == 0 ? value : length_symbol(value)]++;
    if (distance != 0)
        block->distances[distance_symbol(distance)]++;
}

uint64_t deflate_block_distance_bits(const struct deflate_block *block)
{
    uint64_t bits = 0;
    for (unsigned code = 0; code < DISTANCES; code++)
        bits += (uint64_t)block->distances[code] * (5 + distance_extra(code));
    return bits;
}

/* --- bits ------------------------------------------------------------------------------------ */

static int flush_bytes(struct bit_writer *writer, struct pack_error *error)
{
    const size_t used = writer->used;
    writer->used = 0;
    return used != 0 ? pack_sink_write(writer->sink, writer->bytes, used, error) : 0;
}

/* At most 48 bits at once, and room for 8 bytes must be there. */
static void put_bits(struct bit_writer *writer, uint64_t bits, unsigned count)
{
    writer->bits |= bits << writer->count;
    writer->count += count;
    while (writer->count >= 8) {
        writer->bytes[writer->used++] = (uint8_t)writer->bits;
        writer->bits >>= 8;
        writer->count -= 8;
    }
}

static int make_room(struct bit_writer *writer, struct pack_error *error)
{
    return writer->used + 16 > sizeof writer->bytes ? flush_bytes(writer, error) : 0;
}

static int to_byte(struct bit_writer *writer, struct pack_error *error)
{
    if (writer->count != 0)
        put_bits(writer, 0, 8 - writer->count);
    return make_room(writer, error);
}

int bit_writer_finish(struct bit_writer *writer, struct pack_error *error)
{
    const int code = to_byte(writer, error);
    return code == 0 ? flush_bytes(writer, error) : code;
}

/* --- code lengths ---------------------------------------------------------------------------- */

struct code_tree {
    size_t size; /* of the alphabet */
    unsigned max_bits;
    unsigned last;                  /* the last symbol with a code */
    uint32_t codes[FIXED_LITERALS]; /* bits reversed, as they are written */
    uint8_t lengths[FIXED_LITERALS];
};

/*
 * A heap that has the least frequent first, of two equals the one whose tree is less deep: what
 * decides among the codes of equal cost.
 */
struct builder {
    uint32_t frequency[HEAP];
    uint8_t depth[HEAP];
    uint16_t parent[HEAP];
    uint16_t heap[HEAP]; /* [1] is the least; the nodes taken out are kept at the end */
    size_t heap_size, first_taken;
    uint8_t lengths[HEAP];
};

static bool is_less(const struct builder *builder, unsigned a, unsigned b)
{
    if (builder->frequency[a] != builder->frequency[b])
        return builder->frequency[a] < builder->frequency[b];
    return builder->depth[a] <= builder->depth[b];
}

static void sift_down(struct builder *builder, size_t at)
{
    const uint16_t moved = builder->heap[at];
    for (size_t child = 2 * at; child <= builder->heap_size; child *= 2) {
        if (child < builder->heap_size &&
            is_less(builder, builder->heap[child + 1], builder->heap[child]))
            child++;
        if (is_less(builder, moved, builder->heap[child]))
            break;
        builder->heap[at] = builder->heap[child];
        at = child;
    }
    builder->heap[at] = moved;
}

/* At least two symbols get a code, for there are decoders that want it. */
static void fill_heap(struct builder *builder, struct code_tree *tree, const uint32_t *frequencies)
{
    builder->heap_size = 0;
    builder->first_taken = HEAP;
    int last = -1;
    for (unsigned i = 0; i < tree->size; i++) {
        tree->lengths[i] = 0;
        builder->frequency[i] = frequencies[i];
        builder->depth[i] = 0;
        if (frequencies[i] == 0)
            continue;
        builder->heap[++builder->heap_size] = (uint16_t)i;
        last = (int)i;
    }
    while (builder->heap_size < 2) {
        const int added = last < 2 ? ++last : 0;
        builder->heap[++builder->heap_size] = (uint16_t)added;
        builder->frequency[added] = 1;
    }
    tree->last = (unsigned)last;
}

/* Joins the two least until one is left, which becomes the root; returns it. */
static unsigned join_nodes(struct builder *builder, size_t size)
{
    unsigned node = (unsigned)size;
    for (size_t at = builder->heap_size / 2; at >= 1; at--)
        sift_down(builder, at);
    do {
        const unsigned a = builder->heap[1];
        builder->heap[1] = builder->heap[builder->heap_size--];
        sift_down(builder, 1);
        const unsigned b = builder->heap[1];
        builder->heap[--builder->first_taken] = (uint16_t)a;
        builder->heap[--builder->first_taken] = (uint16_t)b;
        builder->frequency[node] = builder->frequency[a] + builder->frequency[b];
        const uint8_t deeper =
            builder->depth[a] >= builder->depth[b] ? builder->depth[a] : builder->depth[b];
        builder->depth[node] = (uint8_t)(deeper + 1);
        builder->parent[a] = builder->parent[b] = (uint16_t)node;
        builder->heap[1] = (uint16_t)node++;
        sift_down(builder, 1);
    } while (builder->heap_size >= 2);
    builder->heap[--builder->first_taken] = builder->heap[1];
    return node - 1;
}

/*
 * Where a code became too long, a leaf is moved down and takes the too long one beside it, until
 * none is; then lengths are dealt out again, the longest to the least frequent.
 */
static void shorten_codes(struct builder *builder, struct code_tree *tree, uint16_t *count,
                          int too_long)
{
    while (too_long > 0) {
        unsigned bits = tree->max_bits - 1;
        while (count[bits] == 0)
            bits--;
        count[bits]--;
        count[bits + 1] = (uint16_t)(count[bits + 1] + 2);
        count[tree->max_bits]--;
        too_long -= 2;
    }
    size_t at = HEAP;
    for (unsigned bits = tree->max_bits; bits != 0; bits--) {
        for (unsigned left = count[bits]; left != 0;) {
            const unsigned node = builder->heap[--at];
            if (node >= tree->size)
                continue;
            tree->lengths[node] = (uint8_t)bits;
            left--;
        }
    }
}

static void assign_lengths(struct builder *builder, struct code_tree *tree, unsigned root,
                           uint16_t *count)
{
    int too_long = 0;
    builder->lengths[root] = 0;
    for (size_t at = builder->first_taken + 1; at < HEAP; at++) {
        const unsigned node = builder->heap[at];
        unsigned bits = builder->lengths[builder->parent[node]] + 1U;
        if (bits > tree->max_bits) {
            bits = tree->max_bits;
            too_long++;
        }
        builder->lengths[node] = (uint8_t)bits;
        if (node >= tree->size)
            continue;
        tree->lengths[node] = (uint8_t)bits;
        count[bits]++;
    }
    if (too_long > 0)
        shorten_codes(builder, tree, count, too_long);
}

static uint32_t reversed(unsigned code, unsigned bits)
{
    unsigned result = 0;
    for (; bits != 0; bits--) {
        result = result << 1 | (code & 1);
        code >>= 1;
    }
    return result;
}

/* RFC 1951, 3.2.2. */
static void assign_codes(struct code_tree *tree, const uint16_t *count)
{
    unsigned next[MAX_BITS + 1] = {0};
    for (unsigned bits = 1; bits <= MAX_BITS; bits++)
        next[bits] = (next[bits - 1] + count[bits - 1]) << 1;
    for (unsigned i = 0; i < tree->size; i++)
        if (tree->lengths[i] != 0)
            tree->codes[i] = reversed(next[tree->lengths[i]]++, tree->lengths[i]);
}

static void build_tree(struct code_tree *tree, size_t size, unsigned max_bits,
                       const uint32_t *frequencies)
{
    struct builder builder;
    uint16_t count[MAX_BITS + 1] = {0};
    tree->size = size;
    tree->max_bits = max_bits;
    fill_heap(&builder, tree, frequencies);
    const unsigned root = join_nodes(&builder, size);
    assign_lengths(&builder, tree, root, count);
    assign_codes(tree, count);
}

static void build_fixed(struct code_tree *literals, struct code_tree *distances)
{
    uint16_t count[MAX_BITS + 1] = {0};
    literals->size = FIXED_LITERALS;
    for (unsigned i = 0; i < FIXED_LITERALS; i++) {
        literals->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
        count[literals->lengths[i]]++;
    }
    assign_codes(literals, count);
    distances->size = DISTANCES;
    for (unsigned i = 0; i < DISTANCES; i++) {
        distances->lengths[i] = 5;
        distances->codes[i] = reversed(i, 5);
    }
}

/* --- the lengths themselves, coded (RFC 1951, 3.2.7) ----------------------------------------- */

struct length_run {
    uint8_t symbol; /* 0 to 15: a length; 16 to 18: a repetition */
    uint8_t extra;
};

struct length_runs {
    size_t count;
    struct length_run runs[LITERALS + DISTANCES];
};

static void add_run(struct length_runs *runs, unsigned symbol, unsigned extra)
{
    runs->runs[runs->count++] =
        (struct length_run){.symbol = (uint8_t)symbol, .extra = (uint8_t)extra};
}

/* Runs do not go over from one alphabet into the other, as gzip and zlib have it. */
static void add_lengths(struct length_runs *runs, const struct code_tree *tree)
{
    int before = -1;
    for (unsigned i = 0; i <= tree->last;) {
        const unsigned length = tree->lengths[i];
        const unsigned most = length == 0 ? 138 : length != (unsigned)before ? 7 : 6;
        const unsigned least = length == 0 || length == (unsigned)before ? 3 : 4;
        unsigned run = 1;
        while (run < most && i + run <= tree->last && tree->lengths[i + run] == length)
            run++;
        i += run;
        if (run < least) {
            for (unsigned j = 0; j < run; j++)
                add_run(runs, length, 0);
        } else if (length == 0) {
            add_run(runs, run <= 10 ? 17 : 18, run <= 10 ? run - 3 : run - 11);
        } else {
            if (length != (unsigned)before) {
                add_run(runs, length, 0);
                run--;
            }
            add_run(runs, 16, run - 3);
        }
        before = (int)length;
    }
}

/* --- writing --------------------------------------------------------------------------------- */

struct trees {
    struct code_tree literals, distances, lengths;
    struct length_runs runs;
    unsigned length_codes; /* how many of them are sent */
};

static uint64_t tree_bits(const struct code_tree *tree, const uint32_t *frequencies, size_t size,
                          unsigned (*extra)(unsigned code))
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < size; i++)
        if (frequencies[i] != 0)
            bits += (uint64_t)frequencies[i] * (tree->lengths[i] + extra(i));
    return bits;
}

/* Builds the three trees; returns the bits of the block without its three of the header. */
static uint64_t build_trees(struct deflate_block *block, struct trees *trees)
{
    uint32_t frequencies[LENGTH_CODES] = {0};
    build_tree(&trees->literals, LITERALS, MAX_BITS, block->literals);
    build_tree(&trees->distances, DISTANCES, MAX_BITS, block->distances);
    trees->runs.count = 0;
    add_lengths(&trees->runs, &trees->literals);
    add_lengths(&trees->runs, &trees->distances);
    for (size_t i = 0; i < trees->runs.count; i++)
        frequencies[trees->runs.runs[i].symbol]++;
    build_tree(&trees->lengths, LENGTH_CODES, MAX_LENGTH_BITS, frequencies);
    trees->length_codes = LENGTH_CODES;
    while (trees->length_codes > 4 &&
           trees->lengths.lengths[length_order[trees->length_codes - 1]] == 0)
        trees->length_codes--;
    return tree_bits(&trees->literals, block->literals, LITERALS, length_extra) +
           tree_bits(&trees->distances, block->distances, DISTANCES, distance_extra) +
           tree_bits(&trees->lengths, frequencies, LENGTH_CODES, length_code_extra) +
           3 * trees->length_codes + 5 + 5 + 4;
}

static int put_tokens(const struct deflate_block *block, const struct code_tree *literals,
                      const struct code_tree *distances, struct bit_writer *writer,
                      struct pack_error *error)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct deflate_token token = block->tokens[i];
        const int code = make_room(writer, error);
        if (code != 0)
            return code;
        const unsigned symbol = token.distance == 0 ? token.value : length_symbol(token.value);
        put_bits(writer, literals->codes[symbol], literals->lengths[symbol]);
        if (token.distance == 0)
            continue;
        unsigned extra = length_extra(symbol);
        put_bits(writer, token.value & ((1U << extra) - 1), extra);
        const unsigned far = distance_symbol(token.distance);
        put_bits(writer, distances->codes[far], distances->lengths[far]);
        extra = distance_extra(far);
        put_bits(writer, (token.distance - 1U) & ((1U << extra) - 1), extra);
    }
    put_bits(writer, literals->codes[END_OF_BLOCK], literals->lengths[END_OF_BLOCK]);
    return make_room(writer, error);
}

static int put_trees(const struct trees *trees, struct bit_writer *writer, struct pack_error *error)
{
    put_bits(writer, trees->literals.last - 256, 5);
    put_bits(writer, trees->distances.last, 5);
    put_bits(writer, trees->length_codes - 4, 4);
    int code = make_room(writer, error);
    for (unsigned i = 0; code == 0 && i < trees->length_codes; i++) {
        put_bits(writer, trees->lengths.lengths[length_order[i]], 3);
        code = make_room(writer, error);
    }
    for (size_t i = 0; code == 0 && i < trees->runs.count; i++) {
        const struct length_run run = trees->runs.runs[i];
        put_bits(writer, trees->lengths.codes[run.symbol], trees->lengths.lengths[run.symbol]);
        put_bits(writer, run.extra, length_code_extra(run.symbol));
        code = make_room(writer, error);
    }
    return code;
}

static int put_stored(const uint8_t *plain, size_t size, struct bit_writer *writer,
                      struct pack_error *error)
{
    int code = to_byte(writer, error);
    if (code != 0)
        return code;
    put_bits(writer, size, 16);
    put_bits(writer, ~size & 0xffff, 16);
    code = flush_bytes(writer, error);
    return code == 0 ? pack_sink_write(writer->sink, plain, size, error) : code;
}

int deflate_block_write(struct deflate_block *block, const uint8_t *plain, size_t size, bool last,
                        struct bit_writer *writer, struct pack_error *error)
{
    struct trees trees;
    struct code_tree fixed_literals, fixed_distances;
    block->literals[END_OF_BLOCK] = 1;
    build_fixed(&fixed_literals, &fixed_distances);
    const uint64_t dynamic_bits = build_trees(block, &trees);
    const uint64_t fixed_bits =
        tree_bits(&fixed_literals, block->literals, LITERALS, length_extra) +
        tree_bits(&fixed_distances, block->distances, DISTANCES, distance_extra);
    const uint64_t fixed_size = (fixed_bits + 3 + 7) / 8;
    uint64_t best = (dynamic_bits + 3 + 7) / 8;
    if (fixed_size <= best)
        best = fixed_size;
    int code = make_room(writer, error);
    if (code != 0)
        return code;
    if (plain != NULL && size + 4 <= best && size <= UINT16_MAX) {
        put_bits(writer, STORED << 1 | last, 3);
        code = put_stored(plain, size, writer, error);
    } else if (fixed_size == best) {
        put_bits(writer, FIXED << 1 | last, 3);
        code = put_tokens(block, &fixed_literals, &fixed_distances, writer, error);
    } else {
        put_bits(writer, DYNAMIC << 1 | last, 3);
        code = put_trees(&trees, writer, error);
        if (code == 0)
            code = put_tokens(block, &trees.literals, &trees.distances, writer, error);
    }
    deflate_block_clear(block);
    return code;
}
