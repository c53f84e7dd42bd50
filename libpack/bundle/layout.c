/* SPDX-License-Identifier: MIT */
#include "bundle/layout.h"

#include "base/checked.h"
#include "base/memory.h"
#include "pack/backend/codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct layout_maker {
    struct layout *layout;
    size_t capacity;
    uint64_t offset;
};

uint64_t layout_table_size(uint64_t size, uint32_t block_size)
{
    const uint64_t blocks = pack_pieces(size, block_size);
    return blocks > 1 ? blocks * PACK_SHA256_SIZE : 0;
}

uint64_t layout_frames_size(const struct pack_encoding *encoding)
{
    const uint64_t entry = encoding->reusable ? FRAME_REUSABLE_SIZE : FRAME_ENTRY_SIZE;
    return encoding->frame_count * entry;
}

static int grow(struct layout_maker *maker, struct pack_error *error)
{
    if (maker->layout->count < maker->capacity)
        return 0;
    const size_t capacity = maker->capacity != 0 ? maker->capacity * 2 : 16;
    struct layout_entry *entries = reallocarray(maker->layout->entries, capacity, sizeof *entries);
    if (entries == NULL)
        return pack_fail_memory(error);
    maker->layout->entries = entries;
    maker->capacity = capacity;
    return 0;
}

static int add(struct layout_maker *maker, struct layout_entry entry, struct pack_error *error,
               const char *format, ...) PACK_PRINTF(4, 5);

static int add(struct layout_maker *maker, struct layout_entry entry, struct pack_error *error,
               const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(entry.name, sizeof entry.name, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof entry.name)
        return pack_fail(error, PACK_E_LIMIT, "member name longer than 100 bytes");
    const int code = grow(maker, error);
    if (code != 0)
        return code;
    entry.header = maker->offset;
    if (!pack_add(maker->offset, tar_header_size(entry.size), &entry.data) ||
        !pack_add(entry.data, entry.size, &maker->offset) ||
        !pack_add(maker->offset, tar_padding(entry.size), &maker->offset) ||
        maker->offset > INT64_MAX - TAR_END)
        return pack_fail(error, PACK_E_LIMIT, "the members' sizes exceed what a file can hold");
    maker->layout->entries[maker->layout->count++] = entry;
    return 0;
}

static int add_attachments(struct layout_maker *maker, const struct pack_release *release,
                           const struct pack_delivery *delivery, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0, d = 0; code == 0 && i < release->attachment_count; i++) {
        const struct pack_release_attachment *attachment = &release->attachments[i];
        if (d == delivery->attachment_count ||
            strcmp(delivery->attachments[d], attachment->name) != 0)
            continue;
        d++;
        code = add(
            maker,
            (struct layout_entry){.kind = LAYOUT_ATTACHMENT, .image = i, .size = attachment->size},
            error, "attachments/%s", attachment->name);
    }
    for (size_t i = 0; code == 0 && i < delivery->attestation_count; i++)
        code =
            add(maker,
                (struct layout_entry){
                    .kind = LAYOUT_ATTESTATION, .image = i, .size = delivery->attestations[i].size},
                error, "attestations/%zu.dsse.json", i);
    return code;
}

static int add_image_tables(struct layout_maker *maker, const struct pack_release *release,
                            struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < release->image_count; i++) {
        const struct pack_release_image *image = &release->images[i];
        const uint64_t size = layout_table_size(image->size, image->block_size);
        if (size != 0)
            code = add(maker,
                       (struct layout_entry){.kind = LAYOUT_IMAGE_BLOCKS, .image = i, .size = size},
                       error, "images/%s.blocks", image->name);
    }
    return code;
}

/* What the payload's member is called after: the codec's extension, or its name if unknown. */
static const char *extension_of(const char *codec)
{
    const struct pack_codec *known = pack_codec_find(codec);
    return known != NULL ? known->extension : codec;
}

bool layout_is_plain(const struct pack_encoding *encoding)
{
    return encoding->kind == PACK_ENCODING_FULL && !encoding->encrypted &&
           strcmp(encoding->codec, "none") == 0;
}

