/* SPDX-License-Identifier: MIT */
/* A small program of two releases, for a pair of images with calls, tables and strings. */
#include <stdint.h>

#define STEP(n)                                                  \
    __attribute__((noinline)) uint32_t step_##n(uint32_t x)      \
    {                                                            \
        for (uint32_t i = 0; i < (n) + 3; i++)                   \
            x = x * UINT32_C(1664525) + (n) + (x >> ((n) % 13)); \
        return x;                                                \
    }
#define TEN(n) \
    STEP(n##0) \
    STEP(n##1) \
    STEP(n##2) STEP(n##3) STEP(n##4) STEP(n##5) STEP(n##6) STEP(n##7) STEP(n##8) STEP(n##9)
#define NAMES(n)                                                                               \
    step_##n##0, step_##n##1, step_##n##2, step_##n##3, step_##n##4, step_##n##5, step_##n##6, \
        step_##n##7, step_##n##8, step_##n##9
TEN(1)
#if RELEASE == 2
__attribute__((noinline)) uint32_t added(uint32_t x)
{
    return x % 10007 * (x >> 7) + step_15(x ^ 0x5EED);
}
#endif
TEN(2)
TEN(3)
TEN(4)
TEN(5)
TEN(6)
TEN(7)
TEN(8)

static uint32_t (*const table[])(uint32_t) = {NAMES(1), NAMES(2), NAMES(3), NAMES(4),
                                              NAMES(5), NAMES(6), NAMES(7), NAMES(8)};
#if RELEASE == 2
const char version[] = "release 2 of the sample";
#else
const char version[] = "release 1";
#endif

void start(void)
{
    uint32_t x = (uint32_t)version[0];
    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++)
        x = table[i](x) + step_42(x) + step_77(i);
#if RELEASE == 2
    x = added(x);
#endif
    *(volatile uint32_t *)0x20000000 = x;
}
