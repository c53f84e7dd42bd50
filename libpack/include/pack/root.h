/* SPDX-License-Identifier: MIT */
#ifndef PACK_ROOT_H
#define PACK_ROOT_H

/*
 * The trust root (docs/trust.md): a TUF 1.0 root.json that says which keys hold which role, how
 * many of them must sign, and which keys are revoked. What a TUF client has no words for stands in
 * the signed member "x-fwpack". A root is replaced only by the next version, signed under both.
 */

#include "pack/trust.h"

PACK_BEGIN_DECLS

#define PACK_MAX_ROOT 512000    /* bytes of a root.json, as TUF clients have it */
#define PACK_MAX_ROOT_KEYS 256  /* keys of one root */
#define PACK_MAX_REVOKED 1024   /* revoked keys of one root */
#define PACK_MAX_REASON 256     /* bytes of a revocation's reason */
#define PACK_ROOT_TIME_SIZE 21  /* "2027-11-22T17:00:00Z" and a zero byte */
#define PACK_ROOT_SIGNER "root" /* pack_signer.role of those who sign roots */

/* TUF's own roles, then those of "x-fwpack", in the order of enum pack_role. */
enum pack_root_role {
    PACK_ROOT_ROOT,
    PACK_ROOT_TARGETS,
    PACK_ROOT_SNAPSHOT,
    PACK_ROOT_TIMESTAMP,
    PACK_ROOT_RELEASE,
    PACK_ROOT_DELIVERY,
    PACK_ROOT_ROLLOUT,
    PACK_ROOT_ROLES
};
/* "root", …; NULL behind the last. */
PACK_API const char *pack_root_role_name(enum pack_root_role role);
PACK_API bool pack_root_role_parse(const char *name, enum pack_root_role *role);

struct pack_root_key {
    const char *id;   /* in this file: the key's own id, or the hash of its whole object */
    const char *type; /* "ed25519", "sk-ssh-ed25519@openssh.com", or one that never counts */
    bool usable;      /* of the first two types: `key` is filled */
    bool demo;        /* everybody can sign with it */
    struct pack_public_key key;
};

/* Who holds a role. A threshold of 0: the root does not have it. */
struct pack_root_holders {
    unsigned threshold;
    size_t count;
    const struct pack_root_key **keys;
};

struct pack_root_revocation {
    struct pack_public_key key; /* id, bytes and application only */
    const char *reason;
};

struct pack_root_signature {
    const char *id;  /* of the key that says it signed */
    const char *hex; /* as it stands */
};

/*
 * One root, whoever signed it. Everything in it lives until pack_root_free, but an edit gives it
 * new arrays.
 */
struct pack_root {
    uint64_t version;
    uint64_t expires; /* seconds since 1970 */
    char expires_text[PACK_ROOT_TIME_SIZE];
    struct pack_root_holders roles[PACK_ROOT_ROLES];
    size_t key_count;
    struct pack_root_key *keys;
    size_t revoked_count;
    struct pack_root_revocation *revoked;
    size_t signature_count;
    struct pack_root_signature *signatures;
    struct pack_root_storage *storage; /* the library's own */
};

/* --- reading -------------------------------------------------------------------------------- */

/*
 * Parses strictly, without a thought for who signed: PACK_E_MALFORMED, PACK_E_LIMIT,
 * PACK_E_KEY_INVALID, with line and column; PACK_E_UNSUPPORTED for a higher "format", and for what
 * "x-fwpack" calls critical and this version does not know. Unknown members are kept, and ignored.
 */
PACK_API PACK_MUST_USE int pack_root_parse(struct pack_root **root, const void *bytes, size_t size,
                                           struct pack_error *error);
PACK_API PACK_MUST_USE int pack_root_load(struct pack_root **root, const char *path,
                                          struct pack_error *error);
PACK_API void pack_root_free(struct pack_root **root);

/* What a signature covers: the canonical JSON (OLPC's) of "signed". The root's own. */
PACK_API const void *pack_root_signed_bytes(const struct pack_root *root, size_t *size);
/* The file: members sorted, two spaces of indent. *text to be freed with free(). */
PACK_API PACK_MUST_USE int pack_root_format(const struct pack_root *root, char **text, size_t *size,
                                            struct pack_error *error);

/* By id or by the bytes of the public key; NULL where there is none. */
PACK_API const struct pack_root_key *pack_root_key_by_id(const struct pack_root *root,
                                                         const char *id);
PACK_API const struct pack_root_key *pack_root_key_of(const struct pack_root *root,
                                                      const struct pack_public_key *key);
PACK_API const struct pack_root_revocation *
pack_root_revocation_of(const struct pack_root *root, const struct pack_public_key *key);
PACK_API bool pack_root_holds(const struct pack_root *root, enum pack_root_role role,
                              const struct pack_root_key *key);

/* "YYYY-MM-DDTHH:MM:SSZ", or the day alone, which is its first second; UTC, 1970 to 9999. */
PACK_API bool pack_root_time_parse(const char *text, uint64_t *seconds);

/* --- judging -------------------------------------------------------------------------------- */

struct pack_root_signer {
    const char *id;
    enum pack_signer_state state; /* PACK_SIGNER_UNKNOWN: no root key of the judging root */
};

struct pack_root_report {
    unsigned required;
    unsigned good; /* distinct valid keys */
    size_t count;
    struct pack_root_signer signers[64]; /* PACK_MAX_SIGNERS */
};

/*
 * Whether enough root keys of `by` signed `root`. PACK_E_NOT_SIGNED without any signature;
 * PACK_E_SIGNATURE when one that would count fails, PACK_E_UNTRUSTED when too few are there. The
 * report is filled whatever the verdict.
 */
