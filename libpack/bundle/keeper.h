/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_KEEPER_H
#define BUNDLE_KEEPER_H

/*
 * Who keeps the state of a patch while it is applied, so that applying goes on after a stop. None
 * of what it gives is believed: bytes of the image are proved by their blocks, and a state is used
 * in a confined process only. None of it fails: what cannot be kept, or found, is not.
 */

#include "pack/document.h"
#include "pack/io.h"

struct kept {
    struct pack_input *state; /* NULL: there is none. The caller's */
    struct pack_input *image; /* its first bytes are those that were made by then; borrowed */
    uint64_t made;
};

struct keeper {
    /* Called first: what was kept of the patch in this encoding. */
    void (*find)(void *user, const struct pack_encoding *encoding, struct kept *kept);
    /* Reading goes on behind byte `made`. */
    void (*went_on)(void *user, uint64_t made);
    /* Whether a state of at most `size` bytes is wanted when `made` bytes have been given out. */
    bool (*wants)(void *user, uint64_t made, uint64_t size);
    /* Then it is written to this sink, until end is called; `whole` is false where that failed. */
    struct pack_sink *(*begin)(void *user, uint64_t made);
    void (*end)(void *user, bool whole);
    void *user;
    uint64_t stride; /* bytes; only at its multiples is one ever wanted */
};

#endif
