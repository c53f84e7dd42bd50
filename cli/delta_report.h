/* SPDX-License-Identifier: MIT */
#ifndef CLI_DELTA_REPORT_H
#define CLI_DELTA_REPORT_H

/* What is told of a patch: after it was made, and by `inspect`. */

#include "cli.h"

#include "pack/delta.h"

/* "12.3 %": `part` of `whole`. */
struct share {
    char text[16];
};
struct share share_of(uint64_t part, uint64_t whole);

/* Where a patch's bytes went, each line behind `indent` blanks. */
void delta_report_print(struct cli *cli, int indent, const struct pack_delta_report *report);
/* The same as members of the object that stands open. */
void delta_report_json(struct pack_json *json, const struct pack_delta_report *report);

#endif
