/* SPDX-License-Identifier: MIT */
/*
 * Relocation and symbol tables (gABI 4.1, "Relocation" and "Symbol Table"). The addresses that
 * sections of relocatable files get are said in predict.h.
 */
#include "patch/predict_site.h"

enum {
    SYMBOL_SIZE_64 = 24,
    SYMBOL_SIZE_32 = 16,
    RELA_SIZE = 24,
    REL_SIZE = 8,
    SECTION_SHIFT = 48, /* of numbers in addresses */
    SYMBOL_SHIFT = 32,
    RESERVED_SECTION = 0xff00,
    /* What is kept until a later member of an entry is reached. */
    KEPT_INFO = 0,
    KEPT_BASE = 1,
    KEPT_VALUE = 2,
};

static void put(const struct patch_site *site, size_t at, size_t size, uint64_t value,
                enum patch_reach reach)
{
    for (size_t i = 0; i < size; i++)
        site->predicted[at + i] = (uint8_t)(value >> (8 * i));
    patch_site_mark(site, at, size, PATCH_GROUP_TABLE, reach);
}

static uint64_t get64(const uint8_t *p)
{
    return patch_get32(p) | (uint64_t)patch_get32(p + 4) << 32;
}

/* The address of the section whose own or symbol's number is this; 0 where there is none. */
static uint64_t address_of(const struct patch_site *site, unsigned shift, uint64_t number)
{
    const struct patch_layout *layout = site->predictor->layout;
    for (size_t i = 0; number != 0 && i < layout->old_range_count; i++)
        if ((layout->old_ranges[i].address >> shift & UINT16_MAX) == number)
            return layout->old_ranges[i].address;
    return 0;
}

/* r_offset: a place in the section that is relocated, or its address. */
static void look_place(const struct patch_site *site, size_t at, size_t size)
{
    const uint64_t base = site->region->parameter[0] & ~(uint64_t)UINT32_MAX;
    const uint64_t value = size == 8 ? get64(site->old + at) : patch_get32(site->old + at);
    uint64_t moved = 0;
    const enum patch_reach reach = patch_site_map_pointer(site, base + value, &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at, size, base != 0 ? moved & UINT32_MAX : moved, reach);
}

/* Where symbol `number` stands in the new table. */
static enum patch_reach map_symbol(const struct patch_site *site, uint64_t number, unsigned size,
                                   uint64_t *moved)
{
    const uint64_t base = site->region->parameter[1];
    if (base == 0)
        return PATCH_REACH_NONE;
    const enum patch_reach reach = patch_site_map_pointer(site, base + number * size, moved);
    *moved &= UINT32_MAX;
    if (reach == PATCH_REACH_NONE || *moved % size != 0)
        return PATCH_REACH_NONE;
    *moved /= size;
    return reach;
}

/* Where the symbol is a section's, the addend says which place there; *moved is its address. */
static enum patch_reach map_in_section(const struct patch_site *site, uint64_t info,
                                       uint64_t addend, uint64_t *moved)
{
    const uint32_t type = (uint32_t)info; /* of x86-64, 2 and 4 are relative to the place */
    const uint64_t bias = type == 2 || type == 4 ? site->region->parameter[0] & 4 : 0;
    const uint64_t base = address_of(site, SYMBOL_SHIFT, info >> 32);
    if (base == 0)
        return PATCH_REACH_NONE;
    const enum patch_reach reach = patch_site_map_pointer(site, base + addend + bias, moved);
    *moved -= bias;
    return reach;
}

static void look_info64(const struct patch_site *site, size_t at, size_t room)
{
    const uint64_t info = get64(site->old + at);
    uint64_t moved = 0;
    enum patch_reach reach = PATCH_REACH_NONE;
    patch_site_keep(site, KEPT_INFO, info);
    if (site->region->parameter[0] == 0)
        return;
    if (room >= 16)
        reach = map_in_section(site, info, get64(site->old + at + 8), &moved);
    if (reach != PATCH_REACH_NONE)
        moved = moved >> SYMBOL_SHIFT & UINT16_MAX;
    else
        reach = map_symbol(site, info >> 32, SYMBOL_SIZE_64, &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at, 8, moved << 32 | (info & UINT32_MAX), reach);
}

