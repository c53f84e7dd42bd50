/* SPDX-License-Identifier: MIT */
#ifndef PACK_ATTEST_H
#define PACK_ATTEST_H

/*
 * Attestations of how a release was built: in-toto Statements (v1) with SLSA provenance (v1) in
 * DSSE envelopes (1.0.2). docs/provenance.md is the manual, and says what each member holds.
 */

#include "pack/document.h"
#include "pack/trust.h"

PACK_BEGIN_DECLS

#define PACK_ATTESTATION_TYPE "application/vnd.in-toto+json"
#define PACK_STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define PACK_PROVENANCE_TYPE "https://slsa.dev/provenance/v1"
/* What docs/provenance.md says of a build whose externalParameters fwpack wrote. */
#define PACK_BUILD_TYPE "urn:fwpack:build:release-1"

/* --- DSSE ------------------------------------------------------------------------------------ */

/* The bytes that a signature covers (PAE); malloc()ed, the caller's. */
PACK_API PACK_MUST_USE int pack_dsse_encode(void **bytes, size_t *size, const char *type,
                                            const void *payload, size_t payload_size,
                                            struct pack_error *error);
/* The key id in an envelope: hex SHA-256 of the key's SubjectPublicKeyInfo (RFC 8410) in DER. */
PACK_API PACK_MUST_USE int pack_dsse_keyid(const struct pack_public_key *key,
                                           char keyid[PACK_SHA256_HEX_SIZE],
                                           struct pack_error *error);

struct pack_dsse_signature {
    const char *keyid; /* a hint that nobody signed; "" where there is none */
    size_t size;       /* PACK_SIGNATURE_SIZE for Ed25519; other keys make other sizes */
    const uint8_t *bytes;
};

/* An envelope as it was read; owns all that its pointers name. */
struct pack_envelope {
    const char *payload_type;
    size_t payload_size;
    const uint8_t *payload; /* a zero byte follows */
    size_t signature_count;
    const struct pack_dsse_signature *signatures;
    void *storage; /* private */
};

/*
 * Strict: JSON with each member once, padded base64 of the standard or the URL-safe alphabet in
 * its one spelling, no signature and no key id twice. Members that it does not know are ignored,
 * as the specification has it. PACK_E_MALFORMED, PACK_E_LIMIT.
 */
PACK_API PACK_MUST_USE int pack_envelope_parse(struct pack_envelope **envelope, const void *bytes,
                                               size_t size, struct pack_error *error);
PACK_API void pack_envelope_free(struct pack_envelope **envelope);
/*
 * An envelope of PACK_ATTESTATION_TYPE signed by each signer, recorded (pack_signer_record, with
 * the payload); *text is the caller's, to be freed with free().
 */
PACK_API PACK_MUST_USE int pack_envelope_sign(char **text, size_t *size, const void *payload,
                                              size_t payload_size,
                                              const struct pack_signer *signers,
                                              size_t signer_count, struct pack_error *error);

/* --- making a statement ---------------------------------------------------------------------- */

struct pack_parameter {
    const char *name, *value;
};

/* What went into a build. */
struct pack_dependency {
    const char *uri;
    const char *algorithm; /* "sha256", "sha512", "gitCommit" */
    const char *digest;    /* lower-case hex */
};
/* URI@ALGORITHM:HEX into the three, cut out of *storage, the caller's; PACK_E_USAGE. */
PACK_API PACK_MUST_USE int pack_dependency_parse(struct pack_dependency *dependency, char **storage,
                                                 const char *text, struct pack_error *error);

struct pack_provenance {
    const struct pack_release *release;
    const uint8_t *release_sha256; /* of release.json */
    size_t parameter_count;
    const struct pack_parameter *parameters; /* distinct names */
    size_t dependency_count;
    const struct pack_dependency *dependencies;
    const char *builder_id;    /* a URI */
    const char *invocation_id; /* or NULL */
    bool has_time;             /* of the build: started and finished then */
    uint64_t time;             /* seconds since 1970 */
};
/* The statement's bytes, a function of the above alone; *text is the caller's. */
PACK_API PACK_MUST_USE int pack_provenance_write(char **text, size_t *size,
                                                 const struct pack_provenance *provenance,
                                                 struct pack_error *error);

/* --- verifying ------------------------------------------------------------------------------- */

struct pack_attestation_signer {
    char keyid[PACK_KEYID_SIZE]; /* the trusted key's TUF key id, else the envelope's hint */
    enum pack_signer_state state;
};

/* What an attestation says, once it was proved. */
struct pack_attestation {
    size_t signer_count;
    struct pack_attestation_signer signers[PACK_MAX_SIGNERS];
    const char *predicate_type;
    const char *builder_id;
    const char *build_type;
    const char *invocation_id;    /* or NULL */
    bool covers[PACK_MAX_IMAGES]; /* by image of the release: it is a subject */
    bool covers_release;          /* release.json is one */
    void *storage;                /* private */
};

/*
 * Proves an envelope against a release that the caller has proved: one signature by a trusted key
 * that holds the role release or delivery and is not revoked, over the payload as it stands; a
 * Statement with SLSA provenance; each subject that is named as an image, or release.json, with
 * that one's digest, and at least one of them. Whether all images are subjects is in `covers`.
 *
 * PACK_E_MALFORMED (also another payload type), PACK_E_UNSUPPORTED (another statement or
 * predicate), PACK_E_NOT_SIGNED, PACK_E_SIGNATURE, PACK_E_REVOKED, PACK_E_UNTRUSTED as
 * pack_trust_verify; PACK_E_CORRUPT where it attests other bytes. *attestation is there after
 * PACK_E_CORRUPT too, for reports.
 */
PACK_API PACK_MUST_USE int
pack_attestation_verify(struct pack_attestation **attestation, const void *bytes, size_t size,
                        const struct pack_trust *trust, const struct pack_release *release,
                        const uint8_t release_sha256[PACK_SHA256_SIZE], struct pack_error *error);
PACK_API void pack_attestation_free(struct pack_attestation **attestation);

PACK_END_DECLS

#endif
