/* SPDX-License-Identifier: MIT */
#ifndef IO_PROGRAM_H
#define IO_PROGRAM_H

/* Another program, run without a shell and not for ever. */

#include "base/bytes.h"
#include "pack/error.h"

struct program_run {
    char *const *words;     /* ended by NULL; a name without / is looked for in its own PATH */
    char *const *variables; /* all of its environment, ended by NULL */
    const void *input;      /* its standard input: a file in memory; NULL: empty */
    size_t input_size;
    unsigned seconds;    /* then it and its group are killed */
    enum pack_code code; /* of its failures */
    bool group;          /* in a process group of its own, all of which ends with it */
};

/*
 * Collects standard output in `answer` up to its limit (NULL: it goes nowhere); standard error is
 * ours. `code` where it cannot be started, does not end in time, ends with another status than 0,
 * by a signal, or says too much. The child has no other descriptor of ours, and is waited for.
 * What it leaves running may print for one more second. A signal to us is PACK_E_INTERRUPTED. The
 * program (not what it has started) is killed when the thread that started it ends, so also when we
 * are killed.
 */
PACK_MUST_USE int program_run(struct pack_buffer *answer, const struct program_run *run,
                              struct pack_error *error);

/*
 * The same, fed through a pipe while it runs: slots that are programs. The caller writes what it
 * takes, then ends it. The words live as long as the pipe; the input is not used, standard output
 * goes nowhere. Its seconds pass while we wait for it, not while it waits for us. When we are
 * killed it goes on to the end of its input.
 */
struct program_pipe;
PACK_MUST_USE int program_pipe_open(struct program_pipe **pipe, const struct program_run *run,
                                    struct pack_error *error);
/* `code` also when its deadline passes, or it ended before it took all. */
PACK_MUST_USE int program_pipe_write(struct program_pipe *pipe, const void *bytes, size_t size,
                                     struct pack_error *error);
/* Closes its input, waits for it, judges how it ended: with bytes not taken is a failure. */
PACK_MUST_USE int program_pipe_end(struct program_pipe *pipe, struct pack_error *error);
/* Kills what still runs, and frees. */
void program_pipe_close(struct program_pipe **pipe);

#endif
