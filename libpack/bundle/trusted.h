/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_TRUSTED_H
#define BUNDLE_TRUSTED_H

/* The inside of a bundle whose documents' signatures were found good. */

#include "bundle/keeper.h"
#include "bundle/reader.h"

struct pack_trusted {
    struct pack_bundle *bundle;     /* borrowed */
    const struct pack_trust *trust; /* what verified it: borrowed, or: */
    struct pack_trust *newest;      /* that of a newer root, which the bundle carries */
    struct pack_release *release;
    struct pack_delivery *delivery;
    struct layout *layout;
    uint8_t release_sha256[PACK_SHA256_SIZE];
    uint8_t **tables; /* plain block tables by image, NULL for one block; NULL before loading */
    bool delivery_by_release; /* the release's signers have signed delivery.json too */
    struct pack_bases *bases; /* borrowed, or NULL: */
    size_t base_count;        /* the first of them may be used */
    const struct pack_age_identities *identities; /* borrowed, or NULL */
    const struct pack_local_blocks *local;        /* borrowed, or NULL */
    uint64_t local_size;                          /* bytes that came from there */
    const struct keeper *keeper;                  /* for extract: borrowed, or NULL */
};

/* PACK_E_KEY_STORE: an image is encrypted, and there are no identities. */
int trusted_no_identity(const char *image, const struct pack_encoding *encoding,
                        struct pack_error *error);

/* A signed table of block hashes over `size` bytes. */
struct block_table {
    const uint8_t *hashes; /* NULL where one block needs no table */
    const uint8_t *sha256; /* of the table */
    uint64_t size;
    uint32_t block_size;
};

/*
 * Reads every plain block table and proves it against the signed documents. Does nothing the
 * second time. From a pipe this must come before any payload.
 */
PACK_MUST_USE int trusted_load_tables(struct pack_trusted *trusted, struct pack_error *error);
struct block_table trusted_plain_table(const struct pack_trusted *trusted, size_t image);

/* Reads a table's member, header to padding, and proves it. The caller frees *bytes. */
PACK_MUST_USE int trusted_read_table(struct pack_trusted *trusted, const struct layout_entry *entry,
                                     const uint8_t sha256[PACK_SHA256_SIZE], uint8_t **bytes,
                                     struct pack_error *error);

/* Reads an attachment or attestation, header to padding, and proves it; `sink` may be NULL. */
PACK_MUST_USE int trusted_read_hashed(struct pack_trusted *trusted,
                                      const struct layout_entry *entry,
                                      const uint8_t sha256[PACK_SHA256_SIZE],
                                      struct pack_sink *sink, struct pack_error *error);

/*
 * Whether `bytes` are block number `index`; PACK_E_CORRUPT otherwise. `hash` is any running hash
 * that has just been finished or made.
 */
PACK_MUST_USE int block_check(const struct block_table *table, uint64_t index, const void *bytes,
                              size_t size, struct pack_sha256 *hash, struct pack_error *error);

#endif
