/* SPDX-License-Identifier: MIT */
#ifndef CLI_KEY_COMMAND_H
#define CLI_KEY_COMMAND_H

/* The subcommands of `key`, and what they share. */

#include "cli.h"

extern const struct command command_key_export;
extern const struct command command_key_generate;
extern const struct command command_key_import;
extern const struct command command_key_list;
extern const struct command command_key_passphrase;
extern const struct command command_key_seal;
extern const struct command command_key_show;

/* A path made by printf's rules, to be freed with free(). */
PACK_MUST_USE int key_make_path(char **path, struct pack_error *error, const char *format, ...)
    PACK_PRINTF(3, 4);

/* The two files of a new key. */
struct key_pair {
    char *secret, *public;
};
void key_pair_clear(struct key_pair *pair);
/* From NAME, or NAME.key, for that is what the file will be called. */
PACK_MUST_USE int key_pair_name(struct key_pair *pair, const char *name, struct pack_error *error);

/* For a dry run: what would be written, or PACK_E_EXISTS. */
PACK_MUST_USE int key_pair_rehearse(struct cli *cli, const struct key_pair *pair,
                                    struct pack_error *error);
/* Tells of a pair that was made. */
void key_pair_report(struct cli *cli, const struct key_pair *pair,
                     const struct pack_secret_key *key, bool encrypted);

/* PACK_E_EXISTS where there is something of that name, for a key is never written over. */
PACK_MUST_USE int key_check_free(const char *path, struct pack_error *error);

/*
 * Prints a key's ids and its public half, and adds them to the JSON object that stands open. A FIDO
 * key has none of minisign's.
 */
void key_print_ids(struct cli *cli, const struct pack_public_key *key, const char *purpose);

/* Whether it is a file of `key seal`, and describe_key for such a one. */
bool key_is_sealed(const char *path);
PACK_MUST_USE int key_describe_sealed(struct cli *cli, const char *path, struct pack_error *error);

/* `key generate --type age`. */
PACK_MUST_USE int key_generate_age(struct cli *cli, const struct arguments *arguments,
                                   const struct pack_passphrase *passphrase,
                                   struct pack_error *error);
/* Whether it is an identity, recipients or a file of age, and describe_key for such a one. */
bool key_is_age(const char *path);
PACK_MUST_USE int key_describe_age(struct cli *cli, const char *path, struct pack_error *error);

#endif
