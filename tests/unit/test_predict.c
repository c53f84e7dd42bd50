/* SPDX-License-Identifier: MIT */
/* The reference predictor. The instructions' encodings are LLVM's. */
#include "support/test.h"

#include "base/bytes.h"
#include "patch/predict.h"

#include <stdlib.h>

enum { IMAGE = 0x4000, PLACE = 0x100, MOVE = 0x40, BASE = 0x08000000 };

/* --- one reference of each kind -------------------------------------------------------------- */

enum addressing {
    PLAIN,    /* without ranges only */
    ABSOLUTE, /* with ranges only */
    RELATIVE, /* with and without */
};

/* At PLACE stands `old`; what lies from `edge` on has moved by MOVE. */
struct reference {
    uint8_t region;
    const char *name;
    enum addressing addressing;
    patch_offset edge;
    size_t size;
    uint8_t old[12], new[12];
};

static const struct reference references[] = {
    {PATCH_REGION_THUMB,
     "BL",
     RELATIVE,
     0x300,
     4,
     {0x00, 0xf0, 0x7e, 0xf9},
     {0x00, 0xf0, 0x9e, 0xf9}},
    {PATCH_REGION_THUMB,
     "B.W",
     RELATIVE,
     0x300,
     4,
     {0x00, 0xf0, 0x7e, 0xb9},
     {0x00, 0xf0, 0x9e, 0xb9}},
    {PATCH_REGION_THUMB,
     "BEQ.W",
     RELATIVE,
     0x300,
     4,
     {0x00, 0xf0, 0x7e, 0x81},
     {0x00, 0xf0, 0x9e, 0x81}},
    {PATCH_REGION_THUMB, "B", RELATIVE, 0x300, 2, {0x7e, 0xe1}, {0x9e, 0xe1}},
    {PATCH_REGION_THUMB, "BEQ", RELATIVE, 0x120, 2, {0x5e, 0xd0}, {0x7e, 0xd0}},
    {PATCH_REGION_THUMB, "CBZ", RELATIVE, 0x120, 2, {0xf3, 0xb1}, {0xf3, 0xb3}},
    {PATCH_REGION_THUMB, "LDR", RELATIVE, 0x300, 2, {0xbf, 0x49}, {0xcf, 0x49}},
    {PATCH_REGION_THUMB,
     "LDR.W",
     RELATIVE,
     0x300,
     4,
     {0xdf, 0xf8, 0xfc, 0x92},
     {0xdf, 0xf8, 0x3c, 0x93}},
    {PATCH_REGION_THUMB,
     "MOVW MOVT",
     ABSOLUTE,
     0x300,
     8,
     {0x40, 0xf2, 0x00, 0x44, 0xc0, 0xf6, 0x00, 0x04},
     {0x40, 0xf2, 0x40, 0x44, 0xc0, 0xf6, 0x00, 0x04}},
    {PATCH_REGION_THUMB,
     "pointer to Thumb",
     ABSOLUTE,
     0x300,
     4,
     {0x01, 0x04, 0x00, 0x08},
     {0x41, 0x04, 0x00, 0x08}},
    {PATCH_REGION_A32,
     "BL",
     RELATIVE,
     0x300,
     4,
     {0xbe, 0x00, 0x00, 0xeb},
     {0xce, 0x00, 0x00, 0xeb}},
    {PATCH_REGION_A32,
     "BEQ",
     RELATIVE,
     0x300,
     4,
     {0xbe, 0x00, 0x00, 0x0a},
     {0xce, 0x00, 0x00, 0x0a}},
    {PATCH_REGION_A32,
     "LDR",
     RELATIVE,
     0x300,
     4,
     {0xf8, 0x12, 0x9f, 0xe5},
     {0x38, 0x13, 0x9f, 0xe5}},
    {PATCH_REGION_A32,
     "MOVW MOVT",
     ABSOLUTE,
     0x300,
     8,
     {0x00, 0x44, 0x00, 0xe3, 0x00, 0x48, 0x40, 0xe3},
     {0x40, 0x44, 0x00, 0xe3, 0x00, 0x48, 0x40, 0xe3}},
    {PATCH_REGION_A32,
     "pointer",
     ABSOLUTE,
     0x300,
     4,
     {0x00, 0x04, 0x00, 0x08},
     {0x40, 0x04, 0x00, 0x08}},
    {PATCH_REGION_A64,
     "BL",
     RELATIVE,
     0x300,
     4,
     {0xc0, 0x00, 0x00, 0x94},
     {0xd0, 0x00, 0x00, 0x94}},
    {PATCH_REGION_A64,
     "B.EQ",
     RELATIVE,
     0x300,
     4,
     {0x00, 0x18, 0x00, 0x54},
     {0x00, 0x1a, 0x00, 0x54}},
    {PATCH_REGION_A64,
     "CBNZ",
     RELATIVE,
     0x300,
     4,
     {0x03, 0x18, 0x00, 0xb5},
     {0x03, 0x1a, 0x00, 0xb5}},
    {PATCH_REGION_A64,
     "TBZ",
     RELATIVE,
     0x300,
     4,
     {0x03, 0x18, 0x28, 0x36},
     {0x03, 0x1a, 0x28, 0x36}},
    {PATCH_REGION_A64,
     "ADR",
     RELATIVE,
     0x300,
     4,
     {0x03, 0x18, 0x00, 0x10},
     {0x03, 0x1a, 0x00, 0x10}},
    {PATCH_REGION_A64,
     "LDR literal",
     RELATIVE,
     0x300,
     4,
     {0x03, 0x18, 0x00, 0x58},
     {0x03, 0x1a, 0x00, 0x58}},
    {PATCH_REGION_A64,
     "ADRP ADD",
     RELATIVE,
     0x300,
     8,
     {0x03, 0x00, 0x00, 0x90, 0x63, 0x00, 0x10, 0x91},
     {0x03, 0x00, 0x00, 0x90, 0x63, 0x00, 0x11, 0x91}},
    {PATCH_REGION_A64,
     "ADRP LDR",
     RELATIVE,
     0x300,
     12,
     {0x03, 0x00, 0x00, 0x90, 0x1f, 0x20, 0x03, 0xd5, 0x65, 0x00, 0x42, 0xf9},
     {0x03, 0x00, 0x00, 0x90, 0x1f, 0x20, 0x03, 0xd5, 0x65, 0x20, 0x42, 0xf9}},
    {PATCH_REGION_A64,
     "ADRP ADD over page",
     RELATIVE,
     0x300,
     8,
     {0x03, 0x00, 0x00, 0xb0, 0x63, 0x80, 0x3f, 0x91},
     {0x03, 0x00, 0x00, 0xd0, 0x63, 0x80, 0x00, 0x91}},
    {PATCH_REGION_A64,
     "pointer",
     ABSOLUTE,
     0x300,
     8,
     {0x00, 0x04, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00},
     {0x40, 0x04, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00}},
    {PATCH_REGION_X86_64,
     "LEA",
     RELATIVE,
     0x300,
     7,
     {0x48, 0x8d, 0x05, 0xf9, 0x02, 0x00, 0x00},
     {0x48, 0x8d, 0x05, 0x39, 0x03, 0x00, 0x00}},
    {PATCH_REGION_X86_64,
     "CMPL imm",
     RELATIVE,
     0x300,
     10,
     {0x81, 0x3d, 0xf6, 0x02, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12},
     {0x81, 0x3d, 0x36, 0x03, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12}},
    {PATCH_REGION_X86_64,
     "MOVZBL",
     RELATIVE,
     0x300,
     7,
     {0x0f, 0xb6, 0x05, 0xf9, 0x02, 0x00, 0x00},
     {0x0f, 0xb6, 0x05, 0x39, 0x03, 0x00, 0x00}},
    {PATCH_REGION_X86_64,
     "MOV abs",
     ABSOLUTE,
     0x300,
     7,
     {0x48, 0xc7, 0xc7, 0x00, 0x04, 0x00, 0x08},
     {0x48, 0xc7, 0xc7, 0x40, 0x04, 0x00, 0x08}},
    {PATCH_REGION_X86_64,
     "CALL",
     RELATIVE,
     0x300,
     5,
     {0xe8, 0xfb, 0x02, 0x00, 0x00},
     {0xe8, 0x3b, 0x03, 0x00, 0x00}},
    {PATCH_REGION_X86_64,
     "JE",
     RELATIVE,
     0x300,
     6,
     {0x0f, 0x84, 0xfa, 0x02, 0x00, 0x00},
     {0x0f, 0x84, 0x3a, 0x03, 0x00, 0x00}},
    {PATCH_REGION_I386,
     "MOV abs",
     ABSOLUTE,
     0x300,
     5,
     {0xbf, 0x00, 0x04, 0x00, 0x08},
     {0xbf, 0x40, 0x04, 0x00, 0x08}},
    {PATCH_REGION_I386,
     "MOV mem",
     ABSOLUTE,
     0x300,
     5,
     {0xa1, 0x00, 0x04, 0x00, 0x08},
     {0xa1, 0x40, 0x04, 0x00, 0x08}},
    {PATCH_REGION_I386,
     "CALL",
     RELATIVE,
     0x300,
     5,
     {0xe8, 0xfb, 0x02, 0x00, 0x00},
     {0xe8, 0x3b, 0x03, 0x00, 0x00}},
    {PATCH_REGION_I386,
     "JE",
     RELATIVE,
     0x300,
     6,
     {0x0f, 0x84, 0xfa, 0x02, 0x00, 0x00},
     {0x0f, 0x84, 0x3a, 0x03, 0x00, 0x00}},
    {PATCH_REGION_RISCV32,
     "BEQ",
     RELATIVE,
     0x300,
     4,
     {0x63, 0x00, 0xb5, 0x30},
     {0x63, 0x00, 0xb5, 0x34}},
    {PATCH_REGION_RISCV32, "C.J", RELATIVE, 0x300, 2, {0x01, 0xa6}, {0x81, 0xa6}},
    {PATCH_REGION_RISCV32, "C.BEQZ", RELATIVE, 0x120, 2, {0x41, 0xc1}, {0x61, 0xc1}},
    {PATCH_REGION_RISCV32,
     "AUIPC ADDI",
     RELATIVE,
     0x300,
     8,
     {0x17, 0x05, 0x00, 0x00, 0x13, 0x05, 0x05, 0x30},
     {0x17, 0x05, 0x00, 0x00, 0x13, 0x05, 0x05, 0x34}},
    {PATCH_REGION_RISCV32,
     "AUIPC JALR",
     RELATIVE,
     0x300,
     8,
     {0x97, 0x10, 0x00, 0x00, 0xe7, 0x80, 0x00, 0x6e},
     {0x97, 0x10, 0x00, 0x00, 0xe7, 0x80, 0x00, 0x72}},
    {PATCH_REGION_RISCV32,
     "AUIPC SW round",
     RELATIVE,
     0x300,
     8,
     {0x17, 0x15, 0x00, 0x00, 0x23, 0x28, 0xb5, 0x7e},
     {0x17, 0x25, 0x00, 0x00, 0x23, 0x28, 0xb5, 0x82}},
    {PATCH_REGION_RISCV32,
     "LUI LW",
     ABSOLUTE,
     0x300,
     8,
     {0x37, 0x05, 0x00, 0x08, 0x83, 0x25, 0x05, 0x40},
     {0x37, 0x05, 0x00, 0x08, 0x83, 0x25, 0x05, 0x44}},
    {PATCH_REGION_RISCV32, "C.JAL", RELATIVE, 0x300, 2, {0x01, 0x26}, {0x81, 0x26}},
    {PATCH_REGION_RISCV64,
     "JAL",
     RELATIVE,
     0x300,
     4,
     {0xef, 0x00, 0x00, 0x30},
     {0xef, 0x00, 0x00, 0x34}},
    {PATCH_REGION_RISCV64,
     "BEQ",
     RELATIVE,
     0x300,
     4,
     {0x63, 0x00, 0xb5, 0x30},
     {0x63, 0x00, 0xb5, 0x34}},
    {PATCH_REGION_RISCV64, "C.J", RELATIVE, 0x300, 2, {0x01, 0xa6}, {0x81, 0xa6}},
    {PATCH_REGION_RISCV64, "C.BEQZ", RELATIVE, 0x120, 2, {0x41, 0xc1}, {0x61, 0xc1}},
    {PATCH_REGION_RISCV64,
     "AUIPC ADDI",
     RELATIVE,
     0x300,
     8,
     {0x17, 0x05, 0x00, 0x00, 0x13, 0x05, 0x05, 0x30},
     {0x17, 0x05, 0x00, 0x00, 0x13, 0x05, 0x05, 0x34}},
    {PATCH_REGION_RISCV64,
     "AUIPC JALR",
     RELATIVE,
     0x300,
     8,
     {0x97, 0x10, 0x00, 0x00, 0xe7, 0x80, 0x00, 0x6e},
     {0x97, 0x10, 0x00, 0x00, 0xe7, 0x80, 0x00, 0x72}},
    {PATCH_REGION_RISCV64,
     "AUIPC SW round",
     RELATIVE,
     0x300,
     8,
     {0x17, 0x15, 0x00, 0x00, 0x23, 0x28, 0xb5, 0x7e},
     {0x17, 0x25, 0x00, 0x00, 0x23, 0x28, 0xb5, 0x82}},
    {PATCH_REGION_RISCV64,
     "LUI LW",
     ABSOLUTE,
     0x300,
     8,
     {0x37, 0x05, 0x00, 0x08, 0x83, 0x25, 0x05, 0x40},
     {0x37, 0x05, 0x00, 0x08, 0x83, 0x25, 0x05, 0x44}},
    {PATCH_REGION_XTENSA, "CALL0", RELATIVE, 0x300, 3, {0xc5, 0x2f, 0x00}, {0xc5, 0x33, 0x00}},
    {PATCH_REGION_XTENSA, "J", RELATIVE, 0x300, 3, {0x06, 0xbf, 0x00}, {0x06, 0xcf, 0x00}},
    {PATCH_REGION_XTENSA, "BEQZ", RELATIVE, 0x120, 3, {0x16, 0xc3, 0x03}, {0x16, 0xc3, 0x07}},
    {PATCH_REGION_AVR, "CALL", PLAIN, 0x300, 4, {0x0e, 0x94, 0x00, 0x02}, {0x0e, 0x94, 0x20, 0x02}},
    {PATCH_REGION_AVR, "JMP", PLAIN, 0x300, 4, {0x0c, 0x94, 0x00, 0x02}, {0x0c, 0x94, 0x20, 0x02}},
    {PATCH_REGION_AVR, "RCALL", RELATIVE, 0x300, 2, {0x7f, 0xd1}, {0x9f, 0xd1}},
    {PATCH_REGION_AVR, "BREQ", RELATIVE, 0x120, 2, {0xf9, 0xf0}, {0xf9, 0xf1}},
    {PATCH_REGION_MIPS_LE,
     "JAL",
     PLAIN,
     0x300,
     4,
     {0x00, 0x01, 0x00, 0x0c},
     {0x10, 0x01, 0x00, 0x0c}},
    {PATCH_REGION_MIPS_LE,
     "BEQ",
     RELATIVE,
     0x300,
     4,
     {0xbf, 0x00, 0x85, 0x10},
     {0xcf, 0x00, 0x85, 0x10}},
    {PATCH_REGION_MIPS_LE,
     "LUI ADDIU",
     ABSOLUTE,
     0x300,
     8,
     {0x00, 0x08, 0x04, 0x3c, 0x00, 0x04, 0x84, 0x24},
     {0x00, 0x08, 0x04, 0x3c, 0x40, 0x04, 0x84, 0x24}},
    {PATCH_REGION_MIPS_LE,
     "LUI LW",
     ABSOLUTE,
     0x300,
     8,
     {0x00, 0x08, 0x04, 0x3c, 0x00, 0x04, 0x85, 0x8c},
     {0x00, 0x08, 0x04, 0x3c, 0x40, 0x04, 0x85, 0x8c}},
    {PATCH_REGION_MIPS_BE,
     "JAL",
     PLAIN,
     0x300,
     4,
     {0x0c, 0x00, 0x01, 0x00},
     {0x0c, 0x00, 0x01, 0x10}},
    {PATCH_REGION_MIPS_BE,
     "BEQ",
     RELATIVE,
     0x300,
     4,
     {0x10, 0x85, 0x00, 0xbf},
     {0x10, 0x85, 0x00, 0xcf}},
    {PATCH_REGION_MIPS_BE,
     "LUI ADDIU",
     ABSOLUTE,
     0x300,
     8,
     {0x3c, 0x04, 0x08, 0x00, 0x24, 0x84, 0x04, 0x00},
     {0x3c, 0x04, 0x08, 0x00, 0x24, 0x84, 0x04, 0x40}},
    {PATCH_REGION_MIPS_BE,
     "LUI LW",
     ABSOLUTE,
     0x300,
     8,
     {0x3c, 0x04, 0x08, 0x00, 0x8c, 0x85, 0x04, 0x00},
     {0x3c, 0x04, 0x08, 0x00, 0x8c, 0x85, 0x04, 0x40}},
    {PATCH_REGION_POWERPC,
     "BL",
     RELATIVE,
     0x300,
     4,
     {0x48, 0x00, 0x03, 0x01},
     {0x48, 0x00, 0x03, 0x41}},
    {PATCH_REGION_POWERPC,
     "BEQ",
     RELATIVE,
     0x300,
     4,
     {0x41, 0x82, 0x03, 0x00},
     {0x41, 0x82, 0x03, 0x40}},
    {PATCH_REGION_POWERPC,
     "LIS ADDI",
     ABSOLUTE,
     0x300,
     8,
     {0x3c, 0x60, 0x08, 0x00, 0x38, 0x63, 0x04, 0x00},
     {0x3c, 0x60, 0x08, 0x00, 0x38, 0x63, 0x04, 0x40}},
    {PATCH_REGION_POWERPC,
     "LIS ORI",
     ABSOLUTE,
     0x300,
     8,
     {0x3c, 0x60, 0x08, 0x00, 0x60, 0x63, 0x04, 0x00},
     {0x3c, 0x60, 0x08, 0x00, 0x60, 0x63, 0x04, 0x40}},
    {PATCH_REGION_RELATIVE32,
     "distance",
     RELATIVE,
     0x300,
     4,
     {0x00, 0x03, 0x00, 0x00},
     {0x40, 0x03, 0x00, 0x00}},
    {PATCH_REGION_POINTERS32_LE,
     "pointer",
     ABSOLUTE,
     0x300,
     4,
     {0x00, 0x04, 0x00, 0x08},
     {0x40, 0x04, 0x00, 0x08}},
    {PATCH_REGION_POINTERS32_BE,
     "pointer",
     ABSOLUTE,
     0x300,
     4,
     {0x08, 0x00, 0x04, 0x00},
     {0x08, 0x00, 0x04, 0x40}},
    {PATCH_REGION_POINTERS64_LE,
     "pointer",
     ABSOLUTE,
     0x300,
     8,
     {0x00, 0x04, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00},
     {0x40, 0x04, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00}},
    {PATCH_REGION_POINTERS64_BE,
     "pointer",
     ABSOLUTE,
     0x300,
     8,
     {0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x04, 0x00},
     {0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x04, 0x40}},
};

