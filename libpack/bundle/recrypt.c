/* SPDX-License-Identifier: MIT */
#include "bundle/payload.h"
#include "bundle/renew.h"
#include "bundle/seal.h"

#include "base/memory.h"

#include <sodium.h>
#include <string.h>

/*
 * All sizes are known before anything is read, for encryption adds what is known, and hashes have
 * a fixed length. So payloads are written to their places at once, their tables after them, and
 * the head last.
 */

/* An encoding of the new delivery. */
struct changed {
    size_t image;
    size_t number; /* of the bundle's delivery */
    bool differs;  /* whether its stored bytes do */
    struct pack_buffer blocks;
};

struct crypting {
    struct renewal renewal;
    const struct pack_age_recipients *recipients; /* NULL: to decrypt */
    struct pack_bundle_crypt_report *report;
    struct pack_delivery delivery;
    struct pack_delivery_image *images;
    size_t count; /* of all encodings */
    struct pack_encoding *encodings;
    struct changed *list; /* beside them */
};

static void crypting_clear(struct crypting *crypting)
{
    for (size_t i = 0; crypting->list != NULL && i < crypting->count; i++)
        pack_buffer_clear(&crypting->list[i].blocks);
    free(crypting->list);
    free(crypting->encodings);
    free(crypting->images);
    renewal_clear(&crypting->renewal);
}

/* --- what it becomes ----------------------------------------------------------------------- */

static const char *verb_of(const struct crypting *crypting)
{
    return crypting->recipients != NULL ? "encrypt" : "decrypt";
}

/* A plain payload that no codec made smaller is the image itself, cut as the release says. */
static void describe_plain(struct pack_encoding *encoding, const struct pack_release_image *image)
{
    seal_describe_open(encoding);
    if (!layout_is_plain(encoding))
        return;
    encoding->block_size = image->block_size;
    memcpy(encoding->blocks_sha256, image->blocks_sha256, PACK_SHA256_SIZE);
}

static int add_encoding(struct crypting *crypting, size_t image, size_t number,
                        struct pack_error *error)
{
    const struct pack_trusted *trusted = crypting->renewal.trusted;
    const struct pack_encoding *from = &trusted->delivery->images[image].encodings[number];
    struct pack_encoding *to = &crypting->encodings[crypting->count];
    struct changed *changed = &crypting->list[crypting->count++];
    *to = *from;
    *changed =
        (struct changed){.image = image, .number = number, .blocks = {.limit = PACK_MAX_TABLES}};
    crypting->renewal.signers.all = crypting->renewal.signers.all || from->has_in_place;
    if (from->codec == NULL || (crypting->recipients == NULL && !from->encrypted))
        return 0;
    changed->differs = true;
    crypting->report->count++;
    if (crypting->recipients != NULL)
        return seal_describe(to, crypting->recipients, error);
    describe_plain(to, &trusted->release->images[image]);
    return 0;
}

static int add_image(struct crypting *crypting, size_t index, struct pack_error *error)
{
    const struct pack_trusted *trusted = crypting->renewal.trusted;
    const struct pack_delivery_image *from = &trusted->delivery->images[index];
    struct pack_delivery_image *to = &crypting->images[index];
    int code = 0;
    *to = (struct pack_delivery_image){.name = from->name,
                                       .encodings = crypting->encodings + crypting->count};
    for (size_t i = 0; code == 0 && i < from->encoding_count; i++) {
        if (from->encodings[i].unsupported != NULL) {
            pack_log(trusted->bundle->context, PACK_LOG_WARNING,
                     "image %s: encoding %zu is left out, for it needs %s", from->name, i,
                     from->encodings[i].unsupported);
            continue;
        }
        to->encoding_count++;
        code = add_encoding(crypting, index, i, error);
    }
    if (code == 0 && to->encoding_count == 0)
        code = pack_fail(error, PACK_E_UNSUPPORTED,
                         "image \"%s\" has no encoding that this version knows", from->name);
    return code;
}

