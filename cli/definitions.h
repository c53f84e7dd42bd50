/* SPDX-License-Identifier: MIT */
#ifndef CLI_DEFINITIONS_H
#define CLI_DEFINITIONS_H

/* -D NAME=VALUE and --allow-outside, for every command that reads a descriptor. */

#include "command.h"

#include "pack/descriptor.h"

/* `options` names *definitions, which the caller frees after it. */
PACK_MUST_USE int definitions_read(const struct arguments *arguments,
                                   struct pack_definition **definitions,
                                   struct pack_descriptor_options *options,
                                   struct pack_error *error);
/* Frees the names too. */
void definitions_free(struct pack_definition **definitions);

#endif
