/* SPDX-License-Identifier: MIT */
#ifndef TRUST_ROOT_H
#define TRUST_ROOT_H

/*
 * The inside of a trust root: its JSON tree, which is the one truth, and what was read from it. An
 * edit changes the tree and reads it again.
 */

#include "base/bytes.h"
#include "base/memory.h"
#include "codec/json_tree.h"
#include "pack/root.h"

#define ROOT_MEMBER "x-fwpack"
#define ROOT_FORMAT 1
#define ROOT_SPEC_VERSION "1.0.31"
#define ROOT_TYPE_ED25519 "ed25519"
#define ROOT_TYPE_FIDO "sk-ssh-ed25519@openssh.com"

/* What a signature was found to be, for each is asked about several times. */
struct root_verdict {
    bool known;
    bool good;
    uint8_t key[PACK_PUBLIC_KEY_SIZE]; /* by this key */
};

struct pack_root_storage {
    struct pack_arena *arena;
    struct pack_json_value *document;
    struct pack_json_value *signed_part;
    struct pack_buffer bytes;      /* the canonical form of signed_part */
    struct root_verdict *verdicts; /* one for each signature */
};

/* A root around a tree that lies in the arena; takes the arena, also where it fails. */
PACK_MUST_USE int root_from_tree(struct pack_root **root, struct pack_arena **arena,
                                 const struct pack_json_value *document, bool draft,
                                 const struct pack_root *known, struct pack_error *error);
/*
 * Reads the tree again, after an edit; a draft may lack TUF's roles. What the root pointed to
 * before lives on.
 */
PACK_MUST_USE int root_read(struct pack_root *root, bool draft, const struct pack_root *known,
                            struct pack_error *error);
/* pack_root_parse, without proving again what keys `known` (may be NULL) has. */
PACK_MUST_USE int root_parse_after(struct pack_root **root, const struct pack_root *known,
                                   const void *bytes, size_t size, struct pack_error *error);

/* Whether the index-th signature is the usable key's; the error says what is wrong with it. */
PACK_MUST_USE int root_signature_check(const struct pack_root *root, size_t index,
                                       const struct pack_root_key *key, struct pack_error *error);
/* The root's key that holds the role root and has this id, or NULL. */
const struct pack_root_key *root_signer(const struct pack_root *root, const char *id);

#endif