static int plan(struct crypting *crypting, struct pack_error *error)
{
    const struct pack_trusted *trusted = crypting->renewal.trusted;
    const struct pack_delivery *from = trusted->delivery;
    size_t count = 0;
    for (size_t i = 0; i < from->image_count; i++)
        count += from->images[i].encoding_count;
    int code = pack_allocate(&crypting->images, from->image_count, sizeof *crypting->images, error);
    if (code == 0)
        code = pack_allocate(&crypting->encodings, count, sizeof *crypting->encodings, error);
    if (code == 0)
        code = pack_allocate(&crypting->list, count, sizeof *crypting->list, error);
    for (size_t i = 0; code == 0 && i < from->image_count; i++)
        code = add_image(crypting, i, error);
    crypting->delivery = *from;
    crypting->delivery.revision++;
    crypting->delivery.images = crypting->images;
    crypting->report->revision = crypting->delivery.revision;
    if (code == 0 && crypting->report->count == 0)
        code = pack_fail(error, PACK_E_USAGE,
                         crypting->recipients != NULL ? "has no payload that could be encrypted"
                                                      : "has no encrypted payload");
    return code;
}

/* --- writing ------------------------------------------------------------------------------- */

static struct changed *changed_of(const struct crypting *crypting, const struct layout_entry *entry)
{
    const size_t first = (size_t)(crypting->images[entry->image].encodings - crypting->encodings);
    return &crypting->list[first + entry->encoding];
}

/* The release says what an image is; a delivery that says otherwise inside ciphertext is caught. */
static int settle_blocks(struct crypting *crypting, const struct changed *changed,
                         struct pack_encoding *encoding, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const struct pack_release *release = crypting->renewal.trusted->release;
    const int code = pack_sha256_bytes(changed->blocks.bytes, changed->blocks.size, digest, error);
    if (code != 0)
        return code;
    if (layout_is_plain(encoding) &&
        sodium_memcmp(digest, release->images[changed->image].blocks_sha256, sizeof digest) != 0)
        return pack_fail(error, PACK_E_CORRUPT, "what is encrypted in it is not the image");
    memcpy(encoding->blocks_sha256, digest, sizeof digest);
    return 0;
}

static int write_changed(struct crypting *crypting, const struct layout_entry *entry,
                         struct changed *changed, struct pack_error *error)
{
    PACK_AUTO(seal_clear) struct seal seal = {.sink = NULL};
    const struct renewal *renewal = &crypting->renewal;
    struct pack_encoding *encoding = &crypting->encodings[changed - crypting->list];
    const struct seal_place place = {.recipients = crypting->recipients,
                                     .descriptor = pack_output_descriptor(renewal->output),
                                     .offset = entry->data,
                                     .size = entry->size,
                                     .block_size = encoding->block_size,
                                     .blocks = &changed->blocks};
    int code = seal_open(&seal, &place, error);
    if (code == 0)
        code = payload_copy_inner(renewal->trusted, changed->image, changed->number,
                                  verb_of(crypting), seal.sink, error);
    if (code == 0)
        code = seal_finish(&seal, error);
    if (code == 0)
        code = settle_blocks(crypting, changed, encoding, error);
    return code != 0 ? pack_at_member(error, entry->name) : 0;
}

static int write_payload(struct crypting *crypting, const struct layout_entry *entry,
                         struct pack_error *error)
{
    struct changed *changed = changed_of(crypting, entry);
    struct pack_output *output = crypting->renewal.output;
    struct pack_descriptor_sink file =
        pack_descriptor_sink(pack_output_descriptor(output), entry->data);
    const int code = write_frame_of(output, entry, error);
    if (code != 0)
        return code;
    return changed->differs ? write_changed(crypting, entry, changed, error)
                            : payload_copy(crypting->renewal.trusted, changed->image,
                                           changed->number, &file.sink, error);
}

static int write_other(struct crypting *crypting, const struct layout_entry *entry,
                       struct pack_error *error)
{
    if (!layout_is_of_encoding(entry))
        return renewal_write_kept(&crypting->renewal, entry, error);
    const struct changed *changed = changed_of(crypting, entry);
    return entry->kind == LAYOUT_STORED_BLOCKS && changed->differs
               ? write_entry(crypting->renewal.output, entry, changed->blocks.bytes, error)
               : renewal_write_table(&crypting->renewal, entry, changed->number, error);
}

/* Payloads first: a table is whole only when its payload was written. */
static int write_members(struct crypting *crypting, bool payloads, struct pack_error *error)
{
    const struct layout *layout = crypting->renewal.layout;
    int code = 0;
    for (size_t i = 0; code == 0 && i < layout->count; i++) {
        const struct layout_entry *entry = &layout->entries[i];
        if ((entry->kind == LAYOUT_PAYLOAD) == payloads)
            code = payloads ? write_payload(crypting, entry, error)
                            : write_other(crypting, entry, error);
    }
    return code;
}

