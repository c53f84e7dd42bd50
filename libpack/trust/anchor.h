/* SPDX-License-Identifier: MIT */
#ifndef TRUST_ANCHOR_H
#define TRUST_ANCHOR_H

/* What a trust holds: each public key once, with its roles and whether it is revoked. */

#include "base/memory.h"
#include "pack/trust.h"

struct trust_anchor {
    struct pack_public_key key;
    unsigned roles; /* set of 1 << enum pack_role */
    bool revoked;
    char *reason; /* of the revocation */
};

struct pack_trust {
    struct trust_anchor *anchors;
    size_t count;
    unsigned thresholds[PACK_ROLE_COUNT];
};

/* The anchor of that key id, or NULL. */
struct trust_anchor *trust_find(const struct pack_trust *trust, const char *keyid);

/* Whether the key may sign in the role: holds it, and is not revoked. */
bool trust_holds(const struct trust_anchor *anchor, enum pack_role role);

#endif
