/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_SEMVER_H
#define DOCUMENT_SEMVER_H

/* The parts of a semantic version, as spans of the text that was read. */

#include "pack/version.h"

struct semver_span {
    const char *text; /* not ended by a zero byte */
    size_t size;
};

struct semver {
    struct semver_span core[3];    /* major, minor, patch: digits without leading zeros */
    struct semver_span prerelease; /* identifiers and dots, size 0 where there is none */
};

/*
 * Reads the whole span. NULL where it is a version, else what is wrong with it, and *position is
 * the index of the character in question.
 */
const char *semver_read(struct semver *version, struct semver_span span, size_t *position);
/* Precedence: <0, 0, >0. */
int semver_compare(const struct semver *a, const struct semver *b);

#endif
