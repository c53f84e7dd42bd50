/* SPDX-License-Identifier: MIT */
#ifndef PATCH_HEADER_H
#define PATCH_HEADER_H

/* The header of a patch, and the profiles that it can name. docs/delta-format.md is normative. */

#include "patch/model.h"

#define PATCH_FORMAT_VERSION 1
#define PATCH_HASH_SIZE 32
#define PATCH_PREFIX_SIZE 5 /* "FWD", the version, and how long the header is */
#define PATCH_MAX_HEADER 255
#ifdef PATCH_32
#define PATCH_MAX_MEMORY UINT32_MAX
#else
#define PATCH_MAX_MEMORY (UINT64_C(1) << 48)
#endif

enum patch_flag {
    PATCH_STORED = 1,   /* the new image itself follows the header */
    PATCH_UNPACKED = 2, /* plans follow: the patch is between opened images */
    PATCH_IN_PLACE = 4, /* the output comes in an order of pages */
    PATCH_FLAGS = 7,
};

enum patch_profile_number { PATCH_TINY, PATCH_SMALL, PATCH_FULL, PATCH_PROFILES };

struct patch_header {
    uint8_t profile;
    uint8_t flags;
    patch_offset old_size, new_size; /* as they lie on the device */
    patch_offset memory;             /* bytes that applying takes at most */
    uint8_t old_hash[PATCH_HASH_SIZE], new_hash[PATCH_HASH_SIZE]; /* SHA-256 */

    uint32_t seal; /* patch_header_seal of the bytes that were parsed */

    /* Not of a stored patch. */
    struct patch_model_size model;
    uint32_t cover_count;
    uint32_t old_range_count, new_range_count, region_count;

    /* PATCH_UNPACKED */
    patch_offset plain_old_size, plain_new_size; /* else the same as above */
    uint32_t old_plan_size, new_plan_size;

    /* PATCH_IN_PLACE */
    uint32_t page_size;
    uint32_t scratch_size;
};

/* What a profile is. */
struct patch_profile {
    const char *name;
    const struct patch_model_kind *kind; /* NULL: this build leaves it out */
    uint32_t window;                     /* bytes of a step */
    bool indexed;                        /* covers are searched through an index */
    uint32_t most_covers;
    uint32_t most_ranges, most_regions;
    uint8_t flags; /* those that it may have */
};

const struct patch_profile *patch_profile(unsigned number);

/* The size of the whole header, from its prefix; 0 where it is none, or of another version. */
enum patch_status patch_header_size(const uint8_t prefix[PATCH_PREFIX_SIZE], size_t *size);
/* All of it, prefix too. Every field is checked against the profile. */
enum patch_status patch_header_parse(struct patch_header *header, const uint8_t *bytes,
                                     size_t size);
/*
 * FNV-1a of a header's bytes, in 32 bits. The first four bytes of a body, highest first, are
 * combined with it by XOR, so that no body fits a header that was damaged. A stored patch has no
 * such bytes, and nothing in its header that could be something else.
 */
uint32_t patch_header_seal(const uint8_t *bytes, size_t size);
/* PATCH_IN_PLACE: pages of the new image. */
uint32_t patch_header_pages(const struct patch_header *header);
#ifndef PATCH_DECODE_ONLY
/* Writes the header, and returns its size. */
size_t patch_header_encode(const struct patch_header *header, uint8_t bytes[PATCH_MAX_HEADER]);
#endif

#endif
