/* SPDX-License-Identifier: MIT */
#ifndef PACK_BUNDLE_H
#define PACK_BUNDLE_H

/*
 * Bundles (docs/bundle-format.md): build, sign, open, verify, extract. The only road to a
 * payload's bytes goes through struct pack_trusted, which only a verified signature makes.
 */

#include "pack/age.h"
#include "pack/delta.h"
#include "pack/descriptor.h"
#include "pack/document.h"
#include "pack/sbom.h"
#include "pack/trust.h"

PACK_BEGIN_DECLS

/* --- build --------------------------------------------------------------------------------- */

#define PACK_SBOM_AUTO "auto"

struct pack_build_options {
    bool has_created; /* from SOURCE_DATE_EPOCH; beats the descriptor's */
    uint64_t created;
    /*
     * An SBOM that becomes one more attachment: PACK_SBOM_AUTO makes it of the release itself
     * (docs/provenance.md), anything else is the path of one, which is checked; NULL for none.
     */
    const char *sbom;
    size_t signer_count; /* each signs the documents that its role says */
    const struct pack_signer *signers;
    const unsigned *signer_roles; /* sets of 1 << enum pack_role, one for each signer */
    const struct pack_age_recipients *recipients; /* payloads are encrypted to them, or NULL */
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
    const char *sbom;                /* the SBOM's name as an attachment, or NULL; then: */
    enum pack_sbom_kind sbom_kind;
    uint64_t sbom_size;
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
    /* The trust root that decided, where the trust was made from one; else 0: */
    uint64_t root_version;
    uint64_t root_steps; /* roots of the bundle that led to it */
};

/*
 * Checks both documents' signatures over their raw bytes, then parses them. The report is filled
 * as far as it came, whatever the verdict. The result borrows the bundle. A trust made from a root
 * is first led on by the roots that the bundle carries, and its expiry judged (pack_trust_follow).
 */
PACK_API PACK_MUST_USE int pack_bundle_trust(struct pack_trusted **trusted,
                                             struct pack_bundle *bundle,
                                             const struct pack_trust *trust,
                                             struct pack_trust_report *report,
                                             struct pack_error *error);
PACK_API void pack_trusted_free(struct pack_trusted **trusted);
PACK_API const struct pack_release *pack_trusted_release(const struct pack_trusted *trusted);
PACK_API const struct pack_delivery *pack_trusted_delivery(const struct pack_trusted *trusted);
/*
 * What verified it: the trust that was given, which must be there still, or that of the newest root
 * which the bundle carries for it. Attestations are judged by this one.
 */
PACK_API const struct pack_trust *pack_trusted_trust(const struct pack_trusted *trusted);
PACK_API const uint8_t *pack_trusted_release_sha256(const struct pack_trusted *trusted);

/* --- bases --------------------------------------------------------------------------------- */

/* Old images: what deltas are applied to, and what keep encodings keep. */
struct pack_bases;

PACK_API PACK_MUST_USE int pack_bases_new(struct pack_bases **bases, struct pack_error *error);
PACK_API void pack_bases_free(struct pack_bases **bases);
/* A plain image: the first bytes of `input`, which can seek, stays the caller's and outlives it. */
PACK_API PACK_MUST_USE int pack_bases_add(struct pack_bases *bases, struct pack_input *input,
                                          const char *name, struct pack_error *error);
/*
 * The images of a bundle, rebuilt when one is wanted, for which those added before serve as its
 * bases. It stays the caller's and outlives them; its input can seek.
 */
PACK_API PACK_MUST_USE int pack_bases_add_bundle(struct pack_bases *bases,
                                                 struct pack_trusted *trusted, const char *name,
                                                 struct pack_error *error);
/* The first name of which nothing was needed, as PACK_E_WRONG_BASE, else 0. */
PACK_API PACK_MUST_USE int pack_bases_check_used(const struct pack_bases *bases,
                                                 struct pack_error *error);
/* What verify and extract may use from now on. They stay the caller's and outlive it. */
PACK_API void pack_trusted_use_bases(struct pack_trusted *trusted, struct pack_bases *bases);

/* --- identities ---------------------------------------------------------------------------- */

/*
 * Who opens encrypted payloads from now on; without any, an encrypted encoding counts as one that
 * cannot be rebuilt. They stay the caller's and outlive it. NULL takes them away.
 */
