/* SPDX-License-Identifier: MIT */
/*
 * Loaded before fwpack by LD_PRELOAD: stops the process once it has done its work and is about to
 * end, so that a test can look through its memory, as any user.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

__attribute__((destructor)) static void stop_at_end(void)
{
    if (strcmp(program_invocation_short_name, "fwpack") != 0)
        return;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    raise(SIGSTOP);
}
