/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_READER_H
#define BUNDLE_READER_H

/* The inside of an open bundle, shared by those who trust, read and sign it. */

#include "bundle/layout.h"
#include "pack/bundle.h"

/* A member of the head. */
struct head_member {
    char name[TAR_NAME_SIZE];
    uint64_t offset; /* of its data */
    uint64_t size;
    void *bytes;
};

/* A document and its signatures. */
struct head_document {
    const struct head_member *document; /* NULL where the bundle has none */
    size_t signature_count;
    struct pack_signature_member signatures[PACK_MAX_SIGNERS];
};

struct pack_bundle {
    struct pack_input *input; /* the caller's */
    const struct pack_context *context;
    size_t member_count;
    struct head_member *members;
    struct head_document documents[PACK_ROLE_COUNT]; /* by role; that of rollout is an extra: */
    struct head_document extras[PACK_EXTRAS];
    size_t reserved_count;
    struct pack_member *reserved;
    uint64_t head_end;         /* offset of the first header after the head */
    uint8_t peeked[TAR_BLOCK]; /* that header's first block, as far as it goes: */
    size_t peeked_size;        /* a pipe cannot give it twice */
};

/* Reads `size` bytes after the head; PACK_E_CORRUPT where the bundle ends before them. */
PACK_MUST_USE int bundle_read(struct pack_bundle *bundle, uint64_t offset, void *buffer,
                              size_t size, struct pack_error *error);
/* Compares an entry's header with what it must be. */
PACK_MUST_USE int bundle_check_header(struct pack_bundle *bundle, const struct layout_entry *entry,
                                      struct pack_error *error);
/* The zeros after an entry's data. */
PACK_MUST_USE int bundle_check_padding(struct pack_bundle *bundle, const struct layout_entry *entry,
                                       struct pack_error *error);
/* The 1,024 zeros at the end, and nothing after them. */
PACK_MUST_USE int bundle_check_end(struct pack_bundle *bundle, const struct layout *layout,
                                   struct pack_error *error);
/* Where the input's size is known: whether it is what the layout says. */
PACK_MUST_USE int bundle_check_size(const struct pack_bundle *bundle, const struct layout *layout,
                                    struct pack_error *error);

#endif
