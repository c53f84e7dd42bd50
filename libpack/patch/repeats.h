/* SPDX-License-Identifier: MIT */
#ifndef PATCH_REPEATS_H
#define PATCH_REPEATS_H

/*
 * Finding what the last bytes were followed by when they occurred before: in the new image so far,
 * and in the old one. Both sides search alike, so a repeat costs no address.
 */

#include "patch/model.h"

#define REPEAT_WINDOW 64

/* One side of it; the last length bytes agree with those before `next`. */
struct repeat {
    uint32_t *index; /* hash of some bytes → place after them; 0 is none */
    unsigned index_bits;
    unsigned shortest; /* bytes that are hashed */
    uint64_t next;     /* the place of the expected byte */
    uint32_t length;   /* 0: nothing is expected */
    uint8_t expected;
};

struct repeats {
    struct repeat old_image, new_image;
    uint8_t *history; /* a ring of the new image's last bytes */
    unsigned history_bits;
    uint64_t learnt;       /* bytes of the new image so far */
    uint64_t followed;     /* what `learnt` is when the next byte follows the last one */
    uint64_t trained;      /* bytes of the old image */
    uint32_t place_bits;   /* of an entry of its index; the others check the hash */
    uint64_t rolling;      /* the old image's last eight bytes, while it is shown */
    uint64_t window_start; /* what `window` holds of the old image */
    uint8_t window[REPEAT_WINDOW];
    bool window_valid;
};

size_t repeats_size(const struct patch_model_size *size);
void repeats_bind(struct repeats *repeats, const struct patch_model_size *size, uint8_t **memory);
void repeats_begin(struct repeats *repeats);
void repeats_train(struct repeats *repeats, const uint8_t *bytes, size_t size);
void repeats_learn(struct repeats *repeats, const uint8_t *bytes, size_t size);
/* Sets what is expected next, after `place->last`. */
void repeats_find(struct repeats *repeats, const struct patch_place *place, patch_old_function old,
                  void *user);
/* What the next byte is; keeps or ends what was expected. */
void repeats_update(struct repeats *repeats, const struct patch_place *place, uint8_t byte);

#endif
