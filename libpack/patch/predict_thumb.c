/* SPDX-License-Identifier: MIT */
/* Thumb and Thumb-2 (Arm Architecture Reference Manual, ARMv7-M, chapter A7). */
#include "patch/predict_site.h"

/* --- halfwords -------------------------------------------------------------------------------- */

struct halfword {
    uint16_t mask, value;
    uint8_t shift, width;
    bool positive; /* the distance has no sign */
    struct patch_form form;
};

static const struct halfword halfwords[] = {
    {0xf800, 0xe000, 0, 11, false, {4, 1, 12, 2, PATCH_GROUP_SHORT}}, /* B */
    {0xf800, 0x4800, 0, 8, true, {4, 4, 11, 4, PATCH_GROUP_LITERAL}}, /* LDR Rt, literal */
    {0xf800, 0xa000, 0, 8, true, {4, 4, 11, 4, PATCH_GROUP_LITERAL}}, /* ADR */
    {0xf000, 0xd000, 0, 8, false, {4, 1, 9, 2, PATCH_GROUP_SHORT}},   /* B<c> */
};

/* CBZ and CBNZ: the distance is bit 9, bits 7 to 3. */
static void look_compare(struct patch_site *site, size_t at, uint32_t word)
{
    static const struct patch_form form = {4, 1, 8, 2, PATCH_GROUP_SHORT};
    patch_distance distance = (patch_distance)((word >> 9 & 1) << 6 | (word >> 3 & 0x1f) << 1);
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    if (reach == PATCH_REACH_NONE || distance < 0)
        return;
    const uint32_t moved = (uint32_t)distance;
    patch_put16(site->predicted + at,
                (word & ~UINT32_C(0x2f8)) | (moved >> 6 & 1) << 9 | (moved >> 1 & 0x1f) << 3);
    patch_site_mark(site, at, 2, form.group, reach);
}

static void look_halfword(struct patch_site *site, size_t at, uint32_t word)
{
    if ((word & 0xf500) == 0xb100) {
        look_compare(site, at, word);
        return;
    }
    if ((word & 0xfe00) == 0xde00) /* UDF and SVC stand where a condition would be 14 or 15 */
        return;
    for (size_t i = 0; i < sizeof halfwords / sizeof *halfwords; i++) {
        const struct halfword *entry = &halfwords[i];
        if ((word & entry->mask) != entry->value)
            continue;
        const uint32_t field = (UINT32_C(1) << entry->width) - 1;
        patch_distance distance =
            entry->positive ? (patch_distance)(word & field) : patch_signed(word, entry->width);
        distance *= entry->form.unit;
        const enum patch_reach reach = patch_site_relative(site, at, &entry->form, &distance);
        if (reach == PATCH_REACH_NONE || (entry->positive && distance < 0))
            return;
        patch_put16(site->predicted + at,
                    (word & ~field) | ((uint32_t)((int32_t)distance / entry->form.unit) & field));
        patch_site_mark(site, at, 2, entry->form.group, reach);
        return;
    }
}

/* --- 32 bits ---------------------------------------------------------------------------------- */

static void write_pair(struct patch_site *site, size_t at, uint32_t high, uint32_t low,
                       unsigned group, enum patch_reach reach)
{
    patch_put16(site->predicted + at, high);
    patch_put16(site->predicted + at + 2, low);
    patch_site_mark(site, at, 4, group, reach);
}

/* BL, BLX and B.W: S, I1, I2, imm10, imm11, where I = NOT(J XOR S). */
static void look_call(struct patch_site *site, size_t at, uint32_t high, uint32_t low)
{
    static const struct patch_form same = {4, 1, 25, 2, PATCH_GROUP_BRANCH};
    static const struct patch_form to_a32 = {4, 4, 25, 4, PATCH_GROUP_BRANCH};
    const struct patch_form *form = (low & 0xd001) == 0xc000 ? &to_a32 : &same;
    const uint32_t sign = high >> 10 & 1;
    const uint32_t i1 = ~(low >> 13 ^ sign) & 1, i2 = ~(low >> 11 ^ sign) & 1;
    patch_distance distance = patch_signed(
        sign << 24 | i1 << 23 | i2 << 22 | (high & 0x3ff) << 12 | (low & 0x7ff) << 1, 25);
    const enum patch_reach reach = patch_site_relative(site, at, form, &distance);
    if (reach == PATCH_REACH_NONE)
        return;
    const uint32_t moved = (uint32_t)distance, s = moved >> 24 & 1;
    const uint32_t j1 = ~(moved >> 23 ^ s) & 1, j2 = ~(moved >> 22 ^ s) & 1;
    write_pair(site, at, (high & 0xf800) | s << 10 | (moved >> 12 & 0x3ff),
               (low & 0xd000) | j1 << 13 | j2 << 11 | (moved >> 1 & 0x7ff), form->group, reach);
}

