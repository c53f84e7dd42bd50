/* SPDX-License-Identifier: MIT */
#ifndef AGE_PARTIES_H
#define AGE_PARTIES_H

/* Who may open an age file, from either side. */

#include "age/wrap.h"
#include "pack/age.h"
#include "pack/limits.h"

/* --- recipients ------------------------------------------------------------------------------ */

struct pack_age_recipients {
    uint8_t (*keys)[AGE_KEY_SIZE];
    size_t count, capacity;
    char *passphrase; /* in guarded memory; NULL: the keys count */
    size_t passphrase_size;
    unsigned work; /* of scrypt; two digits */
};

/* pack_age_recipients_passphrase, with the name of what it is for. */
PACK_MUST_USE int age_recipients_ask(struct pack_age_recipients *recipients,
                                     const struct pack_passphrase *passphrase, const char *what,
                                     struct pack_error *error);

/* --- identities ------------------------------------------------------------------------------ */

/* An X25519 key pair whose secret half is somewhere. */
struct age_identity {
    uint8_t public[AGE_KEY_SIZE];
    /* X25519 of the secret half and a share. PACK_E_MALFORMED: the share is of low order. */
    int (*agree)(const struct age_identity *identity, const uint8_t share[AGE_KEY_SIZE],
                 uint8_t shared[AGE_KEY_SIZE], struct pack_error *error);
    void (*close)(struct age_identity *identity);
    void *state; /* for a key in memory the 32 bytes, guarded */
};

/* A passphrase that was asked for, so that nobody is asked twice; in guarded memory. */
struct age_answer {
    bool given;
    size_t size;
    char text[PACK_MAX_PASSPHRASE + 1];
};

struct pack_age_identities {
    struct age_identity *list;
    size_t count, capacity;
    struct pack_passphrase passphrase;
    struct age_answer *answer;
};

/* The identity becomes the list's, also on failure. */
PACK_MUST_USE int age_identities_append(struct pack_age_identities *identities,
                                        struct age_identity *identity, struct pack_error *error);
/* An identity in memory. *secret is guarded memory that is taken. */
PACK_MUST_USE int age_identities_add_secret(struct pack_age_identities *identities,
                                            uint8_t **secret, struct pack_error *error);
/* AGE-SECRET-KEY-1…, or a failure that says what it is instead. */
PACK_MUST_USE int age_identities_add_line(struct pack_age_identities *identities, const char *line,
                                          size_t size, struct pack_error *error);
/* The same of an identity in memory, into guarded memory that is the caller's. */
PACK_MUST_USE int age_identities_line(const struct pack_age_identities *identities, size_t index,
                                      char **line, struct pack_error *error);
/* What `agree` says of a share of low order. */
int age_fail_low_order(struct pack_error *error);
/* The passphrase for `what`, asked for once. */
PACK_MUST_USE int age_identities_answer(const struct pack_age_identities *identities,
                                        const char *what, struct age_passphrase *passphrase,
                                        struct pack_error *error);

/* Adds the lines of a file, env:NAME or fd:N. */
PACK_MUST_USE int age_identities_add_file(struct pack_age_identities *identities, const char *name,
                                          const struct pack_key_access *access,
                                          struct pack_error *error);

/* --- files of them --------------------------------------------------------------------------- */

/* What a line of a file may be. */
struct age_lines {
    const char *text;
    size_t size;
    unsigned line; /* of the last one that was given */
};
/* The next line that is neither empty nor a comment, without its end; false behind the last. */
bool age_next_line(struct age_lines *lines, const char **line, size_t *size);

/*
 * Refuses a line by what it is: SSH's, a plugin's, post-quantum, minisign's; else it is "no WANTED
 * of age", or with NULL the error stays as it is. No message shows the line, which may be secret.
 */
int age_fail_kind(const char *line, size_t size, const char *wanted, struct pack_error *error);

#endif
