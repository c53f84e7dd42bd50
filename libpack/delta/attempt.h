/* SPDX-License-Identifier: MIT */
#ifndef DELTA_ATTEMPT_H
#define DELTA_ATTEMPT_H

/* One way to make a patch of two images. Creation tries some, and keeps the smallest. */

#include "delta/encode.h"
#include "delta/in_place.h"
#include "pack/delta.h"
#include "unpack/unpack.h"

/* The images, as they are and opened. */
struct delta_pair {
    struct delta_bytes old_image, new_image;
    uint8_t old_hash[PATCH_HASH_SIZE], new_hash[PATCH_HASH_SIZE];
    struct unpacked old_unpacked, new_unpacked; /* both have plans, or none is used */
};

/* How covers are looked for, and what they are judged by, in 1/16 bit. */
struct delta_way {
    bool opened; /* between the opened images */
    enum delta_effort effort;
    uint32_t cost_cover, cost_miss, cost_extra;
};

struct delta_attempt {
    bool opened;
    bool hopeless; /* little is copied and the rest looks random: there is no patch */
    struct delta_covers covers;
    struct delta_layout layout;
    struct delta_in_place in_place;
    struct pack_buffer patch;
    struct patch_header header;
    struct delta_spent spent;
};

void delta_attempt_free(struct delta_attempt *attempt);

struct delta_bytes delta_attempt_old(const struct delta_attempt *attempt,
                                     const struct delta_pair *pair);
struct delta_bytes delta_attempt_new(const struct delta_attempt *attempt,
                                     const struct delta_pair *pair);

/* PACK_E_LIMIT where the device's memory does not suffice for this way. */
int delta_attempt(struct delta_attempt *attempt, const struct delta_pair *pair,
                  const struct delta_way *way, const struct pack_delta_options *options,
                  const struct pack_context *context, struct pack_error *error);

/* The new image itself, as a patch. */
int delta_attempt_stored(struct delta_attempt *attempt, const struct delta_pair *pair,
                         const struct pack_delta_options *options, struct pack_error *error);

/* Working memory for a creation. */
uint64_t delta_memory_of(const struct pack_delta_options *options);

#endif
