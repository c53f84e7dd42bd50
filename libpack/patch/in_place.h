/* SPDX-License-Identifier: MIT */
#ifndef PATCH_IN_PLACE_H
#define PATCH_IN_PLACE_H

/*
 * A patch applied to the only slot of a device: the new image replaces the old one page by page,
 * in the order that the patch's maker chose, and a power cut at any moment loses nothing.
 *
 * Each step makes one page in a place of its own, records in the journal that it is whole together
 * with the decoder's state behind it, puts it in its place, and marks the record. After a cut the
 * newest whole record says where to go on: the page is put in its place once more, or the step
 * behind it is begun again. The old bytes that a step reads are untouched until its record.
 *
 * Old bytes that a page's making destroys, and that a cover of a later page copies, are kept in
 * the record, which is written anew for each step anyway. The covers and the pages that are made
 * say which bytes these are, so that no patch needs to.
 */

#include "pack/apply.h"
#include "patch/covers.h"

#define PATCH_MOST_WORD 32 /* bytes of the largest unit that a flash programs at once */
#define PATCH_IDENTITY_SIZE 16

/* Memory of the caller that the journal saves and restores: the decoder's mutable state. */
struct patch_state {
    void *bytes;
    size_t size;
};

/* A bit for each page of the new image; memory of the caller, patch_page_map_size bytes. */
struct patch_page_map {
    uint32_t count;
    uint8_t *bits; /* first which pages are as they will be, then which of them were replaced */
};

size_t patch_page_map_size(uint32_t count);
/* Whether the page is as it will be; such a one is not made. */
bool patch_page_is_made(const struct patch_page_map *map, uint32_t page);
/* The page is in both images the same. */
void patch_page_leave(struct patch_page_map *map, uint32_t page);

/* What the caller sets up. */
struct patch_in_place {
    const struct pack_flash *flash;
    const struct patch_state *states; /* beside the map, which is saved too */
    size_t state_count;
    struct patch_page_map map;
    struct patch_covers covers;
    patch_offset old_size;
    uint32_t scratch; /* most bytes that are kept in a record */
    uint8_t identity[PATCH_IDENTITY_SIZE];

    uint32_t steps; /* done; the next step's number */
    /* Private: */
    uint32_t sequence; /* of the newest record, 0 for none */
    uint32_t bank;     /* that holds it: 0 or 1 */
    uint32_t page;     /* that is being made */
    uint32_t filled;   /* bytes of it that are programmed */
    uint32_t pending;  /* bytes of the word that is not whole yet */
    uint8_t word[PATCH_MOST_WORD];
};

/* Bytes of flash for the journal: two banks, each the states and what is kept. */
uint32_t patch_journal_size(const struct pack_flash *flash, size_t states, uint32_t scratch);

/*
 * Looks for a journal of the same `identity` (of the patch: another's journal counts as none).
 * Without one, steps is 0 and the states are left alone: then the slot holds the whole old image,
 * or the whole new one, where the cut fell into patch_in_place_clear. Otherwise the page that was
 * on its way is put in its place, and the states are those behind step `steps` - 1.
 * PATCH_UNSUPPORTED for a page or word size that is not as struct pack_flash says, PATCH_LIMIT for
 * a slot or journal that is too small. After PATCH_IO, here or below, only opening again makes
 * sense.
 */
enum patch_status patch_in_place_open(struct patch_in_place *place);

/* PATCH_MALFORMED for a page that there is not, or that is made. */
enum patch_status patch_in_place_begin(struct patch_in_place *place, uint32_t page);

/*
 * Bytes of the old image, while the page that holds them is not replaced, or where a cover of a
 * page to come copies them. An offset from old_size on is one in the new image, of a page that was
 * made before. Other bytes are whatever the slot holds by now, the same on every device below the
 * larger one of the images' sizes.
 */
enum patch_status patch_in_place_read(const struct patch_in_place *place, patch_offset offset,
                                      void *bytes, size_t size);

/* The next bytes of the page; PATCH_MALFORMED for more than it has room for. */
enum patch_status patch_in_place_write(struct patch_in_place *place, const void *bytes,
                                       size_t size);

/*
 * Ends the step, with the states as they are now. What is not written of the page stays erased.
 * PATCH_MALFORMED when more than `scratch` bytes would have to be kept.
 */
enum patch_status patch_in_place_commit(struct patch_in_place *place);

/* Forgets the journal: when the new image has been checked. A cut in here is harmless too. */
enum patch_status patch_in_place_clear(struct patch_in_place *place);

/* Bytes that are kept once `page` is replaced too; what the maker of a patch counts. */
uint64_t patch_in_place_kept(const struct patch_in_place *place, uint32_t page);

#endif
