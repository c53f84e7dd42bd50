/* SPDX-License-Identifier: MIT */
#ifndef CLI_TRUST_COMMAND_H
#define CLI_TRUST_COMMAND_H

/* The subcommands of `trust`, and what they share. */

#include "cli.h"

#include "pack/root.h"

extern const struct command command_trust_add;
extern const struct command command_trust_check;
extern const struct command command_trust_embed;
extern const struct command command_trust_init;
extern const struct command command_trust_remove;
extern const struct command command_trust_revoke;
extern const struct command command_trust_rotate;
extern const struct command command_trust_show;
extern const struct command command_trust_sign;
extern const struct command command_trust_threshold;

/* --- what is typed --------------------------------------------------------------------------- */

/* ROLE=VALUE, of which *value points behind the "="; PACK_E_USAGE with the nearest role. */
PACK_MUST_USE int trust_split(enum pack_root_role *role, const char **value, const char *text,
                              struct pack_error *error);
/*
 * PUB for a root, whose path or text it is. A demo key is PACK_E_UNTRUSTED, or loudly let in where
 * the command has --allow-demo-keys and it is given.
 */
PACK_MUST_USE int trust_load_key(struct cli *cli, struct pack_public_key *key, const char *name,
                                 bool may_be_demo, struct pack_error *error);
/* PUB, or the id of one of the root's keys. */
PACK_MUST_USE int trust_find_key(struct cli *cli, struct pack_public_key *key,
                                 const struct pack_root *root, const char *name,
                                 struct pack_error *error);
/* A table's --expires and --days, and the time that they say. */
#define TRUST_EXPIRY_OPTIONS                                                                 \
    {.name = "expires",                                                                      \
     .kind = OPTION_TEXT,                                                                    \
     .value = "DATE",                                                                        \
     .help = "when the root expires, in UTC: 2027-12-31"},                                   \
    {                                                                                        \
        .name = "days", .kind = OPTION_NUMBER, .value = "N", .minimum = 1, .maximum = 36500, \
        .help = "the root expires in N days (365)"                                           \
    }
PACK_MUST_USE int trust_expiry(uint64_t *expires, const struct arguments *arguments,
                               struct pack_error *error);

/* --- a root in the making -------------------------------------------------------------------- */

/* A root's file that is changed: locked from the first read until it is replaced. */
struct trust_draft {
    struct cli *cli;
    const char *path;
    const char *output;
    struct pack_input *input;
    struct pack_root *root;
};
PACK_MUST_USE int trust_draft_open(struct trust_draft *draft, struct cli *cli, const char *path,
                                   struct pack_error *error);
/* Writes it to -o, else in its place. */
PACK_MUST_USE int trust_draft_save(const struct trust_draft *draft, struct pack_error *error);
void trust_draft_close(struct trust_draft *draft);
/* A root as a file of its own, which must not be there yet. */
PACK_MUST_USE int trust_write_new(struct cli *cli, const struct pack_root *root, const char *path,
                                  struct pack_error *error);
/* PACK_E_USAGE for a root that its own keys have signed: it may be in devices. */
PACK_MUST_USE int trust_check_draft(const struct pack_root *root, struct pack_error *error);

/* --- signing elsewhere ----------------------------------------------------------------------- */

/* Writes the bytes that are to be signed, and says by what commands. */
PACK_MUST_USE int trust_export(struct cli *cli, const struct trust_draft *draft, const char *path,
                               struct pack_error *error);
/*
 * Adds a signature from a file, 64 bytes, their hex or their base64, by whichever root key of
 * `root` or `old` (may be NULL) it is; PACK_E_SIGNATURE where it is none's.
 */
PACK_MUST_USE int trust_import(struct pack_root *root, const struct pack_root *old,
                               const char *file, struct pack_error *error);

/* --- words ----------------------------------------------------------------------------------- */

/* "root.json: root 2, expires 2027-11-22T17:00:00Z", in bold, then its roles and revoked keys. */
void trust_print_root(struct cli *cli, const char *path, const struct pack_root *root);
/* The same as members of the JSON object that stands open. */
void trust_json_root(struct pack_json *json, const struct pack_root *root);
/*
 * How many of the signatures that `by` wants `root` has: one line, and a member `name` of the
 * JSON result. True when there are enough.
 */
bool trust_tell_signatures(struct cli *cli, const char *name, const struct pack_root *root,
                           const struct pack_root *by);

#endif
