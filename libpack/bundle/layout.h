/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_LAYOUT_H
#define BUNDLE_LAYOUT_H

/*
 * Where each member after the head stands: a pure function of the two documents, used by the
 * writer, the reader and inspect alike, so that there is one truth.
 */

#include "bundle/tar.h"
#include "pack/document.h"

enum layout_kind {
    LAYOUT_ATTACHMENT,    /* attachments/<name> */
    LAYOUT_ATTESTATION,   /* attestations/<n>.dsse.json */
    LAYOUT_IMAGE_BLOCKS,  /* images/<image>.blocks */
    LAYOUT_STORED_BLOCKS, /* payloads/<image>.<n>.blocks */
    LAYOUT_FRAMES,        /* payloads/<image>.<n>.frames */
    LAYOUT_PAYLOAD,       /* payloads/<image>.<n>.<codec's extension>, with .age where encrypted */
};

struct layout_entry {
    enum layout_kind kind;
    size_t image;    /* index; of the attachment or attestation for those kinds */
    size_t encoding; /* index within the image */
    char name[TAR_NAME_SIZE];
    uint64_t header; /* offset of the header */
    uint64_t data;   /* offset of the data */
    uint64_t size;   /* of the data */
};

struct layout {
    size_t count;
    struct layout_entry *entries;
    uint64_t end; /* offset of the 1,024 zero bytes at the end */
};

/* `start` is where the head ends. The documents must match (pack_delivery_match). */
PACK_MUST_USE int layout_new(struct layout **layout, const struct pack_release *release,
                             const struct pack_delivery *delivery, uint64_t start,
                             struct pack_error *error);
void layout_free(struct layout **layout);

/* The entry of that kind for an image's encoding, NULL where the layout has none. */
const struct layout_entry *layout_find(const struct layout *layout, enum layout_kind kind,
                                       size_t image, size_t encoding);

/* Whether it belongs to one encoding of one image. */
bool layout_is_of_encoding(const struct layout_entry *entry);

/* Bytes of a block table; 0 where the data is one block, whose hash needs no table. */
uint64_t layout_table_size(uint64_t size, uint32_t block_size);

/* Whether the stored bytes are the image's own, and their table therefore the plain one. */
bool layout_is_plain(const struct pack_encoding *encoding);

/* One entry of .frames, little-endian: plain length u32, stored length u32. */
#define FRAME_ENTRY_SIZE 8
/* The same of a reusable encoding, followed by the plain SHA-256. */
#define FRAME_REUSABLE_SIZE (FRAME_ENTRY_SIZE + PACK_SHA256_SIZE)
uint64_t layout_frames_size(const struct pack_encoding *encoding);

#endif
