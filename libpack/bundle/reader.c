/* SPDX-License-Identifier: MIT */
#include "bundle/reader.h"

#include "bundle/head.h"

#include "base/checked.h"
#include "base/memory.h"
#include "pack/root.h"

#include <stdio.h>
#include <string.h>

/* --- opening ------------------------------------------------------------------------------- */

struct head_reader {
    struct pack_bundle *bundle;
    uint64_t offset;
    enum head_place last;
    char last_name[TAR_NAME_SIZE];
    size_t in_place; /* members met in the last place */
};

static int check_place(struct head_reader *reader, const char *name, enum head_place place,
                       uint64_t size, struct pack_error *error)
{
    const bool is_signature = head_shape_of(place) == SHAPE_SIGNATURE;
    const uint64_t limit = is_signature          ? PACK_MAX_SIGNATURE
                           : place == HEAD_ROOTS ? PACK_MAX_ROOT
                                                 : PACK_MAX_DOCUMENT;
    if (size > limit)
        return pack_fail(error, PACK_E_LIMIT, "%llu bytes, at most %llu are allowed",
                         (unsigned long long)size, (unsigned long long)limit);
    if (reader->in_place != 0 && strcmp(name, reader->last_name) == 0)
        return pack_fail(error, PACK_E_MALFORMED, "duplicate entry");
    if (reader->in_place != 0 && head_order(reader->last_name, name) > 0)
        return pack_fail(error, PACK_E_MALFORMED, "entry stands after \"%s\", out of order",
                         reader->last_name);
    /* Signatures follow their document, and delivery.json the release. */
    if (is_signature && reader->last < place - 1)
        return pack_fail(error, PACK_E_MALFORMED, "entry without the document that it signs");
    if (place != HEAD_ROOTS && place != HEAD_RELEASE &&
        (reader->in_place == 0 || reader->last < HEAD_RELEASE))
        return pack_fail(error, PACK_E_MALFORMED, "entry stands before release.json");
    const size_t count = place == reader->last ? reader->in_place + 1 : 1;
    if (is_signature && count > PACK_MAX_SIGNERS)
        return pack_fail(error, PACK_E_LIMIT, "more than %d signatures on one document",
                         PACK_MAX_SIGNERS);
    if (place == HEAD_ROOTS && count > PACK_MAX_ROOTS)
        return pack_fail(error, PACK_E_LIMIT, "more than %d roots", PACK_MAX_ROOTS);
    reader->in_place = count;
    reader->last = place;
    snprintf(reader->last_name, sizeof reader->last_name, "%s", name);
    return 0;
}

static int read_zeros(struct pack_bundle *bundle, uint64_t offset, size_t size,
                      enum pack_code short_code, struct pack_error *error)
{
    uint8_t zeros[TAR_END];
    const int code = pack_input_exact(bundle->input, offset, zeros, size, short_code, error);
    for (size_t i = 0; code == 0 && i < size; i++)
        if (zeros[i] != 0) {
            pack_fail(error, PACK_E_MALFORMED, "byte 0x%02x where a zero must stand", zeros[i]);
            return pack_at_offset(error, offset + i);
        }
    return code;
}

static int keep_member(struct head_reader *reader, const char *name, uint64_t data, uint64_t size,
                       struct pack_error *error)
{
    struct pack_bundle *bundle = reader->bundle;
    struct head_member *members =
        reallocarray(bundle->members, bundle->member_count + 1, sizeof *members);
    if (members == NULL)
        return pack_fail_memory(error);
    bundle->members = members;
    struct head_member *member = &members[bundle->member_count++];
    *member = (struct head_member){.offset = data, .size = size};
    snprintf(member->name, sizeof member->name, "%s", name);
    const int code = pack_allocate(&member->bytes, 1, (size_t)size + 1, error);
    return code != 0 ? code
                     : pack_input_exact(bundle->input, data, member->bytes, (size_t)size,
                                        PACK_E_CORRUPT, error);
}

static int read_member(struct head_reader *reader, const char *name, uint64_t size,
                       enum head_place place, struct pack_error *error)
{
    const uint64_t data = reader->offset + TAR_BLOCK;
    int code = check_place(reader, name, place, size, error);
    if (code == 0)
        code = keep_member(reader, name, data, size, error);
    if (code == 0)
        code = read_zeros(reader->bundle, data + size, tar_padding(size), PACK_E_CORRUPT, error);
    reader->offset = data + size + tar_padding(size);
    return code;
}

/* Whether the text of a file is that of a descriptor, which people give in a bundle's place. */
static bool looks_like_descriptor(const uint8_t *head, size_t size)
{
    static const char key[] = "fwpack:";
    const uint8_t *found = memmem(head, size, key, sizeof key - 1);
    return found != NULL && (found == head || found[-1] == '\n');
}

