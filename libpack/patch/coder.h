/* SPDX-License-Identifier: MIT */
#ifndef PATCH_CODER_H
#define PATCH_CODER_H

/*
 * A binary range coder (G. N. N. Martin, 1979; the carry handling is that of I. Pavlov's LZMA),
 * with 16-bit probabilities. One function codes both ways, so that a model is written once:
 * patch_code_bit() writes the bit that it is given, or ignores it and returns the one that it
 * read. PATCH_DECODE_ONLY leaves out the writing half.
 */

#include "patch/types.h"

/* Where a patch's bytes come from. Reads 1 to `capacity` bytes; 0 at the end, negative on failure.
 */
typedef int (*patch_read_function)(void *user, uint8_t *buffer, size_t capacity);

/* Takes bytes of a patch in the making; false on failure. */
typedef bool (*patch_write_function)(void *user, const uint8_t *bytes, size_t size);

/* For reports: what the bits are spent on. */
enum patch_account {
    PATCH_ACCOUNT_PLANS,
    PATCH_ACCOUNT_LAYOUT,
    PATCH_ACCOUNT_COVERS,
    PATCH_ACCOUNT_HITS,
    PATCH_ACCOUNT_MISSES,
    PATCH_ACCOUNT_EXTRA,
    PATCH_ACCOUNTS,
};

struct patch_coder {
    uint32_t range;
    uint32_t code; /* reading: the patch's number, less the low end of the range */
    patch_read_function read;
    void *user;
    patch_offset consumed; /* bytes read */
    uint8_t buffer[32];
    uint8_t buffered, used;
    bool ended, failed; /* read past the end; a callback failed */
#ifndef PATCH_DECODE_ONLY
    bool writing;
    uint8_t held; /* the byte before a possible carry */
    uint64_t low;
    uint64_t waiting; /* bytes that a carry would change: `held` and as many 0xff, less one */
    patch_write_function write;
    uint64_t cost[PATCH_ACCOUNTS]; /* in 1/65536 bit; reading, in whole bytes */
    enum patch_account account;
    uint64_t referenced, missed; /* copied bytes: of references; other than predicted */
#endif
};

/* Even odds, and what a 16-bit probability may be. */
#define PATCH_HALF 32768
#define PATCH_LEAST 24
#define PATCH_MOST (65536 - PATCH_LEAST)

void patch_coder_read(struct patch_coder *coder, patch_read_function read, void *user);
/* After the last bit: whether the patch's bytes are exactly those that a writer makes. */
bool patch_coder_read_end(struct patch_coder *coder);

#ifndef PATCH_DECODE_ONLY
void patch_coder_write(struct patch_coder *coder, patch_write_function write, void *user);
void patch_coder_write_end(struct patch_coder *coder);
#endif

/* `one` is the probability of a 1 in 1/65536, PATCH_LEAST to PATCH_MOST. */
unsigned patch_code_bit(struct patch_coder *coder, uint32_t one, unsigned bit);

/* Switches the account that costs are written to; nothing where patches are only read. */
static inline void patch_account_to(struct patch_coder *coder, enum patch_account account)
{
#ifndef PATCH_DECODE_ONLY
    coder->account = account;
#else
    (void)coder;
    (void)account;
#endif
}

/* Counts copied bytes for reports; nothing where patches are only read. */
static inline void patch_count_copied(struct patch_coder *coder, const uint8_t *bytes,
                                      const uint8_t *predicted, const uint8_t *kinds, size_t size)
{
#ifndef PATCH_DECODE_ONLY
    for (size_t i = 0; coder->writing && i < size; i++) {
        coder->referenced += kinds[i] != 0;
        coder->missed += bytes[i] != predicted[i];
    }
#else
    (void)coder;
    (void)bytes;
    (void)predicted;
    (void)kinds;
    (void)size;
#endif
}

static inline bool patch_is_writing(const struct patch_coder *coder)
{
#ifndef PATCH_DECODE_ONLY
    return coder->writing;
#else
    (void)coder;
    return false;
#endif
}

/* --- simple adaptive models ------------------------------------------------------------------ */

/* A bit whose probability adapts by 1/2^rate of the error; probabilities start as PATCH_HALF. */
unsigned patch_code_adaptive(struct patch_coder *coder, uint16_t *one, unsigned rate, unsigned bit);

/* Numbers by their length, then their bits: small ones are short (P. Elias' gamma code). */
struct patch_number_model {
    uint16_t length[64]; /* unary: is it longer than this? */
    uint16_t second[64]; /* the bit below the first, by length */
    uint16_t third[128]; /* the one below that */
    uint16_t low[16];    /* the last four of a long number, as a tree: they tell alignment */
};

void patch_number_model_begin(struct patch_number_model *model);
uint64_t patch_code_number(struct patch_coder *coder, struct patch_number_model *model,
                           uint64_t value);

/* A string of bytes by a model of its own, each after the lower half of the one before: plans. */
void patch_code_bytes(struct patch_coder *coder, uint8_t *bytes, size_t size);

#endif
