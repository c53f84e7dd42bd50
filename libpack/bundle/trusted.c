/* SPDX-License-Identifier: MIT */
#include "bundle/trusted.h"

#include "base/checked.h"
#include "base/memory.h"
#include "pack/root.h"

#include <sodium.h>

/* --- from signed to trusted ---------------------------------------------------------------- */

static int verify_document(struct pack_bundle *bundle, const struct pack_trust *trust,
                           enum pack_role role, struct pack_document_report *report,
                           struct pack_error *error)
{
    const struct head_document *document = &bundle->documents[role];
    return pack_trust_verify(trust, role, document->document->name, document->document->bytes,
                             (size_t)document->document->size, document->signatures,
                             document->signature_count, report, error);
}

/* Both are judged, so that the report is whole; the release's verdict comes first. */
static int verify_documents(struct pack_bundle *bundle, const struct pack_trust *trust,
                            struct pack_trust_report *report, struct pack_error *error)
{
    struct pack_error second = {0};
    int code = verify_document(bundle, trust, PACK_ROLE_RELEASE, &report->release, error);
    const int delivery =
        verify_document(bundle, trust, PACK_ROLE_DELIVERY, &report->delivery, &second);
    if (code == 0 && delivery != 0) {
        *error = second;
        code = delivery;
    }
    return code;
}

/* Whatever it lacks is no failure: it is only what deltas that destroy their base wait for. */
static int look_for_release_signers(struct pack_trusted *trusted, const struct pack_trust *trust,
                                    struct pack_error *error)
{
    PACK_AUTO_FREE struct pack_document_report *report = NULL;
    struct pack_error verdict = {0};
    const struct head_document *document = &trusted->bundle->documents[PACK_ROLE_DELIVERY];
    const int code = pack_allocate(&report, 1, sizeof *report, error);
    if (code == 0)
        trusted->delivery_by_release =
            pack_trust_verify(trust, PACK_ROLE_RELEASE, document->document->name,
                              document->document->bytes, (size_t)document->document->size,
                              document->signatures, document->signature_count, report,
                              &verdict) == 0;
    return code;
}

static int read_documents(struct pack_trusted *trusted, struct pack_error *error)
{
    struct pack_bundle *bundle = trusted->bundle;
    const struct head_member *what = bundle->documents[PACK_ROLE_RELEASE].document;
    const struct head_member *how = bundle->documents[PACK_ROLE_DELIVERY].document;
    int code = pack_sha256_bytes(what->bytes, (size_t)what->size, trusted->release_sha256, error);
    if (code != 0)
        return code;
    code = pack_release_parse(&trusted->release, what->bytes, (size_t)what->size, error);
    if (code != 0)
        return pack_at_member(error, what->name);
    code = pack_delivery_parse(&trusted->delivery, how->bytes, (size_t)how->size, error);
    if (code == 0)
        code = pack_delivery_match(trusted->delivery, trusted->release, trusted->release_sha256,
                                   error);
    if (code != 0)
        return pack_at_member(error, how->name);
    return layout_new(&trusted->layout, trusted->release, trusted->delivery, bundle->head_end,
                      error);
}

/* The newest root that the trust and the bundle have between them decides, where there is one. */
static int follow_roots(struct pack_trust **newest, const struct pack_trust *trust,
                        const struct pack_bundle *bundle, struct pack_trust_report *report,
                        struct pack_error *error)
{
    const struct pack_root *first = pack_trust_root(trust);
    const int code = pack_bundle_follow_roots(newest, trust, bundle, error);
    report->root_version = report->root_steps = 0;
    if (code != 0 || first == NULL)
        return code;
    const struct pack_root *last = *newest != NULL ? pack_trust_root(*newest) : first;
    report->root_version = last->version;
    report->root_steps = last->version - first->version;
    return 0;
}

