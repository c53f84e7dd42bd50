/* SPDX-License-Identifier: MIT */
#ifndef PATCH_PREDICT_H
#define PATCH_PREDICT_H

/*
 * The reference predictor. For each reference in copied code or data it finds the old target from
 * the *old* bytes, maps it through the covers, and writes the reference anew for the new place.
 * Maker and device run the same predictor, so that no opcode stream travels.
 */

#include "patch/covers.h"
#include "patch/layout.h"

/*
 * Relocation tables. A linked file's members are addresses, and both parameters are 0. The
 * sections of a relocatable file get addresses by the maker of the layout:
 *   section's number << 48 | number of the section's symbol (0 where it has none) << 32,
 * parameter[0] is the address of the section that is relocated (in its low bits 4 where addends
 * of places in it count from the end of a field of 4 bytes, as in code), parameter[1] that of the
 * symbol table. A symbol table's parameter[0] is the address of its string table.
 */

/* True when this build predicts regions of that kind (PATCH_REGION_NONE included). */
bool patch_predict_knows(uint8_t region_kind);

/* Fields may reach this many bytes past a window, and need as many old bytes beyond it. */
#define PATCH_AHEAD 16

/*
 * A byte's kind is 0 where it belongs to no reference, else
 *   group << 4 | guess << 3 | index of the byte in its field (0 to 7)
 * where group (1 to 15) says what reference it is (patch_group), and guess that the target is
 * covered by nothing, so that the prediction is weak.
 */
enum patch_group {
    PATCH_GROUP_BRANCH = 1, /* calls and long jumps, relative to the place */
    PATCH_GROUP_SHORT,      /* conditional and short branches */
    PATCH_GROUP_PAGE,       /* the high part of an address pair: ADRP, AUIPC, MOVW/MOVT, LUI */
    PATCH_GROUP_LOW,        /* its low part */
    PATCH_GROUP_LITERAL,    /* a load from a literal pool, relative to the place */
    PATCH_GROUP_MEMORY,     /* an operand relative to the place, as x86-64's RIP */
    PATCH_GROUP_POINTER,    /* an absolute address in data or in an instruction */
    PATCH_GROUP_TABLE,      /* a member of a relocation or symbol table */
};

struct patch_predictor {
    const struct patch_layout *layout;
    const struct patch_covers *covers;
    /* Private to predict*.c: what was seen of address pairs, the last region, bounds. */
    size_t region_hint;
    size_t cover_hint;          /* the window's cover, or the last one before it */
    patch_offset old_end;       /* no cover reaches further */
    patch_address lowest, span; /* of all addresses of the old ranges */
    patch_offset next_old;      /* the pairs below hold only while the windows follow each other */
    patch_address pair_target[32];
    uint32_t pair_known;
};

void patch_predict_begin(struct patch_predictor *predictor, const struct patch_layout *layout,
                         const struct patch_covers *covers);

/*
 * Predicts the fields that start in [start, size) of a window that is copied from old_offset to
 * new_offset. old[0 .. size + ahead) are the old image's bytes (ahead ≤ PATCH_AHEAD, less at the
 * image's end). `predicted` holds the same bytes at first, `kinds` zeros, both with room for
 * size + PATCH_AHEAD; only bytes of fields are changed. Returns where the last field ends, at
 * least `size`: the next window of the same cover starts at that minus `size`.
 */
size_t patch_predict(struct patch_predictor *predictor, const uint8_t *old, size_t size,
                     size_t ahead, patch_offset old_offset, patch_offset new_offset, size_t start,
                     uint8_t *predicted, uint8_t *kinds);

#endif