struct images {
    struct patch_cover covers[2];
    struct patch_interval intervals[2];
    struct patch_covers map;
    struct patch_range old_range, new_range;
    struct patch_region region;
    struct patch_layout layout;
};

static void set_up(struct images *images, uint8_t region, patch_offset edge, bool placed)
{
    uint32_t order[2];
    *images = (struct images){
        .covers = {{0, 0, edge}, {edge + MOVE, edge, IMAGE - edge}},
        .old_range = {0, IMAGE, BASE},
        .new_range = {0, IMAGE + MOVE, BASE},
        .region = {.end = IMAGE, .kind = region},
    };
    images->map = (struct patch_covers){.list = images->covers, .count = 2};
    patch_covers_index(&images->map, images->intervals, order);
    images->layout = (struct patch_layout){
        .old_ranges = &images->old_range,
        .old_range_count = placed,
        .new_ranges = &images->new_range,
        .new_range_count = placed,
        .regions = &images->region,
        .region_count = 1,
    };
}

static void check_reference(const struct reference *reference, bool placed)
{
    static uint8_t old[IMAGE + PATCH_AHEAD];
    uint8_t predicted[IMAGE + PATCH_AHEAD], kinds[IMAGE + PATCH_AHEAD] = {0};
    struct patch_predictor predictor;
    struct images images;
    set_up(&images, reference->region, reference->edge, placed);
    memset(old, 0, sizeof old);
    memcpy(old + PLACE, reference->old, reference->size);
    memcpy(predicted, old, sizeof predicted);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    patch_predict(&predictor, old + PLACE, reference->edge - PLACE, PATCH_AHEAD, PLACE, PLACE, 0,
                  predicted + PLACE, kinds + PLACE);
    if (memcmp(predicted + PLACE, reference->new, reference->size) != 0)
        fail_msg("%s of region %d is predicted wrong", reference->name, reference->region);
    for (size_t i = PLACE; i < PLACE + reference->size; i++)
        if (old[i] != predicted[i])
            assert_int_not_equal(kinds[i], 0);
    memcpy(predicted + PLACE, reference->old, reference->size);
    assert_memory_equal(predicted, old, reference->edge);
}

