/* SPDX-License-Identifier: MIT */
#include "document/descriptor_fields.h"

#include "pack/text.h"

#include <stdio.h>
#include <string.h>

/* --- the tables ------------------------------------------------------------------------------ */

static const struct pack_field requires_fields[] = {
    {.key = "from",
     .type = &pack_type_range,
     .offset = offsetof(struct pack_descriptor, requires_from),
     .example = "from: \">=2.0.0 <3.0.0\"",
     .summary = "Versions that may be updated to this one, as comparators that must all hold"},
    {.key = NULL},
};

static const struct pack_field compress_fields[] = {
    {.key = "codec",
     .type = &pack_type_codec,
     .offset = offsetof(struct pack_descriptor_image, codec),
     .fallback = "\"zstd\"",
     .example = "codec: zstd",
     .summary = "How the image is compressed; one that does not shrink travels as it is"},
    {.key = "level",
     .type = &pack_type_level,
     .example = "level: 19",
     .summary = "Effort of the codec, in its own numbers; the codec's default unless given"},
    {.key = NULL},
};

static const struct pack_field image_fields[] = {
    {.key = "name",
     .type = &pack_type_name,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_descriptor_image, name),
     .example = "name: rootfs",
     .summary = "Name of the image in the bundle"},
    {.key = "file",
     .type = &pack_type_file,
     .flags = PACK_FIELD_REQUIRED,
     .example = "file: build/rootfs.squashfs",
     .summary = "The file that is the image, relative to the descriptor's folder and inside it"},
    {.key = "slot",
     .type = &pack_type_name,
     .offset = offsetof(struct pack_descriptor_image, slot),
     .example = "slot: rootfs",
     .summary = "Where the device keeps the image; its name unless given"},
    {.key = "version",
     .type = &pack_type_version,
     .offset = offsetof(struct pack_descriptor_image, version),
     .example = "version: 1.0.3",
     .summary = "Version of this image, SemVer 2.0.0; the release's unless given"},
    {.key = "format",
     .type = &pack_type_image_format,
     .offset = offsetof(struct pack_descriptor_image, format),
     .fallback = "\"raw\"",
     .example = "format: ihex",
     .summary = "raw takes the file as it is; the others keep the addresses of their segments"},
    {.key = "compress",
     .type = &pack_type_compress,
     .offset = offsetof(struct pack_descriptor_image, codec),
     .fields = compress_fields,
     .fallback = "\"zstd\"",
     .example = "compress: {codec: zstd, level: 19}",
     .summary = "A codec, or a map of codec and level"},
    {.key = "block-size",
     .type = &pack_type_block_size,
     .offset = offsetof(struct pack_descriptor_image, block_size),
     .fallback = "\"64KiB\"",
     .example = "block-size: 4KiB",
     .summary = "Bytes that are proved together: a power of two from 512 to 1 MiB; small for small "
                "devices"},
    {.key = "max-size",
     .type = &pack_type_size,
     .example = "max-size: 128MiB",
     .summary = "Budget of the image's plain size, enforced by lint and build"},
    {.key = NULL},
};

const struct pack_field pack_descriptor_fields[] = {
    {.key = "fwpack",
     .type = &pack_type_format_number,
     .flags = PACK_FIELD_REQUIRED | PACK_FIELD_EACH_FILE,
     .example = "fwpack: 1",
     .summary = "Format of the descriptor"},
    {.key = "variables",
     .type = &pack_type_variables,
     .flags = PACK_FIELD_EARLY | PACK_FIELD_EACH_FILE,
     .fallback = "[]",
     .example = "variables: [VERSION]",
     .summary = "Names that ${NAME} takes from the environment where no -D gives them"},
    {.key = "include",
     .type = &pack_type_include,
     .flags = PACK_FIELD_EARLY | PACK_FIELD_EACH_FILE,
     .fallback = "[]",
     .example = "include: common/product.yaml",
     .summary = "Further files whose keys count as if they stood here, relative to this file"},
    {.key = "product",
     .type = &pack_type_product,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_descriptor, product),
     .example = "product: acme-gateway",
     .summary = "The product that the firmware is for, compared as it stands"},
    {.key = "version",
     .type = &pack_type_version,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_descriptor, version),
     .example = "version: 2.4.1",
     .summary = "Version of the release, SemVer 2.0.0"},
    {.key = "security-version",
     .type = &pack_type_integer,
     .offset = offsetof(struct pack_descriptor, security_version),
     .fallback = "0",
     .example = "security-version: 7",
     .summary = "Anti-rollback counter: devices refuse a lower one than they have seen"},
    {.key = "data-epoch",
     .type = &pack_type_integer,
     .offset = offsetof(struct pack_descriptor, data_epoch),
     .fallback = "0",
     .example = "data-epoch: 2",
     .summary = "Raised by a release whose migration of data cannot be undone"},
    {.key = "created",
     .type = &pack_type_created,
     .offset = offsetof(struct pack_descriptor, created),
     .example = "created: 2024-02-29T12:00:00Z",
     .summary = "When the release was made, in UTC or seconds since 1970; SOURCE_DATE_EPOCH comes "
                "before it, and without either there is none"},
    {.key = "compatible",
     .type = &pack_type_compatible,
     .flags = PACK_FIELD_REQUIRED,
     .example = "compatible: [\"acme,gateway-r2\"]",
     .summary = "Hardware that the release fits, exact texts, one on each line"},
    {.key = "requires",
     .type = &pack_type_requires,
     .fields = requires_fields,
     .example = "requires: {from: \">=2.0.0 <3.0.0\"}",
     .summary = "What a device must have before it takes the release"},
    {.key = "images",
     .type = &pack_type_images,
     .flags = PACK_FIELD_REQUIRED,
     .fields = image_fields,
     .example = "images: [{name: rootfs, file: build/rootfs.squashfs}]",
     .summary = "The firmware images, 1 to 256 of them"},
    {.key = "attachments",
     .type = &pack_type_attachments,
     .fallback = "{}",
     .example = "attachments: {sbom: build/sbom.cdx.json}",
     .summary = "Files that go along and are signed: a name each, and a path as for images"},
    {.key = "meta",
     .type = &pack_type_meta,
     .example = "meta: {build-host: ci-7}",
     .summary = "Free data of the vendor, signed; every value in it is a text"},
    {.key = NULL},
};

