/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "document/document.h"
#include "document/rules.h"
#include "pack/version.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

/* --- images ---------------------------------------------------------------------------------- */

static enum field_use use_of_segments(const void *object)
{
    const struct pack_release_image *image = object;
    return image->format != NULL ? FIELD_WANTED : FIELD_FORBIDDEN;
}

static enum field_use use_of_entry(const void *object)
{
    const struct pack_release_image *image = object;
    return image->format != NULL ? FIELD_OPTIONAL : FIELD_FORBIDDEN;
}

static const struct field segment_fields[] = {
    {"address", FIELD_INTEGER, .offset = offsetof(struct pack_segment, address)},
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_segment, size), .minimum = 1},
};

static const struct field_table segment_table = {
    .size = sizeof(struct pack_segment),
    .fields = segment_fields,
    .count = sizeof segment_fields / sizeof segment_fields[0],
    .compact = true,
};

/* Both are below 2^53, so that sums fit. */
static uint64_t end_of(const struct pack_segment *segment)
{
    return segment->address + segment->size;
}

static int check_segments(struct fields *fields, const struct pack_release_image *image)
{
    uint64_t total = 0;
    fields_enter(fields, "segments");
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct pack_segment *segment = &image->segments[i];
        if (i > 0 && segment->address <= end_of(&image->segments[i - 1]))
            return pack_fail(fields->error, PACK_E_MALFORMED,
                             "segment %zu begins at 0x%" PRIx64 ", not beyond the end of the one "
                             "before it (0x%" PRIx64 ")",
                             i, segment->address, end_of(&image->segments[i - 1]));
        total += segment->size;
    }
    if (total != image->size)
        return pack_fail(fields->error, PACK_E_MALFORMED,
                         "the segments have %" PRIu64 " bytes, the image %" PRIu64, total,
                         image->size);
    if (total > PACK_MAX_SEGMENTED)
        return pack_fail(fields->error, PACK_E_LIMIT,
                         "the segments have %" PRIu64 " bytes, %" PRIu64 " are allowed", total,
                         PACK_MAX_SEGMENTED);
    return 0;
}

static int check_image(struct fields *fields, const void *object)
{
    const struct pack_release_image *image = object;
    const size_t length = strlen(fields->path);
    const int code = image->format != NULL ? check_segments(fields, image) : 0;
    if (code == 0)
        fields->path[length] = '\0';
    return code;
}

static int rule_note(const char *text, struct pack_error *error)
{
    const size_t length = strlen(text);
    if (length == 0 || length > 128 || length % 2 != 0 ||
        strspn(text, "0123456789abcdef") != length)
        return pack_fail(error, PACK_E_MALFORMED, "is not 1 to 64 bytes in lower-case hex");
    return 0;
}

static const struct field image_fields[] = {
    {"name", FIELD_STRING, .offset = offsetof(struct pack_release_image, name),
     .rule = pack_rule_name},
    {"slot", FIELD_STRING, .offset = offsetof(struct pack_release_image, slot),
     .rule = pack_rule_name},
    {"version", FIELD_STRING, .offset = offsetof(struct pack_release_image, version),
     .use = FIELD_OPTIONAL, .rule = pack_version_check},
    {"format", FIELD_STRING, .offset = offsetof(struct pack_release_image, format),
     .use = FIELD_OPTIONAL, .rule = pack_rule_format},
    {"format_note", FIELD_STRING, .offset = offsetof(struct pack_release_image, format_note),
     .use_of = use_of_entry, .rule = rule_note},
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_release_image, size), .minimum = 1},
    {"sha256", FIELD_DIGEST, .offset = offsetof(struct pack_release_image, sha256)},
    {"block_size", FIELD_BLOCK_SIZE, .offset = offsetof(struct pack_release_image, block_size)},
    {"blocks_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_release_image, blocks_sha256)},
    {"segments", FIELD_OBJECTS, .offset = offsetof(struct pack_release_image, segments),
     .use_of = use_of_segments, .minimum = 1, .maximum = PACK_MAX_SEGMENTS,
     .count_offset = offsetof(struct pack_release_image, segment_count), .table = &segment_table},
    {"entry", FIELD_INTEGER, .offset = offsetof(struct pack_release_image, entry),
     .use_of = use_of_entry, .has_offset = offsetof(struct pack_release_image, has_entry)},
};

static const struct field_table image_table = {
    .size = sizeof(struct pack_release_image),
    .fields = image_fields,
    .count = sizeof image_fields / sizeof image_fields[0],
    .check = check_image,
};

/* --- attachments ----------------------------------------------------------------------------- */

static const struct field attachment_fields[] = {
    {"name", FIELD_STRING, .offset = offsetof(struct pack_release_attachment, name),
     .rule = pack_rule_name},
    {"size", FIELD_INTEGER, .offset = offsetof(struct pack_release_attachment, size)},
    {"sha256", FIELD_DIGEST, .offset = offsetof(struct pack_release_attachment, sha256)},
};

static const struct field_table attachment_table = {
    .size = sizeof(struct pack_release_attachment),
    .fields = attachment_fields,
    .count = sizeof attachment_fields / sizeof attachment_fields[0],
};

