/* SPDX-License-Identifier: MIT */
#ifndef CLI_ATTESTATIONS_H
#define CLI_ATTESTATIONS_H

/* Attestations of a bundle: those of --attestation FILE, proved, and those in it. */

#include "cli.h"

#include "pack/attest.h"
#include "pack/bundle.h"

struct attestation_file {
    const char *path;
    struct pack_attestation *proved; /* NULL where it did not get so far */
};

struct attestations {
    size_t count;
    struct attestation_file *files;
};

#define ATTESTATION_OPTION                                                               \
    {                                                                                    \
        .name = "attestation", .kind = OPTION_PATH, .value = "FILE", .repeatable = true, \
        .help = "prove FILE, which says how the images were built"                       \
    }

/*
 * Proves each file of --attestation against a release that was proved. Every image must be a
 * subject of one of them (PACK_E_NOT_SIGNED). Nothing given is nothing to prove.
 */
PACK_MUST_USE int attestations_verify(struct attestations *attestations,
                                      const struct arguments *arguments,
                                      const struct pack_trust *trust,
                                      const struct pack_trusted *trusted, struct pack_error *error);
void attestations_clear(struct attestations *attestations);

void attestations_print(struct cli *cli, const struct attestations *attestations,
                        const struct pack_delivery *delivery);
/* "attestations" and "embedded_attestations", each where there are any. */
void attestations_json(struct pack_json *json, const struct attestations *attestations,
                       const struct pack_delivery *delivery);

#endif