PACK_API void pack_trusted_use_identities(struct pack_trusted *trusted,
                                          const struct pack_age_identities *identities);

/* --- blocks that are at hand ----------------------------------------------------------------- */

/*
 * Plain blocks that need not be read from the bundle. A frame (or, of codec none, a block) all of
 * whose blocks are given is not read; what is given is proved like all else.
 */
struct pack_local_blocks {
    /*
     * Puts block number `block` of image number `image` into `bytes` where it is at hand; *found
     * is false otherwise. `sha256` is what it must have. Called in ascending order, by one thread
     * at a time.
     */
    int (*get)(void *user, size_t image, uint64_t block, const uint8_t sha256[PACK_SHA256_SIZE],
               uint8_t *bytes, size_t size, bool *found, struct pack_error *error);
    void *user;
};
/* For extract from now on; it stays the caller's and outlives the bundle. NULL takes it away. */
PACK_API void pack_trusted_use_local(struct pack_trusted *trusted,
                                     const struct pack_local_blocks *local);
/*
 * Plain bytes that were taken from there, in all. What was given of a frame that had to be read
 * nevertheless does not count.
 */
PACK_API uint64_t pack_trusted_local_size(const struct pack_trusted *trusted);

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
    char missing[160]; /* what would prove more ("its base, 77 bytes with sha256 …"), or "" */
    /* The kind of it: PACK_E_WRONG_BASE, or PACK_E_KEY_STORE where it is an identity. */
    enum pack_code lacking;
};

struct pack_verify_report {
    size_t image_count;
    struct pack_image_report images[PACK_MAX_IMAGES];
    size_t attachment_count;
};

/*
 * Reads every byte from the first to the last and proves each: headers, padding, tables, every
 * encoding's stored blocks, every image that can be rebuilt, attachments, the end. Works from a
 * pipe. `flat` compares each rebuilt image's sha256 too. Identities that were given and open
 * nothing that an image could be rebuilt from are a failure, once all bytes were found good:
 * PACK_E_KEY_STORE or PACK_E_PASSPHRASE.
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
/*
 * The same by encoding number *encoding or the first after it from which the image can be rebuilt
 * here, whose number *encoding is then; the number of encodings, and 0 returned, where there is
 * none, and pack_bundle_extract says why. Where no identity opens those that are left, that is the
 * failure. After a failure a later one may be tried, with a sink that
 * begins again.
 */
PACK_API PACK_MUST_USE int pack_bundle_extract_encoding(struct pack_trusted *trusted, size_t index,
                                                        size_t *encoding, struct pack_sink *sink,
                                                        struct pack_error *error);
/* The hashes of the image's plain blocks, 32 bytes each, proved; the trusted's own. */
PACK_API PACK_MUST_USE int pack_bundle_block_hashes(struct pack_trusted *trusted, size_t index,
                                                    const uint8_t **hashes,
                                                    struct pack_error *error);
/*
 * The same of `size` bytes from `offset` on, which lie within the image. Of a full encoding only
 * what they lie in is read, proved and decrypted; a delta is applied from its beginning.
 */
PACK_API PACK_MUST_USE int pack_bundle_extract_range(struct pack_trusted *trusted, size_t index,
                                                     uint64_t offset, uint64_t size,
                                                     struct pack_sink *sink,
                                                     struct pack_error *error);
PACK_API PACK_MUST_USE int pack_bundle_extract_attachment(struct pack_trusted *trusted,
                                                          size_t index, struct pack_sink *sink,
                                                          struct pack_error *error);

/* --- deltas -------------------------------------------------------------------------------- */

struct pack_bundle_delta_options {
    const struct pack_delta_options *delta; /* of PACK_DELTA_FWD */
    bool keep_full; /* keep the full encodings also where every OLD has something smaller */
    /*
     * Who signs delivery.json: those of the role delivery; all of them where deltas are applied
     * in place, which counts only when the release's signers have said so.
     */
    size_t signer_count;
    const struct pack_signer *signers;
    const unsigned *signer_roles;
};