/* --- the release ----------------------------------------------------------------------------- */

static const struct field requires_fields[] = {
    {"from", FIELD_STRING, .offset = offsetof(struct pack_release, requires_from),
     .use = FIELD_OPTIONAL, .rule = pack_range_check},
};

/* A requirement that cannot be judged must not be passed over. */
static const struct field_table requires_table = {
    .size = sizeof(struct pack_release),
    .fields = requires_fields,
    .count = sizeof requires_fields / sizeof requires_fields[0],
    .closed = true,
};

static int check_distinct(struct fields *fields, const char *const *names, size_t count,
                          const char *what)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return pack_fail(fields->error, PACK_E_MALFORMED, "%s \"%s\" stands twice", what,
                                 names[i]);
    return 0;
}

static int check_images(struct fields *fields, const struct pack_release *release)
{
    const char *names[PACK_MAX_IMAGES], *slots[PACK_MAX_IMAGES];
    uint64_t tables = 0;
    for (size_t i = 0; i < release->image_count; i++) {
        const struct pack_release_image *image = &release->images[i];
        names[i] = image->name;
        slots[i] = image->slot;
        tables += PACK_SHA256_SIZE * pack_pieces(image->size, image->block_size);
        if (tables > PACK_MAX_TABLES) {
            (void)pack_fail(fields->error, PACK_E_LIMIT,
                            "block tables of more than %" PRIu64 " bytes", PACK_MAX_TABLES);
            return pack_hint(fields->error, "a larger block size makes smaller tables");
        }
    }
    const int code = check_distinct(fields, names, release->image_count, "image");
    return code != 0 ? code : check_distinct(fields, slots, release->image_count, "slot");
}

static int check_attachments(struct fields *fields, const struct pack_release *release)
{
    const char *names[PACK_MAX_ATTACHMENTS];
    for (size_t i = 0; i < release->attachment_count; i++)
        names[i] = release->attachments[i].name;
    return check_distinct(fields, names, release->attachment_count, "attachment");
}

static int check_release(struct fields *fields, const void *object)
{
    fields_enter(fields, "images");
    const int code = check_images(fields, object);
    if (code != 0)
        return code;
    fields->path[0] = '\0';
    fields_enter(fields, "attachments");
    return check_attachments(fields, object);
}

static const struct field release_fields[] = {
    {"product", FIELD_STRING, .offset = offsetof(struct pack_release, product),
     .rule = pack_rule_text},
    {"version", FIELD_STRING, .offset = offsetof(struct pack_release, version),
     .rule = pack_version_check},
    {"security_version", FIELD_INTEGER, .offset = offsetof(struct pack_release, security_version)},
    {"data_epoch", FIELD_INTEGER, .offset = offsetof(struct pack_release, data_epoch),
     .use = FIELD_OPTIONAL},
    {"created", FIELD_INTEGER, .offset = offsetof(struct pack_release, created),
     .use = FIELD_OPTIONAL, .has_offset = offsetof(struct pack_release, has_created)},
    {"compatible", FIELD_STRINGS, .offset = offsetof(struct pack_release, compatible), .minimum = 1,
     .maximum = PACK_MAX_COMPATIBLE,
     .count_offset = offsetof(struct pack_release, compatible_count), .rule = pack_rule_text},
    {"requires", FIELD_GROUP, .use = FIELD_OPTIONAL, .table = &requires_table},
    {"images", FIELD_OBJECTS, .offset = offsetof(struct pack_release, images), .minimum = 1,
     .maximum = PACK_MAX_IMAGES, .count_offset = offsetof(struct pack_release, image_count),
     .table = &image_table},
    {"attachments", FIELD_OBJECTS, .offset = offsetof(struct pack_release, attachments),
     .use = FIELD_OPTIONAL, .maximum = PACK_MAX_ATTACHMENTS,
     .count_offset = offsetof(struct pack_release, attachment_count), .table = &attachment_table},
    {"meta", FIELD_RAW, .offset = offsetof(struct pack_release, meta), .use = FIELD_OPTIONAL},
};

static const struct field_table release_table = {
    .size = sizeof(struct pack_release),
    .fields = release_fields,
    .count = sizeof release_fields / sizeof release_fields[0],
    .check = check_release,
};

static const struct document_type release_type = {
    .type = "fwpack.release",
    .table = &release_table,
    .storage_offset = offsetof(struct pack_release, storage),
};

int pack_release_parse(struct pack_release **release, const void *bytes, size_t size,
                       struct pack_error *error)
{
    *release = NULL;
    return document_parse(&release_type, release, bytes, size, error);
}

void pack_release_free(struct pack_release **release)
{
    if (*release != NULL)
        document_free((*release)->storage);
    *release = NULL;
}

int pack_release_encode(char **text, size_t *size, const struct pack_release *release,
                        struct pack_error *error)
{
    return document_encode(&release_type, release, text, size, error);
}

void pack_release_note(const struct pack_release_image *image, uint8_t note[64], size_t *size)
{
    *size = 0;
    if (image->format_note != NULL) /* checked when it was parsed */
        (void)sodium_hex2bin(note, 64, image->format_note, strlen(image->format_note), NULL, size,
                             NULL);
}
