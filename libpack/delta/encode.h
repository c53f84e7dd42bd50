/* SPDX-License-Identifier: MIT */
#ifndef DELTA_ENCODE_H
#define DELTA_ENCODE_H

/* Writing a patch from what was found out about a pair of images. */

#include "base/bytes.h"
#include "delta/detect.h"
#include "delta/in_place.h"
#include "delta/match.h"
#include "patch/header.h"

/* An image in memory. */
struct delta_bytes {
    const uint8_t *bytes;
    size_t size;
};

struct delta_script {
    struct delta_bytes old_image, new_image; /* opened, where plans say so */
    const struct delta_covers *covers;
    const struct patch_layout *layout;
    struct delta_bytes old_plan, new_plan;
    const struct delta_in_place *in_place; /* the covers are its own; NULL for two slots */
    const struct pack_context *context;    /* may be NULL */
};

/* What a patch is made of, for reports. */
struct delta_spent {
    uint64_t bits[PATCH_ACCOUNTS];
    uint64_t referenced, missed; /* copied bytes: of references; other than predicted */
};

/*
 * Appends a patch: header (profile, sizes and hashes are set; counts, model and memory are filled
 * in here, in place also the page and scratch size are set) and body. `spent` says what the bits
 * went into. PACK_E_LIMIT when the profile cannot hold the covers or the decoder would need more
 * than `decoder_memory`.
 */
int delta_encode(struct pack_buffer *patch, struct patch_header *header,
                 const struct delta_script *script, uint64_t decoder_memory,
                 struct delta_spent *spent, struct pack_error *error);

#endif
