/* SPDX-License-Identifier: MIT */
#ifndef PACK_BUNDLE_H
#define PACK_BUNDLE_H

/*
 * Bundles (docs/bundle-format.md): build, sign, open, verify, extract. The only road to a
 * payload's bytes goes through struct pack_trusted, which only a verified signature makes.
 */

#include "pack/descriptor.h"
#include "pack/document.h"
#include "pack/trust.h"

PACK_BEGIN_DECLS

/* --- build --------------------------------------------------------------------------------- */

struct pack_build_options {
    bool has_created; /* from SOURCE_DATE_EPOCH; beats the descriptor's */
    uint64_t created;
    size_t signer_count; /* each signs the documents that its role says */
    const struct pack_signer *signers;
    const unsigned *signer_roles; /* sets of 1 << enum pack_role, one for each signer */
};

/* What was built, for reports. */
struct pack_build_image {
    const char *name;
    const char *codec; /* the one that was kept: "none" when another did not shrink */
    uint64_t plain_size;
    uint64_t stored_size;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct pack_build_report {
    uint64_t size; /* of the bundle */
    uint8_t release_sha256[PACK_SHA256_SIZE];
    uint8_t delivery_sha256[PACK_SHA256_SIZE];
    size_t image_count;
    struct pack_build_image *images; /* freed by pack_build_report_clear */
};

/* Writes the bundle into `output`, which must be seekable and is not committed here. */
PACK_API PACK_MUST_USE int pack_build(struct pack_output *output,
                                      const struct pack_descriptor *descriptor,
                                      const struct pack_build_options *options,
                                      const struct pack_context *context,
                                      struct pack_build_report *report, struct pack_error *error);
PACK_API void pack_build_report_clear(struct pack_build_report *report);

/* --- open ---------------------------------------------------------------------------------- */

struct pack_bundle;

/* A member of the head, as it stands: not proved. */
struct pack_member {
    const char *name;
    uint64_t offset; /* of its data */
    uint64_t size;
};

/* Whether a file that begins with these bytes, 12 or more, means to be a bundle. */
PACK_API bool pack_bundle_probe(const void *head, size_t size);

/*
 * Reads the head (every member up to the first table or payload) under the limits. Nothing is
 * parsed but the archive's headers. The bundle borrows `input`, which must outlive it.
 */
PACK_API PACK_MUST_USE int pack_bundle_open(struct pack_bundle **bundle, struct pack_input *input,
                                            const struct pack_context *context,
                                            struct pack_error *error);
PACK_API void pack_bundle_close(struct pack_bundle **bundle);

/* The bytes of release.json or delivery.json, unproved. */
PACK_API const void *pack_bundle_document(const struct pack_bundle *bundle, enum pack_role role,
                                          size_t *size);
PACK_API size_t pack_bundle_signatures(const struct pack_bundle *bundle, enum pack_role role,
                                       const struct pack_signature_member **signatures);

/* The members whose bytes this version carries but does not interpret: roots/…, rollout.json …. */
PACK_API size_t pack_bundle_reserved(const struct pack_bundle *bundle,
                                     const struct pack_member **members);

/*
 * The documents parsed without trust, for inspect and sign. Both are the caller's. Checks also
 * that the headers of the rest of the bundle are where the documents put them, where `input`
 * can seek.
 */
PACK_API PACK_MUST_USE int pack_bundle_parse_untrusted(struct pack_bundle *bundle,
                                                       struct pack_release **release,
                                                       struct pack_delivery **delivery,
                                                       struct pack_error *error);
/* Every member with its size and place, in order, computed from unproved documents. */
PACK_API PACK_MUST_USE int pack_bundle_members(struct pack_bundle *bundle,
                                               const struct pack_release *release,
                                               const struct pack_delivery *delivery,
                                               struct pack_member **members, size_t *count,
                                               struct pack_error *error);
PACK_API void pack_members_free(struct pack_member **members, size_t count);

/* --- trust --------------------------------------------------------------------------------- */

struct pack_trusted;

struct pack_trust_report {
    struct pack_document_report release;
    struct pack_document_report delivery;
};

/*
 * Checks both documents' signatures over their raw bytes, then parses them. The report is filled
 * as far as it came, whatever the verdict. The result borrows the bundle.
 */
PACK_API PACK_MUST_USE int pack_bundle_trust(struct pack_trusted **trusted,
                                             struct pack_bundle *bundle,
                                             const struct pack_trust *trust,
                                             struct pack_trust_report *report,
                                             struct pack_error *error);
PACK_API void pack_trusted_free(struct pack_trusted **trusted);
PACK_API const struct pack_release *pack_trusted_release(const struct pack_trusted *trusted);
PACK_API const struct pack_delivery *pack_trusted_delivery(const struct pack_trusted *trusted);
PACK_API const uint8_t *pack_trusted_release_sha256(const struct pack_trusted *trusted);

/* --- verify and extract -------------------------------------------------------------------- */

enum pack_proof {
    PACK_PROOF_NONE,
    PACK_PROOF_STORED, /* its stored bytes are the signed ones; the image was not rebuilt */
    PACK_PROOF_PLAIN,  /* the image was rebuilt and every block matched */
};

struct pack_image_report {
    const char *name; /* the release's */
    enum pack_proof proof;
    const char *codec; /* of the encoding that proved it, NULL where none */
    uint64_t stored_size;
    const char *missing; /* what would prove more ("base sha256 …"), or NULL */
};

struct pack_verify_report {
    size_t image_count;
    struct pack_image_report images[PACK_MAX_IMAGES];
    size_t attachment_count;
};

/*
 * Reads every byte from the first to the last and proves each: headers, padding, tables, every
 * encoding's stored blocks, every image that can be rebuilt, attachments, the end. Works from a
 * pipe. `flat` compares each rebuilt image's sha256 too.
 */
PACK_API PACK_MUST_USE int pack_bundle_verify(struct pack_trusted *trusted, bool flat,
                                              struct pack_verify_report *report,
                                              struct pack_error *error);

/*
 * Writes image number `index`, proved block by block before its bytes reach `sink`. From a pipe,
 * images must be taken in ascending order. A failure after the first byte leaves `sink` with a
 * proved beginning.
 */
PACK_API PACK_MUST_USE int pack_bundle_extract(struct pack_trusted *trusted, size_t index,
                                               struct pack_sink *sink, struct pack_error *error);
PACK_API PACK_MUST_USE int pack_bundle_extract_attachment(struct pack_trusted *trusted,
                                                          size_t index, struct pack_sink *sink,
                                                          struct pack_error *error);

/* --- sign ---------------------------------------------------------------------------------- */

/* The comment that a signature of this document carries: a function of what it is. */
PACK_API PACK_MUST_USE int pack_trusted_comment(char comment[PACK_MAX_TRUSTED_COMMENT],
                                                enum pack_role role, const char *product,
                                                const char *version, const void *document,
                                                size_t size, struct pack_error *error);

struct pack_sign_request {
    size_t signer_count;
    const struct pack_signer *signers;
    const unsigned *signer_roles;
};

struct pack_sign_report {
    unsigned added;   /* signature members written that were not there */
    unsigned present; /* those that stood there already, byte for byte */
};

/*
 * Writes `bundle` with the signatures added into `output` (seekable, not committed here). The
 * documents signed are the bytes that the bundle holds in memory. Payloads are copied by
 * copy_file_range where that works.
 */
PACK_API PACK_MUST_USE int pack_bundle_sign(struct pack_bundle *bundle, struct pack_output *output,
                                            const struct pack_sign_request *request,
                                            struct pack_sign_report *report,
                                            struct pack_error *error);

PACK_END_DECLS

#endif
