/* SPDX-License-Identifier: MIT */
#include "bundle/build_sbom.h"
#include "bundle/encode.h"
#include "bundle/seal.h"
#include "bundle/writer.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Documents stand before the payloads that they describe. So what must be compressed goes to a
 * scratch file first; then every size is known, and with it every place, for hashes have a fixed
 * length: what is not compressed is copied straight to its place and hashed on the way, and the
 * head is written last. What is to be encrypted goes through the scratch file too, compressed or
 * not, and is encrypted on the way to its place.
 */

enum { PIECE = 1024 * 1024 }; /* encrypted at a time */

struct attachment {
    void *bytes;
    size_t size;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct builder {
    struct pack_output *output;
    const struct pack_descriptor *descriptor;
    const struct pack_build_options *options;
    const struct pack_context *context;
    struct encoded *images;
    size_t attachment_count; /* the descriptor's, then the SBOM */
    struct attachment *attachments;
    struct build_sbom sbom;
    int scratch;
    /* The documents in the making. */
    struct pack_release release;
    struct pack_release_image *release_images;
    struct pack_release_attachment *release_attachments;
    struct pack_delivery delivery;
    struct pack_delivery_image *delivery_images;
    struct pack_encoding *encodings; /* one for each image */
    const char **attachment_names;
    struct written_head head;
    struct layout *layout;
};

static void builder_clear(struct builder *builder)
{
    for (size_t i = 0; builder->images != NULL && i < builder->descriptor->image_count; i++)
        encode_clear(&builder->images[i]);
    for (size_t i = 0; builder->attachments != NULL && i < builder->descriptor->attachment_count;
         i++)
        free(builder->attachments[i].bytes);
    build_sbom_clear(&builder->sbom);
    free(builder->images);
    free(builder->attachments);
    free(builder->release_images);
    free(builder->release_attachments);
    free(builder->delivery_images);
    free(builder->encodings);
    free(builder->attachment_names);
    written_head_clear(&builder->head);
    layout_free(&builder->layout);
    pack_close_descriptor(&builder->scratch);
}

static int allocate(struct builder *builder, struct pack_error *error)
{
    const size_t images = builder->descriptor->image_count;
    const size_t attachments = builder->attachment_count;
    const struct {
        void *address;
        size_t count, size;
    } arrays[] = {
        {&builder->images, images, sizeof *builder->images},
        {&builder->attachments, attachments, sizeof *builder->attachments},
        {&builder->release_images, images, sizeof *builder->release_images},
        {&builder->release_attachments, attachments, sizeof *builder->release_attachments},
        {&builder->delivery_images, images, sizeof *builder->delivery_images},
        {&builder->encodings, images, sizeof *builder->encodings},
        {&builder->attachment_names, attachments, sizeof *builder->attachment_names},
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof arrays / sizeof arrays[0]; i++)
        code = pack_allocate(arrays[i].address, arrays[i].count, arrays[i].size, error);
    return code;
}

/* --- inputs -------------------------------------------------------------------------------- */

static int read_attachments(struct builder *builder, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < builder->descriptor->attachment_count; i++) {
        struct attachment *attachment = &builder->attachments[i];
        code = pack_read_file(&attachment->bytes, &attachment->size,
                              builder->descriptor->attachments[i].path, PACK_MAX_ATTACHMENT, error);
        if (code == 0)
            code =
                pack_sha256_bytes(attachment->bytes, attachment->size, attachment->sha256, error);
    }
    return code;
}

/* What must be known before the documents can be written: its size, or all of it. */
static int prepare_image(struct builder *builder, struct encoded *image, uint64_t *offset,
                         struct pack_error *error)
{
    const bool encrypts = builder->options->recipients != NULL;
    int code = 0;
    if (image->codec->frame_size == 0 && !encrypts)
        return 0;
    if (builder->scratch < 0)
        code = pack_output_scratch(builder->output, &builder->scratch, error);
    if (code == 0 && image->codec->frame_size != 0)
        code = encode_compress(image, builder->scratch, offset, error);
    if (code == 0 && image->codec->frame_size == 0 && encrypts)
        code = encode_keep(image, builder->scratch, offset, error);
    return code;
}

