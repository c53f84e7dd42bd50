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

/* Functions begin at multiples of 4, with ENTRY, or with ADDI A1, A1 where there are no windows. */
static bool begins_function(const uint8_t *p)
{
    return (p[0] == 0x36 && (p[1] & 15) == 1) || (p[0] == 0x12 && p[1] == 0xc1);
}

/*
 * Instructions are followed one by one, and literals between functions lead astray. Of the `size`
 * bytes of an instruction, those before a function that begins in their midst.
 */
static size_t before_function(const struct patch_site *site, size_t at, size_t size, size_t room)
{
    const size_t next = (size_t)(-(site->old_address + at) & 3);
    return next > 0 && next < size && next + 2 <= room && begins_function(site->old + at + next)
               ? next
               : size;
}

/* The bytes up to a multiple of 4 behind a return: padding. */
static size_t behind_return(const struct patch_site *site, size_t at, size_t size, size_t room)
{
    const size_t whole = size + (size_t)(-(site->old_address + at + size) & 3);
    return whole <= room ? whole : size;
}

size_t patch_look_xtensa(struct patch_site *site, size_t at, size_t room)
{
    enum patch_reach reach = PATCH_REACH_NONE;
    const uint8_t *old = site->old + at;
    const size_t size = (old[0] & 15) >= 8 && (old[0] & 15) < 14 ? 2 : 3;
    if (room < size)
        return room;
    if (before_function(site, at, size, room) < size)
        return before_function(site, at, size, room);
    if (size == 2)
        return old[1] == 0xf0 && (old[0] & 0xef) == 0x0d ? behind_return(site, at, 2, room) : 2;
    uint32_t word = patch_get16(old) | (uint32_t)old[2] << 16;
    if (word == 0x80 || word == 0x90)
        return behind_return(site, at, 3, room);
    if ((word & 15) == 1) {
        look_load(site, at, word);
    } else if (patch_site_word(site, at, 3, words, sizeof words / sizeof *words, &word, &reach) &&
               reach != PATCH_REACH_NONE) {
        patch_put16(site->predicted + at, word);
        site->predicted[at + 2] = (uint8_t)(word >> 16);
    }
    return 3;
}
