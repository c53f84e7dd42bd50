/* SPDX-License-Identifier: MIT */
#ifndef PATCH_PREDICT_SITE_H
#define PATCH_PREDICT_SITE_H

/* What the kinds of references (predict_*.c) are built on: a window, and questions to the map. */

#include "patch/predict.h"

#include <string.h>

/* What is known of where a target went. */
enum patch_reach {
    PATCH_REACH_NONE,  /* in no range, or the field cannot say it: nothing is predicted */
    PATCH_REACH_GUESS, /* covered by nothing */
    PATCH_REACH_COVERED,
};

/* A stretch of a window with one region, one old range and one new range. */
struct patch_site {
    struct patch_predictor *predictor;
    const struct patch_region *region;
    const uint8_t *old; /* of the window, as the two below */
    uint8_t *predicted, *kinds;
    patch_offset old_offset, new_offset;
    patch_address old_address, new_address; /* of the window's first byte, modulo the type */
    bool plain;                             /* in no range: addresses are offsets */
    bool nearby;                            /* the window's cover is known */
};

/*
 * Looks at the old bytes at `at`, of which `room` (1 to PATCH_AHEAD) may be read, and predicts
 * what begins there. Returns how many bytes it took, at least 1, at most `room`.
 */
typedef size_t patch_look(struct patch_site *site, size_t at, size_t room);

patch_look patch_look_thumb, patch_look_a32, patch_look_a64, patch_look_x86_64, patch_look_i386,
    patch_look_riscv32, patch_look_riscv64, patch_look_xtensa, patch_look_avr, patch_look_mips_le,
    patch_look_mips_be, patch_look_powerpc, patch_look_pointer32_le, patch_look_pointer32_be,
    patch_look_pointer64_le, patch_look_pointer64_be, patch_look_rela64, patch_look_rel32,
    patch_look_sym64, patch_look_relative32;

/* --- targets ---------------------------------------------------------------------------------- */

/*
 * Where the byte at an old address lies now. Of several places to which a byte was copied, the one
 * nearest to the reference counts.
 */
enum patch_reach patch_site_map(const struct patch_site *site, patch_address address,
                                patch_address *moved);

/* The same for an absolute address, which says nothing where no range is known. */
enum patch_reach patch_site_map_pointer(const struct patch_site *site, patch_address address,
                                        patch_address *moved);

/* How a signed field says a distance. */
struct patch_form {
    uint8_t bias;  /* the distance counts from the place plus this … */
    uint8_t align; /* … rounded down to a multiple of this */
    uint8_t bits;  /* of the distance in bytes, with its sign */
    uint8_t unit;  /* of the distance, a power of two: devices divide 64 bits by a long way */
    uint8_t group; /* enum patch_group */
};

/* Turns the old distance of the reference at `at` into the new one, if the form can say it. */
enum patch_reach patch_site_relative(const struct patch_site *site, size_t at,
                                     const struct patch_form *form, patch_distance *distance);

/* Says of `size` bytes at `at` (at most 8) that they are a field. */
void patch_site_mark(const struct patch_site *site, size_t at, size_t size, unsigned group,
                     enum patch_reach reach);

/* --- address pairs ---------------------------------------------------------------------------- */

void patch_site_keep(const struct patch_site *site, unsigned number, patch_address target);
void patch_site_forget(const struct patch_site *site, unsigned number);
bool patch_site_recall(const struct patch_site *site, unsigned number, patch_address *target);

/* --- words with one field --------------------------------------------------------------------- */

/* An instruction of up to 32 bits whose field is `width` bits from bit `shift` up. */
struct patch_word {
    uint32_t mask, value;
    uint8_t shift, width;
    struct patch_form form;
};

/* True when `word`, of `size` bytes, is one of the table; it holds the prediction then. */
bool patch_site_word(const struct patch_site *site, size_t at, size_t size,
                     const struct patch_word *table, size_t count, uint32_t *word,
                     enum patch_reach *reach);

/* --- integers --------------------------------------------------------------------------------- */

static inline patch_distance patch_signed(patch_address value, unsigned bits)
{
    const patch_address sign = (patch_address)1 << (bits - 1);
    return (patch_distance)(((value & (sign * 2 - 1)) ^ sign) - sign);
}

static inline uint32_t patch_get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t patch_get32(const uint8_t *p)
{
    return patch_get16(p) | patch_get16(p + 2) << 16;
}

static inline void patch_put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void patch_put32(uint8_t *p, uint32_t value)
{
    patch_put16(p, value);
    patch_put16(p + 2, value >> 16);
}

static inline uint32_t patch_get32_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline void patch_put32_be(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

#endif
