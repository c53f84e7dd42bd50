/* SPDX-License-Identifier: MIT */
#ifndef PACK_APPLY_H
#define PACK_APPLY_H

/*
 * Applying a patch on a device: no heap, no files, no operating system. docs/apply.md says how to
 * build it for a microcontroller (the CMake target pack-apply) and what it takes. On a computer
 * use pack/delta.h.
 *
 * A patch is proved by the signature of the delivery that brought it, and by the hashes of both
 * images that it names. Nothing of the new image may run before PACK_APPLY_OK.
 */

#include "pack/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PACK_BEGIN_DECLS

enum pack_apply_status {
    PACK_APPLY_OK = 0,
    PACK_APPLY_IO,          /* a callback failed */
    PACK_APPLY_MALFORMED,   /* not a patch, or one that contradicts itself */
    PACK_APPLY_UNSUPPORTED, /* a version, profile or architecture that this build leaves out */
    PACK_APPLY_LIMIT,       /* needs more memory than it says, or than it was given */
    PACK_APPLY_WRONG_BASE,  /* the old image is not the one that the patch is for */
    PACK_APPLY_CORRUPT,     /* the result's hash differs, or the patch is cut short */
};

/* What applying needs of the device. */
struct pack_apply {
    void *user; /* given to each callback */
    /*
     * 1 to `size` bytes of the patch from `offset` on; 0 at its end, negative on failure. Offsets
     * ascend without gaps, so that the patch may come from the air as it is applied; only a
     * pack_apply_in_place that goes on after a power cut skips what it read before.
     */
    int (*read_patch)(void *user, uint32_t offset, uint8_t *bytes, size_t size);
    /*
     * `size` bytes of the old image, anywhere in it; false beyond its end, which a damaged patch
     * may ask for before its hash shows that. Not for pack_apply_in_place.
     */
    bool (*read_old)(void *user, uint32_t offset, uint8_t *bytes, size_t size);
    /* The next bytes of the new image, from its start to its end. Not for pack_apply_in_place. */
    bool (*write_new)(void *user, const uint8_t *bytes, size_t size);
    /* Work space, aligned to 8; what is in it before and after does not matter. */
    void *memory;
    size_t memory_size;
};

/* From one slot to another one. */
PACK_API enum pack_apply_status pack_apply(const struct pack_apply *apply);

/* Where a patch made with --in-place works. Each callback returns false on failure. */
struct pack_flash {
    void *user;
    /* A word whose programming was cut off may read as anything, but must read. */
    bool (*read)(void *user, uint32_t address, void *bytes, size_t size);
    /* Sets the page at `address` to 0xFF. */
    bool (*erase)(void *user, uint32_t address);
    /* Whole words at a multiple of the word's size, each erased before and programmed once. */
    bool (*program)(void *user, uint32_t address, const void *bytes, size_t size);
    uint32_t page; /* bytes erased at once, a power of two of at least 128; the patch's too */
    uint32_t word; /* bytes programmed at once, a power of two, at most 32 */
    /* Addresses and sizes, multiples of the page: */
    uint32_t slot; /* the old image is at its start, and the new one will be */
    uint32_t slot_size;
    uint32_t making; /* one page, in which each page is made before it is put in its place */
    uint32_t journal;
    uint32_t journal_size; /* pack_apply_journal_size, or more */
};

/*
 * Bytes of flash for the journal that suffice for any patch that applies in `memory_size` bytes
 * and was made with at most `scratch` bytes of scratch.
 */
PACK_API uint32_t pack_apply_journal_size(const struct pack_flash *flash, size_t memory_size,
                                          uint32_t scratch);

/*
 * In the only slot. After a power cut call it again, with the same patch, before anything else
 * uses the slot: it goes on where it was. PACK_APPLY_OK when the new image was already there.
 * PACK_APPLY_WRONG_BASE only while the slot is untouched.
 */
PACK_API enum pack_apply_status pack_apply_in_place(const struct pack_apply *apply,
                                                    const struct pack_flash *flash);

PACK_END_DECLS

#endif
