/* SPDX-License-Identifier: MIT */
#include "io/program.h"

#include "io/file.h"
#include "io/program_process.h"
#include "io/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LATE_SECONDS = 1 }; /* how long others may print after the program's end */

/* A file in memory, not a pipe: a program that reads nothing is then no fault. */
static int make_input(int *input, const struct program_run *run, struct pack_error *error)
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

/* *reading is -1 where nobody reads. */
static int make_output(int *reading, int *writing, bool wanted, struct pack_error *error)
{
    int ends[2] = {-1, -1};
    if (!wanted)
        ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    else if (pipe2(ends, O_CLOEXEC) != 0)
        return pack_fail_errno(error, errno, "cannot make a pipe");
    if (ends[1] < 0)
        return pack_fail_errno(error, errno, "cannot open /dev/null");
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}

static int start(struct program_process *process, int *output, bool wanted,
                 const struct program_run *run, struct pack_error *error)
{
    PACK_AUTO_CLOSE int input = -1;
    PACK_AUTO_CLOSE int writing = -1;
    int code = make_input(&input, run, error);
    if (code == 0)
        code = make_output(output, &writing, wanted, error);
    return code != 0 ? code : program_start(process, run, input, writing, true, error);
}

static int read_some(struct pack_buffer *answer, int output, const struct program_run *run,
                     bool *end, struct pack_error *error)
{
    uint8_t piece[4096];
    const ssize_t got = read(output, piece, sizeof piece);
    if (got < 0)
        return pack_fail_errno(error, errno, "cannot read what '%.128s' prints", run->words[0]);
    if ((size_t)got > answer->limit - answer->size)
        return pack_fail(error, run->code, "'%.128s' prints more than %zu bytes", run->words[0],
                         answer->limit);
    *end = got == 0;
    return pack_buffer_append(answer, piece, (size_t)got, error);
}

/*
 * To the end of its output, which comes with the program's own unless another process holds it
 * open: that one is not waited for.
 */
static int collect(struct pack_buffer *answer, int output, struct program_process *process,
                   const struct program_run *run, int64_t deadline, struct pack_error *error)
{
    int64_t until = deadline;
    bool end = false;
    while (!end) {
        bool ready = false;
        if (until == deadline && program_has_ended(process) &&
            wait_deadline(LATE_SECONDS) < deadline)
            until = wait_deadline(LATE_SECONDS);
        int code = program_wait(process, output, POLLIN, until, &ready, error);
        if (code == 0 && ready)
            code = read_some(answer, output, run, &end, error);
        if (code != 0)
            return code;
        if (!end && wait_now() >= until)
            return program_has_ended(process) ? 0 : program_fail_late(run, error);
    }
    return 0;
}

int program_run(struct pack_buffer *answer, const struct program_run *run, struct pack_error *error)
{
    PROGRAM_AUTO struct program_process process = {.number = 0};
    PACK_AUTO_CLOSE int output = -1;
    const int64_t deadline = wait_deadline(run->seconds);
    int code = start(&process, &output, answer != NULL, run, error);
    if (code == 0 && answer != NULL)
        code = collect(answer, output, &process, run, deadline, error);
    return code != 0 ? code : program_finish(&process, run, deadline, error);
}