static int prepare_images(struct builder *builder, struct pack_error *error)
{
    uint64_t offset = 0;
    int code = 0;
    for (size_t i = 0; code == 0 && i < builder->descriptor->image_count; i++) {
        struct encoded *image = &builder->images[i];
        code = encode_open(image, &builder->descriptor->images[i], builder->context, error);
        if (code == 0)
            code = prepare_image(builder, image, &offset, error);
    }
    return code;
}

/* --- documents ----------------------------------------------------------------------------- */

static int describe_release_image(struct builder *builder, size_t index, struct pack_error *error)
{
    const struct pack_descriptor_image *from = &builder->descriptor->images[index];
    struct encoded *encoded = &builder->images[index];
    const struct pack_image *segmented = encoded->segmented;
    struct pack_release_image *to = &builder->release_images[index];
    *to = (struct pack_release_image){
        .name = from->name,
        .slot = from->slot,
        .version = from->version,
        .size = encoded->plain->size,
        .block_size = from->block_size,
    };
    memcpy(to->sha256, encoded->sha256, sizeof to->sha256);
    if (segmented != NULL) {
        to->format = from->format;
        to->segment_count = segmented->segment_count;
        to->segments = segmented->segments;
        to->has_entry = segmented->has_entry;
        to->entry = segmented->entry;
        sodium_bin2hex(encoded->note, sizeof encoded->note, segmented->note, segmented->note_size);
        to->format_note = segmented->note_size != 0 ? encoded->note : NULL;
    }
    return pack_sha256_bytes(encoded->blocks.bytes, encoded->blocks.size, to->blocks_sha256, error);
}

static int describe_frames(struct encoded *encoded, struct pack_encoding *to,
                           struct pack_error *error)
{
    const struct pack_codec *codec = encoded->codec;
    to->size = encoded->stored_size;
    codec->library(encoded->library, sizeof encoded->library);
    to->library = encoded->library;
    to->decoder_memory = codec->decoder_memory();
    to->frame_size = codec->frame_size;
    to->frame_count = encoded->frames.size / FRAME_ENTRY_SIZE;
    return pack_sha256_bytes(encoded->frames.bytes, encoded->frames.size, to->frames_sha256, error);
}

static int describe_encoding(struct builder *builder, size_t index, struct pack_error *error)
{
    struct encoded *encoded = &builder->images[index];
    struct pack_encoding *to = &builder->encodings[index];
    int code = 0;
    *to = (struct pack_encoding){
        .kind = PACK_ENCODING_FULL,
        .supported = true,
        .codec = encoded->codec->name,
        .size = encoded->plain->size,
        .block_size = encoded->image->block_size,
    };
    builder->delivery_images[index] = (struct pack_delivery_image){
        .name = encoded->image->name, .encoding_count = 1, .encodings = to};
    if (encoded->codec->frame_size != 0)
        code = describe_frames(encoded, to, error);
    if (code == 0 && builder->options->recipients != NULL)
        code = seal_describe(to, builder->options->recipients, error);
    if (code != 0)
        return code;
    if (!layout_is_plain(to))
        return pack_sha256_bytes(encoded->stored_blocks.bytes, encoded->stored_blocks.size,
                                 to->blocks_sha256, error);
    memcpy(to->blocks_sha256, builder->release_images[index].blocks_sha256,
           sizeof to->blocks_sha256);
    return 0;
}

static void describe_attachment(struct builder *builder, size_t index, const char *name)
{
    const struct attachment *attachment = &builder->attachments[index];
    struct pack_release_attachment *to = &builder->release_attachments[index];
    to->name = name;
    to->size = attachment->size;
    memcpy(to->sha256, attachment->sha256, sizeof to->sha256);
    builder->attachment_names[index] = name;
}

