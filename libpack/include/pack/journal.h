/* SPDX-License-Identifier: MIT */
#ifndef PACK_JOURNAL_H
#define PACK_JOURNAL_H

/*
 * The journal of signatures made: one line of JSON each, which holds the hash of the line before
 * it, so that no line can be changed, taken out, put in or moved without breaking what follows.
 * docs/journal.md is the format.
 */

#include "pack/digest.h"

PACK_BEGIN_DECLS

#define PACK_MAX_JOURNAL_LINE 4096 /* bytes, with the line feed */

/* A signature made. Texts may be NULL where they are unknown, but for keyid and store. */
struct pack_journal_entry {
    uint64_t when;                      /* seconds since 1970 */
    uint8_t document[PACK_SHA256_SIZE]; /* of what was signed */
    const char *role;                   /* "release" */
    const char *keyid;
    const char *store; /* where the key is kept: "file", "pkcs11", … */
    const char *product, *version;
    const char *file; /* as the user named it, without folders */
};

/*
 * Whether an entry can be appended to PATH: it is not there and can be made, or it is a regular
 * file whose last line is whole, is an entry, and fits the line before it. PACK_E_MALFORMED or
 * PACK_E_CORRUPT otherwise, with what to do. Leaves nothing.
 */
PACK_API PACK_MUST_USE int pack_journal_ready(const char *path, struct pack_error *error);
/*
 * Appends an entry in one write under an exclusive lock, and syncs it; a new file has mode 0600.
 * After a failure the file is as it was. Checks what pack_journal_ready checks.
 */
PACK_API PACK_MUST_USE int pack_journal_append(const char *path,
                                               const struct pack_journal_entry *entry,
                                               struct pack_error *error);

/* What a whole journal comes to. */
struct pack_journal_summary {
    uint64_t count;
    uint8_t
        head[PACK_SHA256_SIZE]; /* SHA-256 of the last line with its line feed; zeros for none */
    uint64_t wanted_at;         /* the line whose hash was wanted; 0: the empty beginning */
};
/* Told of each line once it is proved. A failure ends the reading. */
typedef int (*pack_journal_fn)(void *user, uint64_t line, const struct pack_journal_entry *entry,
                               struct pack_error *error);
/*
 * Proves PATH from its first line to its last. PACK_E_MALFORMED where a line is no entry in the
 * one form that there is, PACK_E_CORRUPT where the chain is broken, both with the line. `wanted`,
 * where it is not NULL, must be the hash of one of the lines: who kept a head knows then that
 * nothing before it was changed or taken away. `tell` may be NULL.
 */
PACK_API PACK_MUST_USE int pack_journal_check(struct pack_journal_summary *summary,
                                              const char *path,
                                              const uint8_t wanted[PACK_SHA256_SIZE],
                                              pack_journal_fn tell, void *user,
                                              struct pack_error *error);

PACK_END_DECLS

#endif
