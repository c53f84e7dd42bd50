/* SPDX-License-Identifier: MIT */
#include "io/file.h"
#include "keystore/exec.h"
#include "keystore/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_OTHER = 3, GRACE_SECONDS = 1, MAX_PAUSE = 32 };

/* A program that runs. */
struct child {
    pid_t process; /* 0 when it was waited for */
    int output;    /* the reading end of its standard output, or -1 */
};

/* --- starting -------------------------------------------------------------------------------- */

/* A file in memory, not a pipe: a program that reads nothing is then no fault. */
static int make_input(int *input, const struct exec_run *run, struct pack_error *error)
{
    PACK_AUTO_CLOSE int made = memfd_create("fwpack", MFD_CLOEXEC);
    if (made < 0)
        return pack_fail_errno(error, errno, "cannot make the command's input");
    const int code = pack_write_descriptor(made, run->input, run->input_size, error);
    if (code != 0)
        return code;
    if (lseek(made, 0, SEEK_SET) != 0)
        return pack_fail_errno(error, errno, "cannot make the command's input");
    *input = made;
    made = -1;
    return 0;
}

/* Signals are as a program expects them, though we may ignore or block some. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    int number = posix_spawnattr_setsigmask(attributes, &none);
    if (number == 0)
        number = posix_spawnattr_setsigdefault(attributes, &defaults);
    if (number == 0)
        number =
            posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return number;
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int input, int output)
{
    int number = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_OTHER);
    return number;
}

/* errno's value, or 0. */
static int spawn(pid_t *process, const struct exec_run *run, int input, int output)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int number = posix_spawnattr_init(&attributes);
    if (number != 0)
        return number;
    number = posix_spawn_file_actions_init(&actions);
    if (number == 0) {
        number = set_signals(&attributes);
        if (number == 0)
            number = set_descriptors(&actions, input, output);
        if (number == 0)
            number = posix_spawnp(process, run->words[0], &actions, &attributes, run->words,
                                  run->variables);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return number;
}

static int fail_start(int number, const char *program, struct pack_error *error)
{
    pack_fail_errno(error, number, "cannot run '%.128s'", program);
    error->code = PACK_E_KEY_STORE;
    return PACK_E_KEY_STORE;
}

static int start(struct child *child, const struct exec_run *run, struct pack_error *error)
{
    PACK_AUTO_CLOSE int input = -1;
    PACK_AUTO_CLOSE int reading = -1;
    PACK_AUTO_CLOSE int writing = -1;
    int ends[2];
    const int code = make_input(&input, run, error);
    if (code != 0)
        return code;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pack_fail_errno(error, errno, "cannot make a pipe");
    reading = ends[0];
    writing = ends[1];
    const int number = spawn(&child->process, run, input, writing);
    if (number != 0) {
        child->process = 0;
        return fail_start(number, run->words[0], error);
    }
    child->output = reading;
    reading = -1;
    return 0;
}

/* --- its end --------------------------------------------------------------------------------- */

static void pause_for(long milliseconds)
{
    const struct timespec time = {.tv_nsec = milliseconds * 1000000};
    nanosleep(&time, NULL);
}

/* Whether it ended before the deadline; -1 in *status where nobody can tell how. */
static bool reap(struct child *child, int64_t deadline, int *status)
{
    for (long pause = 1;; pause = pause < MAX_PAUSE ? 2 * pause : pause) {
        const pid_t got = waitpid(child->process, status, WNOHANG);
        if (got != 0 && (got > 0 || errno != EINTR)) {
            *status = got > 0 ? *status : -1;
            child->process = 0;
            return true;
        }
        if (wait_deadline(0) >= deadline)
            return false;
        pause_for(pause);
    }
}

/* It may tidy up; then it is over. */
static void child_end(struct child *child)
{
    int status = 0;
    pack_close_descriptor(&child->output);
    child->output = -1;
    if (child->process == 0)
        return;
    kill(child->process, SIGTERM);
    if (reap(child, wait_deadline(GRACE_SECONDS), &status))
        return;
    kill(child->process, SIGKILL);
    while (waitpid(child->process, &status, 0) < 0 && errno == EINTR)
        continue;
    child->process = 0;
}

static int fail_late(const struct exec_run *run, struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_STORE, "'%.128s' did not end within %u seconds",
                     run->words[0], run->seconds);
}

static int judge(const struct exec_run *run, int status, struct pack_error *error)
{
    const char *program = run->words[0];
    if (status == 0)
        return 0;
    if (status == -1)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "nobody knows how '%.128s' ended: SIGCHLD is ignored", program);
    if (WIFSIGNALED(status))
        return pack_fail(error, PACK_E_KEY_STORE, "'%.128s' was ended by signal %d (%s)", program,
                         WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
    return pack_fail(error, PACK_E_KEY_STORE, "'%.128s' failed with exit status %d", program,
                     WEXITSTATUS(status));
}

/* --- all ------------------------------------------------------------------------------------- */

/* To the end of its output. */
static int collect(struct pack_buffer *answer, const struct child *child,
                   const struct exec_run *run, int64_t deadline, struct pack_error *error)
{
    for (;;) {
        uint8_t piece[1024];
        bool ready = false;
        int code = wait_for(child->output, POLLIN, deadline, &ready, error);
        if (code != 0)
            return code;
        if (!ready)
            return fail_late(run, error);
        const ssize_t got = read(child->output, piece, sizeof piece);
        if (got == 0)
            return 0;
        if (got < 0)
            return pack_fail_errno(error, errno, "cannot read what '%.128s' prints", run->words[0]);
        if ((size_t)got > answer->limit - answer->size)
            return pack_fail(error, PACK_E_KEY_STORE, "'%.128s' prints more than %zu bytes",
                             run->words[0], answer->limit);
        code = pack_buffer_append(answer, piece, (size_t)got, error);
        if (code != 0)
            return code;
    }
}

int exec_program(struct pack_buffer *answer, const struct exec_run *run, struct pack_error *error)
{
    __attribute__((cleanup(child_end))) struct child child = {.output = -1};
    const int64_t deadline = wait_deadline(run->seconds);
    int status = 0;
    int code = start(&child, run, error);
    if (code == 0)
        code = collect(answer, &child, run, deadline, error);
    if (code != 0)
        return code;
    return reap(&child, deadline, &status) ? judge(run, status, error) : fail_late(run, error);
}
