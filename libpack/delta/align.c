/* SPDX-License-Identifier: MIT */
#include "delta/align.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "patch/predict.h"

#include <stdlib.h>

enum {
    ENTRY = 24,        /* bytes of Elf64_Rela and Elf64_Sym */
    LEAST_RUN = 64,    /* entries, of which a table without a header is known */
    LEAST_PAIRED = 50, /* per cent of the entries, below which a table is left as it is */
    BRIDGE = 16,       /* entries without a partner that do not end a run */
};

#define NONE SIZE_MAX

struct images {
    const uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
    const struct patch_layout *layout;
};

/* A table in both images. */
struct table {
    const struct patch_region *region; /* NULL: found by its entries */
    size_t entry;                      /* bytes */
    const uint8_t *old_entries;        /* as predicted */
    const uint8_t *new_entries;
    patch_offset old_start, new_start;
    size_t old_count, new_count;
    bool by_target;  /* places only count up: entries are known by what they refer to */
    size_t *partner; /* of each new entry: the old one, or NONE */
};

/* --- pairs ----------------------------------------------------------------------------------- */

static uint64_t key_of(const struct table *table, const uint8_t *entry)
{
    const uint64_t mixer = UINT64_C(0x9e3779b97f4a7c15);
    if (table->entry != ENTRY)
        return pack_le32(entry) * mixer;
    if (table->region && table->region->kind == PATCH_REGION_ELF_SYM64) /* name and section */
        return pack_le32(entry) * mixer ^ pack_le16(entry + 6);
    return table->by_target ? (pack_le64(entry + 8) * mixer ^ pack_le64(entry + 16)) * mixer
                            : pack_le64(entry) * mixer;
}

struct key {
    uint64_t key;
    size_t index;
};

