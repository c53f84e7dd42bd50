/* SPDX-License-Identifier: MIT */
#ifndef CLI_ATTESTATIONS_H
#define CLI_ATTESTATIONS_H

/* Attestations of a bundle: those of --attestation FILE, proved, and those in it. */

#include "cli.h"

#include "pack/attest.h"
#include "pack/bundle.h"

struct attestation_file {
    const char *path;                /* of a file, or of a member where it is */
    char member[48];                 /* "attestations/0.dsse.json", or empty */
    struct pack_attestation *proved; /* NULL where it did not get so far */
};

struct attestations {
    size_t count;
    struct attestation_file *files;
};

#define ATTESTATION_OPTIONS                                                                 \
    {.name = "attestation",                                                                 \
     .kind = OPTION_PATH,                                                                   \
     .value = "FILE",                                                                       \
     .repeatable = true,                                                                    \
     .help = "prove FILE, which says how the images were built"},                           \
    {                                                                                       \
        .name = "embedded-attestations", .help = "prove the attestations in the bundle too" \
    }

/* What attestations are proved against. */
struct attestation_judge {
    struct pack_trusted *trusted; /* proved, and not from a pipe for those in it */
    const char *bundle;           /* for messages */
};

/*
 * Proves each file of --attestation, and with --embedded-attestations those in the bundle. Every
 * image must be a subject of one of them (PACK_E_NOT_SIGNED). Nothing asked for is nothing to
 * prove.
 */
PACK_MUST_USE int attestations_verify(struct attestations *attestations,
                                      const struct arguments *arguments,
                                      const struct attestation_judge *judge,
                                      struct pack_error *error);
void attestations_clear(struct attestations *attestations);

void attestations_print(struct cli *cli, const struct attestations *attestations,
                        const struct pack_delivery *delivery);
/* "attestations" and "embedded_attestations", each where there are any. */
void attestations_json(struct pack_json *json, const struct attestations *attestations,
                       const struct pack_delivery *delivery);

#endif
