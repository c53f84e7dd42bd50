/* SPDX-License-Identifier: MIT */
#include "bundle/payload.h"

#include "base/checked.h"
#include "base/memory.h"

#include <sodium.h>
#include <stdio.h>

/* --- attachments --------------------------------------------------------------------------- */

static int read_hashed(struct pack_trusted *trusted, const struct layout_entry *entry,
                       const uint8_t sha256[PACK_SHA256_SIZE], struct pack_sink *sink,
                       struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    if (entry->size > PACK_MAX_ATTACHMENT) {
        pack_fail(error, PACK_E_LIMIT, "%llu bytes, at most %llu are allowed",
                  (unsigned long long)entry->size, (unsigned long long)PACK_MAX_ATTACHMENT);
        return pack_at_member(error, entry->name);
    }
    int code = bundle_check_header(trusted->bundle, entry, error);
    if (code == 0)
        code = pack_allocate(&bytes, 1, (size_t)entry->size, error);
    if (code == 0)
        code = bundle_read(trusted->bundle, entry->data, bytes, (size_t)entry->size, error);
    if (code == 0)
        code = bundle_check_padding(trusted->bundle, entry, error);
    if (code == 0)
        code = pack_sha256_bytes(bytes, (size_t)entry->size, digest, error);
    if (code == 0 && sodium_memcmp(digest, sha256, sizeof digest) != 0)
        code = pack_fail(error, PACK_E_CORRUPT, "differs from what was signed");
    if (code != 0)
        return pack_at_member(error, entry->name);
    return sink != NULL ? pack_sink_write(sink, bytes, (size_t)entry->size, error) : 0;
}

int pack_bundle_extract_attachment(struct pack_trusted *trusted, size_t index,
                                   struct pack_sink *sink, struct pack_error *error)
{
    const struct pack_release_attachment *attachment = &trusted->release->attachments[index];
    const struct layout_entry *entry = layout_find(trusted->layout, LAYOUT_ATTACHMENT, index, 0);
    if (entry == NULL)
        return pack_fail(error, PACK_E_NOT_FOUND,
                         "attachment \"%s\" is signed, but does not travel in this bundle",
                         attachment->name);
    const int code = read_hashed(trusted, entry, attachment->sha256, sink, error);
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}

/* --- verify -------------------------------------------------------------------------------- */

static int verify_attached(struct pack_trusted *trusted, struct pack_verify_report *report,
                           struct pack_error *error)
{
    const struct layout *layout = trusted->layout;
    int code = 0;
    for (size_t i = 0; code == 0 && i < layout->count; i++) {
        const struct layout_entry *entry = &layout->entries[i];
        if (entry->kind == LAYOUT_ATTACHMENT) {
            code = read_hashed(trusted, entry, trusted->release->attachments[entry->image].sha256,
                               NULL, error);
            report->attachment_count++;
        } else if (entry->kind == LAYOUT_ATTESTATION) {
            code = read_hashed(trusted, entry, trusted->delivery->attestations[entry->image].sha256,
                               NULL, error);
        }
    }
    return code;
}

static int check_flat(const struct pack_release_image *image, struct pack_sha256 *flat,
                      struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const int code = pack_sha256_finish(flat, digest, error);
    if (code != 0 || sodium_memcmp(digest, image->sha256, sizeof digest) == 0)
        return code;
    pack_fail(error, PACK_E_CORRUPT, "image \"%s\" has another sha256 than its blocks",
              image->name);
    return pack_at_member(error, "release.json");
}

static void note_missing(struct pack_image_report *report, const struct pack_encoding *encoding)
{
    if (report->missing == NULL)
        report->missing = encoding->unsupported != NULL
                              ? encoding->unsupported
                              : "the image itself, which must already be there";
}

static int verify_encoding(struct pack_trusted *trusted, size_t image, size_t number,
                           struct pack_sha256 *flat, struct pack_image_report *report,
                           struct pack_error *error)
{
    const struct pack_encoding *encoding = &trusted->delivery->images[image].encodings[number];
    static const char *const proofs[] = {
        [PACK_PROOF_NONE] = "nothing of it could be proved",
        [PACK_PROOF_STORED] = "its stored bytes are good, it could not be rebuilt",
        [PACK_PROOF_PLAIN] = "rebuilt, every block is good",
    };
    const struct payload_use use = {.flat = flat, .verb = "verify"};
    enum pack_proof proof = PACK_PROOF_NONE;
    int code = payload_read(trusted, image, number, &use, &proof, error);
    if (code == 0 && proof == PACK_PROOF_PLAIN && flat != NULL)
        code = check_flat(&trusted->release->images[image], flat, error);
    if (code != 0)
        return code;
    pack_log(trusted->bundle->context, PACK_LOG_DEBUG, "image %s, encoding %zu of %zu: %s",
             report->name, number + 1, trusted->delivery->images[image].encoding_count,
             proofs[proof]);
    if (proof != PACK_PROOF_PLAIN)
        note_missing(report, encoding);
    if (proof > report->proof) {
        report->proof = proof;
        report->codec = encoding->codec;
        report->stored_size = encoding->size;
    }
    return 0;
}

static int verify_images(struct pack_trusted *trusted, bool flat, struct pack_verify_report *report,
                         struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    const struct pack_release *release = trusted->release;
    int code = flat ? pack_sha256_new(&hash, error) : 0;
    for (size_t i = 0; code == 0 && i < release->image_count; i++) {
        struct pack_image_report *image = &report->images[i];
        image->name = release->images[i].name;
        const size_t count = trusted->delivery->images[i].encoding_count;
        for (size_t e = 0; code == 0 && e < count; e++)
            code = verify_encoding(trusted, i, e, hash, image, error);
        if (image->proof == PACK_PROOF_PLAIN)
            image->missing = NULL;
    }
    return code;
}

int pack_bundle_verify(struct pack_trusted *trusted, bool flat, struct pack_verify_report *report,
                       struct pack_error *error)
{
    *report = (struct pack_verify_report){.image_count = trusted->release->image_count};
    int code = verify_attached(trusted, report, error);
    if (code == 0)
        code = trusted_load_tables(trusted, error);
    if (code == 0)
        code = verify_images(trusted, flat, report, error);
    if (code == 0)
        code = bundle_check_end(trusted->bundle, trusted->layout, error);
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}

/* --- extract ------------------------------------------------------------------------------- */

static int no_encoding(const struct pack_trusted *trusted, size_t index, struct pack_error *error)
{
    const struct pack_delivery_image *image = &trusted->delivery->images[index];
    const char *reason = image->encodings[0].unsupported;
    pack_fail(error, PACK_E_WRONG_BASE, "image \"%s\" cannot be rebuilt from this bundle alone",
              image->name);
    pack_hint(error, "%s", reason != NULL ? reason : "use a bundle with a full encoding of it");
    return error->code;
}

int pack_bundle_extract(struct pack_trusted *trusted, size_t index, struct pack_sink *sink,
                        struct pack_error *error)
{
    const struct pack_delivery_image *image = &trusted->delivery->images[index];
    const struct payload_use use = {.sink = sink, .verb = "extract"};
    enum pack_proof proof = PACK_PROOF_NONE;
    size_t number = 0;
    while (number < image->encoding_count &&
           !payload_can_decode(trusted, &image->encodings[number]))
        number++;
    int code = number == image->encoding_count ? no_encoding(trusted, index, error)
                                               : trusted_load_tables(trusted, error);
    if (code == 0)
        code = payload_read(trusted, index, number, &use, &proof, error);
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}