static void references_follow_their_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        if (references[i].addressing != ABSOLUTE)
            check_reference(&references[i], false);
        if (references[i].addressing != PLAIN)
            check_reference(&references[i], true);
    }
}

/* An L32R looks back, so that here the place moves and the target does not. */
static void xtensa_literals_stay_behind(void **state)
{
    (void)state;
    uint8_t old[64 + PATCH_AHEAD] = {0x21, 0xe0, 0xff}, predicted[sizeof old];
    uint8_t kinds[sizeof old] = {0};
    struct patch_predictor predictor;
    struct images images;
    set_up(&images, PATCH_REGION_XTENSA, 0x90, false);
    memcpy(predicted, old, sizeof old);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    patch_predict(&predictor, old, 64, PATCH_AHEAD, PLACE, PLACE + MOVE, 0, predicted, kinds);
    assert_memory_equal(predicted, ((uint8_t[]){0x21, 0xd0, 0xff}), 3);
    assert_int_equal(kinds[0] >> 4, PATCH_GROUP_LITERAL);
}

static void regions_without_code_are_left_alone(void **state)
{
    (void)state;
    static const uint8_t call[] = {0x00, 0xf0, 0x7e, 0xf9};
    uint8_t old[64 + PATCH_AHEAD] = {0}, predicted[sizeof old], kinds[sizeof old] = {0};
    struct patch_predictor predictor;
    struct images images;
    set_up(&images, PATCH_REGION_THUMB, 0x300, false);
    images.region.start = PLACE + 32; /* behind the call */
    memcpy(old, call, sizeof call);
    memcpy(predicted, old, sizeof old);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    const size_t end =
        patch_predict(&predictor, old, 64, PATCH_AHEAD, PLACE, PLACE, 0, predicted, kinds);
    assert_int_equal(end, 64);
    assert_memory_equal(predicted, old, sizeof call);
    assert_int_equal(kinds[0], 0);
}

