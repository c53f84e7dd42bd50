/* SPDX-License-Identifier: MIT */
#include "bundle/renew.h"

#include "base/memory.h"
#include "io/file.h"

void renewal_clear(struct renewal *renewal)
{
    written_head_clear(&renewal->head);
    layout_free(&renewal->layout);
}

/* --- the head ------------------------------------------------------------------------------ */

static int put_delivery(struct renewal *renewal, const struct pack_delivery *delivery,
                        uint8_t sha256[PACK_SHA256_SIZE], struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    int code = pack_delivery_encode(&text, &size, delivery, error);
    if (code == 0 && sha256 != NULL)
        code = pack_sha256_bytes(text, size, sha256, error);
    return code != 0 ? code : written_head_put(&renewal->head, "delivery.json", &text, size, error);
}

static int sign_delivery(struct renewal *renewal, bool measure, struct pack_error *error)
{
    const struct renewal_signers *signers = &renewal->signers;
    const struct pack_release *release = renewal->trusted->release;
    const struct written_member *document = written_head_find(&renewal->head, "delivery.json");
    const char *text = document->bytes; /* stays, though the members move */
    const size_t size = document->size;
    char comment[PACK_MAX_TRUSTED_COMMENT];
    int code = pack_trusted_comment(comment, PACK_ROLE_DELIVERY, release->product, release->version,
                                    text, size, error);
    for (size_t i = 0; code == 0 && i < signers->count; i++) {
        struct pack_signer signer = signers->signers[i];
        if (!signers->all && (signers->roles[i] & 1U << PACK_ROLE_DELIVERY) == 0)
            continue;
        if (measure)
            signer.sign = NULL;
        code = written_head_sign(&renewal->head, PACK_ROLE_DELIVERY, &signer, comment, text, size,
                                 error);
    }
    return code;
}

int renewal_make_head(struct renewal *renewal, const struct pack_delivery *delivery, bool measure,
                      uint8_t sha256[PACK_SHA256_SIZE], struct pack_error *error)
{
    renewal_clear(renewal);
    int code = written_head_copy(&renewal->head, renewal->trusted->bundle, error);
    written_head_drop(&renewal->head, HEAD_DELIVERY);
    written_head_drop(&renewal->head, HEAD_DELIVERY_SIGNATURES);
    if (code == 0)
        code = put_delivery(renewal, delivery, sha256, error);
    if (code == 0)
        code = sign_delivery(renewal, measure, error);
    if (code == 0)
        code = layout_new(&renewal->layout, renewal->trusted->release, delivery,
                          written_head_size(&renewal->head), error);
    return code;
}

/* --- what stays ---------------------------------------------------------------------------- */

int renewal_write_kept(struct renewal *renewal, const struct layout_entry *entry,
                       struct pack_error *error)
{
    struct pack_trusted *trusted = renewal->trusted;
    if (entry->kind == LAYOUT_IMAGE_BLOCKS)
        return write_entry(renewal->output, entry, trusted->tables[entry->image], error);
    const uint8_t *sha256 = entry->kind == LAYOUT_ATTACHMENT
                                ? trusted->release->attachments[entry->image].sha256
                                : trusted->delivery->attestations[entry->image].sha256;
    const struct layout_entry *from = layout_find(trusted->layout, entry->kind, entry->image, 0);
    struct pack_descriptor_sink sink =
        pack_descriptor_sink(pack_output_descriptor(renewal->output), entry->data);
    const int code = write_frame_of(renewal->output, entry, error);
    return code != 0 ? code : trusted_read_hashed(trusted, from, sha256, &sink.sink, error);
}

int renewal_write_table(struct renewal *renewal, const struct layout_entry *entry, size_t number,
                        struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    struct pack_trusted *trusted = renewal->trusted;
    const struct pack_encoding *encoding =
        &trusted->delivery->images[entry->image].encodings[number];
    const struct layout_entry *from =
        layout_find(trusted->layout, entry->kind, entry->image, number);
    const uint8_t *sha256 =
        entry->kind == LAYOUT_FRAMES ? encoding->frames_sha256 : encoding->blocks_sha256;
    const int code = trusted_read_table(trusted, from, sha256, &bytes, error);
    return code != 0 ? code : write_entry(renewal->output, entry, bytes, error);
}
