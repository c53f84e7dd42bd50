/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "document/document.h"
#include "document/rules.h"
#include "pack/backend/codec.h"
#include "pack/delta.h"
#include "pack/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REQUIRES = 64, MAX_ATTESTATIONS = 256 };

/* --- encodings: what belongs into which ------------------------------------------------------ */

static bool is_full(const struct pack_encoding *encoding, const char *codec)
{
    return encoding->kind == PACK_ENCODING_FULL && encoding->codec != NULL &&
           strcmp(encoding->codec, codec) == 0;
}

/* The codec of a full encoding, NULL where this version knows none of that name. */
static const struct pack_codec *full_codec(const struct pack_encoding *encoding)
{
    if (encoding->kind != PACK_ENCODING_FULL || encoding->codec == NULL)
        return NULL;
    return pack_codec_find(encoding->codec);
}

/* A patch in the format of docs/delta-format.md, the only one that this version applies. */
static bool is_patch(const struct pack_encoding *encoding)
{
    return encoding->kind == PACK_ENCODING_DELTA && encoding->codec != NULL &&
           encoding->unsupported == NULL &&
           strcmp(encoding->codec, pack_delta_format_name(PACK_DELTA_FWD)) == 0;
}

static enum field_use use_of_codec(const void *object)
{
    static const enum field_use uses[] = {[PACK_ENCODING_FULL] = FIELD_WANTED,
                                          [PACK_ENCODING_DELTA] = FIELD_WANTED,
                                          [PACK_ENCODING_KEEP] = FIELD_FORBIDDEN,
                                          [PACK_ENCODING_OTHER] = FIELD_OPTIONAL};
    return uses[((const struct pack_encoding *)object)->kind];
}

/* What describes stored bytes: every encoding with a codec has some. */
static enum field_use use_of_stored(const void *object)
{
    const struct pack_encoding *encoding = object;
    return encoding->codec != NULL ? FIELD_WANTED : FIELD_FORBIDDEN;
}

static enum field_use use_of_library(const void *object)
{
    const struct pack_encoding *encoding = object;
    return encoding->codec != NULL ? FIELD_OPTIONAL : FIELD_FORBIDDEN;
}

/* Frames: of compressed full encodings always, of patches never; others may have them. */
static enum field_use use_of_frames(const void *object)
{
    const struct pack_encoding *encoding = object;
    if (encoding->codec == NULL || is_full(encoding, "none") || is_patch(encoding))
        return FIELD_FORBIDDEN;
    if (encoding->unsupported != NULL || full_codec(encoding) == NULL)
        return FIELD_OPTIONAL;
    return FIELD_WANTED;
}

static bool has_frames(const void *object)
{
    const struct pack_encoding *encoding = object;
    return use_of_frames(encoding) == FIELD_WANTED || encoding->frame_count != 0;
}

static enum field_use use_of_frame_table(const void *object)
{
    return has_frames(object) ? FIELD_WANTED : FIELD_FORBIDDEN;
}

static enum field_use use_of_reusable(const void *object)
{
    return has_frames(object) ? FIELD_OPTIONAL : FIELD_FORBIDDEN;
}

static enum field_use use_of_decoder_memory(const void *object)
{
    return is_patch(object) ? FIELD_WANTED : use_of_frames(object);
}

/* What only deltas have: of patches `patch`, of others whatever they mean by it. */
static enum field_use use_of_delta(const struct pack_encoding *encoding, enum field_use patch)
{
    if (is_patch(encoding))
        return patch;
    return encoding->kind == PACK_ENCODING_FULL || encoding->kind == PACK_ENCODING_KEEP
               ? FIELD_FORBIDDEN
               : FIELD_IGNORED;
}

static enum field_use use_of_decoder(const void *object)
{
    return use_of_delta(object, FIELD_WANTED);
}

static enum field_use use_of_in_place(const void *object)
{
    return use_of_delta(object, FIELD_OPTIONAL);
}

/* Any stored bytes may be encrypted. */
static enum field_use use_of_encryption(const void *object)
{
    return use_of_library(object);
}

static bool is_age(const struct pack_encoding *encoding)
{
    return encoding->encryption != NULL && strcmp(encoding->encryption, PACK_ENCRYPTION_AGE) == 0;
}

/* What another encryption says of itself is its own affair. */
static enum field_use use_of_age(const void *object)
{
    return is_age(object) ? FIELD_WANTED : FIELD_IGNORED;
}

