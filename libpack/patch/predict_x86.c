/* SPDX-License-Identifier: MIT */
/*
 * x86 (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2). Instructions are
 * not followed one by one: each place is tried, and a reference counts only where its target
 * makes sense.
 */
#include "patch/predict_site.h"

/* Instructions that have a ModRM byte, a bit each, of one byte and behind 0F. */
static const uint32_t one_byte[8] = {
    0x0f0f0f0f, 0x0f0f0f0f, 0x00000000, 0x00000a08, 0x0000affb, 0x00000000, 0xff0f00c3, 0xc0c00000,
};
static const uint32_t two_bytes[8] = {
    0x81ff200f, 0x0000ff00, 0xffffffff, 0xf07fffff, 0xffff0000, 0xfdcff838, 0xffff00ff, 0xffffffff,
};

static bool listed(const uint32_t *bits, unsigned code)
{
    return bits[code >> 5] >> (code & 31) & 1;
}

/* Bytes of the immediate operand, that stands between the displacement and the next place. */
static unsigned immediate_size(unsigned code, bool two, unsigned extension, bool short_operand)
{
    const unsigned whole = short_operand ? 2 : 4;
    if (two)
        return (code >= 0x70 && code <= 0x73) || code == 0xa4 || code == 0xac || code == 0xba ||
               code == 0xc2 || (code >= 0xc4 && code <= 0xc6);
    if (code == 0x69 || code == 0x81 || code == 0xc7)
        return whole;
    if (code == 0x6b || code == 0x80 || code == 0x83 || code == 0xc0 || code == 0xc1 ||
        code == 0xc6 || (code == 0xf6 && extension < 2))
        return 1;
    return code == 0xf7 && extension < 2 ? whole : 0;
}

static bool put_relative(struct patch_site *site, size_t at, size_t bias, unsigned group,
                         bool guesses)
{
    const struct patch_form form = {(uint8_t)bias, 1, 32, 1, (uint8_t)group};
    int64_t distance = patch_signed(patch_get32(site->old + at), 32);
    const enum patch_reach reach = patch_site_relative(site, at, &form, &distance);
    if (reach == PATCH_REACH_NONE || (reach == PATCH_REACH_GUESS && !guesses))
        return false;
    patch_put32(site->predicted + at, (uint32_t)distance);
    patch_site_mark(site, at, 4, group, reach);
    return true;
}

/* An operand relative to the next instruction: ModRM with mod 0 and rm 5, then 32 bits. */
static size_t look_operand(struct patch_site *site, size_t at, size_t room)
{
    const uint8_t *old = site->old + at;
    size_t i = 0;
    const bool short_operand = old[0] == 0x66;
    i += short_operand;
    if (i + 1 < room && (old[i] & 0xf0) == 0x40)
        i++;
    const bool two = i + 1 < room && old[i] == 0x0f;
    i += two;
    if (i + 6 > room || (old[i + 1] & 0xc7) != 5 || !listed(two ? two_bytes : one_byte, old[i]))
        return 0;
    const size_t rest = immediate_size(old[i], two, old[i + 1] >> 3 & 7, short_operand);
    if (!put_relative(site, at + i + 2, 4 + rest, PATCH_GROUP_MEMORY, false))
        return 0;
    return i + 6 + rest <= room ? i + 6 + rest : i + 6;
}

static size_t look_jump(struct patch_site *site, size_t at, size_t room)
{
    const uint8_t *old = site->old + at;
    if ((old[0] & 0xfe) == 0xe8 && room >= 5)
        return put_relative(site, at + 1, 4, PATCH_GROUP_BRANCH, true) ? 5 : 0;
    if (old[0] == 0x0f && room >= 6 && (old[1] & 0xf0) == 0x80)
        return put_relative(site, at + 2, 4, PATCH_GROUP_SHORT, true) ? 6 : 0;
    return 0;
}

/* An address of 32 bits; of a 64-bit machine it is extended by its sign. */
static size_t look_absolute(struct patch_site *site, size_t at, size_t room, bool sign)
{
    uint64_t moved = 0;
    if (room < 4)
        return 0;
    const uint32_t value = patch_get32(site->old + at);
    const uint64_t address = sign ? (uint64_t)patch_signed(value, 32) : value;
    if (address < 0x10000) /* a count, or a flag */
        return 0;
    if (patch_site_map_pointer(site, address, &moved) != PATCH_REACH_COVERED)
        return 0;
    patch_put32(site->predicted + at, (uint32_t)moved);
    patch_site_mark(site, at, 4, PATCH_GROUP_POINTER, PATCH_REACH_COVERED);
    return 4;
}

size_t patch_look_x86_64(struct patch_site *site, size_t at, size_t room)
{
    size_t taken = look_jump(site, at, room);
    if (taken == 0)
        taken = look_operand(site, at, room);
    if (taken == 0)
        taken = look_absolute(site, at, room, true);
    return taken > 0 ? taken : 1;
}

size_t patch_look_i386(struct patch_site *site, size_t at, size_t room)
{
    size_t taken = look_jump(site, at, room);
    if (taken == 0)
        taken = look_absolute(site, at, room, false);
    return taken > 0 ? taken : 1;
}
