/* SPDX-License-Identifier: MIT */
#ifndef PACK_TRUST_H
#define PACK_TRUST_H

/*
 * Whom to believe: public keys, the roles they hold and how many must have signed. The only
 * place where a document becomes trusted.
 */

#include "pack/key.h"

PACK_BEGIN_DECLS

enum pack_role { PACK_ROLE_RELEASE, PACK_ROLE_DELIVERY, PACK_ROLE_ROLLOUT, PACK_ROLE_COUNT };

PACK_API const char *pack_role_name(enum pack_role role);

struct pack_trust;

PACK_API PACK_MUST_USE int pack_trust_new(struct pack_trust **trust, struct pack_error *error);
PACK_API void pack_trust_free(struct pack_trust **trust);
/*
 * `roles` is a set of 1 << enum pack_role. The same key twice joins its roles; as a FIDO key it is
 * another than as a plain one, and both count once.
 */
PACK_API PACK_MUST_USE int pack_trust_add(struct pack_trust *trust,
                                          const struct pack_public_key *key, unsigned roles,
                                          struct pack_error *error);
/* Revokes the public key, under whatever id and application it is trusted, now or later. */
PACK_API PACK_MUST_USE int pack_trust_revoke(struct pack_trust *trust,
                                             const struct pack_public_key *key, const char *reason,
                                             struct pack_error *error);
/* Refuses 0 and more than the distinct keys that hold the role (PACK_E_USAGE). Default 1. */
PACK_API PACK_MUST_USE int pack_trust_require(struct pack_trust *trust, enum pack_role role,
                                              unsigned threshold, struct pack_error *error);
PACK_API unsigned pack_trust_required(const struct pack_trust *trust, enum pack_role role);
/* The entries that hold the role; a key that is trusted as a plain and as a FIDO key has two. */
PACK_API size_t pack_trust_key_count(const struct pack_trust *trust, enum pack_role role);
/* The index-th of them; the trust's own. */
PACK_API const struct pack_public_key *pack_trust_key(const struct pack_trust *trust,
                                                      enum pack_role role, size_t index);

/* The kinds of signature members, told by the ending of the member's name. */
enum pack_signature_kind { PACK_SIGNATURE_MINISIG, PACK_SIGNATURE_SSHSIG, PACK_SIGNATURE_KINDS };
/* "minisig", "sshsig" */
PACK_API const char *pack_signature_kind_name(enum pack_signature_kind kind);

/* The namespace of SSH signatures on a role's document: "fwpack-release@1". */
PACK_API const char *pack_role_namespace(enum pack_role role);

/* One signature member of a document as it stands in a bundle. */
struct pack_signature_member {
    char keyid[PACK_KEYID_SIZE]; /* from the member's name */
    enum pack_signature_kind kind;
    const char *member; /* the member's name, for messages */
    const void *bytes;
    size_t size;
};

enum pack_signer_state {
    PACK_SIGNER_GOOD,
    PACK_SIGNER_UNKNOWN, /* no trusted key of that id holds the role */
    PACK_SIGNER_BAD,     /* a trusted key's signature that fails */
    PACK_SIGNER_REVOKED,
};

/* All but key id, kind and key is proved only where the state is GOOD. */
struct pack_signer_report {
    char keyid[PACK_KEYID_SIZE];
    enum pack_signer_state state;
    enum pack_signature_kind kind;
    const struct pack_public_key *key;      /* the trust's, whatever its roles; NULL: unknown */
    char comment[PACK_MAX_TRUSTED_COMMENT]; /* the trusted comment of a .minisig */
    /* of an .sshsig by a FIDO key; else empty and 0: */
    char application[PACK_MAX_APPLICATION];
    uint8_t flags; /* 1 user present, 4 user verified */
    uint32_t counter;
};

/* What was proved of one document. */
struct pack_document_report {
    enum pack_role role;
    unsigned required;
    unsigned good; /* distinct public keys of the role with a valid signature of either kind */
    size_t count;
    struct pack_signer_report signers[64]; /* PACK_MAX_SIGNERS */
};

/*
 * The verdict of model.md, in its order: a member that does not parse is PACK_E_MALFORMED; none
 * PACK_E_NOT_SIGNED; enough distinct valid keys 0; else a trusted key's signature that fails
 * PACK_E_SIGNATURE; else a revoked key PACK_E_REVOKED; else PACK_E_UNTRUSTED. `document` names
 * it in messages ("release.json"). The report is filled whatever the verdict.
 */
PACK_API PACK_MUST_USE int pack_trust_verify(const struct pack_trust *trust, enum pack_role role,
                                             const char *document, const void *bytes, size_t size,
                                             const struct pack_signature_member *signatures,
                                             size_t count, struct pack_document_report *report,
                                             struct pack_error *error);

PACK_END_DECLS

#endif