static void targets_that_nothing_holds_are_guesses(void **state)
{
    (void)state;
    static const uint8_t call[] = {0xc0, 0x00, 0x00, 0x94};
    uint8_t old[64 + PATCH_AHEAD] = {0}, predicted[sizeof old], kinds[sizeof old] = {0};
    struct patch_predictor predictor;
    struct images images;
    uint32_t order[2];
    set_up(&images, PATCH_REGION_A64, 0x300, false);
    images.covers[1].old_offset += 0x200; /* 0x300 to 0x500 are gone */
    images.covers[1].size -= 0x200;
    patch_covers_index(&images.map, images.intervals, order);
    memcpy(old, call, sizeof call);
    memcpy(predicted, old, sizeof old);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    patch_predict(&predictor, old, 64, PATCH_AHEAD, PLACE, PLACE, 0, predicted, kinds);
    assert_int_equal(kinds[0], PATCH_GROUP_BRANCH << 4 | 8);
    assert_int_equal(kinds[3], PATCH_GROUP_BRANCH << 4 | 8 | 3);
}

/* --- tables ---------------------------------------------------------------------------------- */

enum { SECTION = 3, SYMBOL = 1, TABLE = 0x2000, ADDEND = 0x400 };

static void put_entry(uint8_t *entry, uint64_t place, uint64_t info, uint64_t addend)
{
    pack_put_le64(entry, place);
    pack_put_le64(entry + 8, info);
    pack_put_le64(entry + 16, addend);
}

