/* SPDX-License-Identifier: MIT */
/* Absolute addresses in data, and in the tables and pools between code. */
#include "patch/predict_site.h"

#define REVERSED(index, size) ((size)-1 - (index))

/* LUI and AUIPC of RISC-V, which hold the upper bits of an address where an address has them. */
static bool is_upper(uint8_t kind, uint32_t word)
{
    return (kind == PATCH_REGION_RISCV32 || kind == PATCH_REGION_RISCV64) && (word & 0x5f) == 0x17;
}

static size_t look_pointer(struct patch_site *site, size_t at, size_t room, size_t size, bool big)
{
    patch_address value = 0, moved = 0, odd = 0;
    if (room < size)
        return 1;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | site->old[at + (big ? i : REVERSED(i, size))];
    if (size == 4 && is_upper(site->region->kind, (uint32_t)value))
        return 1;
    if (site->region->kind == PATCH_REGION_THUMB)
        odd = value & 1; /* says that the code there is Thumb */
    const enum patch_reach reach = patch_site_map_pointer(site, value - odd, &moved);
    if (reach == PATCH_REACH_NONE)
        return 1;
    moved |= odd;
    for (size_t i = 0; i < size; i++)
        site->predicted[at + (big ? REVERSED(i, size) : i)] = (uint8_t)(moved >> (8 * i));
    patch_site_mark(site, at, size, PATCH_GROUP_POINTER, reach);
    return size;
}

size_t patch_look_pointer32_le(struct patch_site *site, size_t at, size_t room)
{
    return look_pointer(site, at, room, 4, false);
}

size_t patch_look_pointer32_be(struct patch_site *site, size_t at, size_t room)
{
    return look_pointer(site, at, room, 4, true);
}

#if PATCH_MOST_ADDRESS > UINT32_MAX

size_t patch_look_pointer64_le(struct patch_site *site, size_t at, size_t room)
{
    return look_pointer(site, at, room, 8, false);
}

size_t patch_look_pointer64_be(struct patch_site *site, size_t at, size_t room)
{
    return look_pointer(site, at, room, 8, true);
}

#endif

size_t patch_look_relative32(struct patch_site *site, size_t at, size_t room)
{
    static const struct patch_form form = {0, 1, 32, 1, PATCH_GROUP_MEMORY};
    if (room < 4)
        return room;
    patch_distance distance = patch_signed(patch_get32(site->old + at), 32);
    const enum patch_reach reach =
        distance != 0 ? patch_site_relative(site, at, &form, &distance) : PATCH_REACH_NONE;
    if (reach == PATCH_REACH_NONE)
        return 4;
    patch_put32(site->predicted + at, (uint32_t)distance);
    patch_site_mark(site, at, 4, form.group, reach);
    return 4;
}
