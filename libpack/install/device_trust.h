/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_DEVICE_TRUST_H
#define INSTALL_DEVICE_TRUST_H

/*
 * Whom a device believes: the root or keys of device.yaml, led on by the newer roots that it has
 * seen. Those are kept in the state folder as they came, and followed again each time, so that the
 * folder cannot say anything that the keys of device.yaml did not begin.
 */

#include "install/engine.h"

PACK_MUST_USE int device_trust_load(struct pack_trust **trust, const struct engine *engine,
                                    struct pack_error *error);
/* Keeps the roots of a bundle to which `trust` leads. */
PACK_MUST_USE int device_trust_keep(const struct engine *engine, const struct pack_trust *trust,
                                    const struct pack_bundle *bundle, struct pack_error *error);

#endif
