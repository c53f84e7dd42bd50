/* SPDX-License-Identifier: MIT */
#include "patch/predict.h"

#include "patch/predict_site.h"

enum {
    NEARBY = 4,       /* covers before and behind the window's own that count first */
    SHORT_WAY = 1024, /* a reference over less than this … */
    LONG_WAY = 8192,  /* … does not become one over more than this */
};

/* --- kinds ------------------------------------------------------------------------------------ */

struct kind {
    patch_look *look;
    patch_look *pointer;   /* tried first at addresses that are multiples of pointer_align */
    uint8_t step;          /* places are multiples of this */
    uint8_t pointer_align; /* 0 for none */
};

/* Ends with the last kind that this build knows. */
static const struct kind kind_table[] = {
    [PATCH_REGION_NONE] = {NULL, NULL, 1, 0},
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_THUMB
    [PATCH_REGION_THUMB] = {patch_look_thumb, patch_look_pointer32_le, 2, 4},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_A32
    [PATCH_REGION_A32] = {patch_look_a32, patch_look_pointer32_le, 4, 4},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_A64
    [PATCH_REGION_A64] = {patch_look_a64, patch_look_pointer64_le, 4, 8},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_X86
    [PATCH_REGION_X86_64] = {patch_look_x86_64, NULL, 1, 0},
    [PATCH_REGION_I386] = {patch_look_i386, NULL, 1, 0},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_RISCV
    [PATCH_REGION_RISCV32] = {patch_look_riscv32, patch_look_pointer32_le, 2, 4},
    [PATCH_REGION_RISCV64] = {patch_look_riscv64, patch_look_pointer64_le, 2, 8},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_XTENSA
    [PATCH_REGION_XTENSA] = {patch_look_xtensa, patch_look_pointer32_le, 1, 4},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_AVR
    [PATCH_REGION_AVR] = {patch_look_avr, NULL, 2, 0},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_MIPS
    [PATCH_REGION_MIPS_LE] = {patch_look_mips_le, patch_look_pointer32_le, 4, 4},
    [PATCH_REGION_MIPS_BE] = {patch_look_mips_be, patch_look_pointer32_be, 4, 4},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_POWERPC
    [PATCH_REGION_POWERPC] = {patch_look_powerpc, patch_look_pointer32_be, 4, 4},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_POINTERS
    [PATCH_REGION_POINTERS32_LE] = {patch_look_pointer32_le, NULL, 4, 0},
    [PATCH_REGION_POINTERS32_BE] = {patch_look_pointer32_be, NULL, 4, 0},
    [PATCH_REGION_POINTERS64_LE] = {patch_look_pointer64_le, NULL, 8, 0},
    [PATCH_REGION_POINTERS64_BE] = {patch_look_pointer64_be, NULL, 8, 0},
    [PATCH_REGION_RELATIVE32] = {patch_look_relative32, NULL, 4, 0},
#endif
#if PATCH_ARCHITECTURES & PATCH_ARCHITECTURE_ELF
    [PATCH_REGION_ELF_RELA64] = {patch_look_rela64, NULL, 8, 0},
    [PATCH_REGION_ELF_REL32] = {patch_look_rel32, NULL, 4, 0},
    [PATCH_REGION_ELF_SYM64] = {patch_look_sym64, NULL, 8, 0},
#endif
};

/* NULL where nothing is predicted. */
static const struct kind *kind_of(uint8_t region_kind)
{
    const size_t count = sizeof kind_table / sizeof *kind_table;
    const struct kind *kind = region_kind < count ? &kind_table[region_kind] : NULL;
    return kind && kind->look ? kind : NULL;
}

bool patch_predict_knows(uint8_t region_kind)
{
    return region_kind == PATCH_REGION_NONE || kind_of(region_kind);
}

/* --- targets ---------------------------------------------------------------------------------- */

static bool in_range(const struct patch_range *range, patch_address address)
{
    return address - range->address < range->end - range->start;
}

