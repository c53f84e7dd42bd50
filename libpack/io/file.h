/* SPDX-License-Identifier: MIT */
#ifndef IO_FILE_H
#define IO_FILE_H

/*
 * Descriptors: whole reads and writes, and copies inside the kernel. A stream that has nothing to
 * give or take can hold a thread for ever, so there a signal ends the call (PACK_E_INTERRUPTED):
 * a caller who only wants to note a signal and go on installs its handler with SA_RESTART.
 */

#include "pack/io.h"

/* Closes when it goes out of scope; -1 is none. */
void pack_close_descriptor(int *descriptor);
#define PACK_AUTO_CLOSE __attribute__((cleanup(pack_close_descriptor)))

/* Reads until `size` bytes or the end, from where the descriptor stands. */
PACK_MUST_USE int pack_read_descriptor(int descriptor, void *buffer, size_t size, size_t *got,
                                       struct pack_error *error);
PACK_MUST_USE int pack_write_descriptor(int descriptor, const void *bytes, size_t size,
                                        struct pack_error *error);
PACK_MUST_USE int pack_write_descriptor_at(int descriptor, uint64_t offset, const void *bytes,
                                           size_t size, struct pack_error *error);

/*
 * Copies `size` bytes between files by copy_file_range, which shares blocks where the file system
 * can, or by reading and writing where it cannot. PACK_E_CHANGED when the input ends early.
 */
PACK_MUST_USE int pack_copy_descriptor(int from, uint64_t from_offset, int to, uint64_t to_offset,
                                       uint64_t size, struct pack_error *error);

/* An unnamed file that can seek, for data on its way; in `folder`, or a system folder for NULL. */
PACK_MUST_USE int pack_scratch_open(int *descriptor, const char *folder, struct pack_error *error);

/*
 * An input over a file that can seek, whose descriptor becomes the input's, also on failure;
 * *descriptor is -1 then. The size is that of now.
 */
PACK_MUST_USE int pack_input_adopt(struct pack_input **input, int *descriptor, const char *name,
                                   struct pack_error *error);

/* A sink that writes at an offset, which it moves. The descriptor stays the caller's. */
struct pack_descriptor_sink {
    struct pack_sink sink;
    int descriptor;
    uint64_t offset;
};
struct pack_descriptor_sink pack_descriptor_sink(int descriptor, uint64_t offset);

/* The folder part of a path, "." where it has none; to be freed with free(). */
PACK_MUST_USE int pack_folder_of(char **folder, const char *path, struct pack_error *error);

#endif
