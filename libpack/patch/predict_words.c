/* SPDX-License-Identifier: MIT */
/* A32 and PowerPC, whose references are mostly one field in a word. */
#include "patch/predict_site.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* --- A32 (Arm Architecture Reference Manual, ARMv7-A, chapter A5) ---------------------------- */

static const struct patch_word a32_words[] = {
    {0x0e000000, 0x0a000000, 0, 24, {8, 1, 26, 4, PATCH_GROUP_BRANCH}}, /* B, BL, BLX */
};

/* LDR, LDRB, VLDR and their stores, relative to the place: a size, and bit 23 for its sign. */
static void look_a32_literal(struct patch_site *site, size_t at, uint32_t word, unsigned width,
                             unsigned scale)
{
    const struct patch_form form = {8, 4, (uint8_t)(width + scale + 1), (uint8_t)(1 << scale),
                                    PATCH_GROUP_LITERAL};
    const uint32_t field = (UINT32_C(1) << width) - 1;
    int64_t distance = (int64_t)(word & field) << scale;
    if ((word & UINT32_C(0x800000)) == 0)
        distance = -distance;
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    const uint64_t size = (uint64_t)(distance < 0 ? -distance : distance) >> scale;
    if (reach == PATCH_REACH_NONE || size > field)
        return;
    word &= ~(field | UINT32_C(0x800000));
    patch_put32(site->predicted + at,
                word | (uint32_t)size | (distance < 0 ? 0 : UINT32_C(0x800000)));
    patch_site_mark(site, at, 4, form.group, reach);
}

static uint32_t a32_half(uint32_t word)
{
    return (word >> 4 & 0xf000) | (word & 0xfff);
}

/* MOVW looks ahead for the MOVT of its register; MOVT remembers the MOVW. */
static void look_a32_move(struct patch_site *site, size_t at, size_t room, uint32_t word)
{
    const unsigned number = word >> 12 & 15;
    const bool top = (word & 0x400000) != 0;
    uint64_t target = 0, moved = 0;
    bool known = top && patch_site_recall(site, number, &target);
    for (size_t i = 4; !top && !known && i + 4 <= room; i += 4) {
        const uint32_t next = patch_get32(site->old + at + i);
        if (((next ^ word) & 0xfff0f000) != 0x400000)
            continue;
        target = (uint64_t)a32_half(next) << 16 | a32_half(word);
        known = true;
    }
    patch_site_forget(site, number);
    if (!known || (top && target >> 16 != a32_half(word)))
        return;
    const enum patch_reach reach = patch_site_map_pointer(site, target, &moved);
    if (reach == PATCH_REACH_NONE)
        return;
    if (!top)
        patch_site_keep(site, number, target);
    const uint32_t value = (uint32_t)(top ? moved >> 16 : moved) & 0xffff;
    patch_put32(site->predicted + at,
                (word & 0xfff0f000) | (value & 0xf000) << 4 | (value & 0xfff));
    patch_site_mark(site, at, 4, top ? PATCH_GROUP_PAGE : PATCH_GROUP_LOW, reach);
}

size_t patch_look_a32(struct patch_site *site, size_t at, size_t room)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    if (room < 4)
        return room;
    uint32_t word = patch_get32(site->old + at);
    if (word >> 28 == 15 && (word & 0x0e000000) != 0x0a000000)
        return 4;
    if (patch_site_word(site, at, 4, a32_words, LENGTH(a32_words), &word, &reach)) {
        if (reach != PATCH_REACH_NONE)
            patch_put32(site->predicted + at, word);
    } else if ((word & 0x0f3f0000) == 0x051f0000) {
        look_a32_literal(site, at, word, 12, 0);
    } else if ((word & 0x0f3f0e00) == 0x0d1f0a00) {
        look_a32_literal(site, at, word, 8, 2);
    } else if ((word & 0x0fb00000) == 0x03000000) {
        look_a32_move(site, at, room, word);
    }
    return 4;
}

/* --- PowerPC (Power ISA, book I) -------------------------------------------------------------- */

static const struct patch_word powerpc_words[] = {
    {0xfc000002, 0x48000000, 2, 24, {0, 1, 26, 4, PATCH_GROUP_BRANCH}}, /* b, bl */
    {0xfc000002, 0x40000000, 2, 14, {0, 1, 16, 4, PATCH_GROUP_SHORT}},  /* bc */
};

/* --- high and low halves of an address -------------------------------------------------------- */

struct halves {
    uint32_t (*get)(const uint8_t *p);
    void (*put)(uint8_t *p, uint32_t value);
    uint8_t base, result; /* shifts of the registers' numbers */
    bool (*is_low)(uint32_t word);
    bool (*is_signed)(uint32_t word);
};

static uint64_t join(const struct halves *halves, uint32_t high, uint32_t low)
{
    const uint32_t top = high << 16;
    return (uint32_t)(halves->is_signed(low) ? top + (uint32_t)patch_signed(low, 16)
                                             : top + (low & 0xffff));
}

/* The half that is loaded into the top: its low part is looked for ahead. */
static void look_top(struct patch_site *site, size_t at, size_t room, const struct halves *halves,
                     uint32_t word)
{
    const unsigned number = word >> halves->result & 31;
    uint64_t moved = 0;
    patch_site_keep(site, number, word & 0xffff);
    for (size_t i = 4; i + 4 <= room; i += 4) {
        const uint32_t low = halves->get(site->old + at + i);
        if (!halves->is_low(low) || (low >> halves->base & 31) != number)
            continue;
        const enum patch_reach reach =
            patch_site_map_pointer(site, join(halves, word, low), &moved);
        if (reach == PATCH_REACH_NONE)
            return;
        const uint64_t carry = halves->is_signed(low) ? 0x8000 : 0;
        halves->put(site->predicted + at,
                    (word & 0xffff0000) | ((uint32_t)((moved + carry) >> 16) & 0xffff));
        patch_site_mark(site, at, 4, PATCH_GROUP_PAGE, reach);
        return;
    }
}

