/* SPDX-License-Identifier: MIT */
#ifndef UNIT_DOCUMENT_TEXT_H
#define UNIT_DOCUMENT_TEXT_H

/* Documents as text, varied one place at a time. */

#include "support/test.h"

#define DIGEST_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define DIGEST_C "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* `text` with the first `from` replaced by `to`; the test fails when it is not there. */
char *replaced(const char *text, const char *from, const char *to);

/* One change, and what must come of it. */
struct variation {
    const char *from, *to;
    enum pack_code code; /* PACK_OK where it is still good */
    const char *says;    /* part of the message, or NULL */
};

typedef int (*parse_fn)(const char *text, size_t size, struct pack_error *error);

void check_variations(const char *text, const struct variation *variations, size_t count,
                      parse_fn parse);

#endif