/* Of ranges that lie at the same addresses, as of two programs in one image, the nearest. */
static const struct patch_range *range_of_address(const struct patch_range *ranges, size_t count,
                                                  patch_address address, patch_offset place)
{
    const struct patch_range *best = NULL;
    patch_offset least = 0;
    for (size_t i = 0; i < count; i++) {
        const patch_offset start = ranges[i].start;
        const patch_offset way = start > place ? start - place : place - start;
        if (!in_range(&ranges[i], address) || (best && way >= least))
            continue;
        best = &ranges[i];
        least = way;
    }
    return best;
}

static const struct patch_range *range_of_offset(const struct patch_range *ranges, size_t count,
                                                 patch_offset offset)
{
    for (size_t i = 0; i < count && ranges[i].start <= offset; i++)
        if (offset < ranges[i].end)
            return &ranges[i];
    return NULL;
}

/* Whether a cover near the window's, in the new image, holds the byte at `old`. */
static bool map_nearby(const struct patch_site *site, patch_address old, patch_offset *moved)
{
    const struct patch_covers *covers = site->predictor->covers;
    const size_t here = site->predictor->cover_hint;
    for (size_t i = 0; site->nearby && i <= 2 * NEARBY; i++) {
        /* here, here + 1, here - 1, here + 2 … */
        const size_t index = i % 2 != 0 ? here + (i + 1) / 2 : here - i / 2;
        if (index >= covers->count)
            continue;
        const struct patch_cover *cover = &covers->list[index];
        if (old - cover->old_offset >= cover->size)
            continue;
        *moved = (patch_offset)old - cover->old_offset + cover->new_offset;
        return true;
    }
    return false;
}

static enum patch_reach map_offset(const struct patch_site *site, patch_address old,
                                   patch_offset *moved)
{
    const struct patch_predictor *predictor = site->predictor;
    if (old >= predictor->old_end)
        return PATCH_REACH_NONE;
    if (map_nearby(site, old, moved) ||
        patch_covers_map(predictor->covers, (patch_offset)old, moved))
        return PATCH_REACH_COVERED;
    return PATCH_REACH_GUESS;
}

enum patch_reach patch_site_map_pointer(const struct patch_site *site, patch_address address,
                                        patch_address *moved)
{
    const struct patch_predictor *predictor = site->predictor;
    const struct patch_layout *layout = predictor->layout;
    patch_offset offset = 0;
    if (address - predictor->lowest >= predictor->span)
        return PATCH_REACH_NONE;
    const struct patch_range *range =
        range_of_address(layout->old_ranges, layout->old_range_count, address, site->old_offset);
    if (!range)
        return PATCH_REACH_NONE;
    const enum patch_reach reach =
        map_offset(site, range->start + (address - range->address), &offset);
    if (reach == PATCH_REACH_NONE)
        return reach;
    range = range_of_offset(layout->new_ranges, layout->new_range_count, offset);
    if (!range)
        return PATCH_REACH_NONE;
    *moved = range->address + (offset - range->start);
    return reach;
}

enum patch_reach patch_site_map(const struct patch_site *site, patch_address address,
                                patch_address *moved)
{
    patch_offset offset = 0;
    if (!site->plain)
        return patch_site_map_pointer(site, address, moved);
    const enum patch_reach reach = map_offset(site, address, &offset);
    *moved = offset;
    return reach;
}

