/* SPDX-License-Identifier: MIT */
#ifndef CLI_ENCRYPTION_H
#define CLI_ENCRYPTION_H

/* GROUP_IDENTITY and GROUP_RECIPIENTS: who opens what is encrypted, and for whom it is. */

#include "cli.h"

#include "pack/age.h"

/*
 * The identities of --identity. What is encrypted with a passphrase asks for it where one is given
 * by an option, and else only with `asks`. NULL where nothing is given and nothing would be asked.
 */
PACK_MUST_USE int cli_identities_open(struct pack_age_identities **identities, struct cli *cli,
                                      bool asks, struct pack_error *error);

/* The same with identities that are named elsewhere, as in a device file. */
PACK_MUST_USE int cli_identities_load(struct pack_age_identities **identities, struct cli *cli,
                                      const char *const *names, size_t count, bool asks,
                                      struct pack_error *error);

/* Those of --encrypt-to, or the passphrase; NULL where none are given. */
PACK_MUST_USE int cli_recipients_open(struct pack_age_recipients **recipients, struct cli *cli,
                                      struct pack_error *error);

/* Whether any payload is encrypted. */
struct pack_delivery;
bool delivery_is_encrypted(const struct pack_delivery *delivery);

#endif
