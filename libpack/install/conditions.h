/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_CONDITIONS_H
#define INSTALL_CONDITIONS_H

/* What must hold for a moment to be good: power and time. */

#include "install/hooks.h"
#include "pack/install.h"

/* Percent of charge, -1 where the device does not say how to read it. */
PACK_MUST_USE int battery_read(const struct pack_device *device, struct storage *storage,
                               int64_t *percent, struct pack_error *error);
/* PACK_E_NOT_YET "battery at 12 %, 30 % wanted" with what is awaited; mains power passes. */
PACK_MUST_USE int battery_check(const struct pack_device *device, struct storage *storage,
                                int64_t *percent, struct pack_error *error);
/* PACK_E_NOT_YET with the next window's beginning in words; always 0 without windows. */
PACK_MUST_USE int window_check(const struct pack_device *device, uint64_t now,
                               struct pack_error *error);

#endif
