/* SPDX-License-Identifier: MIT */
#ifndef PATCH_BODY_H
#define PATCH_BODY_H

/*
 * The body of a patch, written once for both directions: covers and layout first, then the bytes
 * of the new image in order. docs/delta-format.md is the normative text.
 */

#include "patch/model.h"
#include "patch/predict.h"

#define PATCH_RECENT_SHIFTS 8

struct patch_source {
    patch_old_function read; /* of the old image; false on failure */
    void *user;
    patch_offset size;
    /* In place: bytes of the new image that follow those of the old one, see in_place.h; else 0. */
    patch_offset more;
};

struct patch_body {
    /* Set by the caller before patch_body_begin. */
    const struct patch_model_kind *kind;
    void *model;
    struct patch_coder *coder;
    struct patch_source old;
    patch_offset new_size;
    struct patch_covers covers;
    struct patch_layout layout;
    size_t window;   /* bytes of output in one step */
    uint8_t *buffer; /* patch_body_buffer(window) bytes */

    /* Private. */
    struct patch_predictor predictor;
    struct patch_place place;
    patch_offset end;      /* of the image, or of the page that is being made */
    size_t cover;          /* the one that holds the place, or the next one */
    patch_offset cover_at; /* of the current window, inside the cover */
    size_t carry;          /* bytes of the next window that belong to a field of the last one */
    unsigned level;        /* of the next run */
    bool failed;           /* the old image could not be read */
};

size_t patch_body_buffer(size_t window);

/* Counts that the header names, and room for them. */
struct patch_tables {
    struct patch_cover *covers;
    size_t cover_count;
    struct patch_range *old_ranges, *new_ranges;
    size_t old_range_count, new_range_count;
    struct patch_region *regions;
    size_t region_count;
    void *work; /* PATCH_TABLES_WORK bytes, aligned to 8, for patch_code_tables alone */
};

#define PATCH_TABLES_WORK 2304

/*
 * Codes the tables: what the pointers hold is written, or they are filled. PATCH_MALFORMED for
 * covers outside of the images or out of order.
 */
enum patch_status patch_code_tables(struct patch_coder *coder, struct patch_tables *tables,
                                    const struct patch_source *old, patch_offset new_size);

void patch_body_begin(struct patch_body *body);

/* In place: the steps to come make bytes [start, end) of the new image. */
void patch_body_page(struct patch_body *body, patch_offset start, patch_offset end);

/*
 * Codes the next bytes of the new image, at most `window` of them: bytes[0 .. *size) are written,
 * or filled. *size is 0 at the end, of the page where there are pages.
 */
enum patch_status patch_body_step(struct patch_body *body, uint8_t *bytes, size_t *size);

#endif
