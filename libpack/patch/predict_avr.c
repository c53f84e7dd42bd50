/* SPDX-License-Identifier: MIT */
/* AVR (AVR Instruction Set Manual). Addresses of code count words. */
#include "patch/predict_site.h"

static const struct patch_word words[] = {
    {0xe000, 0xc000, 0, 12, {2, 1, 13, 2, PATCH_GROUP_BRANCH}}, /* RJMP, RCALL */
    {0xf800, 0xf000, 3, 7, {2, 1, 8, 2, PATCH_GROUP_SHORT}},    /* BRBS, BRBC */
};

/* JMP and CALL: 22 bits of an absolute address. */
static void look_jump(struct patch_site *site, size_t at, uint32_t word, uint32_t low)
{
    uint64_t moved = 0;
    const uint32_t target = ((word >> 4 & 31) << 17 | (word & 1) << 16 | low) * 2;
    const enum patch_reach reach = patch_site_map(site, target, &moved);
    if (reach == PATCH_REACH_NONE || moved >> 23 != 0 || (moved & 1) != 0)
        return;
    const uint32_t value = (uint32_t)(moved / 2);
    patch_put16(site->predicted + at,
                (word & 0xfe0e) | (value >> 17 & 31) << 4 | (value >> 16 & 1));
    patch_put16(site->predicted + at + 2, value & 0xffff);
    patch_site_mark(site, at, 4, PATCH_GROUP_POINTER, reach);
}

size_t patch_look_avr(struct patch_site *site, size_t at, size_t room)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    if (room < 2)
        return room;
    uint32_t word = patch_get16(site->old + at);
    if ((word & 0xfe0c) == 0x940c && room >= 4) {
        look_jump(site, at, word, patch_get16(site->old + at + 2));
        return 4;
    }
    if ((word & 0xfc0f) == 0x9000) /* LDS and STS have an address in their second half */
        return room < 4 ? room : 4;
    if (patch_site_word(site, at, 2, words, sizeof words / sizeof *words, &word, &reach) &&
        reach != PATCH_REACH_NONE)
        patch_put16(site->predicted + at, word);
    return 2;
}
