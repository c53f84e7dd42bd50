/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_WRITER_H
#define BUNDLE_WRITER_H

/* Putting members at their places in a bundle in the making. */

#include "bundle/head.h"
#include "bundle/reader.h"
#include "pack/bundle.h"

/* A member of the head in the making; the bytes are its own. */
struct written_member {
    char name[TAR_NAME_SIZE];
    char *bytes;
    size_t size;
};

/* In the order in which they stand. */
struct written_head {
    size_t count;
    struct written_member *members;
};

void written_head_clear(struct written_head *head);
/*
 * Puts a member at its place in the head's order, over one of the same name. Takes `*bytes`
 * (malloc'ed), also when it fails.
 */
PACK_MUST_USE int written_head_put(struct written_head *head, const char *name, char **bytes,
                                   size_t size, struct pack_error *error);
/* Every member of a bundle's head, as it stands. */
PACK_MUST_USE int written_head_copy(struct written_head *head, const struct pack_bundle *bundle,
                                    struct pack_error *error);
/* Takes away the members at a place of the head. */
void written_head_drop(struct written_head *head, enum head_place place);
/* NULL where there is none of that name. */
const struct written_member *written_head_find(const struct written_head *head, const char *name);
/* Whether the bundle has the head's member of that name too, byte for byte. */
bool written_head_is_kept(const struct written_head *head, const struct pack_bundle *bundle,
                          const char *name);
/* Bytes from the first header to the end of the last member's padding. */
uint64_t written_head_size(const struct written_head *head);
PACK_MUST_USE int written_head_write(const struct written_head *head, struct pack_output *output,
                                     struct pack_error *error);
/* The head, and behind it the rest of a bundle in a file as it stands. */
PACK_MUST_USE int written_head_finish(const struct written_head *head,
                                      const struct pack_bundle *bundle, struct pack_output *output,
                                      struct pack_error *error);

/*
 * The signature member of a document, by a signer; with `signer->sign` NULL one of the same size
 * that signs nothing, to measure with.
 */
PACK_MUST_USE int written_head_sign(struct written_head *head, enum pack_role role,
                                    const struct pack_signer *signer, const char *comment,
                                    const void *document, size_t size, struct pack_error *error);

/* The same as a member of that name. `role` is what signers and journals are told: "permit". */
PACK_MUST_USE int written_head_sign_as(struct written_head *head, const char *name,
                                       const char *role, const struct pack_signer *signer,
                                       const char *comment, const void *document, size_t size,
                                       struct pack_error *error);

void written_head_signature_name(char name[TAR_NAME_SIZE], enum pack_role role,
                                 enum pack_signature_kind kind, const char *keyid);

/*
 * Whether the head has room for a signature of that name. Asked before a signer is, for what it
 * signs is noted in journals.
 */
PACK_MUST_USE int writer_check_room(const struct written_head *head, const char *name,
                                    struct pack_error *error);

/* pack_trusted_comment of any document: `what` is its name, "release", "permit". */
PACK_MUST_USE int writer_comment(char comment[PACK_MAX_TRUSTED_COMMENT], const char *what,
                                 const char *product, const char *version, const void *document,
                                 size_t size, struct pack_error *error);

/* An entry's header and the zeros after its data. */
PACK_MUST_USE int write_frame_of(struct pack_output *output, const struct layout_entry *entry,
                                 struct pack_error *error);
PACK_MUST_USE int write_entry(struct pack_output *output, const struct layout_entry *entry,
                              const void *bytes, struct pack_error *error);
PACK_MUST_USE int write_end(struct pack_output *output, const struct layout *layout,
                            struct pack_error *error);

#endif