static enum field_use use_of_base(const void *object)
{
    static const enum field_use uses[] = {[PACK_ENCODING_FULL] = FIELD_FORBIDDEN,
                                          [PACK_ENCODING_DELTA] = FIELD_WANTED,
                                          [PACK_ENCODING_KEEP] = FIELD_WANTED,
                                          [PACK_ENCODING_OTHER] = FIELD_IGNORED};
    return uses[((const struct pack_encoding *)object)->kind];
}

/* --- encodings: what this version knows ------------------------------------------------------ */

static const char *const kind_names[] = {
    [PACK_ENCODING_FULL] = "full", [PACK_ENCODING_DELTA] = "delta", [PACK_ENCODING_KEEP] = "keep"};

/* Notes the first thing that is not known; a device takes another encoding. */
static int set_unsupported(struct fields *fields, struct pack_encoding *encoding, const char *what,
                           const char *name)
{
    char shown[64], text[128];
    if (encoding->unsupported != NULL)
        return 0;
    pack_escape(shown, sizeof shown, name, strlen(name));
    snprintf(text, sizeof text, "%s \"%s\"", what, shown);
    return pack_arena_string(fields->arena, &encoding->unsupported, text, strlen(text),
                             fields->error);
}

static int read_kind(struct fields *fields, const struct pack_json_value *value, void *object)
{
    struct pack_encoding *encoding = object;
    if (value->type != PACK_JSON_STRING)
        return fields_fail_type(fields, "a string", value);
    const char *name = value->text;
    encoding->kind = PACK_ENCODING_OTHER;
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strcmp(kind_names[i], name) == 0)
            encoding->kind = (enum pack_encoding_kind)i;
    if (encoding->kind == PACK_ENCODING_OTHER)
        return set_unsupported(fields, encoding, "the encoding type", name);
    return 0;
}

static void write_kind(struct pack_json *json, const char *name, const void *object)
{
    const struct pack_encoding *encoding = object;
    pack_json_string(json, name, kind_names[encoding->kind]);
}

/* A feature that an encoding asks for: this version knows one beyond the format itself. */
static int read_feature(struct fields *fields, const struct pack_json_value *feature,
                        struct pack_encoding *encoding)
{
    if (feature->type != PACK_JSON_STRING)
        return fields_fail_type(fields, "a string", feature);
    if (strcmp(feature->text, PACK_ENCRYPTION_AGE) != 0)
        return set_unsupported(fields, encoding, "the feature", feature->text);
    encoding->requires_age = true;
    return 0;
}

static int read_requires(struct fields *fields, const struct pack_json_value *value, void *object)
{
    const size_t length = strlen(fields->path);
    const struct pack_json_value *feature = value->first;
    if (value->type != PACK_JSON_ARRAY)
        return fields_fail_type(fields, "an array", value);
    if (value->count > MAX_REQUIRES)
        return pack_fail(fields->error, PACK_E_LIMIT, "has %zu entries, %d are allowed",
                         value->count, MAX_REQUIRES);
    for (size_t i = 0; i < value->count; i++, feature = feature->next) {
        fields_enter_index(fields, i);
        fields->place = feature;
        const int code = read_feature(fields, feature, object);
        if (code != 0)
            return code;
        fields->path[length] = '\0';
    }
    return 0;
}

/* What this version does not know, it does not write. */
static void write_requires(struct pack_json *json, const char *name, const void *object)
{
    const struct pack_encoding *encoding = object;
    if (!encoding->requires_age)
        return;
    pack_json_array(json, name);
    pack_json_string(json, NULL, PACK_ENCRYPTION_AGE);
    pack_json_end(json);
}

