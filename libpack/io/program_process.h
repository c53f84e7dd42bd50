/* SPDX-License-Identifier: MIT */
#ifndef IO_PROGRAM_PROCESS_H
#define IO_PROGRAM_PROCESS_H

/* A process of another program, from its start until it was waited for: what program.h is made of.
 */

#include "io/program.h"

#include <sys/types.h>

struct program_process {
    pid_t number; /* 0 when there is none, or it was waited for */
    bool group;   /* leads a process group, which is killed when it ends */
    int status;   /* as waitpid() says, once it was waited for; -1 where nobody can tell */
};

/*
 * `input` and `output` become its standard streams; both stay the caller's. `bound`: it is killed
 * when the thread that calls this ends, so also when we are killed; for a thread that stays.
 */
PACK_MUST_USE int program_start(struct program_process *process, const struct program_run *run,
                                int input, int output, bool bound, struct pack_error *error);
/* Whether it has ended; then it was waited for. */
bool program_has_ended(struct program_process *process);
/*
 * Until poll(2) finds one of `events`, it ended, a moment passed, or (PACK_E_INTERRUPTED) a signal
 * came. *ready may be false long before the deadline: to be called again.
 */
PACK_MUST_USE int program_wait(struct program_process *process, int descriptor, short events,
                               int64_t deadline, bool *ready, struct pack_error *error);
/* Until it ended; run->code where it had not at the deadline, or as program_judge. */
PACK_MUST_USE int program_finish(struct program_process *process, const struct program_run *run,
                                 int64_t deadline, struct pack_error *error);
/* Of one that ended. */
PACK_MUST_USE int program_judge(const struct program_process *process,
                                const struct program_run *run, struct pack_error *error);
int program_fail_late(const struct program_run *run, struct pack_error *error);
/* It may tidy up; then it is over. Nothing happens where it ended. */
void program_stop(struct program_process *process);
#define PROGRAM_AUTO __attribute__((cleanup(program_stop)))

#endif