/* The SBOM is made of all else that the release says, and borrowed from build_sbom. */
static int describe_attachments(struct builder *builder, struct pack_error *error)
{
    const size_t given = builder->descriptor->attachment_count;
    struct build_sbom *sbom = &builder->sbom;
    for (size_t i = 0; i < given; i++)
        describe_attachment(builder, i, builder->descriptor->attachments[i].name);
    if (sbom->source == NULL)
        return 0;
    struct attachment *attachment = &builder->attachments[given];
    int code = build_sbom_make(sbom, &builder->release, error);
    if (code == 0)
        code = pack_sha256_bytes(sbom->bytes, sbom->size, attachment->sha256, error);
    attachment->bytes = sbom->bytes;
    attachment->size = sbom->size;
    if (code == 0)
        describe_attachment(builder, given, pack_sbom_attachment_name(sbom->kind));
    return code;
}

static int describe(struct builder *builder, struct pack_error *error)
{
    const struct pack_descriptor *from = builder->descriptor;
    const struct pack_build_options *options = builder->options;
    int code = 0;
    for (size_t i = 0; code == 0 && i < from->image_count; i++) {
        code = describe_release_image(builder, i, error);
        if (code == 0)
            code = describe_encoding(builder, i, error);
    }
    builder->release = (struct pack_release){
        .product = from->product,
        .version = from->version,
        .security_version = from->security_version,
        .data_epoch = from->data_epoch,
        .has_created = options->has_created || from->has_created,
        .created = options->has_created ? options->created : from->created,
        .compatible_count = from->compatible_count,
        .compatible = from->compatible,
        .requires_from = from->requires_from,
        .image_count = from->image_count,
        .images = builder->release_images,
        .attachment_count = builder->attachment_count,
        .attachments = builder->release_attachments,
        .meta = from->meta,
    };
    builder->delivery = (struct pack_delivery){
        .revision = 1,
        .image_count = from->image_count,
        .images = builder->delivery_images,
        .attachment_count = builder->attachment_count,
        .attachments = builder->attachment_names,
    };
    return code != 0 ? code : describe_attachments(builder, error);
}

/* --- the head ------------------------------------------------------------------------------ */

static const char *document_name(enum pack_role role)
{
    return role == PACK_ROLE_RELEASE ? "release.json" : "delivery.json";
}

/* With `measure`, signatures of the same size that sign nothing. */
static int sign_document(struct builder *builder, enum pack_role role, bool measure,
                         struct pack_error *error)
{
    const struct pack_build_options *options = builder->options;
    const struct written_member *document = written_head_find(&builder->head, document_name(role));
    const char *text = document->bytes; /* stays, though the members move */
    const size_t size = document->size;
    char comment[PACK_MAX_TRUSTED_COMMENT];
    int code = pack_trusted_comment(comment, role, builder->release.product,
                                    builder->release.version, text, size, error);
    for (size_t i = 0; code == 0 && i < options->signer_count; i++) {
        struct pack_signer signer = options->signers[i];
        if ((options->signer_roles[i] & 1U << role) == 0)
            continue;
        if (measure)
            signer.sign = NULL;
        code = written_head_sign(&builder->head, role, &signer, comment, text, size, error);
    }
    return code;
}

static int make_head(struct builder *builder, bool measure, struct pack_error *error)
{
    PACK_AUTO_FREE char *release = NULL;
    PACK_AUTO_FREE char *delivery = NULL;
    size_t size = 0;
    written_head_clear(&builder->head);
    int code = describe(builder, error);
    if (code == 0)
        code = pack_release_encode(&release, &size, &builder->release, error);
    if (code == 0)
        code = pack_sha256_bytes(release, size, builder->delivery.release_sha256, error);
    if (code == 0)
        code = written_head_put(&builder->head, "release.json", &release, size, error);
    if (code == 0)
        code = sign_document(builder, PACK_ROLE_RELEASE, measure, error);
    if (code == 0)
        code = pack_delivery_encode(&delivery, &size, &builder->delivery, error);
    if (code == 0)
        code = written_head_put(&builder->head, "delivery.json", &delivery, size, error);
    if (code == 0)
        code = sign_document(builder, PACK_ROLE_DELIVERY, measure, error);
    return code;
}

