/* SPDX-License-Identifier: MIT */
/*
 * launch REPORT SECONDS PROGRAM [ARGUMENT…]: runs a program and writes what it cost to REPORT, as
 * "status user system wall memory": its exit status (128 + N for signal N, -1 when it was stopped
 * after SECONDS), seconds, and KiB of its largest process. Memory counts from before the program
 * starts, so that what starts it must be small; Python is not.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;
static volatile sig_atomic_t late;

static void stop(int number)
{
    (void)number;
    late = 1;
    kill(-child, SIGKILL);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run(char **command, unsigned limit, struct rusage *usage)
{
    int status = 0;
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0)
        return 127;
    setpgid(child, child);
    signal(SIGALRM, stop);
    alarm(limit);
    while (wait4(child, &status, 0, usage) < 0)
        continue;
    if (late != 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int count, char **arguments)
{
    struct rusage usage = {0};
    if (count < 4)
        return 2;
    const double start = now();
    const int status = run(arguments + 3, (unsigned)atoi(arguments[2]), &usage);
    const double wall = now() - start;
    FILE *report = fopen(arguments[1], "w");
    if (report == NULL)
        return 1;
    fprintf(report, "%d %.6f %.6f %.6f %ld\n", status, seconds_of(usage.ru_utime),
            seconds_of(usage.ru_stime), wall, usage.ru_maxrss);
    return fclose(report) == 0 ? 0 : 1;
}
