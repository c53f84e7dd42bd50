/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_WAIT_H
#define KEYSTORE_WAIT_H

/* Waiting for another program, but not for ever. */

#include "pack/error.h"

/* The moment so many seconds from now, in milliseconds of a clock that nobody sets. */
int64_t wait_deadline(unsigned seconds);

/*
 * Until poll(2) finds one of `events`, the other end's hanging up included. *ready is false when
 * the deadline passed. A signal ends it: PACK_E_INTERRUPTED.
 */
PACK_MUST_USE int wait_for(int descriptor, short events, int64_t deadline, bool *ready,
                           struct pack_error *error);

#endif
