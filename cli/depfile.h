/* SPDX-License-Identifier: MIT */
#ifndef CLI_DEPFILE_H
#define CLI_DEPFILE_H

#include "cli.h"
#include "pack/descriptor.h"

/*
 * Writes "TARGET: INPUT…" in the notation that make includes and ninja reads (as gcc -MD): the
 * descriptor, what it includes, images, attachments, and the file of an SBOM (NULL: none). The
 * caller commits or discards *output.
 */
PACK_MUST_USE int depfile_write(struct cli *cli, struct pack_output **output, const char *path,
                                const char *target, const struct pack_descriptor *descriptor,
                                const char *sbom, struct pack_error *error);

#endif
