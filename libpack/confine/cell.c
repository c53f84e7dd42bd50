/* SPDX-License-Identifier: MIT */
#include "confine/cell.h"

#include "base/checked.h"
#include "base/memory.h"
#include "confine/confine.h"
#include "confine/lock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Before the bytes that both see: the failure of the last message with a code. */
enum { FAILURE = 4096, LOOK_EVERY = 100 * 1000 /* microseconds, for who wants to stop */ };

_Static_assert(sizeof(struct pack_error) <= FAILURE, "a failure fits before what is shared");

enum { SAY_READY = 0xF00D };

int confine_available(struct pack_error *error)
{
    return filter_available(error);
}

/* --- in the child ---------------------------------------------------------------------------- */

bool cell_take(struct cell_message *message)
{
    ssize_t got = 0;
    do {
        got = read(LOCK_SOCKET, message, sizeof *message);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *message;
}

void cell_say(const struct cell_message *message)
{
    /* Who does not hear it has closed the socket, which the next read tells. */
    while (write(LOCK_SOCKET, message, sizeof *message) < 0 && errno == EINTR)
        continue;
}

void cell_leave_failure(uint8_t *shared, const struct pack_error *error)
{
    memcpy(shared - FAILURE, error, sizeof *error);
}

static __attribute__((noreturn)) void run(const struct cell *cell, const struct cell_work *work,
                                          const struct lock *lock, bool filters)
{
    struct pack_error error = {.code = PACK_OK};
    uint8_t *shared = cell->shared + FAILURE;
    int code = lock_down(lock, &error);
    if (code == 0 && filters)
        code = filter_install(&error);
    cell_leave_failure(shared, &error);
    cell_say(&(struct cell_message){.kind = SAY_READY, .code = code});
    if (code == 0)
        work->run(work->user, shared);
    (void)syscall(SYS_exit_group, 0); /* without the program's own endings */
    __builtin_trap();
}

uint8_t *cell_shared(const struct cell *cell)
{
    return cell->shared + FAILURE;
}

/* --- starting -------------------------------------------------------------------------------- */

/* The addresses that the process has now, from proc(5); 0 where the kernel does not say. */
static uint64_t addresses_in_use(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    char line[128] = "";
    if (fgets(line, sizeof line, file) != NULL)
        pages = strtoull(line, NULL, 10);
    (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int limit_of(const struct cell_work *work, enum pack_confinement confinement,
                    uint64_t *address, struct pack_error *error)
{
    const uint64_t in_use = LOCK_SANITIZED ? 0 : addresses_in_use();
    *address = 0;
    if (LOCK_SANITIZED)
        return 0;
    if (in_use == 0 && confinement == PACK_CONFINE_REQUIRED)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "cannot bound a decoder's memory: /proc/self/statm tells nothing");
    if (in_use != 0 && !pack_add(in_use, work->memory, address))
        return pack_fail(error, PACK_E_LIMIT, "a decoder wants %llu bytes of memory",
                         (unsigned long long)work->memory);
    return 0;
}

static int share(struct cell *cell, size_t size, struct pack_error *error)
{
    if (size > SIZE_MAX - FAILURE)
        return pack_fail_memory(error);
    void *memory =
        mmap(NULL, FAILURE + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return pack_fail_memory(error);
    cell->shared = memory;
    cell->shared_size = FAILURE + size;
    return 0;
}

static int open_sockets(int ends[2], struct pack_error *error)
{
    const struct timeval wait = {.tv_usec = LOOK_EVERY};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return pack_fail_errno(error, errno, "cannot make a socket for a decoder");
    if (setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0)
        return 0;
    const int number = errno;
    close(ends[0]);
    close(ends[1]);
    return pack_fail_errno(error, number, "cannot set up a decoder's socket");
}

static int start(struct cell *cell, const struct cell_work *work, bool filters,
                 enum pack_confinement confinement, struct pack_error *error)
{
    int ends[2] = {-1, -1};
    struct lock lock = {.parent = getpid()};
    int code = share(cell, work->shared_size, error);
    if (code == 0)
        code = limit_of(work, confinement, &lock.address, error);
    if (code == 0)
        code = open_sockets(ends, error);
    if (code != 0)
        return code;
    lock.socket = ends[1];
    cell->socket = ends[0];
    const pid_t pid = fork();
    if (pid == 0)
        run(cell, work, &lock, filters);
    const int number = errno;
    close(ends[1]);
    if (pid < 0)
        return pack_fail_errno(error, number, "cannot start a process for a decoder");
    cell->pid = pid;
    return 0;
}

int cell_start(struct cell *cell, const struct cell_work *work, const struct pack_context *context,
               struct pack_error *error)
{
    struct cell_message ready = {.kind = 0};
    struct pack_error missing = {.code = PACK_OK};
    *cell = (struct cell){.socket = -1};
    const bool filters = filter_available(&missing) == 0;
    if (!filters && context->confinement == PACK_CONFINE_REQUIRED) {
        *error = missing;
        return (int)missing.code;
    }
    int code = start(cell, work, filters, context->confinement, error);
    if (code == 0)
        code = cell_receive(cell, &ready, context, error);
    if (code == 0 && ready.kind != SAY_READY)
        code = cell_nonsense(cell, error);
    if (code == 0 && ready.code != 0) /* nothing has been decoded yet: it can be believed */
        memcpy(error, cell->shared, sizeof *error);
    if (code == 0)
        code = ready.code;
    if (code != 0)
        cell_end(cell);
    return code;
}

/* --- ending ---------------------------------------------------------------------------------- */

/*
 * What has ended keeps how it did. Where somebody else waits for all processes, nothing is killed
 * that may be another one by now.
 */
static void wait_for(struct cell *cell)
{
    pid_t waited = 0;
    if (cell->pid == 0)
        return;
    do {
        waited = waitpid(cell->pid, &cell->status, WNOHANG);
    } while (waited < 0 && errno == EINTR);
    if (waited == 0) {
        kill(cell->pid, SIGKILL);
        do {
            waited = waitpid(cell->pid, &cell->status, 0);
        } while (waited < 0 && errno == EINTR);
    }
    cell->pid = 0;
}

void cell_end(struct cell *cell)
{
    wait_for(cell);
    if (cell->socket >= 0)
        close(cell->socket);
    if (cell->shared != NULL)
        munmap(cell->shared, cell->shared_size);
    *cell = (struct cell){.socket = -1};
}

static const char *name_of(int number, char *text, size_t capacity)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGSYS, "SIGSYS"},   {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},
                 {SIGABRT, "SIGABRT"}, {SIGILL, "SIGILL"},   {SIGFPE, "SIGFPE"},
                 {SIGTRAP, "SIGTRAP"}, {SIGKILL, "SIGKILL"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    snprintf(text, capacity, "signal %d", number);
    return text;
}

static int fail_dead(struct cell *cell, struct pack_error *error)
{
    char text[24];
    /* Its socket is closed, and closing is the last that it can do: it is on its way. */
    wait_for(cell);
    if (WIFSIGNALED(cell->status))
        pack_fail(error, PACK_E_CORRUPT, "the process that decodes it was ended by %s",
                  name_of(WTERMSIG(cell->status), text, sizeof text));
    else
        pack_fail(error, PACK_E_CORRUPT, "the process that decodes it ended with status %d",
                  WEXITSTATUS(cell->status));
    return pack_hint(error, "it is damaged, or made to take over what reads it");
}

int cell_nonsense(struct cell *cell, struct pack_error *error)
{
    wait_for(cell);
    pack_fail(error, PACK_E_CORRUPT, "the process that decodes it no longer does as it should");
    return pack_hint(error, "it is damaged, or made to take over what reads it");
}

/* --- messages -------------------------------------------------------------------------------- */

int cell_send(struct cell *cell, const struct cell_message *message, struct pack_error *error)
{
    ssize_t sent = 0;
    do {
        sent = send(cell->socket, message, sizeof *message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
        return pack_fail_errno(error, errno, "cannot tell a decoder what to do");
    return sent < 0 ? fail_dead(cell, error) : 0;
}

int cell_receive(struct cell *cell, struct cell_message *message,
                 const struct pack_context *context, struct pack_error *error)
{
    for (;;) {
        const ssize_t got = recv(cell->socket, message, sizeof *message, MSG_TRUNC);
        if (got == (ssize_t)sizeof *message)
            return 0;
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return fail_dead(cell, error);
        if (got > 0)
            return cell_nonsense(cell, error);
        if (errno != EAGAIN && errno != EINTR)
            return pack_fail_errno(error, errno, "cannot hear a decoder");
        const int code = pack_check_cancelled(context, error);
        if (code != 0)
            return code;
    }
}

bool cell_has_said(const struct cell *cell)
{
    struct pollfd wanted = {.fd = cell->socket, .events = POLLIN};
    return poll(&wanted, 1, 0) > 0;
}

/* Printable, and ended: it is shown to people and written to logs. */
static void copy_text(char *to, const char *from, size_t size)
{
    memcpy(to, from, size);
    to[size - 1] = '\0';
    for (char *at = to; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            *at = '?';
}

int cell_failure(const struct cell *cell, const struct cell_message *message,
                 struct pack_error *error)
{
    /* Codes say what is done next, so that it may choose of those only that speak of its bytes. */
    static const enum pack_code allowed[] = {PACK_E_CORRUPT, PACK_E_MALFORMED, PACK_E_UNSUPPORTED,
                                             PACK_E_LIMIT,   PACK_E_NO_MEMORY, PACK_E_WRONG_BASE};
    const struct pack_error *said = (const struct pack_error *)(const void *)cell->shared;
    enum pack_code code = PACK_E_CORRUPT;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (message->code == (int32_t)allowed[i])
            code = allowed[i];
    *error = (struct pack_error){.code = code};
    copy_text(error->text, said->text, sizeof error->text);
    copy_text(error->hint, said->hint, sizeof error->hint);
    error->has_offset = said->has_offset;
    error->offset = said->offset;
    if (code == PACK_E_NO_MEMORY)
        return pack_fail(error, PACK_E_LIMIT, "decoding takes more memory than it says");
    return (int)code;
}
