/* SPDX-License-Identifier: MIT */
#include "bundle/payload.h"
#include "bundle/renew.h"

#include "base/memory.h"
#include "io/file.h"

#include <string.h>

/* A bundle that gets one more attestation. All else in it is copied, and proved on the way. */
struct embedding {
    struct renewal renewal;
    const void *envelope;
    size_t size;
    struct pack_delivery delivery; /* the one with it */
    struct pack_delivery_attestation *attestations;
};

static void embedding_clear(struct embedding *embedding)
{
    renewal_clear(&embedding->renewal);
    free(embedding->attestations);
}

/* What an encoding that is not known says would be lost when the delivery is written anew. */
static int check_encodings(struct embedding *embedding, struct pack_error *error)
{
    const struct pack_delivery *delivery = embedding->renewal.trusted->delivery;
    for (size_t i = 0; i < delivery->image_count; i++)
        for (size_t e = 0; e < delivery->images[i].encoding_count; e++) {
            const struct pack_encoding *encoding = &delivery->images[i].encodings[e];
            embedding->renewal.signers.all =
                embedding->renewal.signers.all || encoding->has_in_place;
            if (encoding->unsupported == NULL)
                continue;
            (void)pack_fail(error, PACK_E_UNSUPPORTED, "image \"%s\": encoding %zu needs %s",
                            delivery->images[i].name, e, encoding->unsupported);
            return pack_hint(error, "an attestation in a file of its own leaves the bundle alone");
        }
    return 0;
}

static int plan(struct embedding *embedding, struct pack_error *error)
{
    const struct pack_delivery *from = embedding->renewal.trusted->delivery;
    const size_t count = from->attestation_count;
    if (embedding->size > PACK_MAX_ATTESTATION)
        return pack_fail(error, PACK_E_LIMIT, "the attestation has %zu bytes, %llu are allowed",
                         embedding->size, (unsigned long long)PACK_MAX_ATTESTATION);
    int code = check_encodings(embedding, error);
    if (code == 0)
        code =
            pack_allocate(&embedding->attestations, count + 1, sizeof *from->attestations, error);
    if (code != 0)
        return code;
    if (count != 0)
        memcpy(embedding->attestations, from->attestations, count * sizeof *from->attestations);
    embedding->attestations[count].size = embedding->size;
    embedding->delivery = *from;
    embedding->delivery.revision++;
    embedding->delivery.attestation_count = count + 1;
    embedding->delivery.attestations = embedding->attestations;
    return pack_sha256_bytes(embedding->envelope, embedding->size,
                             embedding->attestations[count].sha256, error);
}

static int write_payload(struct embedding *embedding, const struct layout_entry *entry,
                         struct pack_error *error)
{
    const struct renewal *renewal = &embedding->renewal;
    struct pack_descriptor_sink file =
        pack_descriptor_sink(pack_output_descriptor(renewal->output), entry->data);
    const int code = write_frame_of(renewal->output, entry, error);
    return code != 0
               ? code
               : payload_copy(renewal->trusted, entry->image, entry->encoding, &file.sink, error);
}

static int write_member(struct embedding *embedding, const struct layout_entry *entry,
                        struct pack_error *error)
{
    struct renewal *renewal = &embedding->renewal;
    const size_t number = renewal->trusted->delivery->attestation_count;
    switch (entry->kind) {
    case LAYOUT_ATTESTATION:
        if (entry->image == number)
            return write_entry(renewal->output, entry, embedding->envelope, error);
        return renewal_write_kept(renewal, entry, error);
    case LAYOUT_ATTACHMENT:
    case LAYOUT_IMAGE_BLOCKS:
        return renewal_write_kept(renewal, entry, error);
    case LAYOUT_STORED_BLOCKS:
    case LAYOUT_FRAMES:
        return renewal_write_table(renewal, entry, entry->encoding, error);
    case LAYOUT_PAYLOAD:
        break;
    }
    return write_payload(embedding, entry, error);
}

static int write_bundle(struct embedding *embedding, struct pack_bundle_embed_report *report,
                        struct pack_error *error)
{
    struct renewal *renewal = &embedding->renewal;
    int code =
        renewal_make_head(renewal, &embedding->delivery, false, report->delivery_sha256, error);
    if (code == 0)
        code = written_head_write(&renewal->head, renewal->output, error);
    for (size_t i = 0; code == 0 && i < renewal->layout->count; i++)
        code = write_member(embedding, &renewal->layout->entries[i], error);
    if (code == 0)
        code = write_end(renewal->output, renewal->layout, error);
    if (code == 0)
        report->size = renewal->layout->end + TAR_END;
    return code;
}

int pack_bundle_embed(struct pack_output *output, struct pack_trusted *trusted,
                      const void *envelope, size_t size, const struct pack_sign_request *signers,
                      struct pack_bundle_embed_report *report, struct pack_error *error)
{
    PACK_AUTO(embedding_clear)
    struct embedding embedding = {.renewal = {.output = output,
                                              .trusted = trusted,
                                              .signers = {.count = signers->signer_count,
                                                          .signers = signers->signers,
                                                          .roles = signers->signer_roles}},
                                  .envelope = envelope,
                                  .size = size};
    *report = (struct pack_bundle_embed_report){.number = trusted->delivery->attestation_count,
                                                .revision = trusted->delivery->revision + 1};
    int code = trusted->bundle->input->seekable
                   ? 0
                   : pack_fail(error, PACK_E_USAGE, "is a pipe, a file is wanted");
    if (code == 0)
        code = plan(&embedding, error);
    if (code == 0)
        code = trusted_load_tables(trusted, error);
    if (code == 0)
        code = write_bundle(&embedding, report, error);
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}
