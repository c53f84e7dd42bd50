/* SPDX-License-Identifier: MIT */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

/* Arithmetic that says when it does not fit. Each returns false then, and leaves *result. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool pack_add(uint64_t a, uint64_t b, uint64_t *result)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *result = sum;
    return true;
}

static inline bool pack_multiply(uint64_t a, uint64_t b, uint64_t *result)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *result = product;
    return true;
}

static inline bool pack_to_size(uint64_t value, size_t *result)
{
    if (value > SIZE_MAX)
        return false;
    *result = (size_t)value;
    return true;
}

/* How many pieces of `piece` bytes hold `size`; `piece` is not 0. */
static inline uint64_t pack_pieces(uint64_t size, uint64_t piece)
{
    return size / piece + (size % piece != 0);
}

static inline uint64_t pack_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
