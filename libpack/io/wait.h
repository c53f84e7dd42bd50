/* SPDX-License-Identifier: MIT */
#ifndef IO_WAIT_H
#define IO_WAIT_H

/* Waiting for another program, but not for ever. */

#include "pack/error.h"

/* Milliseconds of a clock that nobody sets: moments to compare, durations to subtract. */
int64_t wait_now(void);
/* The moment so many seconds from now. */
int64_t wait_deadline(unsigned seconds);

/*
 * Until poll(2) finds one of `events`, the other end's hanging up included; a descriptor of -1
 * never has any. *ready is false when the deadline passed. A signal ends it: PACK_E_INTERRUPTED.
 */
PACK_MUST_USE int wait_for(int descriptor, short events, int64_t deadline, bool *ready,
                           struct pack_error *error);

#endif
