/* SPDX-License-Identifier: MIT */
#include "trust/anchor.h"

#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

static const char *const role_names[PACK_ROLE_COUNT] = {
    [PACK_ROLE_RELEASE] = "release",
    [PACK_ROLE_DELIVERY] = "delivery",
    [PACK_ROLE_ROLLOUT] = "rollout",
};

const char *pack_role_name(enum pack_role role)
{
    return (unsigned)role < PACK_ROLE_COUNT ? role_names[role] : NULL;
}

const char *pack_role_namespace(enum pack_role role)
{
    static const char *const names[PACK_ROLE_COUNT] = {
        [PACK_ROLE_RELEASE] = "fwpack-release@1",
        [PACK_ROLE_DELIVERY] = "fwpack-delivery@1",
        [PACK_ROLE_ROLLOUT] = "fwpack-rollout@1",
    };
    return (unsigned)role < PACK_ROLE_COUNT ? names[role] : NULL;
}

const char *pack_signature_kind_name(enum pack_signature_kind kind)
{
    static const char *const names[PACK_SIGNATURE_KINDS] = {
        [PACK_SIGNATURE_MINISIG] = "minisig",
        [PACK_SIGNATURE_SSHSIG] = "sshsig",
    };
    return (unsigned)kind < PACK_SIGNATURE_KINDS ? names[kind] : NULL;
}

int pack_trust_new(struct pack_trust **trust, struct pack_error *error)
{
    const int code = pack_allocate(trust, 1, sizeof **trust, error);
    for (unsigned i = 0; code == 0 && i < PACK_ROLE_COUNT; i++)
        (*trust)->thresholds[i] = 1;
    return code;
}

void pack_trust_free(struct pack_trust **trust)
{
    if (*trust == NULL)
        return;
    for (size_t i = 0; i < (*trust)->count; i++)
        free((*trust)->anchors[i].reason);
    free((*trust)->anchors);
    trust_source_free(&(*trust)->source);
    free(*trust);
    *trust = NULL;
}

static bool has_bytes(const struct trust_anchor *anchor, const struct pack_public_key *key)
{
    return sodium_memcmp(anchor->key.bytes, key->bytes, sizeof key->bytes) == 0;
}

static struct trust_anchor *find_exact(const struct pack_trust *trust,
                                       const struct pack_public_key *key)
{
    for (size_t i = 0; i < trust->count; i++)
        if (has_bytes(&trust->anchors[i], key) &&
            strcmp(trust->anchors[i].key.application, key->application) == 0)
            return &trust->anchors[i];
    return NULL;
}

struct trust_anchor *trust_find(const struct pack_trust *trust, const struct pack_public_key *key)
{
    struct trust_anchor *exact = find_exact(trust, key);
    for (size_t i = 0; exact == NULL && i < trust->count; i++)
        if (has_bytes(&trust->anchors[i], key))
            return &trust->anchors[i];
    return exact;
}

struct trust_anchor *trust_find_id(const struct pack_trust *trust, const char *keyid)
{
    struct trust_anchor *found = NULL;
    for (size_t i = 0; i < trust->count; i++) {
        struct trust_anchor *anchor = &trust->anchors[i];
        if (strcmp(anchor->key.keyid, keyid) != 0 && strcmp(anchor->plain_id, keyid) != 0)
            continue;
        /* Of several with the same bytes the plain key is the one that such an id means. */
        if (found == NULL || anchor->key.application[0] == '\0')
            found = anchor;
    }
    return found;
}

bool trust_same_key(const struct trust_anchor *one, const struct trust_anchor *other)
{
    return has_bytes(one, &other->key);
}

bool trust_holds(const struct trust_anchor *anchor, enum pack_role role)
{
    return !anchor->revoked && (anchor->roles & 1u << role) != 0;
}

/* The revocation of a key reaches each spelling of it. */
static int spread_revocation(struct pack_trust *trust, const struct trust_anchor *from,
                             struct pack_error *error)
{
    for (size_t i = 0; i < trust->count; i++) {
        struct trust_anchor *to = &trust->anchors[i];
        if (to == from || to->revoked || !trust_same_key(from, to))
            continue;
        const int code = pack_copy_string(&to->reason, from->reason, error);
        if (code != 0)
            return code;
        to->revoked = true;
    }
    return 0;
}

