/* SPDX-License-Identifier: MIT */
#ifndef CLI_DEPFILE_H
#define CLI_DEPFILE_H

#include "pack/descriptor.h"

/*
 * Writes "TARGET: INPUT…" in the notation that make includes and ninja reads (as gcc -MD): the
 * descriptor, what it includes, images and attachments.
 */
PACK_MUST_USE int depfile_write(const char *path, const char *target,
                                const struct pack_descriptor *descriptor, struct pack_error *error);

#endif