static bool is_decoder(const char *name)
{
    const char *known = NULL;
    for (size_t i = 0; (known = pack_delta_decoder_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    return false;
}

/* Features come before codecs: whatever else is known, the first that is not decides. */
static int derive_encoding(struct fields *fields, void *object)
{
    struct pack_encoding *encoding = object;
    int code = 0;
    if ((encoding->kind == PACK_ENCODING_DELTA && !is_patch(encoding)) ||
        (encoding->kind == PACK_ENCODING_FULL && full_codec(encoding) == NULL))
        code = set_unsupported(fields, encoding, "the codec", encoding->codec);
    else if (is_patch(encoding) && !is_decoder(encoding->decoder))
        code = set_unsupported(fields, encoding, "the decoder", encoding->decoder);
    else if (encoding->encrypted && !is_age(encoding))
        code = set_unsupported(fields, encoding, "the encryption", encoding->encryption);
    encoding->supported = encoding->unsupported == NULL;
    return code;
}

/* Else a reader that knows no encryption would take ciphertext for what the codec made. */
static int check_encryption(struct fields *fields, const struct pack_encoding *encoding)
{
    if (!is_age(encoding) || encoding->requires_age)
        return 0;
    fields_enter(fields, "encryption");
    return pack_fail(fields->error, PACK_E_MALFORMED,
                     "the encoding does not say \"requires\": [\"%s\"]", PACK_ENCRYPTION_AGE);
}

static int check_encoding(struct fields *fields, const void *object)
{
    const struct pack_encoding *encoding = object;
    const struct pack_codec *codec = full_codec(encoding);
    const int code = check_encryption(fields, encoding);
    if (code != 0)
        return code;
    if (encoding->unsupported != NULL || codec == NULL)
        return 0;
    fields_enter(fields, "frame_size");
    if (encoding->frame_size != codec->frame_size)
        return pack_fail(fields->error, PACK_E_MALFORMED,
                         "%" PRIu64 " bytes, frames of codec %s have %zu", encoding->frame_size,
                         codec->name, codec->frame_size);
    return 0;
}

static const struct field base_fields[] = {
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, base_size), .minimum = 1},
    {"sha256", FIELD_DIGEST, .offset = offsetof(struct pack_encoding, base_sha256)},
};

static const struct field_table base_table = {
    .size = sizeof(struct pack_encoding),
    .fields = base_fields,
    .count = sizeof base_fields / sizeof base_fields[0],
};

static const struct field in_place_fields[] = {
    {"page_size", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, in_place), .minimum = 1},
    {"scratch", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, scratch)},
};

static const struct field_table in_place_table = {
    .size = sizeof(struct pack_encoding),
    .fields = in_place_fields,
    .count = sizeof in_place_fields / sizeof in_place_fields[0],
};

static const struct field encryption_fields[] = {
    {"type", FIELD_STRING, .offset = offsetof(struct pack_encoding, encryption),
     .rule = pack_rule_codec},
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, inner_size),
     .use_of = use_of_age, .minimum = 1},
    {"header_size", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, header_size),
     .use_of = use_of_age, .minimum = 1},
    {"recipients", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, recipient_count),
     .use_of = use_of_age, .minimum = 1},
};

static const struct field_table encryption_table = {
    .size = sizeof(struct pack_encoding),
    .fields = encryption_fields,
    .count = sizeof encryption_fields / sizeof encryption_fields[0],
};

/* `type`, `requires` and `codec` come first, because the others' use follows from them. */
static const struct field encoding_fields[] = {
    {"type", FIELD_CUSTOM, .read = read_kind, .write = write_kind},
    {"requires", FIELD_CUSTOM, .use = FIELD_OPTIONAL, .read = read_requires,
     .write = write_requires},
    {"codec", FIELD_STRING, .offset = offsetof(struct pack_encoding, codec), .use_of = use_of_codec,
     .rule = pack_rule_codec},
    {"library", FIELD_STRING, .offset = offsetof(struct pack_encoding, library),
     .use_of = use_of_library, .rule = pack_rule_text},
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, size), .use_of = use_of_stored,
     .minimum = 1},
    {"block_size", FIELD_BLOCK_SIZE, .offset = offsetof(struct pack_encoding, block_size),
     .use_of = use_of_stored},
    {"blocks_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_encoding, blocks_sha256),
     .use_of = use_of_stored},
    {"encryption", FIELD_GROUP, .use_of = use_of_encryption,
     .has_offset = offsetof(struct pack_encoding, encrypted), .table = &encryption_table},
    {"frame_size", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, frame_size),
     .use_of = use_of_frames, .minimum = 1},
    {"frame_count", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, frame_count),
     .use_of = use_of_frames, .minimum = 1},
    {"frames_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_encoding, frames_sha256),
     .use_of = use_of_frame_table},
    {"reusable", FIELD_BOOLEAN, .offset = offsetof(struct pack_encoding, reusable),
     .use_of = use_of_reusable},
    {"decoder_memory", FIELD_INTEGER, .offset = offsetof(struct pack_encoding, decoder_memory),
     .use_of = use_of_decoder_memory, .minimum = 1},
    {"decoder", FIELD_STRING, .offset = offsetof(struct pack_encoding, decoder),
     .use_of = use_of_decoder, .rule = pack_rule_codec},
    {"in_place", FIELD_GROUP, .use_of = use_of_in_place,
     .has_offset = offsetof(struct pack_encoding, has_in_place), .table = &in_place_table},
    {"base", FIELD_GROUP, .use_of = use_of_base, .table = &base_table},
};

