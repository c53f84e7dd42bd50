/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_DESCRIPTOR_FINDINGS_H
#define DOCUMENT_DESCRIPTOR_FINDINGS_H

/* Findings as they come, handed over in the order of the files. */

#include "base/memory.h"
#include "pack/descriptor.h"

/* Beyond this many the rest is counted only. */
#define PACK_MAX_FINDINGS 1000

struct pack_finding {
    struct pack_error error;
    bool is_error;
    size_t source;   /* which file, in the order in which they were read */
    size_t sequence; /* when it came */
};

struct pack_findings {
    size_t count;
    size_t capacity;
    size_t dropped;
    size_t errors; /* the dropped ones too */
    bool out_of_memory;
    struct pack_finding *entries;
    struct pack_finding spare; /* takes what has no room, so that adding cannot fail */
};

void pack_findings_clear(struct pack_findings *findings);

/* Adds one, and gives its copy, for a hint. It has a place already. */
struct pack_error *pack_findings_add(struct pack_findings *findings, bool is_error, size_t source,
                                     const struct pack_error *finding);

/*
 * Reports all by file, line and column. With an error among them the result is PACK_E_DESCRIPTOR,
 * and `error` the first.
 */
PACK_MUST_USE int pack_findings_report(struct pack_findings *findings, pack_finding_fn report,
                                       void *user, struct pack_error *error);

#endif