enum patch_reach patch_site_relative(const struct patch_site *site, size_t at,
                                     const struct patch_form *form, patch_distance *distance)
{
    const patch_address mask = ~(patch_address)(form->align - 1);
    const patch_address from = (site->old_address + at + form->bias) & mask;
    const patch_address to = (site->new_address + at + form->bias) & mask;
    const patch_address half = (patch_address)1 << (form->bits - 1);
    patch_address moved = 0;
    enum patch_reach reach = patch_site_map(site, from + (patch_address)*distance, &moved);
    moved -= to;
    if ((patch_address)*distance + SHORT_WAY < 2 * SHORT_WAY && moved + LONG_WAY >= 2 * LONG_WAY) {
        moved = (patch_address)*distance;
        reach = PATCH_REACH_GUESS;
    }
    if (reach == PATCH_REACH_NONE || moved + half >= half * 2 || (moved & (form->unit - 1u)) != 0)
        return PATCH_REACH_NONE;
    *distance = (patch_distance)moved;
    return reach;
}

void patch_site_mark(const struct patch_site *site, size_t at, size_t size, unsigned group,
                     enum patch_reach reach)
{
    const unsigned guess = reach == PATCH_REACH_GUESS;
    for (size_t i = 0; i < size; i++)
        site->kinds[at + i] = (uint8_t)(group << 4 | guess << 3 | i);
}

/* --- address pairs ---------------------------------------------------------------------------- */

void patch_site_keep(const struct patch_site *site, unsigned number, patch_address target)
{
    site->predictor->pair_target[number] = target;
    site->predictor->pair_known |= UINT32_C(1) << number;
}

void patch_site_forget(const struct patch_site *site, unsigned number)
{
    site->predictor->pair_known &= ~(UINT32_C(1) << number);
}

bool patch_site_recall(const struct patch_site *site, unsigned number, patch_address *target)
{
    *target = site->predictor->pair_target[number];
    return site->predictor->pair_known >> number & 1;
}

/* --- words with one field --------------------------------------------------------------------- */

bool patch_site_word(const struct patch_site *site, size_t at, size_t size,
                     const struct patch_word *table, size_t count, uint32_t *word,
                     enum patch_reach *reach)
{
    for (const struct patch_word *entry = table; entry < table + count; entry++) {
        if ((*word & entry->mask) != entry->value)
            continue;
        const uint32_t field = (UINT32_C(1) << entry->width) - 1;
        patch_distance distance =
            patch_signed(*word >> entry->shift, entry->width) * entry->form.unit;
        *reach = patch_site_relative(site, at, &entry->form, &distance);
        if (*reach == PATCH_REACH_NONE)
            return true;
        *word &= ~(field << entry->shift);
        *word |= ((uint32_t)(distance / entry->form.unit) & field) << entry->shift;
        patch_site_mark(site, at, size, entry->form.group, *reach);
        return true;
    }
    return false;
}

/* --- windows ---------------------------------------------------------------------------------- */

void patch_predict_begin(struct patch_predictor *predictor, const struct patch_layout *layout,
                         const struct patch_covers *covers)
{
    patch_address lowest = (patch_address)-1, highest = 0;
    memset(predictor, 0, sizeof *predictor);
    predictor->layout = layout;
    predictor->covers = covers;
    for (size_t i = 0; i < covers->count; i++)
        if (covers->list[i].old_offset + covers->list[i].size > predictor->old_end)
            predictor->old_end = covers->list[i].old_offset + covers->list[i].size;
    for (size_t i = 0; i < layout->old_range_count; i++) {
        const struct patch_range *range = &layout->old_ranges[i];
        const patch_address last = range->address + (range->end - range->start);
        if (range->address < lowest)
            lowest = range->address;
        if (last > highest)
            highest = last;
    }
    predictor->lowest = lowest;
    predictor->span = highest > lowest ? highest - lowest : 0;
}

/* The first region that ends behind `offset`, or NULL. */
static const struct patch_region *region_after(struct patch_predictor *predictor,
                                               patch_offset offset)
{
    const struct patch_region *regions = predictor->layout->regions;
    const size_t count = predictor->layout->region_count;
    size_t i = predictor->region_hint;
    if (i >= count || (i > 0 && regions[i - 1].end > offset))
        i = 0;
    while (i < count && regions[i].end <= offset)
        i++;
    predictor->region_hint = i;
    return i < count ? &regions[i] : NULL;
}

