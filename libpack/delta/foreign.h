/* SPDX-License-Identifier: MIT */
#ifndef DELTA_FOREIGN_H
#define DELTA_FOREIGN_H

/*
 * Patches for devices that are in the field already, in the formats of other tools. They are larger
 * than our own, and say less of their base: bspatch, for one, applies a patch to whatever it gets.
 */

#include "base/bytes.h"
#include "delta/match.h"
#include "pack/delta.h"

/* What a patch is made of. */
struct delta_foreign_job {
    const uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
    const struct delta_covers *covers; /* for formats that use them, else NULL */
    enum pack_delta_level level;
    uint64_t memory; /* most bytes of working memory, beside the two images */
    const struct pack_context *context;
};

struct delta_foreign {
    enum pack_delta_format format;
    const char *name; /* as `--format` has it */
    bool uses_covers;
    uint32_t cost_cover, cost_miss, cost_extra; /* as in struct delta_match_options */
    int (*write)(const struct delta_foreign_job *job, struct pack_buffer *patch,
                 struct pack_error *error);
    /* Applies the patch; PACK_E_INTERNAL when it does not give the new image. */
    int (*check)(const struct delta_foreign_job *job, const uint8_t *patch, size_t size,
                 struct pack_error *error);
};

extern const struct delta_foreign delta_foreign_bsdiff4;
extern const struct delta_foreign delta_foreign_vcdiff;
extern const struct delta_foreign delta_foreign_zstd;

/* NULL for our own format. */
const struct delta_foreign *delta_foreign_find(enum pack_delta_format format);

/*
 * Finds the covers where job->covers is NULL, writes, applies, compares, and only then gives the
 * patch to the sink. The sizes and counts of the report are set; it may be NULL.
 */
int delta_foreign_create(const struct delta_foreign *foreign, const struct delta_foreign_job *job,
                         struct pack_sink *sink, struct pack_delta_report *report,
                         struct pack_error *error);

/* For `check`: PACK_E_INTERNAL, naming the format and the place. */
int delta_foreign_fault(const struct delta_foreign *foreign, uint64_t at, struct pack_error *error);

#endif