static void look_addend(const struct patch_site *site, size_t at)
{
    const uint64_t addend = get64(site->old + at);
    uint64_t info = 0, moved = 0;
    enum patch_reach reach = PATCH_REACH_NONE;
    if (site->region->parameter[0] == 0) {
        reach = patch_site_map_pointer(site, addend, &moved);
    } else if (patch_site_recall(site, KEPT_INFO, &info)) {
        reach = map_in_section(site, info, addend, &moved);
        moved = (uint64_t)patch_signed(moved, 32);
    }
    if (reach != PATCH_REACH_NONE)
        put(site, at, 8, moved, reach);
}

size_t patch_look_rela64(struct patch_site *site, size_t at, size_t room)
{
    if (room < 8)
        return room;
    const uint64_t member = (site->old_offset + at - site->region->start) % RELA_SIZE;
    if (member == 0)
        look_place(site, at, 8);
    else if (member == 8)
        look_info64(site, at, room);
    else if (member == 16)
        look_addend(site, at);
    return 8;
}

size_t patch_look_rel32(struct patch_site *site, size_t at, size_t room)
{
    uint64_t moved = 0;
    if (room < 4)
        return room;
    if ((site->old_offset + at - site->region->start) % REL_SIZE == 0) {
        look_place(site, at, 4);
        return 4;
    }
    const uint32_t info = patch_get32(site->old + at);
    const enum patch_reach reach = map_symbol(site, info >> 8, SYMBOL_SIZE_32, &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at, 4, moved << 8 | (info & 0xff), reach);
    return 4;
}

/* --- symbols ---------------------------------------------------------------------------------- */

/* st_name, st_info, st_other, st_shndx */
static void look_name(const struct patch_site *site, size_t at)
{
    const uint32_t section = patch_get16(site->old + at + 6);
    uint64_t moved = 0;
    enum patch_reach reach = patch_site_map_pointer(
        site, site->region->parameter[0] + patch_get32(site->old + at), &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at, 4, moved, reach);
    patch_site_forget(site, KEPT_BASE);
    patch_site_forget(site, KEPT_VALUE);
    if (section >= RESERVED_SECTION)
        return;
    const uint64_t base = address_of(site, SECTION_SHIFT, section);
    if (base == 0)
        return;
    patch_site_keep(site, KEPT_BASE, base);
    reach = patch_site_map_pointer(site, base, &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at + 6, 2, moved >> SECTION_SHIFT, reach);
}

static void look_value(const struct patch_site *site, size_t at)
{
    uint64_t base = 0, moved = 0;
    if (!patch_site_recall(site, KEPT_BASE, &base))
        return;
    base += get64(site->old + at);
    patch_site_keep(site, KEPT_VALUE, base);
    const enum patch_reach reach = patch_site_map_pointer(site, base, &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at, 8, moved & UINT32_MAX, reach);
}

/* st_size: from where the first byte went to where the last one went. */
static void look_size(const struct patch_site *site, size_t at)
{
    const uint64_t size = get64(site->old + at);
    uint64_t value = 0, first = 0, last = 0;
    if (!patch_site_recall(site, KEPT_VALUE, &value) || size == 0)
        return;
    if (patch_site_map_pointer(site, value, &first) != PATCH_REACH_COVERED ||
        patch_site_map_pointer(site, value + size - 1, &last) != PATCH_REACH_COVERED ||
        last - first >= 2 * size)
        return;
    put(site, at, 8, last - first + 1, PATCH_REACH_COVERED);
}

size_t patch_look_sym64(struct patch_site *site, size_t at, size_t room)
{
    if (room < 8)
        return room;
    const uint64_t member = (site->old_offset + at - site->region->start) % SYMBOL_SIZE_64;
    if (member == 0)
        look_name(site, at);
    else if (member == 8)
        look_value(site, at);
    else if (member == 16)
        look_size(site, at);
    return 8;
}
