/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_RENEW_H
#define BUNDLE_RENEW_H

/*
 * A bundle written anew with another delivery: what the release's signers and others have said
 * stays byte for byte, and so do attachments, attestations and the plain tables.
 */

#include "bundle/trusted.h"
#include "bundle/writer.h"

/* Who signs the new delivery.json. */
struct renewal_signers {
    size_t count;
    const struct pack_signer *signers;
    const unsigned *roles;
    bool all; /* those of other roles too: an encoding is applied in place */
};

struct renewal {
    struct pack_output *output;
    struct pack_trusted *trusted; /* the bundle as it is */
    struct renewal_signers signers;
    struct written_head head;
    struct layout *layout;
};

void renewal_clear(struct renewal *renewal);

/*
 * Makes the head with this delivery in place of the bundle's, signed, and the layout that follows
 * from it. With `measure` signatures of the same size that sign nothing. `sha256`, the delivery's,
 * may be NULL.
 */
PACK_MUST_USE int renewal_make_head(struct renewal *renewal, const struct pack_delivery *delivery,
                                    bool measure, uint8_t sha256[PACK_SHA256_SIZE],
                                    struct pack_error *error);

/* Writes an attachment, attestation or plain table, proved again. */
PACK_MUST_USE int renewal_write_kept(struct renewal *renewal, const struct layout_entry *entry,
                                     struct pack_error *error);
/* Writes a table that encoding number `number` of the bundle has too, proved again. */
PACK_MUST_USE int renewal_write_table(struct renewal *renewal, const struct layout_entry *entry,
                                      size_t number, struct pack_error *error);

#endif