/* B<c>.W: S, J2, J1, imm6, imm11. */
static void look_conditional(struct patch_site *site, size_t at, uint32_t high, uint32_t low)
{
    static const struct patch_form form = {4, 1, 21, 2, PATCH_GROUP_SHORT};
    patch_distance distance =
        patch_signed((high >> 10 & 1) << 20 | (low >> 11 & 1) << 19 | (low >> 13 & 1) << 18 |
                         (high & 0x3f) << 12 | (low & 0x7ff) << 1,
                     21);
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    if (reach == PATCH_REACH_NONE)
        return;
    const uint32_t moved = (uint32_t)distance;
    write_pair(site, at, (high & ~UINT32_C(0x43f)) | (moved >> 20 & 1) << 10 | (moved >> 12 & 0x3f),
               (low & 0xd000) | (moved >> 18 & 1) << 13 | (moved >> 19 & 1) << 11 |
                   (moved >> 1 & 0x7ff),
               form.group, reach);
}

/* LDR.W and its like relative to the place: bit 7 of the first halfword is the sign. */
static void look_load(struct patch_site *site, size_t at, uint32_t high, uint32_t low)
{
    static const struct patch_form form = {4, 4, 13, 1, PATCH_GROUP_LITERAL};
    patch_distance distance = (patch_distance)(low & 0xfff);
    if ((high & 0x80) == 0)
        distance = -distance;
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    if (reach == PATCH_REACH_NONE || distance == -4096)
        return;
    const uint32_t size = (uint32_t)(distance < 0 ? -distance : distance);
    write_pair(site, at, (high & ~UINT32_C(0x80)) | (distance < 0 ? 0 : 0x80),
               (low & 0xf000) | size, form.group, reach);
}

static uint32_t half_of_address(uint32_t high, uint32_t low)
{
    return (high & 0xf) << 12 | (high >> 10 & 1) << 11 | (low >> 12 & 7) << 8 | (low & 0xff);
}

/* MOVW looks ahead for the MOVT of its register; MOVT remembers the MOVW. */
static void look_move(struct patch_site *site, size_t at, size_t room, uint32_t high, uint32_t low)
{
    const unsigned number = low >> 8 & 15;
    const bool top = (high & 0x80) != 0;
    patch_address target = 0, moved = 0;
    bool known = top && patch_site_recall(site, number, &target);
    for (size_t i = 4; !top && !known && i + 4 <= room; i += 2) {
        const uint32_t next = patch_get16(site->old + at + i);
        const uint32_t rest = patch_get16(site->old + at + i + 2);
        if ((next & 0xfbf0) != 0xf2c0 || (rest & 0x8f00) != number << 8)
            continue;
        target = (patch_address)half_of_address(next, rest) << 16 | half_of_address(high, low);
        known = true;
    }
    patch_site_forget(site, number);
    if (!known || (top && target >> 16 != half_of_address(high, low)))
        return;
    const enum patch_reach reach = patch_site_map_pointer(site, target & ~(patch_address)1, &moved);
    if (reach == PATCH_REACH_NONE)
        return;
    if (!top)
        patch_site_keep(site, number, target);
    moved |= target & 1;
    const uint32_t value = (uint32_t)(top ? moved >> 16 : moved) & 0xffff;
    write_pair(site, at, (high & 0xfbf0) | value >> 12 | (value >> 11 & 1) << 10,
               (low & 0x8f00) | (value >> 8 & 7) << 12 | (value & 0xff),
               top ? PATCH_GROUP_PAGE : PATCH_GROUP_LOW, reach);
}

size_t patch_look_thumb(struct patch_site *site, size_t at, size_t room)
{
    if (room < 2)
        return room;
    const uint32_t high = patch_get16(site->old + at);
    if (high < 0xe800) {
        look_halfword(site, at, high);
        return 2;
    }
    if (room < 4)
        return 2;
    const uint32_t low = patch_get16(site->old + at + 2);
    if ((high & 0xf800) == 0xf000 && (low & 0x8000) != 0) {
        if ((low & 0x5000) != 0)
            look_call(site, at, high, low);
        else if ((high & 0x380) != 0x380)
            look_conditional(site, at, high, low);
    } else if ((high & 0xfb70) == 0xf240 && (low & 0x8000) == 0) {
        look_move(site, at, room, high, low);
    } else if ((high & 0xfe1f) == 0xf81f) {
        look_load(site, at, high, low);
    }
    return 4;
}
