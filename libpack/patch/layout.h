/* SPDX-License-Identifier: MIT */
#ifndef PATCH_LAYOUT_H
#define PATCH_LAYOUT_H

/*
 * What a patch says of its images beside the covers: at which addresses they lie, and which parts
 * of the old one hold which machine's code. Wrong knowledge costs bytes, never correctness.
 */

#include "patch/types.h"

/* Bytes [start, end) of an image lie at `address` and up. Ascending, not overlapping. */
struct patch_range {
    patch_offset start, end;
    uint64_t address;
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
    uint64_t parameter[2]; /* what a kind needs beside; 0 where it needs nothing */
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
