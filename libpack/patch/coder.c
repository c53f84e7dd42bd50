/* SPDX-License-Identifier: MIT */
#include "patch/coder.h"

#define TOP (UINT32_C(1) << 24)

/* --- reading ---------------------------------------------------------------------------------- */

static uint8_t next_byte(struct patch_coder *coder)
{
    if (coder->used == coder->buffered) {
        int got = coder->ended || coder->failed
                      ? 0
                      : coder->read(coder->user, coder->buffer, sizeof(coder->buffer));
        coder->failed = coder->failed || got < 0;
        coder->ended = coder->ended || got <= 0;
        if (got <= 0)
            return 0;
        coder->buffered = (uint8_t)got;
        coder->used = 0;
    }
    coder->consumed++;
#ifndef PATCH_DECODE_ONLY
    coder->cost[coder->account] += UINT64_C(8) << 16; /* what it is read for, to the byte */
#endif
    return coder->buffer[coder->used++];
}

void patch_coder_read(struct patch_coder *coder, patch_read_function read, void *user)
{
    *coder = (struct patch_coder){.range = UINT32_MAX, .read = read, .user = user};
    for (int i = 0; i < 4; i++)
        coder->code = coder->code << 8 | next_byte(coder);
#ifndef PATCH_DECODE_ONLY
    coder->cost[coder->account] = 0; /* nothing was asked for yet */
#endif
}

bool patch_coder_read_end(struct patch_coder *coder)
{
    /* The writer ends with all of its low end, so nothing may be left of the number. */
    if (coder->ended || coder->code != 0)
        return false;
    (void)next_byte(coder);
    return coder->ended && !coder->failed;
}

static unsigned read_bit(struct patch_coder *coder, uint32_t bound)
{
    unsigned bit = coder->code < bound;
    if (bit) {
        coder->range = bound;
    } else {
        coder->code -= bound;
        coder->range -= bound;
    }
    while (coder->range < TOP) {
        coder->range <<= 8;
        coder->code = coder->code << 8 | next_byte(coder);
    }
    return bit;
}

/* --- writing ---------------------------------------------------------------------------------- */

#ifndef PATCH_DECODE_ONLY

static void put(struct patch_coder *coder, uint8_t byte)
{
    if (!coder->failed && !coder->write(coder->user, &byte, 1))
        coder->failed = true;
}

/* Nothing is held before the first byte: the number is below 1, so no carry reaches that far. */
static void shift_low(struct patch_coder *coder)
{
    if (coder->waiting == 0 || coder->low < 0xff000000 || coder->low > UINT32_MAX) {
        uint8_t carry = (uint8_t)(coder->low >> 32);
        for (uint8_t byte = coder->held; coder->waiting > 0; coder->waiting--, byte = 0xff)
            put(coder, (uint8_t)(byte + carry));
        coder->held = (uint8_t)(coder->low >> 24);
    }
    coder->waiting++;
    coder->low = (coder->low & 0x00ffffff) << 8;
}

void patch_coder_write(struct patch_coder *coder, patch_write_function write, void *user)
{
    *coder =
        (struct patch_coder){.range = UINT32_MAX, .write = write, .user = user, .writing = true};
}

void patch_coder_write_end(struct patch_coder *coder)
{
    for (int i = 0; i < 5; i++)
        shift_low(coder);
}

/* log2(65536 / probability) in 1/65536 bit, to six places, by squaring; for reports only. */
static uint32_t bits_of(uint32_t probability)
{
    uint32_t whole = 0, fraction = 0;
    uint64_t mantissa = probability;
    while (mantissa < 32768) {
        mantissa <<= 1;
        whole++;
    }
    for (int i = 15; i >= 10; i--) { /* mantissa / 32768 lies in 1 to 2 */
        mantissa = mantissa * mantissa >> 15;
        if (mantissa >= 65536) {
            mantissa >>= 1;
            fraction |= UINT32_C(1) << i;
        }
    }
    return ((whole + 1) << 16) - fraction;
}

static unsigned write_bit(struct patch_coder *coder, uint32_t bound, uint32_t one, unsigned bit)
{
    coder->cost[coder->account] += bits_of(bit ? one : 65536 - one);
    if (bit) {
        coder->range = bound;
    } else {
        coder->low += bound;
        coder->range -= bound;
    }
    while (coder->range < TOP) {
        coder->range <<= 8;
        shift_low(coder);
    }
    return bit;
}

#endif

unsigned patch_code_bit(struct patch_coder *coder, uint32_t one, unsigned bit)
{
    uint32_t bound = (coder->range >> 16) * one;
#ifndef PATCH_DECODE_ONLY
    if (coder->writing)
        return write_bit(coder, bound, one, bit);
#else
    (void)bit;
#endif
    return read_bit(coder, bound);
}

/* --- simple adaptive models ------------------------------------------------------------------- */

unsigned patch_code_adaptive(struct patch_coder *coder, uint16_t *one, unsigned rate, unsigned bit)
{
    uint32_t p = *one < PATCH_LEAST ? PATCH_LEAST : *one > PATCH_MOST ? PATCH_MOST : *one;
    bit = patch_code_bit(coder, p, bit);
    if (bit)
        *one = (uint16_t)(*one + ((65535u - *one) >> rate));
    else
        *one = (uint16_t)(*one - (*one >> rate));
    return bit;
}

void patch_number_model_begin(struct patch_number_model *model)
{
    for (size_t i = 0; i < 64; i++)
        model->length[i] = model->second[i] = PATCH_HALF;
    for (size_t i = 0; i < 128; i++)
        model->third[i] = PATCH_HALF;
    for (size_t i = 0; i < 16; i++)
        model->low[i] = PATCH_HALF;
}

uint64_t patch_code_number(struct patch_coder *coder, struct patch_number_model *model,
                           uint64_t value)
{
    uint64_t plus = patch_is_writing(coder) ? value + 1 : 0; /* UINT64_MAX is never coded */
    unsigned length = 0;
    while (length < 63 &&
           patch_code_adaptive(coder, &model->length[length], 4, plus >> (length + 1) != 0))
        length++;
    uint64_t read = 1;
    unsigned low = 1;
    for (unsigned i = length; i-- > 0;) {
        unsigned bit = (unsigned)(plus >> i & 1);
        unsigned below = length - 1 - i;
        if (below == 0)
            bit = patch_code_adaptive(coder, &model->second[length], 4, bit);
        else if (below == 1)
            bit = patch_code_adaptive(coder, &model->third[2 * length + (read & 1)], 4, bit);
        else if (i < 4 && length >= 6) {
            bit = patch_code_adaptive(coder, &model->low[low], 4, bit);
            low = low << 1 | bit;
        } else
            bit = patch_code_bit(coder, PATCH_HALF, bit);
        read = read << 1 | bit;
    }
    return read - 1;
}

void patch_code_bytes(struct patch_coder *coder, uint8_t *bytes, size_t size)
{
    uint16_t trees[16][256];
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0][0]); i++)
        trees[i / 256][i % 256] = PATCH_HALF;
    unsigned last = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned partial = 1;
        for (unsigned b = 8; b-- > 0;)
            partial = partial << 1 |
                      patch_code_adaptive(coder, &trees[last & 15][partial], 4, bytes[i] >> b & 1);
        bytes[i] = (uint8_t)partial;
        last = partial;
    }
}
