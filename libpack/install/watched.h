/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_WATCHED_H
#define INSTALL_WATCHED_H

/*
 * An old image that is read more than once. Each block's hash is taken when it is first read, as
 * it is when the whole is hashed and found to be the base; when it is read again and differs, that
 * is PACK_E_CHANGED. So what a patch is applied to is what was proved (A96).
 */

#include "pack/digest.h"

struct watched;

/* Takes `inner`, which can seek, also where it fails. */
PACK_MUST_USE int watched_open(struct pack_input **watched, struct pack_input **inner,
                               struct pack_error *error);

#endif
