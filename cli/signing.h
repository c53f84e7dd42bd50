/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGNING_H
#define CLI_SIGNING_H

/* A bundle that gets signatures, whoever makes them: opened and locked, shown, written. */

#include "cli.h"

#include "pack/bundle.h"

struct signing {
    struct cli *cli;
    const char *path;
    const char *output; /* the path, or -o */
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_release *release;
    struct pack_delivery *delivery;
};

struct signing signing_of(struct cli *cli, const struct arguments *arguments);
void signing_clear(struct signing *signing);
#define AUTO_SIGNING CLI_AUTO(signing_clear)

/* What of a bundle is signed: its documents, and the permit that it may carry. */
enum signed_document { SIGNED_RELEASE, SIGNED_DELIVERY, SIGNED_PERMIT, SIGNED_DOCUMENTS };

/* "release", as --role has it; NULL from SIGNED_DOCUMENTS on. */
const char *signed_choice(size_t index);
/* "release.json" */
const char *signed_name(enum signed_document what);
/* Whose keys sign it, and in whose namespace an SSH key does. */
enum pack_role signed_role(enum signed_document what);
/* The bundle's bytes of it; NULL where it has no permit. */
const void *signing_document(const struct signing *signing, enum signed_document what,
                             size_t *size);
/* What fwpack says in its own signatures on it. */
PACK_MUST_USE int signing_comment(const struct signing *signing, enum signed_document what,
                                  char comment[PACK_MAX_TRUSTED_COMMENT], struct pack_error *error);

/* Both roles that sign a bundle. */
#define SIGNING_BOTH (1U << PACK_ROLE_RELEASE | 1U << PACK_ROLE_DELIVERY)

/* Opens it, locked, and parses the documents, of which nothing is proved. */
PACK_MUST_USE int signing_open(struct signing *signing, size_t new_signatures,
                               struct pack_error *error);
/*
 * Product, versions and images, as notes. The bytes shown are those in memory, and those are
 * signed.
 */
void signing_show(const struct signing *signing, const char *title);
/* As `sign` asks "Sign this?" where somebody can be asked and --yes is not given. */
PACK_MUST_USE int signing_ask(const struct signing *signing, struct pack_error *error);
/*
 * What keys sign as, of the roles that are wanted: as the newest trust root says (`given` may be
 * NULL: then what their purposes say). A key that the root revokes is PACK_E_REVOKED, one that
 * holds none of these roles there PACK_E_UNTRUSTED.
 */
PACK_MUST_USE int signing_set_roles(struct cli_keys *keys, const struct signing *signing,
                                    const struct pack_trust *given, unsigned wanted,
                                    struct pack_error *error);
/* A document with its size and hash, as a note. */
PACK_MUST_USE int signing_show_document(const struct signing *signing, enum pack_role role,
                                        struct pack_error *error);
/* Puts what was written in its place, unless the bundle was replaced meanwhile. */
PACK_MUST_USE int signing_commit(const struct signing *signing, struct pack_output **output,
                                 struct pack_error *error);
/* Writes the bundle with more signatures, in its place where nothing else was asked for. */
PACK_MUST_USE int signing_write(const struct signing *signing,
                                const struct pack_sign_request *request,
                                struct pack_sign_report *report, struct pack_error *error);
/* "x.fwb: 1 signature added", and the members "bundle", "changed", "added" and "present". */
void signing_report(const struct signing *signing, const struct pack_sign_report *report);

/* `sign BUNDLE --export DIR` */
PACK_MUST_USE int sign_export(struct cli *cli, const struct arguments *arguments,
                              struct pack_error *error);
/* `sign BUNDLE --import FILE…` */
PACK_MUST_USE int sign_import(struct cli *cli, const struct arguments *arguments,
                              struct pack_error *error);

#endif
