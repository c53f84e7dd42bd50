/* SPDX-License-Identifier: MIT */
/* RISC-V with compressed instructions (Unprivileged ISA, chapters 2, 12, 16 and 24). */
#include "patch/predict_site.h"

/* --- scattered fields ------------------------------------------------------------------------- */

/* From bit `from` of the instruction to bit `to` of the distance, `width` of them. */
struct piece {
    uint8_t from, to, width;
};

struct scattered {
    uint32_t mask, value;
    struct patch_form form;
    struct piece pieces[8]; /* ended by a width of 0 */
};

static const struct scattered wide[] = {
    {0x7f,
     0x6f,
     {0, 1, 21, 2, PATCH_GROUP_BRANCH}, /* JAL */
     {{21, 1, 10}, {20, 11, 1}, {12, 12, 8}, {31, 20, 1}}},
    {0x7f,
     0x63,
     {0, 1, 13, 2, PATCH_GROUP_SHORT}, /* BEQ … */
     {{8, 1, 4}, {25, 5, 6}, {7, 11, 1}, {31, 12, 1}}},
};

static const struct scattered narrow[] = {
    {0xe003,
     0xa001,
     {0, 1, 12, 2, PATCH_GROUP_SHORT}, /* C.J */
     {{3, 1, 3}, {11, 4, 1}, {2, 5, 1}, {7, 6, 1}, {6, 7, 1}, {9, 8, 2}, {8, 10, 1}, {12, 11, 1}}},
    {0xc003,
     0xc001,
     {0, 1, 9, 2, PATCH_GROUP_SHORT}, /* C.BEQZ, C.BNEZ */
     {{3, 1, 2}, {10, 3, 2}, {2, 5, 1}, {5, 6, 2}, {12, 8, 1}}},
    {0xe003,
     0x2001,
     {0, 1, 12, 2, PATCH_GROUP_BRANCH}, /* C.JAL, which only 32 bits have */
     {{3, 1, 3}, {11, 4, 1}, {2, 5, 1}, {7, 6, 1}, {6, 7, 1}, {9, 8, 2}, {8, 10, 1}, {12, 11, 1}}},
};

#define MOST_PIECES 8

static bool look_scattered(const struct patch_site *site, size_t at, const struct scattered *entry,
                           uint32_t *word, enum patch_reach *reach)
{
    uint32_t distance = 0;
    for (size_t i = 0; i < MOST_PIECES && entry->pieces[i].width > 0; i++) {
        const struct piece *piece = &entry->pieces[i];
        distance |= (*word >> piece->from & ((UINT32_C(1) << piece->width) - 1)) << piece->to;
    }
    int64_t moved = patch_signed(distance, entry->form.bits);
    *reach = patch_site_relative(site, at, &entry->form, &moved);
    if (*reach == PATCH_REACH_NONE)
        return false;
    for (size_t i = 0; i < MOST_PIECES && entry->pieces[i].width > 0; i++) {
        const struct piece *piece = &entry->pieces[i];
        const uint32_t field = (UINT32_C(1) << piece->width) - 1;
        *word &= ~(field << piece->from);
        *word |= ((uint32_t)(moved >> piece->to) & field) << piece->from;
    }
    return true;
}

/* --- pairs: AUIPC or LUI, then what adds 12 bits --------------------------------------------- */

static int64_t low_part(uint32_t word, bool store)
{
    return patch_signed(store ? (word >> 25) << 5 | (word >> 7 & 31) : word >> 20, 12);
}

/* ADDI, ADDIW, JALR, loads; and stores. */
static bool is_low(uint32_t word, bool *store)
{
    const uint32_t code = word & 0x7f;
    *store = code == 0x23 || code == 0x27;
    return *store || code == 0x03 || code == 0x07 || code == 0x67 ||
           ((code == 0x13 || code == 0x1b) && (word >> 12 & 7) == 0);
}

/* What is kept of AUIPC has this bit, for places are even; what is kept of LUI has not. */
#define RELATIVE UINT64_C(1)

static enum patch_reach map_pair(const struct patch_site *site, uint64_t kept, int64_t low,
                                 uint64_t widths, uint64_t *moved)
{
    const uint64_t target = ((kept & ~RELATIVE) + (uint64_t)low) & widths;
    return (kept & RELATIVE) != 0 ? patch_site_map(site, target, moved)
                                  : patch_site_map_pointer(site, target, moved);
}

