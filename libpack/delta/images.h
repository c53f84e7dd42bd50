/* SPDX-License-Identifier: MIT */
#ifndef DELTA_IMAGES_H
#define DELTA_IMAGES_H

/*
 * The two images of a creation, whole and at once. Small ones are read; large ones are mapped, and
 * a thread gives their pages back whenever the process holds more than it may: they are on the
 * disk. A mapped file must not be cut short meanwhile: the kernel ends a process that reads beyond
 * its end.
 */

#include "delta/encode.h"
#include "pack/context.h"
#include "pack/digest.h"
#include "pack/io.h"

#include <pthread.h>

struct delta_image {
    struct delta_bytes image;
    uint8_t *owned; /* read: malloc()ed, else NULL */
    void *mapping;  /* mapped, else NULL */
};

struct delta_inputs {
    struct delta_image old_image, new_image;
    uint64_t memory; /* most bytes that the process should hold */
    bool is_watched;
    bool is_closing; /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t closing;
    pthread_t watcher;
};

/*
 * Images above a sixteenth of `memory` are mapped where they are files. Hashes are filled in. The
 * struct starts as zeros, and is closed whether this succeeds or not.
 */
int delta_inputs_open(struct delta_inputs *images, struct pack_input *old_image,
                      struct pack_input *new_image, uint64_t memory,
                      const struct pack_context *context, uint8_t old_hash[PACK_SHA256_SIZE],
                      uint8_t new_hash[PACK_SHA256_SIZE], struct pack_error *error);
void delta_inputs_close(struct delta_inputs *images);

#endif