int pack_bundle_trust(struct pack_trusted **trusted, struct pack_bundle *bundle,
                      const struct pack_trust *trust, struct pack_trust_report *report,
                      struct pack_error *error)
{
    PACK_AUTO(pack_trusted_free) struct pack_trusted *made = NULL;
    *trusted = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    made->bundle = bundle;
    code = follow_roots(&made->newest, trust, bundle, report, error);
    made->trust = made->newest != NULL ? made->newest : trust;
    if (code == 0)
        code = verify_documents(bundle, made->trust, report, error);
    if (code == 0)
        code = look_for_release_signers(made, made->trust, error);
    if (code == 0)
        code = read_documents(made, error);
    if (code == 0)
        code = bundle_check_size(bundle, made->layout, error);
    if (code != 0)
        return pack_at_file(error, bundle->input->name);
    *trusted = pack_steal(&made);
    return 0;
}

static void clear_tables(struct pack_trusted *trusted)
{
    for (size_t i = 0; trusted->tables != NULL && i < trusted->release->image_count; i++)
        free(trusted->tables[i]);
    free(trusted->tables);
    trusted->tables = NULL;
}

void pack_trusted_free(struct pack_trusted **trusted)
{
    struct pack_trusted *made = *trusted;
    if (made == NULL)
        return;
    clear_tables(made);
    layout_free(&made->layout);
    pack_release_free(&made->release);
    pack_delivery_free(&made->delivery);
    pack_trust_free(&made->newest);
    free(made);
    *trusted = NULL;
}

const struct pack_release *pack_trusted_release(const struct pack_trusted *trusted)
{
    return trusted->release;
}

const struct pack_trust *pack_trusted_trust(const struct pack_trusted *trusted)
{
    return trusted->trust;
}

const struct pack_delivery *pack_trusted_delivery(const struct pack_trusted *trusted)
{
    return trusted->delivery;
}

const uint8_t *pack_trusted_release_sha256(const struct pack_trusted *trusted)
{
    return trusted->release_sha256;
}

void pack_trusted_use_identities(struct pack_trusted *trusted,
                                 const struct pack_age_identities *identities)
{
    trusted->identities = identities;
}

int trusted_no_identity(const char *image, const struct pack_encoding *encoding,
                        struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_STORE,
              "image \"%s\" is encrypted to %llu recipient%s, and no identity was given", image,
              (unsigned long long)encoding->recipient_count,
              encoding->recipient_count == 1 ? "" : "s");
    return pack_hint(error, "give the identity of one of them as --identity FILE");
}

/* --- tables -------------------------------------------------------------------------------- */

static bool digests_equal(const uint8_t a[PACK_SHA256_SIZE], const uint8_t b[PACK_SHA256_SIZE])
{
    return sodium_memcmp(a, b, PACK_SHA256_SIZE) == 0;
}

int trusted_read_table(struct pack_trusted *trusted, const struct layout_entry *entry,
                       const uint8_t sha256[PACK_SHA256_SIZE], uint8_t **bytes,
                       struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *table = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    struct pack_bundle *bundle = trusted->bundle;
    *bytes = NULL;
    int code = bundle_check_header(bundle, entry, error);
    if (code == 0) /* layout_new has bounded the size by PACK_MAX_TABLES */
        code = pack_allocate(&table, 1, (size_t)entry->size, error);
    if (code == 0)
        code = bundle_read(bundle, entry->data, table, (size_t)entry->size, error);
    if (code == 0)
        code = bundle_check_padding(bundle, entry, error);
    if (code == 0)
        code = pack_sha256_bytes(table, (size_t)entry->size, digest, error);
    if (code == 0 && !digests_equal(digest, sha256))
        code = pack_fail(error, PACK_E_CORRUPT, "table differs from the one that was signed");
    if (code != 0)
        return pack_at_member(error, entry->name);
    *bytes = pack_steal(&table);
    return 0;
}