static int by_key(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* The first of the sorted keys that is not less. */
static size_t find_key(const struct key *keys, size_t count, uint64_t key)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (keys[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of several old entries with a new one's key, the one behind the last partner is taken. */
static void pair_entries(struct table *table, const struct key *keys)
{
    size_t expected = 0;
    for (size_t i = 0; i < table->new_count; i++) {
        const uint64_t key = key_of(table, table->new_entries + i * table->entry);
        size_t best = NONE;
        for (size_t k = find_key(keys, table->old_count, key);
             k < table->old_count && keys[k].key == key; k++)
            if (best == NONE || keys[k].index <= expected)
                best = keys[k].index;
        table->partner[i] = best;
        expected = best != NONE ? best + 1 : expected + 1;
    }
}

static int pair_table(struct table *table, struct pack_error *error)
{
    PACK_AUTO_FREE struct key *keys = NULL;
    int code = pack_allocate(&keys, table->old_count + 1, sizeof *keys, error);
    if (code == 0)
        code = pack_allocate(&table->partner, table->new_count + 1, sizeof *table->partner, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < table->old_count; i++)
        keys[i] = (struct key){key_of(table, table->old_entries + i * table->entry), i};
    qsort(keys, table->old_count, sizeof *keys, by_key);
    pair_entries(table, keys);
    return 0;
}

static bool is_worth_it(const struct table *table)
{
    size_t paired = 0;
    for (size_t i = 0; i < table->new_count; i++)
        paired += table->partner[i] != NONE;
    return paired > 0 && paired * 100 >= table->new_count * LEAST_PAIRED;
}

/* Entries without a partner, and single ones that point elsewhere, go with the run before. */
static void smooth(struct table *table)
{
    for (size_t i = 1; i < table->new_count; i++) {
        const size_t expected = table->partner[i - 1] == NONE ? NONE : table->partner[i - 1] + 1;
        if (expected == NONE || expected >= table->old_count || table->partner[i] == expected)
            continue;
        size_t next = i;
        while (next < table->new_count && next - i < BRIDGE && table->partner[next] == NONE)
            next++;
        const bool ends = next == table->new_count || table->partner[next] == NONE;
        const bool alone = next == i && i + 1 < table->new_count &&
                           table->partner[i + 1] == expected + 1 && expected + 1 < table->old_count;
        if ((next > i && !ends) || alone)
            table->partner[i] = expected;
    }
}

/* --- covers ---------------------------------------------------------------------------------- */

static int append(struct delta_covers *covers, struct patch_cover cover, struct pack_error *error)
{
    struct patch_cover *last = covers->count > 0 ? &covers->list[covers->count - 1] : NULL;
    if (cover.size == 0)
        return 0;
    if (last && last->new_offset + last->size == cover.new_offset &&
        last->old_offset + last->size == cover.old_offset) {
        last->size += cover.size;
        return 0;
    }
    if (covers->count == covers->capacity) {
        const size_t capacity = covers->capacity * 2 + 64;
        struct patch_cover *list = realloc(covers->list, capacity * sizeof *list);
        if (!list)
            return pack_fail_memory(error);
        covers->list = list;
        covers->capacity = capacity;
    }
    covers->list[covers->count++] = cover;
    return 0;
}

/* What of the covers lies in [start, end) of the new image. */
static int append_part(struct delta_covers *covers, const struct delta_covers *from,
                       patch_offset start, patch_offset end, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < from->count; i++) {
        struct patch_cover cover = from->list[i];
        const patch_offset last = cover.new_offset + cover.size;
        const patch_offset skip = cover.new_offset < start ? start - cover.new_offset : 0;
        if (last <= start || cover.new_offset >= end)
            continue;
        cover.new_offset += skip;
        cover.old_offset += skip;
        cover.size = (last < end ? last : end) - cover.new_offset;
        code = append(covers, cover, error);
    }
    return code;
}

/* The runs of a table, of which each entry stands for `size` bytes. */
static int append_runs(struct delta_covers *covers, const struct table *table,
                       patch_offset old_start, patch_offset new_start, size_t size,
                       struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < table->new_count; i++)
        if (table->partner[i] != NONE)
            code = append(covers,
                          (struct patch_cover){
                              .new_offset = new_start + (patch_offset)(i * size),
                              .old_offset = old_start + (patch_offset)(table->partner[i] * size),
                              .size = (patch_offset)size},
                          error);
    return code;
}

/* Puts a table's runs in the place of the covers that were there. */
static int replace(struct delta_covers *covers, const struct table *table, patch_offset old_start,
                   patch_offset new_start, size_t size, struct pack_error *error)
{
    PACK_AUTO(delta_covers_free) struct delta_covers result = {0};
    const patch_offset end = new_start + (patch_offset)(table->new_count * size);
    int code = append_part(&result, covers, 0, new_start, error);
    if (code == 0)
        code = append_runs(&result, table, old_start, new_start, size, error);
    if (code == 0)
        code = append_part(&result, covers, end, (patch_offset)-1, error);
    if (code != 0)
        return code;
    const struct delta_covers before = *covers;
    *covers = result;
    result = before;
    return 0;
}

/* --- tables ---------------------------------------------------------------------------------- */

/*
 * The range of the new image that stands for that of [start, end): where both images have as many
 * it has the same number, else it is the one that most of the bytes went to.
 */
static const struct patch_range *new_place(const struct delta_covers *covers,
                                           const struct patch_layout *layout, patch_offset start,
                                           patch_offset end)
{
    patch_offset bytes[PATCH_MAX_RANGES_FULL] = {0};
    size_t best = layout->new_range_count;
    for (size_t i = 0; i < layout->old_range_count; i++)
        if (layout->old_range_count == layout->new_range_count &&
            layout->old_ranges[i].start == start && layout->old_ranges[i].end == end)
            return &layout->new_ranges[i];
    for (size_t k = 0; k < covers->count; k++) {
        const struct patch_cover *cover = &covers->list[k];
        for (size_t i = 0; cover->old_offset >= start && cover->old_offset < end &&
                           i < layout->new_range_count && i < PATCH_MAX_RANGES_FULL;
             i++)
            if (cover->new_offset >= layout->new_ranges[i].start &&
                cover->new_offset < layout->new_ranges[i].end)
                bytes[i] += cover->size;
    }
    for (size_t i = 0; i < layout->new_range_count && i < PATCH_MAX_RANGES_FULL; i++)
        if (bytes[i] > 0 && (best == layout->new_range_count || bytes[i] > bytes[best]))
            best = i;
    return best < layout->new_range_count ? &layout->new_ranges[best] : NULL;
}

static const struct patch_range *range_at(const struct patch_range *ranges, size_t count,
                                          uint64_t address)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].address == address)
            return &ranges[i];
    return NULL;
}

