/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGNERS_H
#define CLI_SIGNERS_H

/* Signatures on a bundle's documents in words and as JSON, proved and unproved. */

#include "cli.h"

#include "pack/bundle.h"

/* What verify says of a document: how many of how many, and each signer. */
void signers_print(struct cli *cli, const char *document,
                   const struct pack_document_report *report);
/* An object of that name. */
void signers_json(struct pack_json *json, const char *document,
                  const struct pack_document_report *report);

/* The members that tell what a FIDO token said: "application", "user_present", …. */
void signers_json_fido(struct pack_json *json, const char *application, unsigned flags,
                       uint32_t counter);

/* What inspect says of a document's signatures: what they claim, nothing of which is proved. */
void signatures_print(struct cli *cli, const struct pack_bundle *bundle, enum pack_role role);
/* "signatures", the key ids of each document, and "signature_details". */
void signatures_json(struct pack_json *json, const struct pack_bundle *bundle);

#endif
