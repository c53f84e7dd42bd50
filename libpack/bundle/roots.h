/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_ROOTS_H
#define BUNDLE_ROOTS_H

/* The trust roots that a bundle carries. */

#include "bundle/reader.h"
#include "pack/root.h"

/* pack_trust_follow by the roots of the bundle. */
PACK_MUST_USE int bundle_follow_roots(struct pack_trust **newest, const struct pack_trust *trust,
                                      const struct pack_bundle *bundle, struct pack_error *error);

#endif
