/* SPDX-License-Identifier: MIT */
#ifndef BOOT_DEFAULTS_H
#define BOOT_DEFAULTS_H

/* What holds where a type has no way of its own, or none that tells today. */

#include "boot/boot.h"

/*
 * The set one of whose targets is the root file system, by /proc/cmdline or
 * /proc/self/mountinfo; PACK_E_STATE where that is none, or both.
 */
PACK_MUST_USE int boot_running_by_root(struct boot *boot, enum pack_set *set,
                                       struct pack_error *error);
/* The kernel's boot_id. */
PACK_MUST_USE int boot_session_of_kernel(struct boot *boot, char text[64],
                                         struct pack_error *error);

#endif
