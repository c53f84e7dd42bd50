/* SPDX-License-Identifier: MIT */
#include "io/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

int64_t wait_now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t wait_deadline(unsigned seconds)
{
    return wait_now() + (int64_t)seconds * 1000;
}

int wait_for(int descriptor, short events, int64_t deadline, bool *ready, struct pack_error *error)
{
    struct pollfd poll_entry = {.fd = descriptor, .events = events};
    const int64_t left = deadline - wait_now();
    const int timeout = left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
    const int got = poll(&poll_entry, 1, timeout);
    *ready = got > 0;
    if (got >= 0)
        return 0;
    if (errno == EINTR)
        return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
    return pack_fail_errno(error, errno, "cannot wait");
}
