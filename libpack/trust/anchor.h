/* SPDX-License-Identifier: MIT */
#ifndef TRUST_ANCHOR_H
#define TRUST_ANCHOR_H

/* What a trust holds: each key once, with its roles and whether it is revoked. */

#include "base/memory.h"
#include "pack/trust.h"

struct trust_anchor {
    struct pack_public_key key;
    char plain_id[PACK_KEYID_SIZE]; /* of its 32 bytes as no FIDO key */
    unsigned roles;                 /* set of 1 << enum pack_role */
    bool revoked;
    char *reason; /* of the revocation */
};

struct pack_trust {
    struct trust_anchor *anchors;
    size_t count;
    unsigned thresholds[PACK_ROLE_COUNT];
    struct trust_source *source; /* the root that it was made from, or NULL */
};

void trust_source_free(struct trust_source **source);

/* The anchor of a public key and application, else one of that public key, else NULL. */
struct trust_anchor *trust_find(const struct pack_trust *trust, const struct pack_public_key *key);
/* The anchor of that key id: the key's, or that of its bytes as no FIDO key. */
struct trust_anchor *trust_find_id(const struct pack_trust *trust, const char *keyid);

/* Whether the key may sign in the role: holds it, and is not revoked. */
bool trust_holds(const struct trust_anchor *anchor, enum pack_role role);

/* Whether both are one public key, under whatever id or application. */
bool trust_same_key(const struct trust_anchor *one, const struct trust_anchor *other);

#endif
