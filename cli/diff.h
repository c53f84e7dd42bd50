/* SPDX-License-Identifier: MIT */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

/* How an image differs from another, in numbers and as a map. */

#include "cli.h"
#include "diff_meta.h"

#include "pack/delta.h"
#include "pack/io.h"

enum { DIFF_COLUMNS = 64, DIFF_ROWS = 48, DIFF_CELLS = DIFF_COLUMNS * DIFF_ROWS };

struct diff_image {
    const char *name, *old_name; /* for people; the caller's */
    uint64_t old_size, new_size;
    uint8_t old_sha256[PACK_SHA256_SIZE], new_sha256[PACK_SHA256_SIZE];
    bool same;
    /* Where they are not the same. */
    uint64_t cell_size;            /* bytes of the opened new image in a cell */
    struct pack_delta_cell *cells; /* DIFF_CELLS of them */
    struct pack_delta_cell total;
    struct pack_delta_report report; /* of a delta of the default level */
};

/* Compares two images, whose names and inputs are the caller's. */
PACK_MUST_USE int diff_image(struct diff_image *image, struct pack_input *old_image,
                             struct pack_input *new_image, const struct pack_context *context,
                             struct pack_error *error);
void diff_image_clear(struct diff_image *image);

/* What is said of each change: "moved". */
const char *diff_change_name(enum pack_delta_change change);
const char *diff_change_meaning(enum pack_delta_change change);

/* One page with what else changed, and a map of each image; no scripts, nothing from elsewhere. */
PACK_MUST_USE int diff_html(struct pack_sink *sink, const char *old_name, const char *new_name,
                            const struct diff_meta *meta, const struct diff_image *images,
                            size_t count, struct pack_error *error);

#endif
