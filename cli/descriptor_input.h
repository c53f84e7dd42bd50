/* SPDX-License-Identifier: MIT */
#ifndef CLI_DESCRIPTOR_INPUT_H
#define CLI_DESCRIPTOR_INPUT_H

/* A descriptor for a command: GROUP_DESCRIPTOR as options, and the reading with all its checks. */

#include "command.h"

#include "pack/descriptor.h"

/* `options` names *definitions, which the caller frees after it. */
PACK_MUST_USE int definitions_read(const struct arguments *arguments,
                                   struct pack_definition **definitions,
                                   struct pack_descriptor_options *options,
                                   struct pack_error *error);
/* Frees the names too. */
void definitions_free(struct pack_definition **definitions);

/*
 * Reads a descriptor and checks the files that it names. A descriptor with faults gets its files
 * checked too, so that one run reports everything: first what is wrong in the descriptor, then
 * what is wrong with the files. *descriptor is NULL after any failure.
 */
PACK_MUST_USE int descriptor_load(struct pack_descriptor **descriptor, const char *path,
                                  const struct pack_descriptor_options *options,
                                  const struct pack_context *context, pack_finding_fn report,
                                  void *user, struct pack_error *error);

#endif
