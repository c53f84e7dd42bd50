/* SPDX-License-Identifier: MIT */
#ifndef CONFINE_LOCK_H
#define CONFINE_LOCK_H

/* What a child gives up before it looks at the first byte of a payload. */

#include "pack/error.h"

#include <sys/types.h>

/* Sanitizers make calls of their own, and reserve more addresses than anybody has memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define LOCK_SANITIZED 1
#endif
#endif
#ifndef LOCK_SANITIZED
#define LOCK_SANITIZED 0
#endif

/* The only descriptor that is left: read and write are allowed on it. */
#define LOCK_SOCKET 0

struct lock {
    pid_t parent;     /* ends with it */
    int socket;       /* becomes LOCK_SOCKET */
    uint64_t address; /* most bytes of addresses; 0: no limit */
};

/* All but the filter. */
PACK_MUST_USE int lock_down(const struct lock *lock, struct pack_error *error);

/* --- the filter of system calls -------------------------------------------------------------- */

/* PACK_E_UNSUPPORTED where the kernel or this build has none for the machine. */
PACK_MUST_USE int filter_available(struct pack_error *error);
/* From here on any other call than those of the list ends the process by SIGSYS. */
PACK_MUST_USE int filter_install(struct pack_error *error);

#endif