/* In a relocatable file sections have addresses of their own, and so has each symbol's target. */
static void relocations_follow_places_and_targets(void **state)
{
    (void)state;
    uint8_t old[24 + PATCH_AHEAD] = {0}, predicted[sizeof old], kinds[sizeof old] = {0};
    uint8_t wanted[24];
    struct patch_predictor predictor;
    struct images images;
    set_up(&images, PATCH_REGION_ELF_RELA64, 0x300, true);
    images.old_range =
        (struct patch_range){0x100, TABLE, (uint64_t)SECTION << 48 | (uint64_t)SYMBOL << 32};
    images.new_range = (struct patch_range){
        0x100, TABLE + MOVE, (uint64_t)(SECTION + 1) << 48 | (uint64_t)(SYMBOL + 2) << 32};
    images.region.start = TABLE;
    images.region.parameter[0] = images.old_range.address | 4;
    put_entry(old, 0x500, (uint64_t)SYMBOL << 32 | 2, ADDEND - 4);
    put_entry(wanted, 0x500 + MOVE, (uint64_t)(SYMBOL + 2) << 32 | 2, ADDEND + MOVE - 4);
    memcpy(predicted, old, sizeof old);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    patch_predict(&predictor, old, 24, PATCH_AHEAD, TABLE, TABLE + MOVE, 0, predicted, kinds);
    assert_memory_equal(predicted, wanted, sizeof wanted);
    assert_int_equal(kinds[0] >> 4, PATCH_GROUP_TABLE);
}

