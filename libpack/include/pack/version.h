/* SPDX-License-Identifier: MIT */
#ifndef PACK_SEMVER_H
#define PACK_SEMVER_H

/*
 * Semantic Versioning 2.0.0 (semver.org), and ranges of it: comparators `=`, `<`, `<=`, `>`, `>=`
 * joined by spaces (all must hold). Numbers of any length are compared, never wrapped. Build
 * metadata does not take part in order.
 */

#include "pack/error.h"

PACK_BEGIN_DECLS

/* PACK_E_MALFORMED with the reason and the column; PACK_E_LIMIT beyond PACK_MAX_VERSION. */
PACK_API PACK_MUST_USE int pack_version_check(const char *text, struct pack_error *error);
/* <0, 0, >0; both must be valid. */
PACK_API int pack_version_compare(const char *a, const char *b);
PACK_API PACK_MUST_USE int pack_range_check(const char *text, struct pack_error *error);
/* Whether a valid version lies in a valid range. */
PACK_API bool pack_range_contains(const char *range, const char *version);

PACK_END_DECLS

#endif