/* How a device with one old image gets a new one. */
struct pack_bundle_delta_pair {
    size_t image; /* the release's */
    size_t old;   /* index of the old bundle */
    enum pack_encoding_kind kind;
    uint64_t size;                   /* stored bytes, with their tables */
    uint64_t full_size;              /* the same of the smallest full encoding, or the image */
    const char *reason;              /* why it is full: for people; NULL where it is not */
    bool repeated;                   /* the same image as in an OLD before, which has the report */
    struct pack_delta_report report; /* where a delta was made, whatever became of it */
};

struct pack_bundle_delta_report {
    uint64_t size; /* of the bundle */
    uint64_t revision;
    uint8_t delivery_sha256[PACK_SHA256_SIZE];
    size_t pair_count;                    /* old_count for each image, in the release's order */
    struct pack_bundle_delta_pair *pairs; /* freed by pack_bundle_delta_report_clear */
};

/*
 * Writes `release` again, the documents that the release's signers signed byte for byte, with a
 * delivery of its own: for each image a delta from each old bundle's image of that name (or
 * slot), `keep` where it is the same, and the full encodings where an OLD has nothing smaller.
 * All inputs can seek. The same bytes for any number of threads. `output` is seekable, and not
 * committed here.
 */
PACK_API PACK_MUST_USE int pack_bundle_delta(struct pack_output *output,
                                             struct pack_trusted *release,
                                             struct pack_trusted *const *olds, size_t old_count,
                                             const struct pack_bundle_delta_options *options,
                                             const struct pack_context *context,
                                             struct pack_bundle_delta_report *report,
                                             struct pack_error *error);
PACK_API void pack_bundle_delta_report_clear(struct pack_bundle_delta_report *report);

/* --- encryption ---------------------------------------------------------------------------- */

struct pack_bundle_crypt_options {
    /*
     * Who signs delivery.json: those of the role delivery; all of them where an encoding is
     * applied in place, which counts only when the release's signers have said so.
     */
    size_t signer_count;
    const struct pack_signer *signers;
    const unsigned *signer_roles;
};

/* One payload that was encrypted or decrypted. */
struct pack_bundle_crypt_payload {
    const char *image; /* the release's name of it */
    enum pack_encoding_kind kind;
    uint64_t plain_size;  /* before encryption */
    uint64_t stored_size; /* encrypted */
};

struct pack_bundle_crypt_report {
    uint64_t size; /* of the bundle */
    uint64_t revision;
    uint8_t delivery_sha256[PACK_SHA256_SIZE];
    size_t count;                               /* payloads that are other than they were */
    struct pack_bundle_crypt_payload *payloads; /* freed by pack_bundle_crypt_report_clear */
};

/*
 * Writes a bundle again with every payload encrypted to these recipients: release.json, its
 * signatures, attachments and plain tables stay byte for byte; delivery.json is made anew, with
 * the next revision. What is encrypted already is opened by the bundle's identities first. An
 * encoding that this version does not know is left out. `output` is seekable, and not committed
 * here; the bundle's input can seek.
 */
PACK_API PACK_MUST_USE int pack_bundle_encrypt(struct pack_output *output,
                                               struct pack_trusted *trusted,
                                               const struct pack_age_recipients *recipients,
                                               const struct pack_bundle_crypt_options *options,
                                               struct pack_bundle_crypt_report *report,
                                               struct pack_error *error);
/* The same with no payload encrypted. PACK_E_USAGE where none is. */
PACK_API PACK_MUST_USE int pack_bundle_decrypt(struct pack_output *output,
                                               struct pack_trusted *trusted,
                                               const struct pack_bundle_crypt_options *options,
                                               struct pack_bundle_crypt_report *report,
                                               struct pack_error *error);
PACK_API void pack_bundle_crypt_report_clear(struct pack_bundle_crypt_report *report);

/* --- sign ---------------------------------------------------------------------------------- */

/* The comment that a signature of this document carries: a function of what it is. */
PACK_API PACK_MUST_USE int pack_trusted_comment(char comment[PACK_MAX_TRUSTED_COMMENT],
                                                enum pack_role role, const char *product,
                                                const char *version, const void *document,
                                                size_t size, struct pack_error *error);

/*
 * A signature that was made elsewhere, as it is to stand in the bundle: canonical text. Who gives
 * it has verified it; that it parses is checked here.
 */
struct pack_given_signature {
    enum pack_role role;
    bool permit; /* of permit.json, which the role release signs, in place of release.json */
    enum pack_signature_kind kind;
    char keyid[PACK_KEYID_SIZE];
    const void *bytes;
    size_t size;
};