static int write_bundle(struct crypting *crypting, struct pack_error *error)
{
    struct renewal *renewal = &crypting->renewal;
    int code = renewal_make_head(renewal, &crypting->delivery, true, NULL, error);
    const uint64_t head_size = written_head_size(&renewal->head);
    if (code == 0)
        code = write_members(crypting, true, error);
    if (code == 0)
        code = write_members(crypting, false, error);
    if (code == 0)
        code = write_end(renewal->output, renewal->layout, error);
    if (code == 0)
        code = renewal_make_head(renewal, &crypting->delivery, false,
                                 crypting->report->delivery_sha256, error);
    if (code == 0 && written_head_size(&renewal->head) != head_size)
        code = pack_fail(error, PACK_E_INTERNAL, "the documents' size was foreseen wrongly");
    return code != 0 ? code : written_head_write(&renewal->head, renewal->output, error);
}

/* --- all of it ----------------------------------------------------------------------------- */

static int fill_report(struct crypting *crypting, struct pack_error *error)
{
    struct pack_bundle_crypt_report *report = crypting->report;
    const struct pack_trusted *trusted = crypting->renewal.trusted;
    size_t used = 0;
    report->size = crypting->renewal.layout->end + TAR_END;
    const int code =
        pack_allocate(&report->payloads, report->count, sizeof *report->payloads, error);
    for (size_t i = 0; code == 0 && i < crypting->count; i++) {
        const struct changed *changed = &crypting->list[i];
        const struct pack_encoding *was =
            &trusted->delivery->images[changed->image].encodings[changed->number];
        if (!changed->differs)
            continue;
        report->payloads[used++] = (struct pack_bundle_crypt_payload){
            .image = trusted->release->images[changed->image].name,
            .kind = was->kind,
            .plain_size = pack_encoding_inner_size(was),
            .stored_size = crypting->recipients != NULL ? crypting->encodings[i].size : was->size};
    }
    return code;
}

static int recrypt(struct crypting *crypting, struct pack_error *error)
{
    struct pack_trusted *trusted = crypting->renewal.trusted;
    int code = 0;
    *crypting->report = (struct pack_bundle_crypt_report){.size = 0};
    if (!trusted->bundle->input->seekable)
        code = pack_fail(error, PACK_E_USAGE, "is a pipe, a file is wanted");
    if (code == 0)
        code = plan(crypting, error);
    if (code == 0)
        code = trusted_load_tables(trusted, error);
    if (code == 0)
        code = write_bundle(crypting, error);
    if (code == 0)
        code = fill_report(crypting, error);
    crypting_clear(crypting);
    if (code == 0)
        return 0;
    pack_bundle_crypt_report_clear(crypting->report);
    return pack_at_file(error, trusted->bundle->input->name);
}

static struct renewal renewal_of(struct pack_output *output, struct pack_trusted *trusted,
                                 const struct pack_bundle_crypt_options *options)
{
    return (struct renewal){.output = output,
                            .trusted = trusted,
                            .signers = {.count = options->signer_count,
                                        .signers = options->signers,
                                        .roles = options->signer_roles}};
}

int pack_bundle_encrypt(struct pack_output *output, struct pack_trusted *trusted,
                        const struct pack_age_recipients *recipients,
                        const struct pack_bundle_crypt_options *options,
                        struct pack_bundle_crypt_report *report, struct pack_error *error)
{
    struct crypting crypting = {.renewal = renewal_of(output, trusted, options),
                                .recipients = recipients,
                                .report = report};
    return recrypt(&crypting, error);
}

int pack_bundle_decrypt(struct pack_output *output, struct pack_trusted *trusted,
                        const struct pack_bundle_crypt_options *options,
                        struct pack_bundle_crypt_report *report, struct pack_error *error)
{
    struct crypting crypting = {.renewal = renewal_of(output, trusted, options), .report = report};
    return recrypt(&crypting, error);
}

void pack_bundle_crypt_report_clear(struct pack_bundle_crypt_report *report)
{
    free(report->payloads);
    *report = (struct pack_bundle_crypt_report){.size = 0};
}
