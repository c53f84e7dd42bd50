/* SPDX-License-Identifier: MIT */
/*
 * Relocation tables (gABI 4.1, "Relocation"). In linked files their members are addresses. In
 * relocatable ones they count from a section, which the layout gives a range of its own: the
 * number of the section's symbol stands in the address's upper 32 bits, so that an address says
 * both symbol and place.
 */
#include "patch/predict_site.h"

enum {
    SYMBOL_SIZE_64 = 24,
    SYMBOL_SIZE_32 = 16,
    RELA_SIZE = 24,
    REL_SIZE = 8,
    KEPT_INFO = 0, /* what is kept of r_info until r_addend is reached */
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

/* r_offset: the place, in the section at parameter[0] or, where that is 0, by its address. */
static void look_place(const struct patch_site *site, size_t at, size_t size)
{
    const uint64_t base = site->region->parameter[0];
    const uint64_t value = size == 8 ? get64(site->old + at) : patch_get32(site->old + at);
    uint64_t moved = 0;
    const enum patch_reach reach = patch_site_map_pointer(site, base + value, &moved);
    if (reach != PATCH_REACH_NONE && (base == 0 || moved >> 32 == base >> 32))
        put(site, at, size, moved - base, reach);
}

/* Where symbol `number` stands in the new table; the old table's range begins at parameter[1]. */
static enum patch_reach map_symbol(const struct patch_site *site, uint64_t number, unsigned size,
                                   uint64_t *moved)
{
    const uint64_t base = site->region->parameter[1];
    if (base == 0)
        return PATCH_REACH_NONE;
    const enum patch_reach reach = patch_site_map_pointer(site, base + number * size, moved);
    *moved -= base;
    if (reach == PATCH_REACH_NONE || *moved % size != 0)
        return PATCH_REACH_NONE;
    *moved /= size;
    return reach;
}

/* Whether the target's own section says where it went: the symbol is a section's. */
static enum patch_reach map_in_section(const struct patch_site *site, uint64_t info,
                                       uint64_t addend, uint64_t *moved)
{
    const uint32_t type = (uint32_t)info; /* of x86-64, 2 and 4 count from the field's end */
    const uint64_t bias = type == 2 || type == 4 ? 4 : 0;
    const uint64_t address = (info >> 32 << 32) + addend + bias;
    if (info >> 32 == 0 || address >> 32 != info >> 32)
        return PATCH_REACH_NONE;
    const enum patch_reach reach = patch_site_map_pointer(site, address, moved);
    *moved -= bias;
    return reach;
}

static void look_info64(const struct patch_site *site, size_t at, size_t room)
{
    const uint64_t info = get64(site->old + at);
    uint64_t moved = 0;
    enum patch_reach reach = PATCH_REACH_NONE;
    patch_site_keep(site, KEPT_INFO, info);
    if (room >= 16)
        reach = map_in_section(site, info, get64(site->old + at + 8), &moved);
    moved >>= 32;
    if (reach == PATCH_REACH_NONE)
        reach = map_symbol(site, info >> 32, SYMBOL_SIZE_64, &moved);
    if (reach != PATCH_REACH_NONE)
        put(site, at, 8, moved << 32 | (info & UINT32_MAX), reach);
}

static void look_addend(const struct patch_site *site, size_t at)
{
    const uint64_t addend = get64(site->old + at);
    uint64_t info = 0, moved = 0;
    enum patch_reach reach = PATCH_REACH_NONE;
    if (!patch_site_recall(site, KEPT_INFO, &info))
        return;
    if (site->region->parameter[0] == 0) {
        reach = patch_site_map_pointer(site, addend, &moved);
    } else {
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
