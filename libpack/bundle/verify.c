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

int pack_bundle_extract_attestation(struct pack_trusted *trusted, size_t index,
                                    struct pack_sink *sink, struct pack_error *error)
{
    const struct layout_entry *entry = layout_find(trusted->layout, LAYOUT_ATTESTATION, index, 0);
    const int code = trusted_read_hashed(
        trusted, entry, trusted->delivery->attestations[index].sha256, sink, error);
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

/* Whether nothing but an old image, or an identity, may be missing. */
static bool is_usable(const struct pack_trusted *trusted, const struct pack_encoding *encoding)
{
    return encoding->supported && (!encoding->has_in_place || trusted->delivery_by_release) &&
           encoding->decoder_memory <= decoder_memory_of(trusted);
}

/* Of a full encoding nothing else can be missing; of a delta its base is asked for first. */
static bool wants_identity(const struct pack_trusted *trusted, const struct pack_encoding *encoding)
{
    return encoding->encrypted && is_usable(trusted, encoding) &&
           (encoding->kind == PACK_ENCODING_FULL || trusted->base_count != 0);
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
    else if (wants_identity(trusted, encoding))
        snprintf(text, capacity, "%s identity (it is encrypted to %llu recipient%s)",
                 trusted->identities != NULL ? "another" : "an",
                 (unsigned long long)encoding->recipient_count,
                 encoding->recipient_count == 1 ? "" : "s");
    else
        snprintf(text, capacity, "%s, %llu bytes with sha256 %s",
                 encoding->kind == PACK_ENCODING_KEEP ? "the image itself" : "its base",
                 (unsigned long long)encoding->base_size, hex);
}

static void note_missing(const struct pack_trusted *trusted, struct pack_image_report *report,
                         const struct pack_encoding *encoding)
{
    const enum pack_code lacking =
        wants_identity(trusted, encoding) ? PACK_E_KEY_STORE : PACK_E_WRONG_BASE;
    /* The first one speaks for all, but an identity is sooner at hand than an old image. */
    if (report->missing[0] != '\0' &&
        (lacking != PACK_E_KEY_STORE || report->lacking == PACK_E_KEY_STORE))
        return;
    describe_missing(trusted, encoding, report->missing, sizeof report->missing);
    report->lacking = lacking;
}

/* One image on its way through all its encodings. */
struct verifying {
    struct pack_trusted *trusted;
    struct pack_image_report *report;
    struct pack_sha256 *flat; /* NULL where it is not wanted */
    struct pack_error unfit;  /* why no identity opened the first that none opened */
};

static void note_outcome(struct verifying *verifying, const struct pack_encoding *encoding,
                         const struct payload_outcome *outcome)
{
    struct pack_image_report *report = verifying->report;
    if (outcome->proof != PACK_PROOF_PLAIN)
        note_missing(verifying->trusted, report, encoding);
    if (verifying->unfit.code == 0)
        verifying->unfit = outcome->unfit;
    if (outcome->proof <= report->proof)
        return;
    report->proof = outcome->proof;
    report->codec = encoding->codec;
    report->stored_size = encoding->size;
}

static int verify_encoding(struct verifying *verifying, size_t image, size_t number,
                           struct pack_error *error)
{
    static const char *const proofs[] = {
        [PACK_PROOF_NONE] = "nothing of it could be proved",
        [PACK_PROOF_STORED] = "its stored bytes are good, it could not be rebuilt",
        [PACK_PROOF_PLAIN] = "rebuilt, every block is good",
    };
    struct pack_trusted *trusted = verifying->trusted;
    const struct pack_delivery_image *delivered = &trusted->delivery->images[image];
    const struct payload_use use = {.flat = verifying->flat, .verb = "verify"};
    struct payload_outcome outcome;
    int code = payload_read(trusted, image, number, &use, &outcome, error);
    if (code == 0 && outcome.proof == PACK_PROOF_PLAIN && use.flat != NULL)
        code = check_flat(&trusted->release->images[image], use.flat, error);
    if (code != 0)
        return code;
    pack_log(trusted->bundle->context, PACK_LOG_DEBUG, "image %s, encoding %zu of %zu: %s",
             verifying->report->name, number + 1, delivered->encoding_count, proofs[outcome.proof]);
    note_outcome(verifying, &delivered->encodings[number], &outcome);
    return 0;
}

/* *unfit is filled, unless it is already, where only an identity was missing of those given. */
static int verify_image(struct pack_trusted *trusted, size_t index, struct pack_sha256 *flat,
                        struct pack_image_report *report, struct pack_error *unfit,
                        struct pack_error *error)
{
    struct verifying verifying = {.trusted = trusted, .report = report, .flat = flat};
    const size_t count = trusted->delivery->images[index].encoding_count;
    int code = 0;
    report->name = trusted->release->images[index].name;
    for (size_t e = 0; code == 0 && e < count; e++)
        code = verify_encoding(&verifying, index, e, error);
    if (report->proof == PACK_PROOF_PLAIN)
        report->missing[0] = '\0';
    else if (unfit->code == 0)
        *unfit = verifying.unfit;
    return code;
}

static int verify_images(struct pack_trusted *trusted, bool flat, struct pack_verify_report *report,
                         struct pack_error *unfit, struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    int code = flat ? pack_sha256_new(&hash, error) : 0;
    for (size_t i = 0; code == 0 && i < trusted->release->image_count; i++)
        code = verify_image(trusted, i, hash, &report->images[i], unfit, error);
    return code;
}

int pack_bundle_verify(struct pack_trusted *trusted, bool flat, struct pack_verify_report *report,
                       struct pack_error *error)
{
    struct pack_error unfit = {.code = PACK_OK};
    memset(report, 0, sizeof *report); /* assigning it would take a second one on the stack */
    report->image_count = trusted->release->image_count;
    int code = verify_attached(trusted, report, error);
    if (code == 0)
        code = trusted_load_tables(trusted, error);
    if (code == 0)
        code = verify_images(trusted, flat, report, &unfit, error);
    if (code == 0)
        code = bundle_check_end(trusted->bundle, trusted->layout, error);
    if (code == 0 && unfit.code != 0) {
        *error = unfit;
        code = unfit.code;
    }
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}

/* --- extract ------------------------------------------------------------------------------- */

/* Whether nothing but the old image is missing. */
static bool wants_base(const struct pack_trusted *trusted, const struct pack_encoding *encoding)
{
    return encoding->kind != PACK_ENCODING_FULL && is_usable(trusted, encoding);
}

/* The first encoding speaks for all: it is what a device tries first. */
static int no_encoding(const struct pack_trusted *trusted, size_t index, struct pack_error *error)
{
    const struct pack_delivery_image *image = &trusted->delivery->images[index];
    const struct pack_encoding *first = &image->encodings[0];
    char wanted[160], found[512], others[48] = "";
    for (size_t i = 0; trusted->identities == NULL && i < image->encoding_count; i++)
        if (wants_identity(trusted, &image->encodings[i]))
            return trusted_no_identity(image->name, &image->encodings[i], error);
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

/*
 * The first encoding from number *number on that gives the image, whose number it is then; those
 * that no identity opens are passed over, and *unfit is why the first of them was.
 */
static int extract_from(struct pack_trusted *trusted, size_t index, size_t *number,
                        const struct payload_use *use, struct pack_error *unfit,
                        struct pack_error *error)
{
    struct payload_outcome outcome = {.proof = PACK_PROOF_NONE};
    int code = 0;
    for (; code == 0; (*number)++) {
        code = payload_find(trusted, index, number, error);
        if (code != 0 || *number == trusted->delivery->images[index].encoding_count)
            return code;
        code = trusted_load_tables(trusted, error);
        if (code == 0)
            code = payload_read(trusted, index, *number, use, &outcome, error);
        if (code != 0 || outcome.proof == PACK_PROOF_PLAIN)
            return code;
        if (unfit->code == 0)
            *unfit = outcome.unfit;
    }
    return code;
}

static int extract(struct pack_trusted *trusted, size_t index, const struct payload_use *use,
                   struct pack_error *error)
{
    struct pack_error unfit = {.code = PACK_OK};
    size_t number = 0;
    int code = extract_from(trusted, index, &number, use, &unfit, error);
    if (code == 0 && number == trusted->delivery->images[index].encoding_count) {
        *error = unfit;
        code = unfit.code != 0 ? (int)unfit.code : no_encoding(trusted, index, error);
    }
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}

int pack_bundle_extract(struct pack_trusted *trusted, size_t index, struct pack_sink *sink,
                        struct pack_error *error)
{
    const struct payload_use use = {.sink = sink, .verb = "extract", .local = true};
    return extract(trusted, index, &use, error);
}

int pack_bundle_extract_encoding(struct pack_trusted *trusted, size_t index, size_t *encoding,
                                 struct pack_sink *sink, struct pack_error *error)
{
    const struct payload_use use = {.sink = sink, .verb = "extract", .local = true};
    struct pack_error unfit = {.code = PACK_OK};
    int code = extract_from(trusted, index, encoding, &use, &unfit, error);
    if (code == 0 && unfit.code != 0 &&
        *encoding == trusted->delivery->images[index].encoding_count) {
        *error = unfit;
        code = (int)unfit.code;
    }
    return code != 0 ? pack_at_file(error, trusted->bundle->input->name) : 0;
}

int pack_bundle_block_hashes(struct pack_trusted *trusted, size_t index, const uint8_t **hashes,
                             struct pack_error *error)
{
    *hashes = NULL;
    if (trusted_load_tables(trusted, error) != 0)
        return pack_at_file(error, trusted->bundle->input->name);
    *hashes = trusted_plain_table(trusted, index).hashes;
    return 0;
}

int pack_bundle_extract_range(struct pack_trusted *trusted, size_t index, uint64_t offset,
                              uint64_t size, struct pack_sink *sink, struct pack_error *error)
{
    const struct payload_range range = {.offset = offset, .size = size};
    const struct payload_use use = {.sink = sink, .verb = "extract", .range = &range};
    const struct pack_release_image *image = &trusted->release->images[index];
    if (size != 0 && offset <= image->size && size <= image->size - offset)
        return extract(trusted, index, &use, error);
    return pack_fail(error, PACK_E_USAGE,
                     "%llu bytes from %llu on do not lie in image \"%s\", which has %llu",
                     (unsigned long long)size, (unsigned long long)offset, image->name,
                     (unsigned long long)image->size);
}
