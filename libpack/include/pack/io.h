/* SPDX-License-Identifier: MIT */
#ifndef PACK_IO_H
#define PACK_IO_H

/*
 * Bytes in and out. An input yields bytes by offset, a sink takes them in order, an output is a
 * file that appears whole or not at all. Inputs and sinks are tiny interfaces: an implementation
 * embeds the struct as its first member.
 */

#include "pack/error.h"

PACK_BEGIN_DECLS

/* --- input ------------------------------------------------------------------------------- */

struct pack_input;

struct pack_input_ops {
    /* Reads until `size` bytes or the end; *got is smaller only at the end. */
    int (*read_at)(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                   size_t *got, struct pack_error *error);
    void (*close)(struct pack_input *input);
};

struct pack_input {
    const struct pack_input_ops *ops;
    const char *name; /* for messages, "standard input" for a pipe */
    bool seekable;    /* false: offsets may only grow (what is passed over is gone) */
    bool has_size;    /* whether `size` is known */
    /* Bytes, as it was at open: reads notice when it shrinks. Of a pipe: when its end was met. */
    uint64_t size;
    /*
     * Whether a read of what was read before gives the same bytes or PACK_E_CHANGED, so that who
     * has hashed them need not do so again.
     */
    bool repeats;
};

/*
 * Opens PATH for reading, or standard input for "-". Folders are refused (PACK_E_USAGE). A file
 * that can seek is read by pread; another one forward only. Owned by the caller.
 */
PACK_API PACK_MUST_USE int pack_input_open(struct pack_input **input, const char *path,
                                           struct pack_error *error);
/* The same for a regular file only, whatever its name; a pipe is refused without waiting for it. */
PACK_API PACK_MUST_USE int pack_input_open_regular(struct pack_input **input, const char *path,
                                                   struct pack_error *error);
/* An input over `size` bytes that stay the caller's and must outlive it. */
PACK_API PACK_MUST_USE int pack_input_memory(struct pack_input **input, const void *bytes,
                                             size_t size, const char *name,
                                             struct pack_error *error);
/* The same bytes, but in order only, as from a pipe. For tests. */
PACK_API PACK_MUST_USE int pack_input_forward(struct pack_input **input, struct pack_input *inner,
                                              struct pack_error *error);
PACK_API PACK_MUST_USE int pack_input_read(struct pack_input *input, uint64_t offset, void *buffer,
                                           size_t size, size_t *got, struct pack_error *error);
/* All `size` bytes or a failure: `code` with the offset when the input ends before them. */
PACK_API PACK_MUST_USE int pack_input_exact(struct pack_input *input, uint64_t offset, void *buffer,
                                            size_t size, enum pack_code code,
                                            struct pack_error *error);
PACK_API void pack_input_close(struct pack_input **input);
/* The file descriptor behind it, or -1. Stays the input's. */
PACK_API int pack_input_descriptor(const struct pack_input *input);

/* --- sink -------------------------------------------------------------------------------- */

struct pack_sink;

struct pack_sink_ops {
    int (*write)(struct pack_sink *sink, const void *bytes, size_t size, struct pack_error *error);
};

struct pack_sink {
    const struct pack_sink_ops *ops;
};

PACK_API PACK_MUST_USE int pack_sink_write(struct pack_sink *sink, const void *bytes, size_t size,
                                           struct pack_error *error);

/* --- output ------------------------------------------------------------------------------ */

/*
 * A file in the making: written beside its place, then synced, renamed and its folder synced by
 * commit; closing without commit leaves nothing. "-" is standard output; that, a device or a
 * FIFO is written directly, and never renamed over.
 */
struct pack_output;

enum pack_output_flags {
    PACK_OUTPUT_DEFAULT = 0,
    PACK_OUTPUT_NEW = 1,      /* never replace: PACK_E_EXISTS when the path exists */
    PACK_OUTPUT_PRIVATE = 2,  /* mode 0600 from the first instant, whatever the umask */
    PACK_OUTPUT_SEEKABLE = 4, /* the descriptor can seek; a direct output is staged, then copied */
};

/*
 * Refused with PACK_E_USAGE: a folder, a symbolic link to a file (name the file itself), and the
 * same file as `input` where that is not NULL.
 */
PACK_API PACK_MUST_USE int pack_output_open(struct pack_output **output, const char *path,
                                            unsigned flags, const struct pack_input *input,
                                            struct pack_error *error);
/* The output as a sink; it stays the output's. Holes of zeros are not detected: bytes are bytes. */
PACK_API struct pack_sink *pack_output_sink(struct pack_output *output);
/* The descriptor of the file in the making; with PACK_OUTPUT_SEEKABLE it can seek. */
PACK_API int pack_output_descriptor(const struct pack_output *output);
PACK_API PACK_MUST_USE int pack_output_write_at(struct pack_output *output, uint64_t offset,
                                                const void *bytes, size_t size,
                                                struct pack_error *error);
/* An unnamed file for data on its way, where the output's own bytes are kept. The caller's. */
PACK_API PACK_MUST_USE int pack_output_scratch(const struct pack_output *output, int *descriptor,
                                               struct pack_error *error);
/* Gives the file its name, and frees the output whether it succeeds or not. */
PACK_API PACK_MUST_USE int pack_output_commit(struct pack_output **output,
                                              struct pack_error *error);
/*
 * The same for several files: all of them get their names, or, where one fails, those that are new
 * lose theirs again. A file that was replaced by then stays replaced.
 */
PACK_API PACK_MUST_USE int pack_output_commit_all(struct pack_output **outputs, size_t count,
                                                  struct pack_error *error);
/* Leaves nothing behind. */
PACK_API void pack_output_discard(struct pack_output **output);

/* --- whole files --------------------------------------------------------------------------- */

/*
 * Reads all of PATH ("-" for standard input) into *bytes, at most `limit` bytes (PACK_E_LIMIT
 * beyond). A zero byte follows the content. Free with free().
 */
PACK_API PACK_MUST_USE int pack_read_file(void **bytes, size_t *size, const char *path,
                                          uint64_t limit, struct pack_error *error);
/* Writes PATH whole or not at all, by pack_output. */
PACK_API PACK_MUST_USE int pack_write_file(const char *path, unsigned flags, const void *bytes,
                                           size_t size, struct pack_error *error);

PACK_END_DECLS

#endif