/* The cover that holds the window. */
static void find_cover(struct patch_site *site)
{
    const struct patch_covers *covers = site->predictor->covers;
    const patch_offset place = site->new_offset;
    size_t low = 0, high = covers->count; /* the first that begins beyond the place */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (covers->list[middle].new_offset <= place)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return;
    const struct patch_cover *cover = &covers->list[low - 1];
    site->predictor->cover_hint = low - 1;
    if (place - cover->new_offset >= cover->size ||
        place - cover->new_offset != site->old_offset - cover->old_offset)
        return;
    site->nearby = true;
}

/* Sets the addresses from the ranges at `at`, and shortens *end to where they hold. */
static void place(struct patch_site *site, size_t at, size_t *end)
{
    const patch_offset old_offset = site->old_offset, new_offset = site->new_offset;
    const struct patch_layout *layout = site->predictor->layout;
    const struct patch_range *from =
        range_of_offset(layout->old_ranges, layout->old_range_count, old_offset + at);
    const struct patch_range *to =
        range_of_offset(layout->new_ranges, layout->new_range_count, new_offset + at);
    site->plain = !from || !to;
    site->old_address = old_offset;
    site->new_address = new_offset;
    for (size_t i = 0; site->plain && i < layout->old_range_count; i++) {
        const struct patch_range *range = &layout->old_ranges[i];
        if (range->start > old_offset + at && range->start - old_offset < *end)
            *end = (size_t)(range->start - old_offset);
    }
    if (site->plain)
        return;
    site->old_address += from->address - from->start;
    site->new_address += to->address - to->start;
    if (from->end - old_offset < *end)
        *end = (size_t)(from->end - old_offset);
    if (to->end - new_offset < *end)
        *end = (size_t)(to->end - new_offset);
}

/* The places from `at` up to `end`; returns where the last one's bytes end. */
static size_t walk(struct patch_site *site, const struct kind *kind, size_t at, size_t end,
                   size_t limit)
{
    const patch_address step = (patch_address)kind->step - 1,
                        align = (patch_address)kind->pointer_align - 1;
    at += (size_t)(-(site->old_address + at) & step);
    while (at < end) {
        const size_t room = limit - at < PATCH_AHEAD ? limit - at : PATCH_AHEAD;
        size_t taken = 0;
        if (kind->pointer && ((site->old_address + at) & align) == 0)
            taken = kind->pointer(site, at, room);
        if (taken <= kind->step)
            taken = kind->look(site, at, room);
        at += taken < kind->step ? (size_t)kind->step : taken;
    }
    return at;
}

size_t patch_predict(struct patch_predictor *predictor, const uint8_t *old, size_t size,
                     size_t ahead, patch_offset old_offset, patch_offset new_offset, size_t start,
                     uint8_t *predicted, uint8_t *kinds)
{
    struct patch_site site = {
        .predictor = predictor,
        .old = old,
        .predicted = predicted,
        .kinds = kinds,
        .old_offset = old_offset,
        .new_offset = new_offset,
    };
    size_t at = start;
    if (predictor->next_old != old_offset)
        predictor->pair_known = 0;
    predictor->next_old = old_offset + size;
    find_cover(&site);
    while (at < size) {
        size_t end = size;
        site.region = region_after(predictor, old_offset + at);
        if (!site.region ||
            (site.region->start > old_offset && site.region->start - old_offset >= size))
            break;
        if (site.region->start > old_offset + at)
            at = (size_t)(site.region->start - old_offset);
        if (site.region->end - old_offset < end)
            end = (size_t)(site.region->end - old_offset);
        const struct kind *kind = kind_of(site.region->kind);
        if (!kind) {
            at = end;
            continue;
        }
        place(&site, at, &end);
        at = walk(&site, kind, at, end, size + ahead);
    }
    return at > size ? at : size;
}