static const struct field_table encoding_table = {
    .size = sizeof(struct pack_encoding),
    .fields = encoding_fields,
    .count = sizeof encoding_fields / sizeof encoding_fields[0],
    .derive = derive_encoding,
    .check = check_encoding,
};

/* --- the delivery ---------------------------------------------------------------------------- */

static const struct field image_fields[] = {
    {"name", FIELD_STRING, .offset = offsetof(struct pack_delivery_image, name),
     .rule = pack_rule_name},
    {"encodings", FIELD_OBJECTS, .offset = offsetof(struct pack_delivery_image, encodings),
     .minimum = 1, .maximum = PACK_MAX_ENCODINGS,
     .count_offset = offsetof(struct pack_delivery_image, encoding_count),
     .table = &encoding_table},
};

static const struct field_table image_table = {
    .size = sizeof(struct pack_delivery_image),
    .fields = image_fields,
    .count = sizeof image_fields / sizeof image_fields[0],
};

static const struct field attestation_fields[] = {
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_delivery_attestation, size),
     .minimum = 1},
    {"sha256", FIELD_DIGEST, .offset = offsetof(struct pack_delivery_attestation, sha256)},
};

static const struct field_table attestation_table = {
    .size = sizeof(struct pack_delivery_attestation),
    .fields = attestation_fields,
    .count = sizeof attestation_fields / sizeof attestation_fields[0],
};

static int check_delivery(struct fields *fields, const void *object)
{
    const struct pack_delivery *delivery = object;
    fields_enter(fields, "images");
    for (size_t i = 0; i < delivery->image_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(delivery->images[i].name, delivery->images[j].name) == 0)
                return pack_fail(fields->error, PACK_E_MALFORMED, "image \"%s\" stands twice",
                                 delivery->images[i].name);
    fields->path[0] = '\0';
    return 0;
}