static void look_bottom(struct patch_site *site, size_t at, const struct halves *halves,
                        uint32_t word)
{
    const unsigned number = word >> halves->base & 31;
    uint64_t high = 0, moved = 0;
    if (!patch_site_recall(site, number, &high))
        return;
    if ((word >> halves->result & 31) == number)
        patch_site_forget(site, number); /* the whole address now, or what lies there */
    const enum patch_reach reach =
        patch_site_map_pointer(site, join(halves, (uint32_t)high, word), &moved);
    if (reach == PATCH_REACH_NONE)
        return;
    halves->put(site->predicted + at, (word & 0xffff0000) | ((uint32_t)moved & 0xffff));
    patch_site_mark(site, at, 4, PATCH_GROUP_LOW, reach);
}

static bool powerpc_is_low(uint32_t word)
{
    const uint32_t code = word >> 26;
    return code == 14 || code == 24 || (code >= 32 && code <= 55); /* addi, ori, loads, stores */
}

static bool powerpc_is_signed(uint32_t word)
{
    return word >> 26 != 24;
}

/* ori names its source where the others name their result; both are the same in a pair. */
static const struct halves powerpc_halves = {
    patch_get32_be, patch_put32_be, 16, 21, powerpc_is_low, powerpc_is_signed,
};

size_t patch_look_powerpc(struct patch_site *site, size_t at, size_t room)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    if (room < 4)
        return room;
    uint32_t word = patch_get32_be(site->old + at);
    if (patch_site_word(site, at, 4, powerpc_words, LENGTH(powerpc_words), &word, &reach)) {
        if (reach != PATCH_REACH_NONE)
            patch_put32_be(site->predicted + at, word);
    } else if ((word & 0xfc1f0000) == 0x3c000000) {
        look_top(site, at, room, &powerpc_halves, word);
    } else if (powerpc_is_low(word)) {
        look_bottom(site, at, &powerpc_halves, word);
    }
    return 4;
}

/* --- MIPS (MIPS32 Architecture, volume II) ---------------------------------------------------- */

static const struct patch_word mips_words[] = {
    {0xf0000000, 0x10000000, 0, 16, {4, 1, 18, 4, PATCH_GROUP_SHORT}}, /* BEQ, BNE, BLEZ, BGTZ */
    {0xfc0c0000, 0x04000000, 0, 16, {4, 1, 18, 4, PATCH_GROUP_SHORT}}, /* BLTZ, BGEZ … */
    {0xf0000000, 0x50000000, 0, 16, {4, 1, 18, 4, PATCH_GROUP_SHORT}}, /* BEQL … */
};

static bool mips_is_low(uint32_t word)
{
    const uint32_t code = word >> 26;
    return code == 9 || code == 13 || (code >= 32 && code <= 46 && code != 39) || code == 49 ||
           code == 53 || code == 57 || code == 61;
}

static bool mips_is_signed(uint32_t word)
{
    return word >> 26 != 13;
}

/* J and JAL: 26 bits within the 256 MiB of the next instruction. */
static void look_mips_jump(struct patch_site *site, size_t at, const struct halves *halves,
                           uint32_t word)
{
    const uint64_t mask = UINT64_C(0x0fffffff);
    const uint64_t from = site->old_address + at + 4, to = site->new_address + at + 4;
    uint64_t moved = 0;
    const enum patch_reach reach =
        patch_site_map(site, (from & ~mask) | (uint64_t)(word & 0x03ffffff) << 2, &moved);
    if (reach == PATCH_REACH_NONE || ((moved ^ to) & ~mask) != 0 || moved % 4 != 0)
        return;
    halves->put(site->predicted + at, (word & 0xfc000000) | ((uint32_t)(moved >> 2) & 0x03ffffff));
    patch_site_mark(site, at, 4, PATCH_GROUP_BRANCH, reach);
}

static size_t look_mips(struct patch_site *site, size_t at, size_t room,
                        const struct halves *halves)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    if (room < 4)
        return room;
    uint32_t word = halves->get(site->old + at);
    if (patch_site_word(site, at, 4, mips_words, LENGTH(mips_words), &word, &reach)) {
        if (reach != PATCH_REACH_NONE)
            halves->put(site->predicted + at, word);
    } else if ((word & 0xf8000000) == 0x08000000) {
        look_mips_jump(site, at, halves, word);
    } else if ((word & 0xffe00000) == 0x3c000000) {
        look_top(site, at, room, halves, word);
    } else if (mips_is_low(word)) {
        look_bottom(site, at, halves, word);
    }
    return 4;
}

size_t patch_look_mips_le(struct patch_site *site, size_t at, size_t room)
{
    static const struct halves halves = {patch_get32, patch_put32, 21,
                                         16,          mips_is_low, mips_is_signed};
    return look_mips(site, at, room, &halves);
}

size_t patch_look_mips_be(struct patch_site *site, size_t at, size_t room)
{
    static const struct halves halves = {patch_get32_be, patch_put32_be, 21, 16,
                                         mips_is_low,    mips_is_signed};
    return look_mips(site, at, room, &halves);
}