/* --- payloads ------------------------------------------------------------------------------ */

static int read_scratch(const struct builder *builder, const struct encoded *image,
                        struct pack_sink *sink, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO_FREE uint8_t *piece = NULL;
    PACK_AUTO_CLOSE int copy = dup(builder->scratch);
    char what[sizeof image->what];
    snprintf(what, sizeof what, "encrypt %s", image->image->name);
    int code = copy < 0 ? pack_fail_errno(error, errno, "cannot read what was compressed")
                        : pack_input_adopt(&input, &copy, image->image->path, error);
    if (code == 0)
        code = pack_allocate(&piece, 1, PIECE, error);
    for (uint64_t at = 0; code == 0 && at < image->stored_size; at += PIECE) {
        const size_t size = (size_t)pack_min(PIECE, image->stored_size - at);
        code = pack_check_cancelled(builder->context, error);
        if (code == 0)
            code = pack_input_exact(input, image->scratch_offset + at, piece, size, PACK_E_CHANGED,
                                    error);
        if (code == 0)
            code = pack_sink_write(sink, piece, size, error);
        pack_progress(builder->context, what, at + size, image->stored_size);
    }
    return code;
}

static int write_encrypted(struct builder *builder, const struct layout_entry *entry,
                           struct pack_error *error)
{
    PACK_AUTO(seal_clear) struct seal seal = {.sink = NULL};
    struct encoded *image = &builder->images[entry->image];
    const struct seal_place place = {.recipients = builder->options->recipients,
                                     .descriptor = pack_output_descriptor(builder->output),
                                     .offset = entry->data,
                                     .size = entry->size,
                                     .block_size = image->image->block_size,
                                     .blocks = &image->stored_blocks};
    int code = seal_open(&seal, &place, error);
    if (code == 0)
        code = read_scratch(builder, image, seal.sink, error);
    return code != 0 ? code : seal_finish(&seal, error);
}

static int write_payload(struct builder *builder, const struct layout_entry *entry,
                         struct pack_error *error)
{
    struct encoded *image = &builder->images[entry->image];
    const int target = pack_output_descriptor(builder->output);
    int code = write_frame_of(builder->output, entry, error);
    if (code != 0)
        return code;
    if (builder->options->recipients != NULL)
        return write_encrypted(builder, entry, error);
    if (image->codec->frame_size == 0)
        return encode_store(image, target, entry->data, error);
    return pack_copy_descriptor(builder->scratch, image->scratch_offset, target, entry->data,
                                entry->size, error);
}

static const void *small_entry(const struct builder *builder, const struct layout_entry *entry)
{
    const struct encoded *image = &builder->images[entry->image];
    switch (entry->kind) {
    case LAYOUT_ATTACHMENT:
        return builder->attachments[entry->image].bytes;
    case LAYOUT_IMAGE_BLOCKS:
        return image->blocks.bytes;
    case LAYOUT_STORED_BLOCKS:
        return image->stored_blocks.bytes;
    case LAYOUT_FRAMES:
        return image->frames.bytes;
    case LAYOUT_ATTESTATION:
    case LAYOUT_PAYLOAD:
        break;
    }
    return NULL;
}

