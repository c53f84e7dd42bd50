/* SPDX-License-Identifier: MIT */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

/* The findings of a run, as they are reported through cli_finding. */

#include "cli.h"

PACK_MUST_USE int findings_new(struct findings **findings, struct pack_error *error);
void findings_free(struct findings **findings);

unsigned findings_errors(const struct findings *findings);

/* Adds "findings":[…] to a result where there are any. */
void findings_json(struct findings *findings, struct pack_json *json);

#endif
