/* SPDX-License-Identifier: MIT */
#include "confine/lock.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The parent may have ended before the child could say that it ends with it. */
static int follow_parent(pid_t parent, struct pack_error *error)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return pack_fail_errno(error, errno, "cannot tie a process to its parent");
    if (getppid() != parent)
        return pack_fail(error, PACK_E_INTERRUPTED, "the parent has ended");
    return 0;
}

/*
 * What is sent to all processes of a terminal or a service is for the parent to answer. No handler
 * of the parent's is left.
 */
static void leave_signals(void)
{
    static const int others[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGTERM, SIGPIPE, SIGALRM,
                                 SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGTSTP};
    sigset_t none;
    for (int number = 1; number < SIGRTMIN; number++)
        (void)signal(number, SIG_DFL);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        (void)signal(others[i], SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* -1 for "." and "..". */
static int number_of(const char *name)
{
    int number = *name != '\0' ? 0 : -1;
    for (; number >= 0 && *name != '\0'; name++)
        number = *name >= '0' && *name <= '9' ? number * 10 + (*name - '0') : -1;
    return number;
}

/* Kernels before 5.9 have no close_range. */
static int close_listed(struct pack_error *error)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return pack_fail_errno(error, errno, "cannot tell which files are open");
    const int own = dirfd(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const int number = number_of(entry->d_name);
        if (number >= 0 && number != LOCK_SOCKET && number != own)
            (void)close(number);
    }
    (void)closedir(folder);
    return 0;
}

static int leave_files(int socket, struct pack_error *error)
{
    if (socket != LOCK_SOCKET && dup2(socket, LOCK_SOCKET) < 0)
        return pack_fail_errno(error, errno, "cannot keep a socket");
#ifdef SYS_close_range
    if (syscall(SYS_close_range, LOCK_SOCKET + 1, ~0U, 0U) == 0)
        return 0;
#endif
    return close_listed(error);
}

/* A limit that is lower already cannot be raised to ours, and need not be (EPERM). */
static int limit(const struct lock *lock, struct pack_error *error)
{
    const struct {
        int resource;
        uint64_t most;
    } limits[] = {{RLIMIT_NOFILE, 0},
                  {RLIMIT_FSIZE, 0},
                  {RLIMIT_NPROC, 0},
                  {RLIMIT_CORE, 0},
                  {RLIMIT_AS, lock->address}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct rlimit most = {limits[i].most, limits[i].most};
        if (limits[i].resource == RLIMIT_AS && lock->address == 0)
            continue;
        if (setrlimit(limits[i].resource, &most) != 0 && errno != EPERM)
            return pack_fail_errno(error, errno, "cannot limit a process");
    }
    return 0;
}

/* Where the parent is root: nothing that is allowed asks for them, so that a failure is none. */
static void leave_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    (void)syscall(SYS_capset, &header, none);
}

int lock_down(const struct lock *lock, struct pack_error *error)
{
    int code = follow_parent(lock->parent, error);
    leave_signals();
    if (code == 0)
        code = leave_files(lock->socket, error);
    if (code == 0)
        code = limit(lock, error);
    leave_capabilities();
    /* Neither traced nor read by others of the same user; and no core with what it has seen. */
    if (code == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        code = pack_fail_errno(error, errno, "cannot hide a process's memory");
    if (code == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        code = pack_fail_errno(error, errno, "cannot give up privileges");
    return code;
}
