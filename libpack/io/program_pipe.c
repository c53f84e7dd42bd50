/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "io/file.h"
#include "io/program_process.h"
#include "io/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * We keep the reading end open too: so no write of ours ever meets a pipe without a reader, and
 * SIGPIPE, which is the whole process's to handle, never comes; and when the program has ended,
 * what it did not take is still there to be counted.
 */
struct program_pipe {
    struct program_run run; /* only its words are still there */
    struct program_process process;
    int reading, writing;
    int64_t left; /* milliseconds for which it may still be waited */
};

static int start(struct program_pipe *pipe, struct pack_error *error)
{
    PACK_AUTO_CLOSE int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int ends[2] = {-1, -1};
    if (nowhere < 0)
        return pack_fail_errno(error, errno, "cannot open /dev/null");
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pack_fail_errno(error, errno, "cannot make a pipe");
    pipe->reading = ends[0];
    pipe->writing = ends[1];
    /* Our end alone: the program's is as it expects it. */
    if (fcntl(pipe->writing, F_SETFL, O_NONBLOCK) != 0)
        return pack_fail_errno(error, errno, "cannot make a pipe");
    /* The thread that begins to feed it may not be the one that ends it; it sees its input's end.
     */
    return program_start(&pipe->process, &pipe->run, pipe->reading, nowhere, false, error);
}

int program_pipe_open(struct program_pipe **pipe, const struct program_run *run,
                      struct pack_error *error)
{
    PACK_AUTO(program_pipe_close) struct program_pipe *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    *made = (struct program_pipe){
        .run = *run, .reading = -1, .writing = -1, .left = (int64_t)run->seconds * 1000};
    code = start(made, error);
    if (code == 0)
        *pipe = pack_steal(&made);
    return code;
}

static int fail_early(const struct program_pipe *pipe, struct pack_error *error)
{
    const int code = program_judge(&pipe->process, &pipe->run, error);
    return code != 0 ? code
                     : pack_fail(error, pipe->run.code, "'%.128s' ended before it took all",
                                 pipe->run.words[0]);
}

/* Room for at least one byte. */
static int wait_for_room(struct program_pipe *pipe, int64_t deadline, struct pack_error *error)
{
    bool ready = false;
    while (!ready) {
        if (program_has_ended(&pipe->process))
            return fail_early(pipe, error);
        const int code =
            program_wait(&pipe->process, pipe->writing, POLLOUT, deadline, &ready, error);
        if (code != 0)
            return code;
        if (!ready && wait_now() >= deadline)
            return program_fail_late(&pipe->run, error);
    }
    return 0;
}

static int write_all(struct program_pipe *pipe, const uint8_t *bytes, size_t size, int64_t deadline,
                     struct pack_error *error)
{
    while (size > 0) {
        const int code = wait_for_room(pipe, deadline, error);
        if (code != 0)
            return code;
        const ssize_t written = write(pipe->writing, bytes, size);
        if (written < 0 && errno != EAGAIN && errno != EINTR) {
            pack_fail_errno(error, errno, "cannot write to '%.128s'", pipe->run.words[0]);
            error->code = pipe->run.code;
            return (int)pipe->run.code;
        }
        bytes += written > 0 ? written : 0;
        size -= (size_t)(written > 0 ? written : 0);
    }
    return 0;
}

int program_pipe_write(struct program_pipe *pipe, const void *bytes, size_t size,
                       struct pack_error *error)
{
    const int64_t deadline = wait_now() + pipe->left;
    const int code = write_all(pipe, bytes, size, deadline, error);
    pipe->left = deadline - wait_now();
    return code;
}

int program_pipe_end(struct program_pipe *pipe, struct pack_error *error)
{
    int untaken = 0;
    pack_close_descriptor(&pipe->writing);
    pipe->writing = -1;
    const int code = program_finish(&pipe->process, &pipe->run, wait_now() + pipe->left, error);
    if (code != 0)
        return code;
    if (ioctl(pipe->reading, FIONREAD, &untaken) != 0)
        return pack_fail_errno(error, errno, "cannot look into a pipe");
    return untaken != 0 ? fail_early(pipe, error) : 0;
}

void program_pipe_close(struct program_pipe **pipe)
{
    struct program_pipe *closed = *pipe;
    if (closed == NULL)
        return;
    program_stop(&closed->process);
    pack_close_descriptor(&closed->writing);
    pack_close_descriptor(&closed->reading);
    free(closed);
    *pipe = NULL;
}
