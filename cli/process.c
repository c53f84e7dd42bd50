/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The only variable of the program that is not passed down: a signal handler has no argument. */
static atomic_bool interrupted;

/* The thread that a name in /proc/self/task stands for, 0 for "." and "..". */
static pid_t thread_of(const char *name)
{
    pid_t thread = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        thread = thread * 10 + (*name - '0');
    return thread;
}

/*
 * The system gives a signal to one thread, but it may be another one that waits for ever in a
 * read. Which threads there are only the system knows, for they are the library's. Nothing but
 * system calls here, for a signal handler may do no more.
 */
static void wake_threads(void)
{
    alignas(struct dirent64) char entries[2048];
    ssize_t size = 0;
    const int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (folder >= 0 && (size = getdents64(folder, entries, sizeof entries)) > 0)
        for (ssize_t at = 0; at < size;) {
            const struct dirent64 *entry = (const void *)(entries + at);
            const pid_t thread = thread_of(entry->d_name);
            if (thread != 0 && thread != gettid())
                tgkill(getpid(), thread, SIGALRM);
            at += entry->d_reclen;
        }
    if (folder >= 0)
        close(folder);
}

/*
 * Noted, and repeated by the clock: a signal that falls between the last look at the note and a
 * read would else be lost.
 */
static void note_signal(int number, siginfo_t *information, void *context)
{
    const int before = errno;
    (void)number;
    (void)context;
    atomic_store(&interrupted, true);
    if (information->si_code != SI_TKILL) { /* not from wake_threads */
        wake_threads();
        alarm(1);
    }
    errno = before;
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
        struct sigaction action = {.sa_flags = SA_SIGINFO}, old = {.sa_flags = 0};
        action.sa_sigaction = note_signal;
        sigfillset(&action.sa_mask);
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    /* A closed pipe and a file that may not grow are errors of the call that met them. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void process_prepare(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    occupy_standard_streams();
    catch_signals();
}
