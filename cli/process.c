/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The only variable of the program that is not passed down: a signal handler has no argument. */
static atomic_bool interrupted;

/*
 * Noted, and repeated by the clock: a signal that falls between the last look at the note and a
 * read that waits for ever would else be lost.
 */
static void note_signal(int number)
{
    (void)number;
    atomic_store(&interrupted, true);
    alarm(1);
}

bool process_interrupted(void)
{
    return atomic_load(&interrupted);
}

/*
 * Opened the wrong way round, so that reading from a closed standard input and writing to a
 * closed standard output fail, as they would have on the closed descriptor.
 */
static void occupy_standard_streams(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) != -1)
            continue;
        const int mode = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (open("/dev/null", mode) < 0 && open("/", O_PATH) < 0)
            _exit(1);
    }
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {.sa_handler = SIG_DFL}, old = {.sa_handler = SIG_DFL};
        action.sa_handler = note_signal;
        sigemptyset(&action.sa_mask);
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

void process_prepare(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    occupy_standard_streams();
    catch_signals();
}
