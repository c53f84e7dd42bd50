/* SPDX-License-Identifier: MIT */
#include "bundle/bases.h"
#include "bundle/payload.h"

#include "base/checked.h"
#include "base/memory.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* --- attachments --------------------------------------------------------------------------- */

int pack_bundle_extract_attachment(struct pack_trusted *trusted, size_t index,
                                   struct pack_sink *sink, struct pack_error *error)
{
    const struct pack_release_attachment *attachment = &trusted->release->attachments[index];
    const struct layout_entry *entry = layout_find(trusted->layout, LAYOUT_ATTACHMENT, index, 0);
    if (entry == NULL)
        return pack_fail(error, PACK_E_NOT_FOUND,
                         "attachment \"%s\" is signed, but does not travel in this bundle",
                         attachment->name);
    const int code = trusted_read_hashed(trusted, entry, attachment->sha256, sink, error);
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
            code = trusted_read_hashed(
                trusted, entry, trusted->release->attachments[entry->image].sha256, NULL, error);
            report->attachment_count++;
        } else if (entry->kind == LAYOUT_ATTESTATION) {
            code = trusted_read_hashed(
                trusted, entry, trusted->delivery->attestations[entry->image].sha256, NULL, error);
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

static uint64_t decoder_memory_of(const struct pack_trusted *trusted)
{
    const uint64_t limit = trusted->bundle->context->decoder_memory;
    return limit != 0 ? limit : PACK_DEFAULT_DECODER_MEMORY;
}

/* What a reader lacks to rebuild an image from an encoding that it would understand. */
static void describe_missing(const struct pack_trusted *trusted,
                             const struct pack_encoding *encoding, char *text, size_t capacity)
{
    char hex[PACK_SHA256_HEX_SIZE];
    const unsigned long long memory = encoding->decoder_memory;
    pack_sha256_hex(encoding->base_sha256, hex);
    if (encoding->unsupported != NULL)
        snprintf(text, capacity, "%s", encoding->unsupported);
    else if (encoding->has_in_place && !trusted->delivery_by_release)
        snprintf(text, capacity,
                 "a release key's signature on delivery.json (it is applied in place)");
    else if (memory > decoder_memory_of(trusted))
        snprintf(text, capacity, "a decoder with %llu bytes of memory (--decoder-memory)", memory);
    else
        snprintf(text, capacity, "%s, %llu bytes with sha256 %s",
                 encoding->kind == PACK_ENCODING_KEEP ? "the image itself" : "its base",
                 (unsigned long long)encoding->base_size, hex);
}

static void note_missing(const struct pack_trusted *trusted, struct pack_image_report *report,
                         const struct pack_encoding *encoding)
{
    if (report->missing[0] == '\0')
        describe_missing(trusted, encoding, report->missing, sizeof report->missing);
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
        note_missing(trusted, report, encoding);
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
            image->missing[0] = '\0';
    }
    return code;
}

int pack_bundle_verify(struct pack_trusted *trusted, bool flat, struct pack_verify_report *report,
                       struct pack_error *error)
{
    memset(report, 0, sizeof *report); /* assigning it would take a second one on the stack */
    report->image_count = trusted->release->image_count;
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

/* Whether nothing but the old image is missing. */
static bool wants_base(const struct pack_trusted *trusted, const struct pack_encoding *encoding)
{
    return encoding->supported && encoding->kind != PACK_ENCODING_FULL &&
           (!encoding->has_in_place || trusted->delivery_by_release) &&
           encoding->decoder_memory <= decoder_memory_of(trusted);
}

/* The first encoding speaks for all: it is what a device tries first. */
static int no_encoding(const struct pack_trusted *trusted, size_t index, struct pack_error *error)
{
    const struct pack_delivery_image *image = &trusted->delivery->images[index];
    const struct pack_encoding *first = &image->encodings[0];
    char wanted[160], found[512], others[48] = "";
    describe_missing(trusted, first, wanted, sizeof wanted);
    bases_describe(trusted, first->base_size, found, sizeof found);
    if (!wants_base(trusted, first) || found[0] == '\0')
        pack_fail(error, PACK_E_WRONG_BASE,
                  "image \"%s\" cannot be rebuilt from this bundle alone: it needs %s", image->name,
                  wanted);
    if (!wants_base(trusted, first))
        return pack_hint(error, "use a bundle with a full encoding of it");
    if (found[0] == '\0')
        return pack_hint(error, "give the old image or bundle as --base FILE");
    if (image->encoding_count > 1)
        snprintf(others, sizeof others, " (one of %zu that would do)", image->encoding_count);
    return pack_fail(error, PACK_E_WRONG_BASE, "image \"%s\" needs %s%s; %s", image->name, wanted,
                     others, found);
}

int pack_bundle_extract(struct pack_trusted *trusted, size_t index, struct pack_sink *sink,
                        struct pack_error *error)
{
    const struct pack_delivery_image *image = &trusted->delivery->images[index];
    const struct payload_use use = {.sink = sink, .verb = "extract"};
    enum pack_proof proof = PACK_PROOF_NONE;
    size_t number = 0;
    int code = payload_find(trusted, index, &number, error);
    if (code == 0 && number == image->encoding_count)
        code = no_encoding(trusted, index, error);
    if (code == 0)
        code = trusted_load_tables(trusted, error);
    if (code == 0)
        code = payload_read(trusted, index, number, &use, &proof, error);
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}