static int add_anchor(struct trust_anchor **anchor, struct pack_trust *trust,
                      const struct pack_public_key *key, struct pack_error *error)
{
    struct trust_anchor *grown =
        reallocarray(trust->anchors, trust->count + 1, sizeof *trust->anchors);
    if (grown == NULL)
        return pack_fail_memory(error);
    trust->anchors = grown;
    *anchor = &grown[trust->count++];
    **anchor = (struct trust_anchor){.key = *key};
    const int code = pack_keyid(key->bytes, (*anchor)->plain_id, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i + 1 < trust->count; i++)
        if (grown[i].revoked && trust_same_key(&grown[i], *anchor))
            return spread_revocation(trust, &grown[i], error);
    return 0;
}

/*
 * The anchor of a key, new or known. Two minisign ids for one key cannot both be right, and
 * taking the last would let the order of the command line decide.
 */
static int anchor_for(struct trust_anchor **anchor, struct pack_trust *trust,
                      const struct pack_public_key *key, struct pack_error *error)
{
    struct trust_anchor *known = find_exact(trust, key);
    *anchor = known;
    if (known == NULL)
        return add_anchor(anchor, trust, key, error);
    if (!key->has_minisign_id)
        return 0;
    if (known->key.has_minisign_id &&
        sodium_memcmp(known->key.minisign_id, key->minisign_id, PACK_MINISIGN_ID_SIZE) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "key %s is given twice, with different minisign ids", key->keyid);
    known->key = *key;
    return 0;
}

int pack_trust_add(struct pack_trust *trust, const struct pack_public_key *key, unsigned roles,
                   struct pack_error *error)
{
    struct trust_anchor *anchor = NULL;
    const int code = anchor_for(&anchor, trust, key, error);
    if (code == 0)
        anchor->roles |= roles;
    return code;
}

int pack_trust_revoke(struct pack_trust *trust, const struct pack_public_key *key,
                      const char *reason, struct pack_error *error)
{
    struct trust_anchor *anchor = NULL;
    char *copy = NULL;
    int code = anchor_for(&anchor, trust, key, error);
    if (code == 0)
        code = pack_copy_string(&copy, reason != NULL ? reason : "", error);
    if (code != 0)
        return code;
    free(anchor->reason);
    anchor->reason = copy;
    anchor->revoked = true;
    return spread_revocation(trust, anchor, error);
}

/* Whether an earlier entry of the role is the same public key. */
static bool is_repeated(const struct pack_trust *trust, enum pack_role role, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (trust_holds(&trust->anchors[i], role) &&
            trust_same_key(&trust->anchors[i], &trust->anchors[index]))
            return true;
    return false;
}

/* A threshold above the number of people could never be met. */
static size_t distinct_keys(const struct pack_trust *trust, enum pack_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < trust->count; i++)
        count += trust_holds(&trust->anchors[i], role) && !is_repeated(trust, role, i);
    return count;
}

int pack_trust_require(struct pack_trust *trust, enum pack_role role, unsigned threshold,
                       struct pack_error *error)
{
    const size_t keys = distinct_keys(trust, role);
    if (threshold == 0)
        return pack_fail(error, PACK_E_USAGE, "at least 1 signature must be required");
    if (threshold > keys)
        return pack_fail(error, PACK_E_USAGE,
                         "%u signatures required, but the role %s has %zu trusted key%s", threshold,
                         pack_role_name(role), keys, keys == 1 ? "" : "s");
    trust->thresholds[role] = threshold;
    return 0;
}

unsigned pack_trust_required(const struct pack_trust *trust, enum pack_role role)
{
    return trust->thresholds[role];
}

const struct pack_public_key *pack_trust_key(const struct pack_trust *trust, enum pack_role role,
                                             size_t index)
{
    for (size_t i = 0; i < trust->count; i++)
        if (trust_holds(&trust->anchors[i], role) && index-- == 0)
            return &trust->anchors[i].key;
    return NULL;
}

size_t pack_trust_key_count(const struct pack_trust *trust, enum pack_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < trust->count; i++)
        count += trust_holds(&trust->anchors[i], role);
    return count;
}
