/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/version.h"

#include <stdio.h>
#include <string.h>

/* Order is the same from both sides, and ranges agree with it. */
static void check_order(const char *a, const char *b)
{
    char exact[300];
    const int forward = pack_version_compare(a, b), backward = pack_version_compare(b, a);
    if ((forward < 0) != (backward > 0) || (forward == 0) != (backward == 0) ||
        pack_version_compare(a, a) != 0)
        abort();
    snprintf(exact, sizeof exact, "=%s", b);
    if (pack_range_contains(exact, a) != (forward == 0))
        abort();
}

/* The input is a version or range, a line feed, and a version. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    char *first PACK_AUTO_FREE = calloc(1, size + 1);
    if (first == NULL)
        return 0;
    memcpy(first, data, size);
    char *second = strchr(first, '\n');
    if (second == NULL)
        return 0;
    *second++ = '\0';
    const bool is_range = pack_range_check(first, &error) == 0;
    const bool is_version = pack_version_check(first, &error) == 0;
    if (is_version && !is_range) /* a bare version is the range of itself */
        abort();
    if (pack_version_check(second, &error) != 0)
        return 0;
    if (is_version)
        check_order(first, second);
    if (pack_range_contains(first, second) && !is_range)
        abort();
    return 0;
}
