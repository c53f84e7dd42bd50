/* SPDX-License-Identifier: MIT */
/* A64 (Arm Architecture Reference Manual, ARMv8-A, chapter C4). */
#include "patch/predict_site.h"

static const struct patch_word words[] = {
    {0x7c000000, 0x14000000, 0, 26, {0, 1, 28, 4, PATCH_GROUP_BRANCH}},  /* B, BL */
    {0xff000010, 0x54000000, 5, 19, {0, 1, 21, 4, PATCH_GROUP_SHORT}},   /* B.cond */
    {0x7e000000, 0x34000000, 5, 19, {0, 1, 21, 4, PATCH_GROUP_SHORT}},   /* CBZ, CBNZ */
    {0x7e000000, 0x36000000, 5, 14, {0, 1, 16, 4, PATCH_GROUP_SHORT}},   /* TBZ, TBNZ */
    {0x3b000000, 0x18000000, 5, 19, {0, 1, 21, 4, PATCH_GROUP_LITERAL}}, /* LDR literal */
};

static uint32_t put_page(uint32_t word, uint32_t value)
{
    return (word & UINT32_C(0x9f00001f)) | (value & 3) << 29 | (value >> 2 & 0x7ffff) << 5;
}

/* The low part of an address in ADD, LDR or STR with 12 bits; false for other instructions. */
static bool low_part(uint32_t word, unsigned *scale)
{
    *scale = 0;
    if ((word & UINT32_C(0xffc00000)) == UINT32_C(0x91000000))
        return true;
    if ((word & UINT32_C(0x3b000000)) != UINT32_C(0x39000000))
        return false;
    *scale = word >> 30;
    if ((word & UINT32_C(0x04800000)) == UINT32_C(0x04800000))
        *scale = 4; /* 128 bits */
    return true;
}

static void look_adr(struct patch_site *site, size_t at, uint32_t word)
{
    static const struct patch_form form = {0, 1, 21, 1, PATCH_GROUP_MEMORY};
    int64_t distance = patch_signed((word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3), 21);
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    if (reach == PATCH_REACH_NONE)
        return;
    patch_put32(site->predicted + at, put_page(word, (uint32_t)distance));
    patch_site_mark(site, at, 4, form.group, reach);
}

/* A page says little of where its target went, so the low part is looked for ahead. */
static void look_adrp(struct patch_site *site, size_t at, size_t room, uint32_t word)
{
    const uint64_t mask = ~(uint64_t)0xfff;
    const unsigned number = word & 31;
    const int64_t pages = patch_signed((word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3), 21);
    const uint64_t page = ((site->old_address + at) & mask) + (uint64_t)(pages * 4096);
    uint64_t target = page, moved = 0;
    bool found = false;
    patch_site_keep(site, number, page);
    for (size_t i = 4; !found && i + 4 <= room; i += 4) {
        unsigned scale = 0;
        const uint32_t low = patch_get32(site->old + at + i);
        found = (low >> 5 & 31) == number && low_part(low, &scale);
        if (found)
            target = page + ((uint64_t)(low >> 10 & 0xfff) << scale);
    }
    enum patch_reach reach = patch_site_map(site, target, &moved);
    moved -= (target - page) & mask; /* a page before that of its target, in tables of addresses */
    moved = (moved & mask) - ((site->new_address + at) & mask);
    if (reach == PATCH_REACH_NONE || moved + (UINT64_C(1) << 32) >= UINT64_C(1) << 33)
        return;
    if (!found)
        reach = PATCH_REACH_GUESS;
    patch_put32(site->predicted + at, put_page(word, (uint32_t)(moved >> 12)));
    patch_site_mark(site, at, 4, PATCH_GROUP_PAGE, reach);
}

static void look_low(struct patch_site *site, size_t at, uint32_t word, unsigned scale)
{
    uint64_t page = 0, moved = 0;
    if (!patch_site_recall(site, word >> 5 & 31, &page))
        return;
    const uint64_t distance = (uint64_t)(word >> 10 & 0xfff) << scale, target = page + distance;
    const enum patch_reach reach = patch_site_map(site, target, &moved);
    if (reach == PATCH_REACH_NONE || moved % (UINT64_C(1) << scale) != 0)
        return;
    patch_put32(site->predicted + at,
                (word & ~(UINT32_C(0xfff) << 10)) | (uint32_t)((moved & 0xfff) >> scale) << 10);
    patch_site_mark(site, at, 4, PATCH_GROUP_LOW, reach);
}

/*
 * Forgets the pages of registers that an instruction writes: most write the one in their lowest
 * bits, stores and branches do not, calls may write the first 19.
 */
static void forget(const struct patch_site *site, uint32_t word)
{
    const bool store = (word & UINT32_C(0x3bc00000)) == UINT32_C(0x39000000) ||
                       (word & UINT32_C(0x3a400000)) == UINT32_C(0x28000000);
    if ((word & UINT32_C(0xfc000000)) == UINT32_C(0x94000000) ||
        (word & UINT32_C(0xfffffc1f)) == UINT32_C(0xd63f0000))
        site->predictor->pair_known &= ~UINT32_C(0x7ffff);
    else if ((word & UINT32_C(0xffdffc1f)) == UINT32_C(0xd61f0000)) /* BR, RET */
        site->predictor->pair_known = 0;
    else if (!store && (word & UINT32_C(0x1c000000)) != UINT32_C(0x14000000))
        patch_site_forget(site, word & 31);
    if ((word & UINT32_C(0x3a400000)) == UINT32_C(0x28400000)) /* LDP */
        patch_site_forget(site, word >> 10 & 31);
}

size_t patch_look_a64(struct patch_site *site, size_t at, size_t room)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    unsigned scale = 0;
    if (room < 4)
        return room;
    uint32_t word = patch_get32(site->old + at);
    if ((word & UINT32_C(0x9f000000)) == UINT32_C(0x90000000)) {
        look_adrp(site, at, room, word);
        return 4;
    }
    if ((word & UINT32_C(0x9f000000)) == UINT32_C(0x10000000)) {
        look_adr(site, at, word);
    } else if (low_part(word, &scale)) {
        look_low(site, at, word, scale);
    } else if (patch_site_word(site, at, 4, words, sizeof words / sizeof *words, &word, &reach) &&
               reach != PATCH_REACH_NONE) {
        patch_put32(site->predicted + at, word);
    }
    forget(site, word);
    return 4;
}
