/* SPDX-License-Identifier: MIT */
#include "io/program_process.h"

#include "io/wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_SECONDS = 1, LOOK_MILLISECONDS = 10 };

/* A group outlives its leader; its number is nobody else's while the leader was not waited for. */
static void wait_for_dead(struct program_process *process)
{
    pid_t got = 0;
    if (process->group)
        kill(-process->number, SIGKILL);
    do
        got = waitpid(process->number, &process->status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        process->status = -1;
    process->number = 0;
}

bool program_has_ended(struct program_process *process)
{
    siginfo_t information = {.si_pid = 0};
    if (process->number == 0)
        return true;
    const int got = waitid(P_PID, (id_t)process->number, &information, WEXITED | WNOHANG | WNOWAIT);
    if (got == 0 && information.si_pid == 0)
        return false;
    wait_for_dead(process);
    return true;
}

int program_wait(struct program_process *process, int descriptor, short events, int64_t deadline,
                 bool *ready, struct pack_error *error)
{
    const int64_t soon = wait_now() + LOOK_MILLISECONDS;
    const int code = wait_for(descriptor, events, soon < deadline ? soon : deadline, ready, error);
    /* The signal may be SIGCHLD, which the caller's program handles. */
    if (code != PACK_E_INTERRUPTED || !program_has_ended(process))
        return code;
    pack_error_clear(error);
    return 0;
}

int program_fail_late(const struct program_run *run, struct pack_error *error)
{
    return pack_fail(error, run->code, "'%.128s' did not end within %u seconds", run->words[0],
                     run->seconds);
}

int program_judge(const struct program_process *process, const struct program_run *run,
                  struct pack_error *error)
{
    const char *program = run->words[0];
    const int status = process->status;
    if (status == 0)
        return 0;
    if (status == -1)
        return pack_fail(error, run->code, "nobody knows how '%.128s' ended: SIGCHLD is ignored",
                         program);
    if (WIFSIGNALED(status))
        return pack_fail(error, run->code, "'%.128s' was ended by signal %d (%s)", program,
                         WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
    return pack_fail(error, run->code, "'%.128s' failed with exit status %d", program,
                     WEXITSTATUS(status));
}

int program_finish(struct program_process *process, const struct program_run *run, int64_t deadline,
                   struct pack_error *error)
{
    bool ready = false;
    while (!program_has_ended(process)) {
        if (wait_now() >= deadline)
            return program_fail_late(run, error);
        const int code = program_wait(process, -1, 0, deadline, &ready, error);
        if (code != 0)
            return code;
    }
    return program_judge(process, run, error);
}

void program_stop(struct program_process *process)
{
    const struct timespec moment = {.tv_nsec = LOOK_MILLISECONDS * 1000000};
    if (program_has_ended(process))
        return;
    kill(process->group ? -process->number : process->number, SIGTERM);
    const int64_t deadline = wait_deadline(GRACE_SECONDS);
    while (!program_has_ended(process) && wait_now() < deadline)
        nanosleep(&moment, NULL);
    if (process->number == 0)
        return;
    kill(process->number, SIGKILL);
    wait_for_dead(process);
}