static int add_encoding(struct layout_maker *maker, struct layout_entry entry, const char *name,
                        const struct pack_encoding *encoding, struct pack_error *error)
{
    int code = 0;
    if (encoding->codec == NULL) /* keep has no payload */
        return 0;
    const char *extension = extension_of(encoding->codec);
    if (strcmp(extension, "blocks") == 0 || strcmp(extension, "frames") == 0)
        return pack_fail(error, PACK_E_MALFORMED, "\"%s\" is no name of a codec", extension);
    entry.kind = LAYOUT_STORED_BLOCKS;
    entry.size = layout_table_size(encoding->size, encoding->block_size);
    if (!layout_is_plain(encoding) && entry.size != 0)
        code = add(maker, entry, error, "payloads/%s.%zu.blocks", name, entry.encoding);
    entry.kind = LAYOUT_FRAMES;
    entry.size = layout_frames_size(encoding);
    if (code == 0 && entry.size != 0)
        code = add(maker, entry, error, "payloads/%s.%zu.frames", name, entry.encoding);
    entry.kind = LAYOUT_PAYLOAD;
    entry.size = encoding->size;
    if (code == 0)
        code = add(maker, entry, error, "payloads/%s.%zu.%s%s%s", name, entry.encoding, extension,
                   encoding->encrypted ? "." : "", encoding->encrypted ? encoding->encryption : "");
    return code;
}

static int add_payloads(struct layout_maker *maker, const struct pack_delivery *delivery,
                        struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < delivery->image_count; i++) {
        const struct pack_delivery_image *image = &delivery->images[i];
        for (size_t e = 0; code == 0 && e < image->encoding_count; e++)
            code = add_encoding(maker, (struct layout_entry){.image = i, .encoding = e},
                                image->name, &image->encodings[e], error);
    }
    return code;
}

/* All tables are kept in memory at once when a bundle is read from a pipe. */
static int check_tables(const struct layout *layout, struct pack_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const struct layout_entry *entry = &layout->entries[i];
        if (entry->kind != LAYOUT_IMAGE_BLOCKS && entry->kind != LAYOUT_STORED_BLOCKS &&
            entry->kind != LAYOUT_FRAMES)
            continue;
        if (!pack_add(total, entry->size, &total) || total > PACK_MAX_TABLES) {
            pack_fail(error, PACK_E_LIMIT, "block tables of more than %llu bytes",
                      (unsigned long long)PACK_MAX_TABLES);
            pack_hint(error, "a larger block-size makes smaller tables");
            return pack_at_member(error, entry->name);
        }
    }
    return 0;
}

int layout_new(struct layout **layout, const struct pack_release *release,
               const struct pack_delivery *delivery, uint64_t start, struct pack_error *error)
{
    PACK_AUTO(layout_free) struct layout *made = NULL;
    *layout = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    struct layout_maker maker = {.layout = made, .offset = start};
    code = add_attachments(&maker, release, delivery, error);
    if (code == 0)
        code = add_image_tables(&maker, release, error);
    if (code == 0)
        code = add_payloads(&maker, delivery, error);
    if (code == 0)
        code = check_tables(made, error);
    if (code != 0)
        return code;
    made->end = maker.offset;
    *layout = pack_steal(&made);
    return 0;
}

void layout_free(struct layout **layout)
{
    if (*layout != NULL)
        free((*layout)->entries);
    free(*layout);
    *layout = NULL;
}

bool layout_is_of_encoding(const struct layout_entry *entry)
{
    return entry->kind >= LAYOUT_STORED_BLOCKS;
}

/* The layout's own order: by kind, but the members of one encoding stand together. */
static int by_place(const void *a, const void *b)
{
    const struct layout_entry *one = a, *other = b;
    const enum layout_kind first = layout_is_of_encoding(one) ? LAYOUT_PAYLOAD : one->kind;
    const enum layout_kind second = layout_is_of_encoding(other) ? LAYOUT_PAYLOAD : other->kind;
    if (first != second)
        return first < second ? -1 : 1;
    if (one->image != other->image)
        return one->image < other->image ? -1 : 1;
    if (one->encoding != other->encoding)
        return one->encoding < other->encoding ? -1 : 1;
    return (one->kind > other->kind) - (one->kind < other->kind);
}

const struct layout_entry *layout_find(const struct layout *layout, enum layout_kind kind,
                                       size_t image, size_t encoding)
{
    const struct layout_entry key = {.kind = kind, .image = image, .encoding = encoding};
    if (layout->count == 0) /* no entries, so no array to look through */
        return NULL;
    return bsearch(&key, layout->entries, layout->count, sizeof key, by_place);
}