static void symbols_follow_what_they_name(void **state)
{
    (void)state;
    uint8_t old[24 + PATCH_AHEAD] = {0}, predicted[sizeof old], kinds[sizeof old] = {0};
    struct patch_predictor predictor;
    struct images images;
    set_up(&images, PATCH_REGION_ELF_SYM64, 0x300, true);
    images.old_range = (struct patch_range){0x100, TABLE, (uint64_t)SECTION << 48};
    images.new_range = (struct patch_range){0x100, TABLE + MOVE, (uint64_t)(SECTION + 1) << 48};
    images.region.start = TABLE;
    old[4] = 0x12; /* a global function, from before the edge to behind it */
    old[6] = SECTION;
    pack_put_le64(old + 8, 0x1f0);
    pack_put_le64(old + 16, 0x20);
    memcpy(predicted, old, sizeof old);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    patch_predict(&predictor, old, 24, PATCH_AHEAD, TABLE, TABLE + MOVE, 0, predicted, kinds);
    assert_int_equal(predicted[6], SECTION + 1);
    assert_int_equal(pack_le64(predicted + 8), 0x1f0);
    assert_int_equal(pack_le64(predicted + 16), 0x20);
    pack_put_le64(old + 8, 0x180);
    pack_put_le64(old + 16, 0xa0);
    memcpy(predicted, old, sizeof old);
    patch_predict(&predictor, old, 24, PATCH_AHEAD, TABLE, TABLE + MOVE, 0, predicted, kinds);
    assert_int_equal(pack_le64(predicted + 8), 0x180);
    assert_int_equal(pack_le64(predicted + 16), 0xa0 + MOVE);
}