/* What is a tar, but begins otherwise, is refused for that member. */
static bool is_foreign(const struct pack_bundle *bundle)
{
    return !pack_bundle_probe(bundle->peeked, bundle->peeked_size) &&
           (bundle->peeked_size < TAR_BLOCK || !tar_has_magic(bundle->peeked));
}

static int refuse_foreign(const struct pack_bundle *bundle, struct pack_error *error)
{
    if (bundle->peeked_size == 0)
        return pack_fail(error, PACK_E_MALFORMED, "is empty, a bundle is wanted");
    pack_fail(error, PACK_E_MALFORMED, "is no bundle: it does not begin with release.json");
    return looks_like_descriptor(bundle->peeked, bundle->peeked_size)
               ? pack_hint(error, "`fwpack build` makes a bundle of a descriptor")
               : pack_hint(error, "`fwpack inspect` tells what it is");
}

/* Reads members until the first that is not the head's. */
static int read_head(struct head_reader *reader, struct pack_error *error)
{
    struct pack_bundle *bundle = reader->bundle;
    for (;;) {
        char name[TAR_NAME_SIZE];
        uint64_t size = 0;
        const uint64_t start = reader->offset;
        int code = pack_input_read(bundle->input, start, bundle->peeked, TAR_BLOCK,
                                   &bundle->peeked_size, error);
        if (code != 0)
            return code;
        bundle->head_end = start;
        if (start == 0 && is_foreign(bundle))
            return refuse_foreign(bundle, error);
        /* A short or foreign header ends the head: what follows it is judged by the layout. */
        if (bundle->peeked_size < TAR_BLOCK)
            return 0;
        memcpy(name, bundle->peeked, TAR_NAME_SIZE - 1);
        name[TAR_NAME_SIZE - 1] = '\0';
        const enum head_place place = head_place_of(name);
        if (place == HEAD_NONE && bundle->member_count != 0)
            return 0;
        code = tar_parse(bundle->peeked, name, &size, error);
        if (code == 0 && place == HEAD_NONE)
            code = pack_fail(error, PACK_E_MALFORMED, "no member of a bundle");
        if (code == 0)
            code = read_member(reader, name, size, place, error);
        if (code == 0)
            continue;
        if (start == 0 && place == HEAD_NONE)
            pack_hint(error,
                      "a bundle begins with release.json; `fwpack inspect` tells what it is");
        pack_at_member(error, name); /* as it stands: who shows it escapes it */
        return pack_at_offset(error, start);
    }
}

/* Puts a document or a signature of it where it belongs. */
static void index_document(struct head_document *document, const struct head_member *member)
{
    if (head_shape_of(head_place_of(member->name)) == SHAPE_DOCUMENT) {
        document->document = member;
        return;
    }
    struct pack_signature_member *signature = &document->signatures[document->signature_count++];
    signature->kind = head_kind_of(member->name);
    signature->member = member->name;
    signature->bytes = member->bytes;
    signature->size = (size_t)member->size;
    head_keyid_of(member->name, signature->keyid);
}

/* Sorts the members by document, now that the array does not move any more. */
static int index_head(struct pack_bundle *bundle, struct pack_error *error)
{
    int code =
        pack_allocate(&bundle->reserved, bundle->member_count, sizeof *bundle->reserved, error);
    for (size_t i = 0; code == 0 && i < bundle->member_count; i++) {
        const struct head_member *member = &bundle->members[i];
        const int role = head_role_of(member->name), extra = head_extra_of(member->name);
        if (role >= 0)
            index_document(&bundle->documents[role], member);
        if (extra >= 0)
            index_document(&bundle->extras[extra], member);
        if (role < 0)
            bundle->reserved[bundle->reserved_count++] = (struct pack_member){
                .name = member->name, .offset = member->offset, .size = member->size};
    }
    for (int role = PACK_ROLE_RELEASE; code == 0 && role <= PACK_ROLE_DELIVERY; role++)
        if (bundle->documents[role].document == NULL)
            code = pack_fail(error, PACK_E_MALFORMED, "no %s.json in it",
                             pack_role_name((enum pack_role)role));
    return code;
}

