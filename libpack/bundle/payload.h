/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_PAYLOAD_H
#define BUNDLE_PAYLOAD_H

/*
 * The one reader of payloads: bytes come out only after their block's hash matched, whatever the
 * bundle is read from and whoever writes to it meanwhile.
 */

#include "bundle/trusted.h"

/* Some of an image's bytes. */
struct payload_range {
    uint64_t offset;
    uint64_t size;
};

/* What to do with the proved plain bytes of an image; all may be NULL. */
struct payload_use {
    struct pack_sink *sink;
    struct pack_sha256 *flat; /* updated with every byte, not finished */
    const char *verb;         /* of the progress: "verify" */
    /*
     * The sink gets these bytes only, which lie within the image. Of a full encoding only what they
     * lie in is read: stored blocks, age chunks, frames, plain blocks.
     */
    const struct payload_range *range;
    /* Whether what is at hand need not be read, or made, again; never with a range. */
    bool local;
};

struct payload_outcome {
    enum pack_proof proof;
    struct pack_error unfit; /* why none of the identities given opens it; none where one does */
};

/*
 * Reads one encoding's members, tables to padding. An encoding that can be decoded here is
 * decoded, and proved against the image's plain blocks; of another its stored blocks are proved
 * and nothing comes out. One that no identity opens is no failure: nothing comes out, its stored
 * blocks are proved where there is no sink, and it is passed over where there is one. The plain
 * tables must be loaded.
 */
PACK_MUST_USE int payload_read(struct pack_trusted *trusted, size_t image, size_t encoding,
                               const struct payload_use *use, struct payload_outcome *outcome,
                               struct pack_error *error);

/* Copies an encoding's stored bytes, each block proved before it is written. */
PACK_MUST_USE int payload_copy(struct pack_trusted *trusted, size_t image, size_t encoding,
                               struct pack_sink *sink, struct pack_error *error);

/*
 * The same of what is in them before encryption, which the bundle's identities must open. `verb`
 * is the progress's.
 */
PACK_MUST_USE int payload_copy_inner(struct pack_trusted *trusted, size_t image, size_t encoding,
                                     const char *verb, struct pack_sink *sink,
                                     struct pack_error *error);

/*
 * The first encoding from number *encoding on from which the image can be rebuilt here, within
 * the context's decoder memory, with the bases at hand, and as far as can be told before an
 * identity is tried; the number of encodings where there is none.
 */
PACK_MUST_USE int payload_find(const struct pack_trusted *trusted, size_t image, size_t *encoding,
                               struct pack_error *error);
/*
 * False where one of what can seek is encrypted, and no identity opens it. What else is wrong with
 * it shows when it is read.
 */
bool payload_may_open(struct pack_trusted *trusted, size_t image, size_t encoding);

#endif