/* The high part is rounded by the low one, which is looked for ahead. */
static void look_high(struct patch_site *site, size_t at, size_t room, uint32_t word,
                      uint64_t widths)
{
    const bool relative = (word & 0x7f) == 0x17;
    const unsigned number = word >> 7 & 31;
    const uint64_t upper = (uint64_t)patch_signed(word & 0xfffff000, 32);
    const uint64_t kept = relative ? (upper + site->old_address + at) | RELATIVE : upper;
    uint64_t moved = 0;
    patch_site_keep(site, number, kept);
    for (size_t i = 4; i + 4 <= room; i += (site->old[at + i] & 3) == 3 ? 4 : 2) {
        bool store = false;
        const uint32_t low = patch_get32(site->old + at + i);
        if ((low >> 15 & 31) != number || !is_low(low, &store))
            continue;
        const enum patch_reach reach = map_pair(site, kept, low_part(low, store), widths, &moved);
        moved += 0x800 - (relative ? site->new_address + at : 0);
        if (reach == PATCH_REACH_NONE ||
            (widths >> 32 != 0 && moved + (UINT64_C(1) << 31) >= UINT64_C(1) << 32))
            return;
        patch_put32(site->predicted + at, (word & 0xfff) | ((uint32_t)moved & 0xfffff000));
        patch_site_mark(site, at, 4, PATCH_GROUP_PAGE, reach);
        return;
    }
}

static void look_low(struct patch_site *site, size_t at, uint32_t word, bool store, uint64_t widths)
{
    const unsigned number = word >> 15 & 31;
    uint64_t kept = 0, moved = 0;
    if (!patch_site_recall(site, number, &kept))
        return;
    const enum patch_reach reach = map_pair(site, kept, low_part(word, store), widths, &moved);
    if (reach == PATCH_REACH_NONE)
        return;
    if ((kept & RELATIVE) != 0) /* the place of the AUIPC: it moved as this one did */
        moved -= (kept & ~RELATIVE) + (site->new_address - site->old_address);
    const uint32_t low = (uint32_t)moved & 0xfff;
    patch_put32(site->predicted + at, store ? (word & 0x01fff07f) | low >> 5 << 25 | (low & 31) << 7
                                            : (word & 0xfffff) | low << 20);
    patch_site_mark(site, at, 4, PATCH_GROUP_LOW, reach);
}

/* --- instructions ----------------------------------------------------------------------------- */

static void look_wide(struct patch_site *site, size_t at, size_t room, uint64_t widths)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    uint32_t word = patch_get32(site->old + at);
    bool store = false;
    if ((word & 0x7f) == 0x17 || (word & 0x7f) == 0x37) {
        look_high(site, at, room, word, widths);
        return;
    }
    if (is_low(word, &store)) {
        look_low(site, at, word, store, widths);
    } else {
        for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
            if ((word & wide[i].mask) != wide[i].value ||
                !look_scattered(site, at, &wide[i], &word, &reach))
                continue;
            patch_put32(site->predicted + at, word);
            patch_site_mark(site, at, 4, wide[i].form.group, reach);
        }
    }
    if (!store && (word & 0x7f) != 0x63)
        patch_site_forget(site, word >> 7 & 31);
}

static void look_narrow(struct patch_site *site, size_t at, size_t count)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    uint32_t word = patch_get16(site->old + at);
    for (size_t i = 0; i < count; i++) {
        if ((word & narrow[i].mask) != narrow[i].value)
            continue;
        if (look_scattered(site, at, &narrow[i], &word, &reach)) {
            patch_put16(site->predicted + at, word);
            patch_site_mark(site, at, 2, narrow[i].form.group, reach);
        }
        return;
    }
    if ((word & 3) == 2 || (word & 0x8003) == 1) /* most of these write the register there */
        patch_site_forget(site, word >> 7 & 31);
}

static size_t look_riscv(struct patch_site *site, size_t at, size_t room, size_t narrow_count,
                         uint64_t widths)
{
    if (room < 2)
        return room;
    if ((site->old[at] & 3) != 3) {
        look_narrow(site, at, narrow_count);
        return 2;
    }
    if (room < 4)
        return 2;
    look_wide(site, at, room, widths);
    return 4;
}

size_t patch_look_riscv32(struct patch_site *site, size_t at, size_t room)
{
    return look_riscv(site, at, room, sizeof narrow / sizeof *narrow, UINT32_MAX);
}

size_t patch_look_riscv64(struct patch_site *site, size_t at, size_t room)
{
    return look_riscv(site, at, room, sizeof narrow / sizeof *narrow - 1, UINT64_MAX);
}
