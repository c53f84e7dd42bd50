/* SPDX-License-Identifier: MIT */
#ifndef PATCH_MIX_H
#define PATCH_MIX_H

/*
 * Context mixing after M. Mahoney's PAQ (2002 to 2009), in integers: each context remembers the
 * history of its bits, a map turns histories into probabilities, and a mixer weighs them in the
 * logistic domain by how well they did.
 */

#include "patch/coder.h"

#define MIX_INPUTS 20 /* most inputs of a use, with the bias */
#define MIX_USES 3

/* How large the parts of one mixer are; all memory is the caller's. */
struct mix_shape {
    uint8_t contexts;   /* hashed contexts, at most MIX_INPUTS − directs − 1 */
    uint8_t directs;    /* inputs that the caller computes */
    uint16_t select[2]; /* how many weight sets each selector chooses among; 0: no such mixer */
    uint16_t refine;    /* contexts of the last stage; 0: none */
};

/* Shared by the uses of one model. */
struct mix_tables {
    uint8_t *slots; /* 2^slot_bits pairs of check and history, or sixteenths as many groups */
    unsigned slot_bits;
    int16_t *stretch; /* ln(p / (1 − p)) · 256 by the high bits of p */
    unsigned stretch_bits;
    bool is_wide;    /* this machine has wide registers */
    uint16_t *rates; /* 65536 / (n + 1.5) */
    uint8_t *next;   /* a history after a 0, and after a 1 */
};

#define MIX_RATES 256
#define MIX_FLAG_BITS 17 /* single bits stay in so much of the slots: it fits a cache */

struct mix {
    struct mix_shape shape;
    uint32_t *maps;      /* [contexts][256]: probability in 22 bits, count in 10 */
    int32_t *weights[2]; /* [select][inputs], 1.0 is 65536 */
    uint16_t *refined;   /* [refine][33] */
};

/* What is asked of a mixer for one bit. */
struct mix_question {
    uint8_t *histories[MIX_INPUTS]; /* of each context: zeros << 4 | ones, at `step` */
    unsigned step;
    const int16_t *directs; /* in units of stretch */
    unsigned select[2];
    unsigned refine;
};

size_t mix_tables_size(unsigned slot_bits, unsigned stretch_bits);
size_t mix_size(const struct mix_shape *shape);
/* Take their memory from *memory, and move it on; begin fills it, bind only sets the pointers. */
void mix_tables_bind(struct mix_tables *tables, unsigned slot_bits, unsigned stretch_bits,
                     uint8_t **memory);
void mix_tables_begin(struct mix_tables *tables);
void mix_bind(struct mix *mix, const struct mix_shape *shape, uint8_t **memory);
void mix_begin(struct mix *mix);

/* Finds the histories of a single bit; `hashes` has one for each context. Step 0. */
void mix_find_flag(struct mix_question *question, const struct mix_tables *tables,
                   const uint32_t *hashes, size_t contexts);
/*
 * Those of the next four bits of a symbol of which `partial` (1, then bits) is known: a check and
 * 15 histories side by side, so that they cost one access to memory. Steps are 1, then bits.
 */
void mix_find_nibble(struct mix_question *question, const struct mix_tables *tables,
                     const uint32_t *hashes, size_t contexts, uint32_t partial);

unsigned mix_code_bit(struct mix *mix, const struct mix_tables *tables, struct patch_coder *coder,
                      const struct mix_question *question, unsigned bit);

/* ln(p / (1 − p)) · 256 of a 16-bit probability. */
static inline int mix_stretch(const struct mix_tables *tables, uint32_t p)
{
    return tables->stretch[p >> (16 - tables->stretch_bits)];
}

static inline uint32_t mix_hash(uint32_t a, uint32_t b)
{
    uint32_t h = a * UINT32_C(0x9e3779b1) ^ (b + UINT32_C(0x7f4a7c15)) * UINT32_C(0x85ebca6b);
    return h ^ h >> 15;
}

#endif