/* --- windows --------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}

/* Maker and device may cut a cover into windows as they like. */
static void check_windows(uint8_t region, bool placed, size_t window, uint32_t *seed)
{
    enum { SIZE = 0x300 };
    uint8_t old[SIZE + PATCH_AHEAD], whole[SIZE + PATCH_AHEAD], kinds[SIZE + PATCH_AHEAD] = {0};
    uint8_t part[SIZE + PATCH_AHEAD], part_kinds[SIZE + PATCH_AHEAD] = {0};
    struct patch_predictor predictor;
    struct images images;
    set_up(&images, region, SIZE, placed);
    for (size_t i = 0; i < sizeof old; i++)
        old[i] = next_random(seed) % 4 == 0 ? (uint8_t)next_random(seed) : (uint8_t)(i % 7);
    memcpy(whole, old, sizeof old);
    memcpy(part, old, sizeof old);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    patch_predict(&predictor, old, SIZE, PATCH_AHEAD, 0, 0, 0, whole, kinds);
    patch_predict_begin(&predictor, &images.layout, &images.map);
    for (size_t at = 0, start = 0; at < SIZE; at += window) {
        const size_t size = SIZE - at < window ? SIZE - at : window;
        start = patch_predict(&predictor, old + at, size, PATCH_AHEAD, at, at, start, part + at,
                              part_kinds + at);
        assert_true(start >= size && start <= size + PATCH_AHEAD);
        start -= size;
    }
    assert_memory_equal(part, whole, SIZE);
    assert_memory_equal(part_kinds, kinds, SIZE);
}