int trusted_read_hashed(struct pack_trusted *trusted, const struct layout_entry *entry,
                        const uint8_t sha256[PACK_SHA256_SIZE], struct pack_sink *sink,
                        struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    if (entry->size > PACK_MAX_ATTACHMENT) {
        pack_fail(error, PACK_E_LIMIT, "%llu bytes, at most %llu are allowed",
                  (unsigned long long)entry->size, (unsigned long long)PACK_MAX_ATTACHMENT);
        return pack_at_member(error, entry->name);
    }
    int code = bundle_check_header(trusted->bundle, entry, error);
    if (code == 0)
        code = pack_allocate(&bytes, 1, (size_t)entry->size, error);
    if (code == 0)
        code = bundle_read(trusted->bundle, entry->data, bytes, (size_t)entry->size, error);
    if (code == 0)
        code = bundle_check_padding(trusted->bundle, entry, error);
    if (code == 0)
        code = pack_sha256_bytes(bytes, (size_t)entry->size, digest, error);
    if (code == 0 && !digests_equal(digest, sha256))
        code = pack_fail(error, PACK_E_CORRUPT, "differs from what was signed");
    if (code != 0)
        return pack_at_member(error, entry->name);
    return sink != NULL ? pack_sink_write(sink, bytes, (size_t)entry->size, error) : 0;
}

/* A table of one block is no member: it is the image's own hash, which the release holds. */
static int check_single_block(const struct pack_release_image *image, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const int code = pack_sha256_bytes(image->sha256, PACK_SHA256_SIZE, digest, error);
    if (code != 0)
        return code;
    if (digests_equal(digest, image->blocks_sha256))
        return 0;
    pack_fail(error, PACK_E_MALFORMED, "image \"%s\" is one block, but its hashes disagree",
              image->name);
    return pack_at_member(error, "release.json");
}

static int load_tables(struct pack_trusted *trusted, struct pack_error *error)
{
    const struct pack_release *release = trusted->release;
    int code = 0;
    for (size_t i = 0; code == 0 && i < release->image_count; i++) {
        const struct pack_release_image *image = &release->images[i];
        const struct layout_entry *entry = layout_find(trusted->layout, LAYOUT_IMAGE_BLOCKS, i, 0);
        code = entry == NULL ? check_single_block(image, error)
                             : trusted_read_table(trusted, entry, image->blocks_sha256,
                                                  &trusted->tables[i], error);
    }
    return code;
}

/* Tables that were read in part must not pass for those of one block to who tries once more. */
int trusted_load_tables(struct pack_trusted *trusted, struct pack_error *error)
{
    if (trusted->tables != NULL)
        return 0;
    int code = pack_allocate(&trusted->tables, trusted->release->image_count,
                             sizeof *trusted->tables, error);
    if (code == 0)
        code = load_tables(trusted, error);
    if (code != 0)
        clear_tables(trusted);
    return code;
}

struct block_table trusted_plain_table(const struct pack_trusted *trusted, size_t image)
{
    const struct pack_release_image *what = &trusted->release->images[image];
    const uint8_t *hashes = trusted->tables[image];
    return (struct block_table){.hashes = hashes != NULL ? hashes : what->sha256,
                                .sha256 = what->blocks_sha256,
                                .size = what->size,
                                .block_size = what->block_size};
}

int block_check(const struct block_table *table, uint64_t index, const void *bytes, size_t size,
                struct pack_sha256 *hash, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const bool single = table->hashes == NULL;
    int code = pack_sha256_of(hash, bytes, size, digest, error);
    if (code == 0 && single)
        code = pack_sha256_of(hash, digest, sizeof digest, digest, error);
    if (code != 0)
        return code;
    if (digests_equal(digest, single ? table->sha256 : table->hashes + index * PACK_SHA256_SIZE))
        return 0;
    pack_fail(error, PACK_E_CORRUPT, "block %llu differs from the one that was signed",
              (unsigned long long)index);
    return pack_at_offset(error, index * table->block_size);
}
