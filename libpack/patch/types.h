/* SPDX-License-Identifier: MIT */
#ifndef PATCH_TYPES_H
#define PATCH_TYPES_H

/*
 * What the apply side of a patch is built on: no heap, no files, no libc beyond memcpy, memset and
 * memmove, so that it compiles for a microcontroller. Integers only, and the same bits everywhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in an image. PATCH_32 is for devices whose images are below 4 GiB. */
#ifdef PATCH_32
typedef uint32_t patch_offset;
#else
typedef uint64_t patch_offset;
#endif

enum patch_status {
    PATCH_OK = 0,
    PATCH_IO,          /* a callback of the caller failed; the caller knows why */
    PATCH_MALFORMED,   /* not a patch, or one that contradicts itself */
    PATCH_UNSUPPORTED, /* a version, profile or recipe that this build does not have */
    PATCH_LIMIT,       /* needs more memory than it says, or than it was given */
    PATCH_WRONG_BASE,  /* the old image is not the one that the patch is for */
    PATCH_CORRUPT,     /* the result's hash differs, or the patch is cut short */
};

#endif