PACK_API PACK_MUST_USE int pack_root_judge(const struct pack_root *root, const struct pack_root *by,
                                           struct pack_root_report *report,
                                           struct pack_error *error);
/*
 * Whether a device that trusts `old` may trust `new` next: its version is the next one (else
 * PACK_E_TOO_OLD, which names the missing one), both roots' keys signed it, and no revocation is
 * taken back (PACK_E_REVOKED).
 */
PACK_API PACK_MUST_USE int pack_root_follow(const struct pack_root *old,
                                            const struct pack_root *new_root,
                                            struct pack_error *error);
/*
 * PACK_E_EXPIRED from `now` = `expires` on, and, with other words, for a clock that cannot be right
 * (before 2024).
 */
PACK_API PACK_MUST_USE int pack_root_check_time(const struct pack_root *root, uint64_t now,
                                                struct pack_error *error);

/* --- drafts --------------------------------------------------------------------------------- */

/*
 * Edits. Each drops the signatures, for they were made of another text. PACK_E_USAGE where the
 * root could not be what is asked for: a threshold that no number of keys reaches, a key twice, a
 * FIDO key in a role of TUF; PACK_E_REVOKED for a role to a revoked key.
 */

/* Version 1, without keys: not valid until each role but rollout has some. */
PACK_API PACK_MUST_USE int pack_root_new(struct pack_root **root, uint64_t expires,
                                         struct pack_error *error);
/* The next version, not signed. */
PACK_API PACK_MUST_USE int pack_root_next(struct pack_root **next, const struct pack_root *root,
                                          uint64_t expires, struct pack_error *error);
/* The first key of a role gives threshold 1. The root keeps it noted that a key is a demo key. */
PACK_API PACK_MUST_USE int pack_root_add(struct pack_root *root, enum pack_root_role role,
                                         const struct pack_public_key *key,
                                         struct pack_error *error);
PACK_API PACK_MUST_USE int pack_root_remove(struct pack_root *root, enum pack_root_role role,
                                            const char *id, struct pack_error *error);
PACK_API PACK_MUST_USE int pack_root_threshold(struct pack_root *root, enum pack_root_role role,
                                               unsigned threshold, struct pack_error *error);
/* Takes all its roles from the key, and revokes it for good. It need not be a key of the root. */
PACK_API PACK_MUST_USE int pack_root_revoke(struct pack_root *root,
                                            const struct pack_public_key *key, const char *reason,
                                            struct pack_error *error);
/* PACK_E_USAGE where a role lacks keys that it must have. */
PACK_API PACK_MUST_USE int pack_root_check_whole(const struct pack_root *root,
                                                 struct pack_error *error);

/*
 * Adds a signature, in place of one by the same key. PACK_E_SIGNATURE when it does not verify. The
 * key must hold the role root in this root or in `old` (may be NULL), else PACK_E_UNTRUSTED.
 */
PACK_API PACK_MUST_USE int pack_root_add_signature(struct pack_root *root,
                                                   const struct pack_root *old,
                                                   const struct pack_public_key *key,
                                                   const uint8_t signature[PACK_SIGNATURE_SIZE],
                                                   struct pack_error *error);
/* Whether the key may sign, as pack_root_add_signature has it; PACK_E_UNTRUSTED. */
PACK_API PACK_MUST_USE int pack_root_check_signer(const struct pack_root *root,
                                                  const struct pack_root *old,
                                                  const struct pack_public_key *key,
                                                  struct pack_error *error);
/* Takes away every signature that no root key of `root` or `old` (may be NULL) made. */
PACK_API PACK_MUST_USE int pack_root_keep_good(struct pack_root *root, const struct pack_root *old,
                                               struct pack_error *error);

/* --- trust ---------------------------------------------------------------------------------- */

/* By what a root is judged when it is used. */
struct pack_root_rules {
    bool has_clock; /* else dates are not judged: versions and revocations only */
    uint64_t now;   /* seconds since 1970 */
    bool allow_demo_keys;
    unsigned require; /* release signatures at least; 0: as the root says. May only raise. */
};

/* A root as a bundle carries it. */
struct pack_root_file {
    const char *name; /* for messages */
    uint64_t version; /* as the name says */
    const void *bytes;
    size_t size;
};

/*
 * A trust that the root stands for: it takes *root, also where it fails. Roles, thresholds and
 * revoked keys are the root's; dates are judged by pack_trust_follow only, for a newer root may be
 * at hand. The root must be signed by its own keys; it is PACK_E_UNTRUSTED without holders of
 * release and delivery, and with a demo key that the rules do not allow. PACK_E_USAGE when
 * `require` is less than what the root says, or more than it can give.
 */
PACK_API PACK_MUST_USE int pack_trust_from_root(struct pack_trust **trust, struct pack_root **root,
                                                const struct pack_root_rules *rules,
                                                struct pack_error *error);
/*
 * The trust of the newest root, reached from the one that `trust` was made from by `files`, in
 * ascending order and none skipped; older ones are passed over. Judges the newest root's expiry.
 * Each file must be as pack_root_format writes it, and each signature in it good, so that none of
 * its bytes is free. *newest becomes NULL where no file is newer, and for a trust made of bare
 * keys, to which files say nothing.
 */
PACK_API PACK_MUST_USE int pack_trust_follow(struct pack_trust **newest,
                                             const struct pack_trust *trust,
                                             const struct pack_root_file *files, size_t count,
                                             struct pack_error *error);
/* NULL for a trust made of bare keys. */
PACK_API const struct pack_root *pack_trust_root(const struct pack_trust *trust);
/* The roles that a key holds, a set of 1 << enum pack_role; none where it is revoked. */
PACK_API unsigned pack_trust_roles(const struct pack_trust *trust,
                                   const struct pack_public_key *key);

PACK_END_DECLS

#endif
