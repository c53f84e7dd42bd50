/* SPDX-License-Identifier: MIT */
#include "io/file.h"
#include "io/program_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER = 3, FIRST_OTHER };

/* All that the child needs, worked out before there is one: it may call little. */
struct start {
    const struct program_run *run;
    char path[PATH_MAX];
    int input, output, answer; /* none is below FIRST_OTHER */
    bool bound;                /* to the thread that starts it */
    pid_t parent;
};

/* --- in the child: what is safe in a signal handler, as nothing else is after a thread's fork ---
 */

/* Signals are as a program expects them, though we may handle, ignore or block some. */
static int restore_signals(void)
{
    sigset_t none;
    struct sigaction action;
    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &action) == 0 &&
            (action.sa_handler != SIG_IGN || number == SIGPIPE))
            (void)signal(number, SIG_DFL);
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? 0 : errno;
}

static int set_descriptors(const struct start *start)
{
    if (dup2(start->input, STDIN_FILENO) < 0 || dup2(start->output, STDOUT_FILENO) < 0 ||
        dup3(start->answer, ANSWER, O_CLOEXEC) < 0)
        return errno;
    closefrom(FIRST_OTHER);
    return 0;
}

/*
 * The parent may be killed, which it cannot tell anybody, and may have been already. The program
 * does not go on without it: its deadline is the parent's to keep.
 */
static int follow_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return errno;
    return getppid() == parent ? 0 : ESRCH;
}

static __attribute__((noreturn)) void become(const struct start *start)
{
    int number = set_descriptors(start);
    if (number == 0 && start->bound)
        number = follow_parent(start->parent);
    if (number == 0 && start->run->group && setpgid(0, 0) != 0)
        number = errno;
    if (number == 0)
        number = restore_signals();
    if (number == 0) {
        execve(start->path, start->run->words, start->run->variables);
        number = errno;
    }
    (void)!write(ANSWER, &number, sizeof number);
    (void)syscall(SYS_exit_group, 127); /* the child alone, without the program's own endings */
    __builtin_trap();
}

/* --- in the parent --------------------------------------------------------------------------- */

static const char *path_of(char *const *variables)
{
    for (; *variables != NULL; variables++)
        if (strncmp(*variables, "PATH=", 5) == 0)
            return *variables + 5;
    return "/usr/bin:/bin";
}

/* By the child's own PATH, not by that of whoever started us. errno's value, or 0. */
static int find_program(char path[PATH_MAX], const struct program_run *run)
{
    const char *name = run->words[0];
    if (strchr(name, '/') != NULL)
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? 0 : ENAMETOOLONG;
    for (const char *folders = path_of(run->variables); *folders != '\0';) {
        const size_t length = strcspn(folders, ":");
        if (length > 0 && length < PATH_MAX &&
            snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folders, name) < PATH_MAX &&
            access(path, X_OK) == 0)
            return 0;
        folders += length + (folders[length] == ':');
    }
    return ENOENT;
}

/* Where ours were closed, what is to become a standard stream may be another one yet. */
static int copy_above(int *copy, int descriptor)
{
    *copy = fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_OTHER);
    return *copy < 0 ? errno : 0;
}

/* errno's value where it could not become the program, or 0: then the pipe closes without a word.
 */
static int hear(int answer)
{
    int number = 0;
    ssize_t got = 0;
    do
        got = read(answer, &number, sizeof number);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof number ? number : 0;
}

static void bury(pid_t child)
{
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* No handler of ours runs in the child, which would take a signal that is meant for the program. */
static pid_t fork_quietly(const struct start *start)
{
    sigset_t all, old;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    const pid_t child = fork();
    if (child == 0)
        become(start);
    const int number = errno;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = number;
    return child;
}

/* errno's value, or 0. */
static int spawn(pid_t *child, struct start *start)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    PACK_AUTO_CLOSE int hearing = ends[0];
    PACK_AUTO_CLOSE int saying = ends[1];
    PACK_AUTO_CLOSE int answer = -1;
    int number = copy_above(&answer, saying);
    if (number != 0)
        return number;
    start->answer = answer;
    const pid_t made = fork_quietly(start);
    if (made < 0)
        return errno;
    pack_close_descriptor(&saying);
    pack_close_descriptor(&answer);
    number = hear(hearing);
    if (number != 0)
        bury(made);
    else
        *child = made;
    return number;
}

static int fail_start(const struct program_run *run, int number, struct pack_error *error)
{
    const char *name = run->words[0];
    pack_fail_errno(error, number, "cannot run '%.128s'", name);
    error->code = run->code;
    if (number == ENOEXEC)
        pack_hint(error, "a script begins with the program that reads it: #!/bin/sh");
    if (number == EACCES)
        pack_hint(error, "chmod +x makes a file a program");
    if (number == ENOENT && strchr(name, '/') == NULL)
        pack_hint(error, "it is looked for in %.200s", path_of(run->variables));
    if (number == ENOENT && access(name, F_OK) == 0)
        pack_hint(error, "it is there: what its first line (#!) names is not");
    return (int)error->code;
}

int program_start(struct program_process *process, const struct program_run *run, int input,
                  int output, bool bound, struct pack_error *error)
{
    struct start start = {.run = run, .bound = bound, .parent = getpid()};
    PACK_AUTO_CLOSE int own_input = -1;
    PACK_AUTO_CLOSE int own_output = -1;
    int number = find_program(start.path, run);
    if (number == 0)
        number = copy_above(&own_input, input);
    if (number == 0)
        number = copy_above(&own_output, output);
    start.input = own_input;
    start.output = own_output;
    if (number == 0)
        number = spawn(&process->number, &start);
    process->group = run->group;
    if (number == 0)
        return 0;
    process->number = 0;
    return fail_start(run, number, error);
}