static void windows_of_any_size_predict_the_same(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (uint8_t region = 0; region < PATCH_REGION_KINDS; region++)
        for (size_t window = 1; window < 70; window += 1 + window / 3) {
            check_windows(region, false, window, &seed);
            check_windows(region, true, window, &seed);
        }
}

/* Nothing is read behind what is given: each piece stands in memory of just its size. */
static void the_ends_of_images_are_respected(void **state)
{
    (void)state;
    uint32_t seed = 2;
    for (uint8_t region = 0; region < PATCH_REGION_KINDS; region++)
        for (size_t size = 1; size < 40; size++) {
            struct patch_predictor predictor;
            struct images images;
            uint8_t predicted[64 + PATCH_AHEAD] = {0}, kinds[64 + PATCH_AHEAD] = {0};
            uint8_t *old = malloc(size);
            assert_non_null(old);
            for (size_t i = 0; i < size; i++)
                old[i] = (uint8_t)next_random(&seed);
            memcpy(predicted, old, size);
            set_up(&images, region, 0x300, true);
            patch_predict_begin(&predictor, &images.layout, &images.map);
            const size_t end = patch_predict(&predictor, old, size, 0, IMAGE - size,
                                             IMAGE - size + MOVE, 0, predicted, kinds);
            assert_true(end >= size && end <= size + PATCH_AHEAD);
            for (size_t i = size; i < sizeof kinds; i++)
                assert_int_equal(kinds[i], 0);
            free(old);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_follow_their_targets),
        cmocka_unit_test(xtensa_literals_stay_behind),
        cmocka_unit_test(regions_without_code_are_left_alone),
        cmocka_unit_test(targets_that_nothing_holds_are_guesses),
        cmocka_unit_test(relocations_follow_places_and_targets),
        cmocka_unit_test(symbols_follow_what_they_name),
        cmocka_unit_test(windows_of_any_size_predict_the_same),
        cmocka_unit_test(the_ends_of_images_are_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