/* --- reading --------------------------------------------------------------------------------- */

enum { MAX_FIELDS = 32 };

_Static_assert(sizeof pack_descriptor_fields / sizeof pack_descriptor_fields[0] <= MAX_FIELDS,
               "a table of fields has a place for each");

/* Where each field was set first. */
struct seen {
    struct pack_place places[MAX_FIELDS];
};

static size_t field_index(const struct pack_field *fields, const char *key)
{
    size_t i = 0;
    while (fields[i].key != NULL && strcmp(fields[i].key, key) != 0)
        i++;
    return i;
}

static void report_unknown(struct pack_descriptor_reader *reader, const struct pack_field *fields,
                           const struct pack_yaml *key)
{
    const char *names[MAX_FIELDS];
    char all[256] = "";
    size_t count = 0;
    for (size_t size = 0; fields[count].key != NULL && count < MAX_FIELDS; count++) {
        names[count] = fields[count].key;
        if (size < sizeof all)
            size += (size_t)snprintf(all + size, sizeof all - size, "%s%s", count == 0 ? "" : ", ",
                                     names[count]);
    }
    struct pack_error *fault =
        pack_reader_fault(reader, key, "unknown key '%s'", pack_yaml_show(key->text).text);
    if (reader->findings.dropped != 0) /* nobody sees the hint, and there may be many */
        return;
    const char *nearest = pack_nearest(key->text, names, count);
    if (nearest != NULL)
        (void)pack_hint(fault, "did you mean '%s'?", nearest);
    else
        (void)pack_hint(fault, "the keys here are %s", all);
}

/* Whether it is the first place of the field; over files a key may be set only once. */
static bool note_place(struct pack_descriptor_reader *reader, const struct pack_field *field,
                       const struct pack_yaml *key, struct pack_place *place)
{
    if (place->file == NULL)
        *place = pack_reader_place(reader, key);
    else if ((field->flags & PACK_FIELD_EACH_FILE) == 0) {
        (void)pack_reader_fault(reader, key, "'%s' is set in %s:%u:%u already", field->key,
                                place->file, place->line, place->column);
        return false;
    }
    return true;
}

static void decode_members(struct pack_descriptor_reader *reader, const struct pack_field *fields,
                           const struct pack_yaml *map, void *object, struct seen *seen)
{
    for (const struct pack_yaml *value = map->first; value != NULL; value = value->next) {
        const size_t i = field_index(fields, value->key->text);
        const struct pack_field *field = &fields[i];
        if (field->key == NULL)
            report_unknown(reader, fields, value->key);
        else if (note_place(reader, field, value->key, &seen->places[i]) &&
                 (field->flags & PACK_FIELD_EARLY) == 0)
            field->type->decode(reader, field, value, object);
    }
}

static void report_missing(struct pack_descriptor_reader *reader, const struct pack_field *fields,
                           const struct pack_yaml *map, const struct seen *seen)
{
    for (size_t i = 0; fields[i].key != NULL; i++)
        if ((fields[i].flags & PACK_FIELD_REQUIRED) != 0 && seen->places[i].file == NULL)
            (void)pack_hint(pack_reader_fault(reader, map, "missing key '%s'", fields[i].key),
                            "for example %s", fields[i].example);
}

void pack_fields_decode(struct pack_descriptor_reader *reader, const struct pack_field *fields,
                        const struct pack_yaml *map, void *object)
{
    struct seen seen = {0};
    decode_members(reader, fields, map, object, &seen);
    report_missing(reader, fields, map, &seen);
}

void pack_fields_decode_early(struct pack_descriptor_reader *reader, const struct pack_yaml *map)
{
    for (const struct pack_field *field = pack_descriptor_fields; field->key != NULL; field++) {
        const struct pack_yaml *value = pack_yaml_get(map, field->key);
        if (value != NULL && (field->flags & PACK_FIELD_EARLY) != 0)
            field->type->decode(reader, field, value, reader->descriptor);
    }
}

static void warn_of_security_version(struct pack_descriptor_reader *reader, const struct seen *seen)
{
    const size_t version = field_index(pack_descriptor_fields, "version");
    const size_t security = field_index(pack_descriptor_fields, "security-version");
    const struct pack_yaml *map = reader->source->root;
    if (seen->places[security].file != NULL || seen->places[version].file == NULL)
        return;
    (void)pack_hint(pack_reader_warn(reader, map,
                                     "no 'security-version': devices cannot refuse older releases"),
                    "write security-version: 0 where that is meant");
}

void pack_fields_decode_sources(struct pack_descriptor_reader *reader)
{
    struct seen seen = {0};
    for (size_t i = 0; i < reader->source_count; i++) {
        reader->source = reader->sources[i];
        if (reader->source->root != NULL)
            decode_members(reader, pack_descriptor_fields, reader->source->root, reader->descriptor,
                           &seen);
    }
    reader->source = reader->sources[0];
    if (reader->unreadable)
        return;
    report_missing(reader, pack_descriptor_fields, reader->source->root, &seen);
    warn_of_security_version(reader, &seen);
}