struct pack_sign_request {
    size_t signer_count;
    const struct pack_signer *signers;
    const unsigned *signer_roles;
    size_t given_count;
    const struct pack_given_signature *given;
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

/* --- roots --------------------------------------------------------------------------------- */

struct pack_root_file;

/* pack_trust_follow by the roots that the bundle carries. */
PACK_API PACK_MUST_USE int pack_bundle_follow_roots(struct pack_trust **newest,
                                                    const struct pack_trust *trust,
                                                    const struct pack_bundle *bundle,
                                                    struct pack_error *error);
/*
 * Writes `bundle` with these trust roots in place of those that it carries into `output`
 * (seekable, not committed here). Signatures stay as they are, for roots stand apart from them.
 * Whether the roots are good is judged by whoever reads them; they are written as given.
 */
PACK_API PACK_MUST_USE int pack_bundle_set_roots(struct pack_bundle *bundle,
                                                 struct pack_output *output,
                                                 const struct pack_root_file *files, size_t count,
                                                 struct pack_error *error);

/* --- permit and rollout ---------------------------------------------------------------------- */

/*
 * The bytes and signatures of permit.json or rollout.json as the bundle carries them, unproved;
 * NULL where it has none. The bundle's.
 */
enum pack_extra { PACK_EXTRA_PERMIT, PACK_EXTRA_ROLLOUT, PACK_EXTRAS };
PACK_API const void *pack_bundle_extra(const struct pack_bundle *bundle, enum pack_extra extra,
                                       size_t *size);
PACK_API size_t pack_bundle_extra_signatures(const struct pack_bundle *bundle,
                                             enum pack_extra extra,
                                             const struct pack_signature_member **signatures);
/*
 * Writes `bundle` with that permit in place of the one that it carries, signed by `signers` (those
 * of the role release; none: it is signed later), or with their signatures added where `permit` is
 * NULL. All else stays byte for byte. A permit for another release or product is PACK_E_USAGE.
 * `output` is seekable, and not committed here.
 */
PACK_API PACK_MUST_USE int
pack_bundle_set_permit(struct pack_bundle *bundle, struct pack_output *output, const void *permit,
                       size_t size, const struct pack_sign_request *signers,
                       struct pack_sign_report *report, struct pack_error *error);
/*
 * The permit that the bundle carries, for whoever signs it: PACK_E_USAGE where it has none, or one
 * for another release or product. To be freed with pack_permit_free.
 */
struct pack_permit;
PACK_API PACK_MUST_USE int pack_bundle_permit(struct pack_permit **permit,
                                              const struct pack_bundle *bundle,
                                              const struct pack_release *release,
                                              struct pack_error *error);
/* pack_trusted_comment of permit.json. */
PACK_API PACK_MUST_USE int pack_permit_comment(char comment[PACK_MAX_TRUSTED_COMMENT],
                                               const struct pack_release *release,
                                               const void *permit, size_t size,
                                               struct pack_error *error);

/* --- attestations -------------------------------------------------------------------------- */

struct pack_bundle_embed_report {
    uint64_t size; /* of the bundle */
    uint64_t revision;
    uint8_t delivery_sha256[PACK_SHA256_SIZE];
    size_t number; /* of the attestation: attestations/<n>.dsse.json */
};

/*
 * Writes a bundle again with one more attestation (pack_envelope_sign made it): all that the
 * release's signers have signed stays byte for byte, and so do the payloads; delivery.json is made
 * anew with the next revision, and signed by those of `signers` who hold the role. `output` is
 * seekable, and not committed here; the bundle's input can seek.
 */
PACK_API PACK_MUST_USE int pack_bundle_embed(struct pack_output *output,
                                             struct pack_trusted *trusted, const void *envelope,
                                             size_t size, const struct pack_sign_request *signers,
                                             struct pack_bundle_embed_report *report,
                                             struct pack_error *error);
/* Attestation number `index`, as it stands in the bundle; proved by its hash. */
PACK_API PACK_MUST_USE int pack_bundle_extract_attestation(struct pack_trusted *trusted,
                                                           size_t index, struct pack_sink *sink,
                                                           struct pack_error *error);

PACK_END_DECLS

#endif