static const struct field delivery_fields[] = {
    {"release_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_delivery, release_sha256)},
    {"revision", FIELD_INTEGER, .offset = offsetof(struct pack_delivery, revision), .minimum = 1},
    {"images", FIELD_OBJECTS, .offset = offsetof(struct pack_delivery, images), .minimum = 1,
     .maximum = PACK_MAX_IMAGES, .count_offset = offsetof(struct pack_delivery, image_count),
     .table = &image_table},
    {"attachments", FIELD_STRINGS, .offset = offsetof(struct pack_delivery, attachments),
     .use = FIELD_OPTIONAL, .maximum = PACK_MAX_ATTACHMENTS,
     .count_offset = offsetof(struct pack_delivery, attachment_count), .rule = pack_rule_name},
    {"attestations", FIELD_OBJECTS, .offset = offsetof(struct pack_delivery, attestations),
     .use = FIELD_OPTIONAL, .maximum = MAX_ATTESTATIONS,
     .count_offset = offsetof(struct pack_delivery, attestation_count),
     .table = &attestation_table},
};

static const struct field_table delivery_table = {
    .size = sizeof(struct pack_delivery),
    .fields = delivery_fields,
    .count = sizeof delivery_fields / sizeof delivery_fields[0],
    .check = check_delivery,
};

static const struct document_type delivery_type = {
    .type = "fwpack.delivery",
    .table = &delivery_table,
    .storage_offset = offsetof(struct pack_delivery, storage),
};

int pack_delivery_parse(struct pack_delivery **delivery, const void *bytes, size_t size,
                        struct pack_error *error)
{
    *delivery = NULL;
    return document_parse(&delivery_type, delivery, bytes, size, error);
}

void pack_delivery_free(struct pack_delivery **delivery)
{
    if (*delivery != NULL)
        document_free((*delivery)->storage);
    *delivery = NULL;
}

/* What was not understood was not kept, so that it cannot be written again. */
static int refuse_unsupported(const struct pack_delivery *delivery, struct pack_error *error)
{
    for (size_t i = 0; i < delivery->image_count; i++) {
        const struct pack_delivery_image *image = &delivery->images[i];
        for (size_t e = 0; e < image->encoding_count; e++)
            if (image->encodings[e].unsupported != NULL)
                return pack_fail(error, PACK_E_UNSUPPORTED,
                                 "images[%zu].encodings[%zu]: needs %s, which this version of "
                                 "fwpack does not know",
                                 i, e, image->encodings[e].unsupported);
    }
    return 0;
}

int pack_delivery_encode(char **text, size_t *size, const struct pack_delivery *delivery,
                         struct pack_error *error)
{
    const int code = refuse_unsupported(delivery, error);
    return code != 0 ? code : document_encode(&delivery_type, delivery, text, size, error);
}

/* --- release and delivery together ------------------------------------------------------------ */

static int fail_match(struct pack_error *error, const char *what)
{
    return pack_fail(error, PACK_E_MALFORMED, "%s", what);
}

static int match_plain(const struct pack_encoding *encoding, const struct pack_release_image *image,
                       struct pack_error *error)
{
    if (pack_encoding_inner_size(encoding) != image->size)
        return fail_match(error, "stored without a codec, but not of the image's size");
    if (encoding->encrypted)
        return 0;
    if (encoding->block_size != image->block_size ||
        sodium_memcmp(encoding->blocks_sha256, image->blocks_sha256, PACK_SHA256_SIZE) != 0)
        return fail_match(error, "stored without a codec, but not in the image's blocks");
    return 0;
}

static int match_frames(const struct pack_encoding *encoding,
                        const struct pack_release_image *image, struct pack_error *error)
{
    const uint64_t wanted = pack_pieces(image->size, encoding->frame_size);
    if (encoding->frame_count == wanted)
        return 0;
    return pack_fail(error, PACK_E_MALFORMED,
                     "%" PRIu64 " frames, the image has %" PRIu64 " of %" PRIu64 " bytes",
                     encoding->frame_count, wanted, encoding->frame_size);
}

static int match_keep(const struct pack_encoding *encoding, const struct pack_release_image *image,
                      struct pack_error *error)
{
    if (encoding->base_size == image->size &&
        sodium_memcmp(encoding->base_sha256, image->sha256, PACK_SHA256_SIZE) == 0)
        return 0;
    return fail_match(error, "keeps another image than the release's");
}

static int match_encoding(const struct pack_encoding *encoding,
                          const struct pack_release_image *image, struct pack_error *error)
{
    if (!encoding->supported || encoding->kind == PACK_ENCODING_DELTA)
        return 0;
    if (encoding->kind == PACK_ENCODING_KEEP)
        return match_keep(encoding, image, error);
    return is_full(encoding, "none") ? match_plain(encoding, image, error)
                                     : match_frames(encoding, image, error);
}

static int match_image(const struct pack_delivery *delivery, const struct pack_release *release,
                       size_t index, struct pack_error *error)
{
    const struct pack_delivery_image *image = &delivery->images[index];
    if (strcmp(image->name, release->images[index].name) != 0)
        return pack_fail(error, PACK_E_MALFORMED,
                         "images[%zu].name: \"%s\", the release has \"%s\"", index, image->name,
                         release->images[index].name);
    for (size_t e = 0; e < image->encoding_count; e++)
        if (match_encoding(&image->encodings[e], &release->images[index], error) != 0)
            return pack_context(error, "images[%zu].encodings[%zu]", index, e);
    return 0;
}

/* The release's attachments that travel stand in its order. */
static int match_attachments(const struct pack_delivery *delivery,
                             const struct pack_release *release, struct pack_error *error)
{
    size_t found = 0;
    for (size_t i = 0; i < release->attachment_count && found < delivery->attachment_count; i++)
        found += strcmp(delivery->attachments[found], release->attachments[i].name) == 0;
    if (found == delivery->attachment_count)
        return 0;
    return pack_fail(error, PACK_E_MALFORMED,
                     "attachments[%zu]: \"%s\" is not in the release, or out of its order", found,
                     delivery->attachments[found]);
}

int pack_delivery_match(const struct pack_delivery *delivery, const struct pack_release *release,
                        const uint8_t release_sha256[PACK_SHA256_SIZE], struct pack_error *error)
{
    if (sodium_memcmp(delivery->release_sha256, release_sha256, PACK_SHA256_SIZE) != 0)
        return pack_fail(error, PACK_E_SIGNATURE, "delivery.json is for another release");
    if (delivery->image_count != release->image_count)
        return pack_fail(error, PACK_E_MALFORMED, "images: %zu of them, the release has %zu",
                         delivery->image_count, release->image_count);
    for (size_t i = 0; i < release->image_count; i++) {
        const int code = match_image(delivery, release, i, error);
        if (code != 0)
            return code;
    }
    return match_attachments(delivery, release, error);
}
