/* SPDX-License-Identifier: MIT */
#include "delta/detect.h"

#include "delta/detect_parts.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

/* --- architectures --------------------------------------------------------------------------- */

static const struct delta_architecture architectures[] = {
    {"thumb", "ARM Thumb and Thumb-2 (Cortex-M)", PATCH_REGION_THUMB},
    {"arm", "ARM, 32-bit instructions", PATCH_REGION_A32},
    {"aarch64", "ARM, 64 bits", PATCH_REGION_A64},
    {"x86-64", "x86, 64 bits", PATCH_REGION_X86_64},
    {"i386", "x86, 32 bits", PATCH_REGION_I386},
    {"riscv32", "RISC-V, 32 bits", PATCH_REGION_RISCV32},
    {"riscv64", "RISC-V, 64 bits", PATCH_REGION_RISCV64},
    {"xtensa", "Xtensa (ESP8266, ESP32)", PATCH_REGION_XTENSA},
    {"avr", "AVR (ATmega)", PATCH_REGION_AVR},
    {"mipsel", "MIPS, little-endian", PATCH_REGION_MIPS_LE},
    {"mips", "MIPS, big-endian", PATCH_REGION_MIPS_BE},
    {"powerpc", "PowerPC, 32 bits, big-endian", PATCH_REGION_POWERPC},
    {"pointers32", "aligned pointers of 32 bits, little-endian", PATCH_REGION_POINTERS32_LE},
    {"pointers32be", "aligned pointers of 32 bits, big-endian", PATCH_REGION_POINTERS32_BE},
    {"pointers64", "aligned pointers of 64 bits, little-endian", PATCH_REGION_POINTERS64_LE},
    {"pointers64be", "aligned pointers of 64 bits, big-endian", PATCH_REGION_POINTERS64_BE},
    {"relative32", "aligned distances of 32 bits, little-endian", PATCH_REGION_RELATIVE32},
    {"elf-rela64", "ELF relocation table, 64 bits", PATCH_REGION_ELF_RELA64},
    {"elf-rel32", "ELF relocation table, 32 bits", PATCH_REGION_ELF_REL32},
    {"elf-sym64", "ELF symbol table, 64 bits", PATCH_REGION_ELF_SYM64},
    {"none", "no references at all", PATCH_REGION_NONE},
    {NULL, NULL, 0},
};

const struct delta_architecture *delta_architectures(void)
{
    return architectures;
}

static int take_architecture(struct delta_tables *tables, const char *name, size_t size,
                             struct pack_error *error)
{
    const struct delta_architecture *found = architectures;
    while (found->name && strcmp(found->name, name) != 0)
        found++;
    if (!found->name)
        return pack_fail(error, PACK_E_USAGE, "the architecture \"%s\" is not known", name);
    if (found->region != PATCH_REGION_NONE)
        tables->regions[tables->region_count++] =
            (struct patch_region){.end = (patch_offset)size, .kind = found->region};
    return 0;
}

/* --- the layout ------------------------------------------------------------------------------ */

static void show(struct delta_layout *layout, struct delta_tables *tables)
{
    layout->storage = tables;
    layout->layout = (struct patch_layout){
        .old_ranges = tables->old_ranges,
        .old_range_count = tables->old_range_count,
        .new_ranges = tables->new_ranges,
        .new_range_count = tables->new_range_count,
        .regions = tables->regions,
        .region_count = tables->region_count,
    };
}

static int index_covers(struct delta_pair *pair, struct patch_interval **intervals,
                        struct pack_error *error)
{
    PACK_AUTO_FREE uint32_t *order = NULL;
    const size_t room = pair->covers.count + 1;
    int code = pack_allocate(intervals, room, sizeof **intervals, error);
    if (code == 0)
        code = pack_allocate(&order, room, sizeof *order, error);
    if (code == 0)
        patch_covers_index(&pair->covers, *intervals, order);
    return code;
}

static int detect(struct delta_tables *tables, struct delta_pair *pair,
                  const struct delta_detect_options *options, struct pack_error *error)
{
    PACK_AUTO_FREE struct patch_interval *intervals = NULL;
    int code = 0;
    if (options->architecture)
        code = take_architecture(tables, options->architecture, pair->old_size, error);
    else
        code = delta_detect_segments(tables, pair, options->context, error);
    if (code == 0 && !options->architecture && tables->region_count == 0)
        delta_detect_regions(tables, pair->old_bytes, pair->old_size, 0, pair->old_size);
    if (code != 0 || tables->region_count == 0 || tables->old_range_count > 0)
        return code;
    code = index_covers(pair, &intervals, error);
    return code == 0 ? delta_detect_bases(tables, pair, error) : code;
}

int delta_detect(struct delta_layout *layout, const uint8_t *old_bytes, size_t old_size,
                 const uint8_t *new_bytes, size_t new_size, const struct delta_covers *covers,
                 const struct delta_detect_options *options, struct pack_error *error)
{
    PACK_AUTO_FREE struct delta_tables *tables = NULL;
    struct delta_pair pair = {
        .old_bytes = old_bytes,
        .new_bytes = new_bytes,
        .old_size = old_size,
        .new_size = new_size,
        .covers = {.list = covers->list, .count = covers->count},
    };
    *layout = (struct delta_layout){0};
    int code = pack_allocate(&tables, 1, sizeof *tables, error);
    if (code != 0)
        return code;
    tables->most_ranges = (size_t)pack_min(options->most_ranges, PATCH_MAX_RANGES_FULL);
    tables->most_regions = (size_t)pack_min(options->most_regions, PATCH_MAX_REGIONS_FULL);
    if (tables->most_regions > 0)
        code = detect(tables, &pair, options, error);
    if (code == 0)
        show(layout, pack_steal(&tables));
    return code;
}

void delta_layout_free(struct delta_layout *layout)
{
    free(layout->storage);
    *layout = (struct delta_layout){0};
}
