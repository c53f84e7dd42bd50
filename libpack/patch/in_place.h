/* SPDX-License-Identifier: MIT */
#ifndef PATCH_IN_PLACE_H
#define PATCH_IN_PLACE_H

/*
 * A patch applied to the only slot of a device: the new image replaces the old one page by page,
 * in the order that the patch's maker chose, and a power cut at any moment loses nothing.
 *
 * Each step makes one page in the scratch, records in the journal that it is whole together with
 * the decoder's state behind it, puts it in its place, and marks the record. After a cut the newest
 * whole record says where to go on: the page in the scratch is put in its place once more, or the
 * step behind it is begun again. The old bytes that a step reads are untouched until its record.
 */

#include "pack/apply.h"
#include "patch/types.h"

#define PATCH_MOST_WORD 32  /* bytes of the largest unit that a flash programs at once */
#define PATCH_MOST_SPARE 16 /* pages of scratch beside the one that is being made */
#define PATCH_IDENTITY_SIZE 16

/* One step: `page` of the new image is made. */
struct patch_step {
    uint32_t page;
    uint32_t keep; /* 0, or 1 + the spare page that holds this page's old bytes from now on */
};

/* Memory of the caller that the journal saves and restores: the decoder's mutable state. */
struct patch_state {
    void *bytes;
    size_t size;
};

struct patch_in_place {
    const struct pack_flash *flash;
    const struct patch_state *states;
    size_t state_count;
    patch_offset old_size;
    uint32_t steps; /* done; the next step's number */
    /* Private: */
    uint8_t identity[PATCH_IDENTITY_SIZE];
    uint32_t sequence; /* of the newest record, 0 for none */
    uint32_t bank;     /* that holds it: 0 or 1 */
    uint32_t page;     /* that is being made */
    uint32_t filled;   /* bytes of it in the scratch */
    uint32_t pending;  /* bytes of the word that is not whole yet */
    uint8_t word[PATCH_MOST_WORD];
    uint32_t kept[PATCH_MOST_SPARE]; /* 1 + the page whose old bytes a spare page holds, or 0 */
};

/* Bytes of flash for the journal: two banks, each a record of about 140 bytes and the states. */
uint32_t patch_journal_size(const struct pack_flash *flash, const struct patch_state *states,
                            size_t state_count);

/*
 * Looks for a journal of the same `identity` (of the patch: another's journal counts as none).
 * Without one, steps is 0 and the states are left alone: then the slot holds the whole old image,
 * or the whole new one, where the cut fell into patch_in_place_clear. Otherwise the page that was
 * on its way is put in its place, and the states are those behind step `steps` - 1.
 * PATCH_UNSUPPORTED for a page or word size that is not as struct pack_flash says, and
 * PATCH_LIMIT for a journal that is too small. After PATCH_IO, here or below,
 * only opening again makes sense.
 */
enum patch_status patch_in_place_open(struct patch_in_place *place, const struct pack_flash *flash,
                                      const struct patch_state *states, size_t state_count,
                                      patch_offset old_size,
                                      const uint8_t identity[PATCH_IDENTITY_SIZE]);

/* PATCH_MALFORMED for a page, or a spare one, that there is not. */
enum patch_status patch_in_place_begin(struct patch_in_place *place, const struct patch_step *step);

/*
 * Bytes of the old image, while the page that holds them is not replaced or is kept. An offset from
 * old_size on is one in the new image, of a page that was made before.
 */
enum patch_status patch_in_place_read(const struct patch_in_place *place, patch_offset offset,
                                      void *bytes, size_t size);

/* The next bytes of the page; PATCH_MALFORMED for more than it has room for. */
enum patch_status patch_in_place_write(struct patch_in_place *place, const void *bytes,
                                       size_t size);

/* Ends the step, with the states as they are now. What is not written of the page stays erased. */
enum patch_status patch_in_place_commit(struct patch_in_place *place);

/* Forgets the journal: when the new image has been checked. A cut in here is harmless too. */
enum patch_status patch_in_place_clear(struct patch_in_place *place);

#endif
