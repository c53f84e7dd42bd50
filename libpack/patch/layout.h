/* SPDX-License-Identifier: MIT */
#ifndef PATCH_LAYOUT_H
#define PATCH_LAYOUT_H

/*
 * What a patch says of its images beside the covers: at which addresses they lie, and which parts
 * of the old one hold which machine's code. Wrong knowledge costs bytes, never correctness.
 */

#include "patch/types.h"

/* Which machines a build of the predictor knows; a patch for another one is refused by its reader.
 */
#define PATCH_ARCHITECTURE_THUMB 1u
#define PATCH_ARCHITECTURE_A64 2u
#define PATCH_ARCHITECTURE_X86 4u
#define PATCH_ARCHITECTURE_RISCV 8u
#define PATCH_ARCHITECTURE_XTENSA 16u
#define PATCH_ARCHITECTURE_AVR 32u
#define PATCH_ARCHITECTURE_MIPS 64u
#define PATCH_ARCHITECTURE_POWERPC 128u
#define PATCH_ARCHITECTURE_POINTERS 256u /* regions of nothing but pointers */
#define PATCH_ARCHITECTURE_ELF 512u      /* relocation and symbol tables */
#define PATCH_ARCHITECTURE_A32 1024u
#ifndef PATCH_ARCHITECTURES
#define PATCH_ARCHITECTURES 2047u
#endif

/*
 * Addresses, and distances of them. A small device counts them in 32 bits where its references
 * reach 16 MiB at most: modulo 2^32 that is the same as in 64 bits as long as no range ends in the
 * last PATCH_REACH bytes, and a patch with such a range is refused there.
 */
#if defined PATCH_32 && PATCH_ARCHITECTURES == PATCH_ARCHITECTURE_THUMB
#define PATCH_REACH (UINT32_C(1) << 25)
#define PATCH_MOST_ADDRESS (UINT32_MAX - PATCH_REACH)
typedef uint32_t patch_address;
typedef int32_t patch_distance;
#else
#define PATCH_MOST_ADDRESS UINT64_MAX
typedef uint64_t patch_address;
typedef int64_t patch_distance;
#endif

/* Bytes [start, end) of an image lie at `address` and up. Ascending, not overlapping. */
struct patch_range {
    patch_offset start, end;
    patch_address address;
};

/* How references are written in a region of the old image. See predict.h for each. */
enum patch_region_kind {
    PATCH_REGION_NONE, /* data without references */
    PATCH_REGION_THUMB,
    PATCH_REGION_A32,
    PATCH_REGION_A64,
    PATCH_REGION_X86_64,
    PATCH_REGION_I386,
    PATCH_REGION_RISCV32,
    PATCH_REGION_RISCV64,
    PATCH_REGION_XTENSA,
    PATCH_REGION_AVR,
    PATCH_REGION_MIPS_LE,
    PATCH_REGION_MIPS_BE,
    PATCH_REGION_POWERPC,
    PATCH_REGION_POINTERS32_LE, /* aligned pointers only */
    PATCH_REGION_POINTERS32_BE,
    PATCH_REGION_POINTERS64_LE,
    PATCH_REGION_POINTERS64_BE,
    PATCH_REGION_ELF_RELA64, /* a table of Elf64_Rela, little-endian */
    PATCH_REGION_ELF_REL32,  /* a table of Elf32_Rel, little-endian */
    PATCH_REGION_ELF_SYM64,  /* a symbol table of a relocatable file, little-endian */
    PATCH_REGION_RELATIVE32, /* aligned distances of 32 bits from their places, little-endian */
    PATCH_REGION_KINDS,
};

/* Bytes [start, end) of the old image. Ascending, not overlapping; gaps have no references. */
struct patch_region {
    patch_offset start, end;
    uint8_t kind;
    patch_address parameter[2]; /* what a kind needs beside; 0 where it needs nothing */
};

struct patch_layout {
    const struct patch_range *old_ranges;
    size_t old_range_count;
    const struct patch_range *new_ranges;
    size_t new_range_count;
    const struct patch_region *regions;
    size_t region_count;
};

/* Most that a patch of each profile may name. */
#define PATCH_MAX_RANGES_FULL 256
#define PATCH_MAX_REGIONS_FULL 1024
#define PATCH_MAX_RANGES_SMALL 4
#define PATCH_MAX_REGIONS_SMALL 4

#endif