/* Payloads first: a table is whole only when its image has been read. */
static int write_members(struct builder *builder, bool payloads, struct pack_error *error)
{
    const struct layout *layout = builder->layout;
    int code = 0;
    for (size_t i = 0; code == 0 && i < layout->count; i++) {
        const struct layout_entry *entry = &layout->entries[i];
        if ((entry->kind == LAYOUT_PAYLOAD) != payloads)
            continue;
        code = payloads ? write_payload(builder, entry, error)
                        : write_entry(builder->output, entry, small_entry(builder, entry), error);
    }
    return code;
}

static int write_bundle(struct builder *builder, struct pack_error *error)
{
    int code = make_head(builder, true, error);
    const uint64_t head_size = written_head_size(&builder->head);
    if (code == 0)
        code =
            layout_new(&builder->layout, &builder->release, &builder->delivery, head_size, error);
    if (code == 0)
        code = write_members(builder, true, error);
    if (code == 0) /* an SBOM of our own has the hashes that are known now */
        code = make_head(builder, false, error);
    if (code == 0 && written_head_size(&builder->head) != head_size)
        code = pack_fail(error, PACK_E_INTERNAL, "the documents' size was foreseen wrongly");
    if (code == 0)
        code = write_members(builder, false, error);
    if (code == 0)
        code = write_end(builder->output, builder->layout, error);
    return code != 0 ? code : written_head_write(&builder->head, builder->output, error);
}

/* --- the report ---------------------------------------------------------------------------- */

static int digest_of_document(const struct builder *builder, enum pack_role role,
                              uint8_t digest[PACK_SHA256_SIZE], struct pack_error *error)
{
    const struct written_member *document = written_head_find(&builder->head, document_name(role));
    return pack_sha256_bytes(document->bytes, document->size, digest, error);
}

static int fill_report(const struct builder *builder, struct pack_build_report *report,
                       struct pack_error *error)
{
    report->size = builder->layout->end + TAR_END;
    if (builder->sbom.source != NULL) {
        report->sbom = pack_sbom_attachment_name(builder->sbom.kind);
        report->sbom_kind = builder->sbom.kind;
        report->sbom_size = builder->sbom.size;
    }
    int code = digest_of_document(builder, PACK_ROLE_RELEASE, report->release_sha256, error);
    if (code == 0)
        code = digest_of_document(builder, PACK_ROLE_DELIVERY, report->delivery_sha256, error);
    if (code == 0)
        code = pack_allocate(&report->images, builder->descriptor->image_count,
                             sizeof *report->images, error);
    for (size_t i = 0; code == 0 && i < builder->descriptor->image_count; i++) {
        const struct encoded *image = &builder->images[i];
        struct pack_build_image *to = &report->images[report->image_count++];
        to->name = image->image->name;
        to->codec = image->codec->name;
        to->plain_size = image->plain->size;
        to->stored_size = builder->encodings[i].size;
        memcpy(to->sha256, image->sha256, sizeof to->sha256);
    }
    return code;
}

void pack_build_report_clear(struct pack_build_report *report)
{
    free(report->images);
    *report = (struct pack_build_report){0};
}

int pack_build(struct pack_output *output, const struct pack_descriptor *descriptor,
               const struct pack_build_options *options, const struct pack_context *context,
               struct pack_build_report *report, struct pack_error *error)
{
    PACK_AUTO(builder_clear)
    struct builder builder = {.output = output,
                              .descriptor = descriptor,
                              .options = options,
                              .context = context,
                              .attachment_count =
                                  descriptor->attachment_count + (options->sbom != NULL),
                              .scratch = -1};
    *report = (struct pack_build_report){0};
    int code = allocate(&builder, error);
    if (code == 0)
        code = read_attachments(&builder, error);
    if (code == 0)
        code = build_sbom_open(&builder.sbom, options->sbom, descriptor, context, error);
    if (code == 0)
        code = prepare_images(&builder, error);
    if (code == 0)
        code = write_bundle(&builder, error);
    if (code == 0)
        code = fill_report(&builder, report, error);
    if (code != 0)
        pack_build_report_clear(report);
    return code;
}