static bool all_zero(const uint8_t *bytes, patch_offset size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/*
 * The bytes between the places that a table relocates, where they are equal and the bytes there
 * are all zero: then nothing but the table says which of them correspond. Else 0.
 */
static size_t stride(const struct images *images, const struct table *table)
{
    const struct patch_range *target =
        range_at(images->layout->old_ranges, images->layout->old_range_count,
                 table->region->parameter[0] & ~(uint64_t)UINT32_MAX);
    const uint8_t *entries = images->old_bytes + table->old_start;
    if (!target || table->old_count < 2)
        return 0;
    const uint64_t step = pack_le64(entries + ENTRY) - pack_le64(entries);
    for (size_t i = 0; i < table->old_count; i++)
        if (pack_le64(entries + i * ENTRY) != i * step)
            return 0;
    return step * table->old_count == target->end - target->start &&
                   all_zero(images->old_bytes + target->start, target->end - target->start)
               ? (size_t)step
               : 0;
}

/* Pairs also the places that a table relocates. */
static int replace_target(struct delta_covers *covers, const struct images *images,
                          const struct table *table, size_t step, struct pack_error *error)
{
    const struct patch_range *from =
        range_at(images->layout->old_ranges, images->layout->old_range_count,
                 table->region->parameter[0] & ~(uint64_t)UINT32_MAX);
    const struct patch_range *to = new_place(covers, images->layout, from->start, from->end);
    if (!to || to->end - to->start != step * table->new_count ||
        !all_zero(images->new_bytes + to->start, to->end - to->start))
        return 0;
    return replace(covers, table, from->start, to->start, step, error);
}

static int predict_table(const struct delta_covers *covers, const struct images *images,
                         const struct table *table, uint8_t *predicted, struct pack_error *error)
{
    PACK_AUTO_FREE struct patch_interval *intervals = NULL;
    PACK_AUTO_FREE uint32_t *order = NULL;
    PACK_AUTO_FREE uint8_t *kinds = NULL;
    struct patch_covers map = {.list = covers->list, .count = covers->count};
    const size_t size = table->old_count * table->entry;
    const size_t rest = images->old_size - table->old_start - size;
    const size_t ahead = rest < PATCH_AHEAD ? rest : PATCH_AHEAD;
    struct patch_predictor predictor;
    int code = pack_allocate(&intervals, covers->count + 1, sizeof *intervals, error);
    if (code == 0)
        code = pack_allocate(&order, covers->count + 1, sizeof *order, error);
    if (code == 0)
        code = pack_allocate(&kinds, size + PATCH_AHEAD, 1, error);
    if (code != 0)
        return code;
    patch_covers_index(&map, intervals, order);
    patch_predict_begin(&predictor, images->layout, &map);
    memcpy(predicted, images->old_bytes + table->old_start, size + ahead);
    patch_predict(&predictor, images->old_bytes + table->old_start, size, ahead, table->old_start,
                  table->new_start, 0, predicted, kinds);
    return 0;
}

static int align_table(struct delta_covers *covers, const struct images *images,
                       struct table *table, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *predicted = NULL;
    const bool is_rela = table->region && table->region->kind == PATCH_REGION_ELF_RELA64;
    const size_t step = is_rela ? stride(images, table) : 0;
    int code = pack_allocate(&predicted, table->old_count * table->entry + PATCH_AHEAD, 1, error);
    if (code == 0)
        code = predict_table(covers, images, table, predicted, error);
    table->old_entries = predicted;
    table->new_entries = images->new_bytes + table->new_start;
    table->by_target = step > 0;
    if (code == 0)
        code = pair_table(table, error);
    if (code != 0 || !is_worth_it(table))
        return code;
    smooth(table);
    code = replace(covers, table, table->old_start, table->new_start, table->entry, error);
    return code == 0 && step > 0 ? replace_target(covers, images, table, step, error) : code;
}

static int align_region(struct delta_covers *covers, const struct images *images,
                        const struct patch_region *region, struct pack_error *error)
{
    struct table table = {.region = region, .entry = ENTRY, .old_start = region->start};
    const struct patch_range *place = new_place(covers, images->layout, region->start, region->end);
    if (!place || region->parameter[0] == 0 || region->end > images->old_size ||
        place->end > images->new_size)
        return 0;
    table.new_start = place->start;
    table.old_count = (region->end - region->start) / ENTRY;
    table.new_count = (place->end - place->start) / ENTRY;
    const int code = align_table(covers, images, &table, error);
    free(table.partner);
    return code;
}

/* --- tables without headers ------------------------------------------------------------------ */

/* What entries look like that only add the load address: place, then this, then an addend. */
struct relative {
    uint8_t entry; /* bytes */
    uint16_t info;
};

static const struct relative relatives[] = {
    {24, 0x403}, /* AArch64 */
    {24, 8},     /* x86-64 */
    {24, 3},     /* RISC-V */
    {8, 0x17},   /* Arm; the addend stands at the place */
    {8, 8},      /* i386 */
};

static bool is_entry(const uint8_t *bytes, const struct relative *relative)
{
    return relative->entry == ENTRY ? pack_le64(bytes + 8) == relative->info
                                    : pack_le32(bytes + 4) == relative->info;
}

/* How many entries with ascending places begin at `at`. */
static size_t count_entries(const uint8_t *bytes, size_t size, size_t at,
                            const struct relative *relative)
{
    size_t count = 0;
    uint64_t last = 0;
    for (; at + relative->entry <= size; at += relative->entry, count++) {
        const uint64_t place =
            relative->entry == ENTRY ? pack_le64(bytes + at) : pack_le32(bytes + at);
        if (place <= last || !is_entry(bytes + at, relative))
            break;
        last = place;
    }
    return count;
}

/* The longest table of the kind; 0 entries where there is none. */
static size_t find_table(const uint8_t *bytes, size_t size, const struct relative *relative,
                         patch_offset *start)
{
    size_t most = 0;
    for (size_t at = 0; at + relative->entry <= size;) {
        const size_t count =
            is_entry(bytes + at, relative) ? count_entries(bytes, size, at, relative) : 0;
        if (count > most) {
            most = count;
            *start = (patch_offset)at;
        }
        at += count >= LEAST_RUN ? count * relative->entry : 4;
    }
    return most >= LEAST_RUN ? most : 0;
}

static int align_relatives(struct delta_covers *covers, const struct images *images,
                           const struct relative *relative, struct pack_error *error)
{
    struct table table = {.entry = relative->entry};
    table.old_count = find_table(images->old_bytes, images->old_size, relative, &table.old_start);
    if (table.old_count == 0)
        return 0;
    table.new_count = find_table(images->new_bytes, images->new_size, relative, &table.new_start);
    if (table.new_count == 0)
        return 0;
    const int code = align_table(covers, images, &table, error);
    free(table.partner);
    return code;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Symbols first: relocations name them by their places. */
int delta_align(struct delta_covers *covers, const struct patch_layout *layout,
                const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                size_t new_size, struct pack_error *error)
{
    static const uint8_t kinds[] = {PATCH_REGION_ELF_SYM64, PATCH_REGION_ELF_RELA64};
    const struct images images = {old_bytes, new_bytes, old_size, new_size, layout};
    int code = 0;
    for (size_t k = 0; k < sizeof kinds; k++)
        for (size_t i = 0; code == 0 && i < layout->region_count; i++)
            if (layout->regions[i].kind == kinds[k])
                code = align_region(covers, &images, &layout->regions[i], error);
    for (size_t i = 0;
         code == 0 && layout->old_range_count > 0 && i < sizeof relatives / sizeof *relatives; i++)
        code = align_relatives(covers, &images, &relatives[i], error);
    return code;
}
