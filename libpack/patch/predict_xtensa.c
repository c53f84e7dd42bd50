/* SPDX-License-Identifier: MIT */
/* Xtensa, little-endian, with narrow instructions (Xtensa ISA Reference Manual, chapter 7). */
#include "patch/predict_site.h"

/* An instruction of 24 bits whose field is `width` bits from bit `shift` up, to the top. */
static const struct patch_word words[] = {
    {0x00000f, 0x000005, 6, 18, {4, 4, 20, 4, PATCH_GROUP_BRANCH}}, /* CALL0, 4, 8, 12 */
    {0x00003f, 0x000006, 6, 18, {4, 1, 18, 1, PATCH_GROUP_BRANCH}}, /* J */
    {0x00003f, 0x000016, 12, 12, {4, 1, 12, 1, PATCH_GROUP_SHORT}}, /* BEQZ, BNEZ, BGEZ, BLTZ */
    {0x00003f, 0x000026, 16, 8, {4, 1, 8, 1, PATCH_GROUP_SHORT}},   /* BEQI … */
    {0x0000bf, 0x0000b6, 16, 8, {4, 1, 8, 1, PATCH_GROUP_SHORT}},   /* BLTUI, BGEUI */
    {0x00000f, 0x000007, 16, 8, {4, 1, 8, 1, PATCH_GROUP_SHORT}},   /* BNONE … */
};

/* L32R: 16 bits with ones above them, in words, from the next word's start. */
static void look_load(struct patch_site *site, size_t at, uint32_t word)
{
    static const struct patch_form form = {3, 4, 19, 4, PATCH_GROUP_LITERAL};
    int64_t distance = ((int64_t)(word >> 8 & 0xffff) - 0x10000) * 4;
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    if (reach == PATCH_REACH_NONE || distance >= 0)
        return;
    patch_put16(site->predicted + at + 1, (uint32_t)(distance / 4) & 0xffff);
    patch_site_mark(site, at, 3, form.group, reach);
}

size_t patch_look_xtensa(struct patch_site *site, size_t at, size_t room)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    const uint8_t *old = site->old + at;
    if ((old[0] & 15) >= 8 && (old[0] & 15) < 14)
        return room < 2 ? room : 2;
    if (room < 3)
        return room;
    uint32_t word = patch_get16(old) | (uint32_t)old[2] << 16;
    if ((word & 15) == 1) {
        look_load(site, at, word);
    } else if (patch_site_word(site, at, words, sizeof words / sizeof *words, &word, &reach) &&
               reach != PATCH_REACH_NONE) {
        patch_put16(site->predicted + at, word);
        site->predicted[at + 2] = (uint8_t)(word >> 16);
    }
    return 3;
}