bool pack_bundle_probe(const void *head, size_t size)
{
    static const char *const names[] = {"release.json", "roots/"};
    const char *text = head;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (size >= strlen(names[i]) && memcmp(text, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

int pack_bundle_open(struct pack_bundle **bundle, struct pack_input *input,
                     const struct pack_context *context, struct pack_error *error)
{
    PACK_AUTO(pack_bundle_close) struct pack_bundle *made = NULL;
    *bundle = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    made->input = input;
    made->context = context;
    struct head_reader reader = {.bundle = made};
    code = read_head(&reader, error);
    if (code == 0)
        code = index_head(made, error);
    if (code != 0)
        return pack_at_file(error, input->name);
    *bundle = pack_steal(&made);
    return 0;
}

void pack_bundle_close(struct pack_bundle **bundle)
{
    if (*bundle == NULL)
        return;
    for (size_t i = 0; i < (*bundle)->member_count; i++)
        free((*bundle)->members[i].bytes);
    free((*bundle)->members);
    free((*bundle)->reserved);
    free(*bundle);
    *bundle = NULL;
}

const void *pack_bundle_document(const struct pack_bundle *bundle, enum pack_role role,
                                 size_t *size)
{
    const struct head_member *member = bundle->documents[role].document;
    *size = member != NULL ? (size_t)member->size : 0;
    return member != NULL ? member->bytes : NULL;
}

size_t pack_bundle_signatures(const struct pack_bundle *bundle, enum pack_role role,
                              const struct pack_signature_member **signatures)
{
    *signatures = bundle->documents[role].signatures;
    return bundle->documents[role].signature_count;
}

const void *pack_bundle_extra(const struct pack_bundle *bundle, enum pack_extra extra, size_t *size)
{
    const struct head_member *member = bundle->extras[extra].document;
    *size = member != NULL ? (size_t)member->size : 0;
    return member != NULL ? member->bytes : NULL;
}

size_t pack_bundle_extra_signatures(const struct pack_bundle *bundle, enum pack_extra extra,
                                    const struct pack_signature_member **signatures)
{
    *signatures = bundle->extras[extra].signatures;
    return bundle->extras[extra].signature_count;
}

size_t pack_bundle_reserved(const struct pack_bundle *bundle, const struct pack_member **members)
{
    *members = bundle->reserved;
    return bundle->reserved_count;
}

/* --- after the head ------------------------------------------------------------------------ */

int bundle_read(struct pack_bundle *bundle, uint64_t offset, void *buffer, size_t size,
                struct pack_error *error)
{
    size_t from_peeked = 0;
    if (offset >= bundle->head_end && offset - bundle->head_end < bundle->peeked_size) {
        const size_t start = (size_t)(offset - bundle->head_end);
        from_peeked = (size_t)pack_min(size, bundle->peeked_size - start);
        memcpy(buffer, bundle->peeked + start, from_peeked);
    }
    if (from_peeked == size)
        return 0;
    return pack_input_exact(bundle->input, offset + from_peeked, (uint8_t *)buffer + from_peeked,
                            size - from_peeked, PACK_E_CORRUPT, error);
}

int bundle_check_header(struct pack_bundle *bundle, const struct layout_entry *entry,
                        struct pack_error *error)
{
    uint8_t found[TAR_HEADER_MAX], wanted[TAR_HEADER_MAX];
    const size_t size = tar_header_size(entry->size);
    int code = bundle_read(bundle, entry->header, found, size, error);
    tar_header(wanted, entry->name, entry->size);
    if (code == 0 && memcmp(found, wanted, size) != 0) {
        code = pack_fail(error, PACK_E_MALFORMED,
                         "its header is not the one that the signed documents call for");
        pack_at_offset(error, entry->header);
    }
    return code != 0 ? pack_at_member(error, entry->name) : 0;
}

int bundle_check_padding(struct pack_bundle *bundle, const struct layout_entry *entry,
                         struct pack_error *error)
{
    const int code = read_zeros(bundle, entry->data + entry->size, tar_padding(entry->size),
                                PACK_E_CORRUPT, error);
    return code != 0 ? pack_at_member(error, entry->name) : 0;
}

int bundle_check_end(struct pack_bundle *bundle, const struct layout *layout,
                     struct pack_error *error)
{
    uint8_t end[TAR_END + 1] = {0};
    size_t got = 0;
    int code = bundle_read(bundle, layout->end, end, TAR_END, error);
    for (size_t i = 0; code == 0 && i < TAR_END; i++)
        if (end[i] != 0) {
            pack_fail(error, PACK_E_MALFORMED, "byte 0x%02x where the end's zeros must stand",
                      end[i]);
            pack_at_offset(error, layout->end + i);
            return pack_at_file(error, bundle->input->name);
        }
    if (code == 0)
        code = pack_input_read(bundle->input, layout->end + TAR_END, end, 1, &got, error);
    if (code == 0 && got != 0) {
        code = pack_fail(error, PACK_E_MALFORMED, "data after the end");
        pack_at_offset(error, layout->end + TAR_END);
        pack_at_file(error, bundle->input->name);
    }
    return code;
}

int bundle_check_size(const struct pack_bundle *bundle, const struct layout *layout,
                      struct pack_error *error)
{
    const uint64_t wanted = layout->end + TAR_END;
    if (!bundle->input->has_size || bundle->input->size == wanted)
        return 0;
    if (bundle->input->size < wanted) {
        pack_fail(error, PACK_E_CORRUPT, "cut short: %llu bytes, %llu wanted",
                  (unsigned long long)bundle->input->size, (unsigned long long)wanted);
        return pack_at_offset(error, bundle->input->size);
    }
    pack_fail(error, PACK_E_MALFORMED, "data after the end: %llu bytes, %llu wanted",
              (unsigned long long)bundle->input->size, (unsigned long long)wanted);
    return pack_at_offset(error, wanted);
}

/* --- without trust ------------------------------------------------------------------------- */

/* The documents and the layout that follows from them; each output may be NULL on failure. */
static int parse_documents(struct pack_bundle *bundle, struct pack_release **release,
                           struct pack_delivery **delivery, struct pack_error *error)
{
    const struct head_member *what = bundle->documents[PACK_ROLE_RELEASE].document;
    const struct head_member *how = bundle->documents[PACK_ROLE_DELIVERY].document;
    uint8_t digest[PACK_SHA256_SIZE];
    int code = pack_release_parse(release, what->bytes, (size_t)what->size, error);
    if (code != 0)
        return pack_at_member(error, what->name);
    code = pack_delivery_parse(delivery, how->bytes, (size_t)how->size, error);
    if (code == 0)
        code = pack_sha256_bytes(what->bytes, (size_t)what->size, digest, error);
    if (code == 0)
        code = pack_delivery_match(*delivery, *release, digest, error);
    return code != 0 ? pack_at_member(error, how->name) : 0;
}

static int check_layout(struct pack_bundle *bundle, const struct pack_release *release,
                        const struct pack_delivery *delivery, struct pack_error *error)
{
    PACK_AUTO(layout_free) struct layout *layout = NULL;
    int code = layout_new(&layout, release, delivery, bundle->head_end, error);
    if (code == 0)
        code = bundle_check_size(bundle, layout, error);
    for (size_t i = 0; code == 0 && bundle->input->seekable && i < layout->count; i++)
        code = bundle_check_header(bundle, &layout->entries[i], error);
    if (code == 0 && bundle->input->seekable)
        code = bundle_check_end(bundle, layout, error);
    return code;
}

int pack_bundle_parse_untrusted(struct pack_bundle *bundle, struct pack_release **release,
                                struct pack_delivery **delivery, struct pack_error *error)
{
    *release = NULL;
    *delivery = NULL;
    int code = parse_documents(bundle, release, delivery, error);
    if (code == 0)
        code = check_layout(bundle, *release, *delivery, error);
    if (code == 0)
        return 0;
    pack_release_free(release);
    pack_delivery_free(delivery);
    return pack_at_file(error, bundle->input->name);
}

/* --- listing ------------------------------------------------------------------------------- */

static int list_member(struct pack_member *member, const char *name, uint64_t offset, uint64_t size,
                       struct pack_error *error)
{
    char *copy = NULL;
    const int code = pack_copy_string(&copy, name, error);
    *member = (struct pack_member){.name = copy, .offset = offset, .size = size};
    return code;
}

int pack_bundle_members(struct pack_bundle *bundle, const struct pack_release *release,
                        const struct pack_delivery *delivery, struct pack_member **members,
                        size_t *count, struct pack_error *error)
{
    PACK_AUTO(layout_free) struct layout *layout = NULL;
    *members = NULL;
    *count = 0;
    int code = layout_new(&layout, release, delivery, bundle->head_end, error);
    if (code == 0)
        code =
            pack_allocate(members, bundle->member_count + layout->count, sizeof **members, error);
    for (size_t i = 0; code == 0 && i < bundle->member_count; i++) {
        const struct head_member *member = &bundle->members[i];
        code =
            list_member(&(*members)[(*count)++], member->name, member->offset, member->size, error);
    }
    for (size_t i = 0; code == 0 && i < layout->count; i++) {
        const struct layout_entry *entry = &layout->entries[i];
        code = list_member(&(*members)[(*count)++], entry->name, entry->data, entry->size, error);
    }
    if (code != 0)
        pack_members_free(members, *count);
    return code;
}

void pack_members_free(struct pack_member **members, size_t count)
{
    for (size_t i = 0; *members != NULL && i < count; i++)
        free((void *)(uintptr_t)(*members)[i].name);
    free(*members);
    *members = NULL;
}
