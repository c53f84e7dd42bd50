/* SPDX-License-Identifier: MIT */
#include "delta/detect_parts.h"

#include "base/bytes.h"
#include "base/checked.h"

enum {
    MOST_PARTS = 128,
    SAMPLE = 4096, /* bytes of each part that are looked at */
    GLANCE = 1024, /* bytes of each part, from which the image's machines are guessed */
    CANDIDATES = 3,
    NARROW = 2,  /* parts without signs between parts of one kind that are of it too */
    ENOUGH = 48, /* bits of surprise in a part, below which it is data, … */
    LEAST = 16,  /* … and in its calls and signs each, for machines but the image's first */
};

/* --- signs of a machine ---------------------------------------------------------------------- */

/* An instruction that compilers write often, and chance rarely: `bits` is its surprise. */
struct sign {
    uint32_t mask, value;
    uint8_t bits;
};

/* A direct call, which counts when its target lies in the image. */
typedef bool is_call_function(const uint8_t *p, size_t at, size_t size);

struct machine {
    uint8_t region;
    uint8_t step;
    uint8_t call_bits;  /* of its code, so that chance makes one call in 2^call_bits places … */
    uint8_t reach_bits; /* … with targets anywhere in 2^reach_bits bytes */
    bool big;
    is_call_function *is_call;
    const struct sign *signs; /* ended by a mask of 0 */
};

static bool inside(size_t at, int64_t distance, size_t size)
{
    return (uint64_t)((int64_t)at + distance) < size;
}

static int64_t extend(uint32_t value, unsigned bits)
{
    return (int64_t)((uint64_t)value << (64 - bits)) >> (64 - bits);
}

static bool thumb_call(const uint8_t *p, size_t at, size_t size)
{
    const uint32_t high = pack_le16(p), low = pack_le16(p + 2), sign = high >> 10 & 1;
    if ((high & 0xf800) != 0xf000 || (low & 0xd000) != 0xd000)
        return false;
    return inside(at,
                  extend(sign << 24 | (~(low >> 13 ^ sign) & 1) << 23 |
                             (~(low >> 11 ^ sign) & 1) << 22 | (high & 0x3ff) << 12 |
                             (low & 0x7ff) << 1,
                         25),
                  size);
}

static bool a32_call(const uint8_t *p, size_t at, size_t size)
{
    return p[3] == 0xeb && inside(at, extend(pack_le32(p) & 0xffffff, 24) * 4 + 8, size);
}

static bool a64_call(const uint8_t *p, size_t at, size_t size)
{
    return p[3] >> 2 == 0x25 && inside(at, extend(pack_le32(p) & 0x3ffffff, 26) * 4, size);
}

static bool x86_call(const uint8_t *p, size_t at, size_t size)
{
    const int64_t distance = extend(pack_le32(p + 1), 32);
    return p[0] == 0xe8 && distance != 0 && inside(at, distance + 5, size);
}

static bool riscv_call(const uint8_t *p, size_t at, size_t size)
{
    const uint32_t word = pack_le32(p);
    const uint32_t distance = (word >> 31) << 20 | (word >> 12 & 0xff) << 12 |
                              (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1;
    if ((word & 0xfff) == 0x097 && (p[4] & 0x7f) == 0x67) /* AUIPC RA, then JALR */
        return inside(at, extend(word & 0xfffff000, 32), size);
    return (word & 0xfff) == 0x0ef && inside(at, extend(distance, 21), size);
}

static bool xtensa_call(const uint8_t *p, size_t at, size_t size)
{
    const uint32_t word = pack_le32(p) & 0xffffff;
    return ((word & 0x3f) == 0x05 || (word & 0x3f) == 0x25) &&
           inside(at, extend(word >> 6, 18) * 4 + 4, size) && (word >> 6 & 0x3fff) > 16;
}

static bool avr_call(const uint8_t *p, size_t at, size_t size)
{
    (void)at;
    return p[0] == 0x0e && p[1] == 0x94 && pack_le16(p + 2) * 2U < size;
}

static bool mips_call(const uint8_t *p, size_t at, size_t size)
{
    (void)at;
    return p[3] >> 2 == 3 && (pack_le32(p) & 0x3ffffff) * UINT64_C(4) % 0x1000000 < size;
}

static bool mips_be_call(const uint8_t *p, size_t at, size_t size)
{
    (void)at;
    return p[0] >> 2 == 3 && (pack_be32(p) & 0x3ffffff) * UINT64_C(4) % 0x1000000 < size;
}

static bool powerpc_call(const uint8_t *p, size_t at, size_t size)
{
    const uint32_t word = pack_be32(p);
    return (word & 0xfc000003) == 0x48000001 && inside(at, extend(word & 0x3fffffc, 26), size);
}

static const struct machine machines[] = {
    {PATCH_REGION_THUMB, 2, 6, 25, false, thumb_call,
     (const struct sign[]){{0xffff, 0x4770, 10}, /* BX LR */
                           {0xff00, 0xb500, 5},  /* PUSH {…, LR} */
                           {0xff00, 0xbd00, 5},  /* POP {…, PC} */
                           {0xffff, 0xe92d, 10}, /* PUSH.W */
                           {0xffff, 0xe8bd, 10}, /* POP.W */
                           {0}}},
    {PATCH_REGION_A32, 4, 8, 26, false, a32_call,
     (const struct sign[]){{0xffffffff, 0xe12fff1e, 16}, /* BX LR */
                           {0xffff0000, 0xe92d0000, 10}, /* PUSH */
                           {0xffff0000, 0xe8bd0000, 10}, /* POP */
                           {0xfff00000, 0xe3500000, 6},  /* CMP */
                           {0xfff00000, 0xe1a00000, 6},  /* MOV */
                           {0}}},
    {PATCH_REGION_A64, 4, 6, 28, false, a64_call,
     (const struct sign[]){{0xffffffff, 0xd65f03c0, 16}, /* RET */
                           {0xffc07fff, 0xa9807bfd, 14}, /* STP X29, X30, [SP, …]! */
                           {0xffc07fff, 0xa8c07bfd, 14}, /* LDP X29, X30, [SP], … */
                           {0xffe0ffe0, 0xaa0003e0, 8},  /* MOV */
                           {0x9f000000, 0x90000000, 3},  /* ADRP */
                           {0}}},
    {PATCH_REGION_X86_64, 1, 8, 32, false, x86_call,
     (const struct sign[]){{0xc0fffb, 0xc08948, 10}, /* MOV with REX.W, registers */
                           {0xffff, 0x8b48, 6},      /* MOV from memory */
                           {0xffff, 0x8948, 6},
                           {0xffff, 0x8d48, 6}, /* LEA */
                           {0xffff, 0x8348, 6},
                           {0xffffff, 0xec8348, 10}, /* SUB RSP */
                           {0}}},
    {PATCH_REGION_I386, 1, 8, 32, false, x86_call,
     (const struct sign[]){{0xffffff, 0xe58955, 12}, /* PUSH EBP; MOV EBP, ESP */
                           {0xffff, 0xec83, 6},      /* SUB ESP */
                           {0xffff, 0xc483, 6},      /* ADD ESP */
                           {0xffff, 0x458b, 5},      /* MOV EAX, [EBP …] */
                           {0xffffff, 0x24448b, 8},
                           {0xffffff, 0x244489, 8},
                           {0}}},
    {PATCH_REGION_RISCV32, 2, 12, 21, false, riscv_call,
     (const struct sign[]){{0xffff, 0x8082, 10},     /* RET */
                           {0xffffffff, 0x8067, 16}, /* the same, not compressed */
                           {0xef83, 0x4082, 7},      /* C.LWSP RA */
                           {0xe07f, 0xc006, 7},      /* C.SWSP RA */
                           {0xfffff, 0x12083, 10},   /* LW RA, (SP) */
                           {0xef83, 0x6101, 5},      /* C.ADDI16SP */
                           {0}}},
    {PATCH_REGION_RISCV64, 2, 12, 21, false, riscv_call,
     (const struct sign[]){{0xffff, 0x8082, 10},
                           {0xffffffff, 0x8067, 16},
                           {0xef83, 0x6082, 7},    /* C.LDSP RA */
                           {0xe07f, 0xe006, 7},    /* C.SDSP RA */
                           {0xfffff, 0x13083, 10}, /* LD RA, (SP) */
                           {0xef83, 0x6101, 5},
                           {0}}},
    {PATCH_REGION_XTENSA, 1, 5, 20, false, xtensa_call,
     (const struct sign[]){{0xffff, 0xf01d, 10},     /* RETW.N */
                           {0xffff, 0xf00d, 10},     /* RET.N */
                           {0xf00fff, 0x000136, 10}, /* ENTRY A1 */
                           {0x0fffff, 0x00c112, 12}, /* ADDI A1, A1 */
                           {0xf0ffff, 0xf0c112, 12},
                           {0}}},
    {PATCH_REGION_AVR, 2, 16, 17, false, avr_call,
     (const struct sign[]){{0xffff, 0x9508, 12}, /* RET */
                           {0xfe0f, 0x920f, 5},  /* PUSH */
                           {0xfe0f, 0x900f, 5},  /* POP */
                           {0xffff, 0x2411, 10}, /* CLR R1 */
                           {0}}},
    {PATCH_REGION_MIPS_LE, 4, 6, 24, false, mips_call,
     (const struct sign[]){{0xffffffff, 0x03e00008, 16}, /* JR RA */
                           {0xffff0000, 0x27bd0000, 10}, /* ADDIU SP, SP */
                           {0xffff0000, 0xafbf0000, 10}, /* SW RA, (SP) */
                           {0xffff0000, 0x8fbf0000, 10}, /* LW RA, (SP) */
                           {0}}},
    {PATCH_REGION_MIPS_BE, 4, 6, 24, true, mips_be_call,
     (const struct sign[]){{0xffffffff, 0x03e00008, 16},
                           {0xffff0000, 0x27bd0000, 10},
                           {0xffff0000, 0xafbf0000, 10},
                           {0xffff0000, 0x8fbf0000, 10},
                           {0}}},
    {PATCH_REGION_POWERPC, 4, 8, 26, true, powerpc_call,
     (const struct sign[]){{0xffffffff, 0x4e800020, 16}, /* BLR */
                           {0xffffffff, 0x7c0802a6, 16}, /* MFLR R0 */
                           {0xffff0000, 0x94210000, 10}, /* STWU R1 */
                           {0}}},
};

#define MACHINES (sizeof machines / sizeof *machines)

/* Twice the calls that chance makes in `places` places. */
static uint64_t calls_by_chance(const struct machine *machine, size_t places, size_t size)
{
    const uint64_t in_reach = pack_min(size, UINT64_C(1) << machine->reach_bits);
    return 1 + (2 * places * (in_reach >> 10) >> machine->call_bits >> (machine->reach_bits - 10));
}

/* Bits of surprise in [start, end): of its signs, and of its calls. */
static uint32_t weigh(const struct machine *machine, const uint8_t *bytes, size_t start, size_t end,
                      size_t size, uint32_t *call_weight)
{
    uint64_t calls = 0;
    uint32_t total = 0;
    start += -start % machine->step;
    for (size_t at = start; at + 5 <= end; at += machine->step) {
        const uint8_t *p = bytes + at;
        const uint32_t word = machine->big ? pack_be32(p) : pack_le32(p);
        calls += machine->is_call(p, at, size);
        for (const struct sign *sign = machine->signs; sign->mask != 0; sign++)
            if ((word & sign->mask) == sign->value)
                total += sign->bits;
    }
    const uint64_t chance = calls_by_chance(machine, (end - start) / machine->step, size);
    *call_weight = calls > chance ? (uint32_t)(calls - chance) * machine->call_bits : 0;
    return total;
}

/* --- regions --------------------------------------------------------------------------------- */

struct parts {
    const uint8_t *bytes;
    size_t size; /* of the image, for targets of calls */
    size_t start, end;
    size_t part, count; /* bytes of a part, parts */
    const struct machine *candidates[CANDIDATES];
    size_t candidate_count;
    uint8_t kinds[MOST_PARTS];
};

static uint32_t weigh_part(const struct parts *parts, size_t index, const struct machine *machine,
                           size_t sample)
{
    uint32_t calls = 0;
    const size_t start = parts->start + index * parts->part;
    const size_t end = (size_t)pack_min(start + pack_min(sample, parts->part), parts->end);
    const uint32_t signs = weigh(machine, parts->bytes, start, end, parts->size, &calls);
    const bool expected = parts->candidate_count > 0 && machine == parts->candidates[0];
    return expected || (signs >= LEAST && calls >= LEAST) ? signs + calls : 0;
}

/* The machines that a glance finds most of. */
static void find_candidates(struct parts *parts)
{
    uint64_t totals[MACHINES] = {0};
    for (size_t i = 0; i < MACHINES; i++)
        for (size_t k = 0; k < parts->count; k++)
            totals[i] += weigh_part(parts, k, &machines[i], GLANCE);
    while (parts->candidate_count < CANDIDATES) {
        size_t best = 0;
        for (size_t i = 1; i < MACHINES; i++)
            if (totals[i] > totals[best])
                best = i;
        if (totals[best] == 0)
            return;
        totals[best] = 0;
        parts->candidates[parts->candidate_count++] = &machines[best];
    }
}

static uint8_t kind_of_part(const struct parts *parts, size_t index)
{
    uint32_t most = ENOUGH, kind = PATCH_REGION_NONE;
    for (size_t i = 0; i < parts->candidate_count; i++) {
        const uint32_t weight = weigh_part(parts, index, parts->candidates[i], SAMPLE);
        if (weight <= most)
            continue;
        most = weight;
        kind = parts->candidates[i]->region;
    }
    return (uint8_t)kind;
}

/* Data beside code has tables of pointers, as that code's machine writes them. */
static uint8_t data_beside(uint8_t kind)
{
    static const uint8_t pointers[PATCH_REGION_KINDS] = {
        [PATCH_REGION_THUMB] = PATCH_REGION_POINTERS32_LE,
        [PATCH_REGION_A32] = PATCH_REGION_POINTERS32_LE,
        [PATCH_REGION_A64] = PATCH_REGION_POINTERS64_LE,
        [PATCH_REGION_X86_64] = PATCH_REGION_POINTERS64_LE,
        [PATCH_REGION_I386] = PATCH_REGION_POINTERS32_LE,
        [PATCH_REGION_RISCV32] = PATCH_REGION_POINTERS32_LE,
        [PATCH_REGION_RISCV64] = PATCH_REGION_POINTERS64_LE,
        [PATCH_REGION_XTENSA] = PATCH_REGION_POINTERS32_LE,
        [PATCH_REGION_MIPS_LE] = PATCH_REGION_POINTERS32_LE,
        [PATCH_REGION_MIPS_BE] = PATCH_REGION_POINTERS32_BE,
        [PATCH_REGION_POWERPC] = PATCH_REGION_POINTERS32_BE,
    };
    return pointers[kind] != PATCH_REGION_NONE ? pointers[kind] : kind;
}

/* A part without signs between two of one kind is of that kind, else it is data. */
static void fill_gaps(uint8_t *kinds, size_t count)
{
    uint8_t before = PATCH_REGION_NONE;
    for (size_t i = 0; i < count; i++) {
        size_t after = i;
        while (after < count && kinds[after] == PATCH_REGION_NONE)
            after++;
        if (after == i) {
            before = kinds[i];
            continue;
        }
        const uint8_t behind = after < count ? kinds[after] : PATCH_REGION_NONE;
        const uint8_t beside = before != PATCH_REGION_NONE ? before : behind;
        const bool same = before == behind || i == 0 || after == count;
        memset(kinds + i, same && after - i <= NARROW ? beside : data_beside(beside), after - i);
        i = after - 1;
    }
}

/* A kind that a few parts look like by chance is none. */
static void drop_rare(uint8_t *kinds, size_t count)
{
    size_t parts[PATCH_REGION_KINDS] = {0}, found = 0;
    for (size_t i = 0; i < count; i++) {
        parts[kinds[i]]++;
        found += kinds[i] != PATCH_REGION_NONE;
    }
    for (size_t i = 0; i < count; i++)
        if (parts[kinds[i]] * 16 < found)
            kinds[i] = PATCH_REGION_NONE;
}

/* Where there is no room for more, the kind that most parts have stands for all. */
static void keep_one(uint8_t *kinds, size_t count)
{
    size_t parts[PATCH_REGION_KINDS] = {0};
    uint8_t best = PATCH_REGION_NONE;
    for (size_t i = 0; i < count; i++)
        if (kinds[i] != PATCH_REGION_NONE && ++parts[kinds[i]] > parts[best])
            best = kinds[i];
    memset(kinds, best, count);
}

static size_t count_runs(const uint8_t *kinds, size_t count)
{
    size_t runs = 1;
    for (size_t i = 1; i < count; i++)
        runs += kinds[i] != kinds[i - 1];
    return runs;
}

static void add_regions(struct delta_tables *tables, const struct parts *parts)
{
    struct patch_region *last = NULL;
    for (size_t i = 0; i < parts->count; i++) {
        const size_t start = parts->start + i * parts->part;
        if (!last || parts->kinds[i] != last->kind) {
            last = &tables->regions[tables->region_count++];
            *last = (struct patch_region){.start = (patch_offset)start, .kind = parts->kinds[i]};
        }
        last->end = (patch_offset)pack_min(start + parts->part, parts->end);
    }
}

void delta_detect_regions(struct delta_tables *tables, const uint8_t *bytes, size_t size,
                          size_t start, size_t end)
{
    struct parts parts = {.bytes = bytes, .size = size, .start = start, .end = end};
    parts.part = (size_t)pack_pieces(end - start, MOST_PARTS);
    parts.part = parts.part < SAMPLE ? SAMPLE : (parts.part + 15) & ~(size_t)15;
    parts.count = (size_t)pack_min(pack_pieces(end - start, parts.part), MOST_PARTS);
    find_candidates(&parts);
    if (parts.candidate_count == 0)
        return;
    for (size_t i = 0; i < MOST_PARTS; i++)
        parts.kinds[i] = i < parts.count ? kind_of_part(&parts, i) : PATCH_REGION_NONE;
    drop_rare(parts.kinds, parts.count);
    fill_gaps(parts.kinds, parts.count);
    if (tables->region_count + count_runs(parts.kinds, parts.count) > tables->most_regions)
        keep_one(parts.kinds, parts.count);
    if (parts.kinds[0] != PATCH_REGION_NONE && tables->region_count < tables->most_regions)
        add_regions(tables, &parts);
}
