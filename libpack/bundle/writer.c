/* SPDX-License-Identifier: MIT */
#include "bundle/writer.h"

#include "base/memory.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

static const uint8_t zeros[TAR_END];

void written_head_clear(struct written_head *head)
{
    for (size_t i = 0; i < head->count; i++)
        free(head->members[i].bytes);
    free(head->members);
    *head = (struct written_head){0};
}

int written_head_put(struct written_head *head, const char *name, char **bytes, size_t size,
                     struct pack_error *error)
{
    struct written_member member = {.bytes = pack_steal(bytes), .size = size};
    snprintf(member.name, sizeof member.name, "%s", name);
    size_t place = 0;
    while (place < head->count && head_order(head->members[place].name, name) < 0)
        place++;
    if (place < head->count && strcmp(head->members[place].name, name) == 0) {
        free(head->members[place].bytes);
        head->members[place] = member;
        return 0;
    }
    struct written_member *members = reallocarray(head->members, head->count + 1, sizeof *members);
    if (members == NULL) {
        free(member.bytes);
        return pack_fail_memory(error);
    }
    memmove(members + place + 1, members + place, (head->count - place) * sizeof *members);
    members[place] = member;
    head->members = members;
    head->count++;
    return 0;
}

int written_head_copy(struct written_head *head, const struct pack_bundle *bundle,
                      struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < bundle->member_count; i++) {
        const struct head_member *member = &bundle->members[i];
        const size_t size = (size_t)member->size;
        PACK_AUTO_FREE char *copy = NULL;
        code = pack_allocate(&copy, 1, size + 1, error);
        if (code != 0)
            break;
        memcpy(copy, member->bytes, size);
        code = written_head_put(head, member->name, &copy, size, error);
    }
    return code;
}

void written_head_drop(struct written_head *head, enum head_place place)
{
    size_t kept = 0;
    for (size_t i = 0; i < head->count; i++) {
        if (head_place_of(head->members[i].name) == place)
            free(head->members[i].bytes);
        else
            head->members[kept++] = head->members[i];
    }
    head->count = kept;
}

const struct written_member *written_head_find(const struct written_head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++)
        if (strcmp(head->members[i].name, name) == 0)
            return &head->members[i];
    return NULL;
}

bool written_head_is_kept(const struct written_head *head, const struct pack_bundle *bundle,
                          const char *name)
{
    const struct written_member *made = written_head_find(head, name);
    for (size_t i = 0; i < bundle->member_count; i++) {
        const struct head_member *there = &bundle->members[i];
        if (strcmp(there->name, name) == 0)
            return there->size == made->size && memcmp(there->bytes, made->bytes, made->size) == 0;
    }
    return false;
}

uint64_t written_head_size(const struct written_head *head)
{
    uint64_t size = 0;
    for (size_t i = 0; i < head->count; i++)
        size += TAR_BLOCK + head->members[i].size + tar_padding(head->members[i].size);
    return size;
}

static int write_member(struct pack_output *output, const char *name, uint64_t at,
                        const void *bytes, uint64_t size, struct pack_error *error)
{
    uint8_t header[TAR_HEADER_MAX];
    const size_t header_size = tar_header_size(size);
    tar_header(header, name, size);
    int code = pack_output_write_at(output, at, header, header_size, error);
    if (code == 0 && bytes != NULL)
        code = pack_output_write_at(output, at + header_size, bytes, (size_t)size, error);
    if (code == 0)
        code =
            pack_output_write_at(output, at + header_size + size, zeros, tar_padding(size), error);
    return code;
}

int written_head_write(const struct written_head *head, struct pack_output *output,
                       struct pack_error *error)
{
    uint64_t at = 0;
    int code = 0;
    for (size_t i = 0; code == 0 && i < head->count; i++) {
        const struct written_member *member = &head->members[i];
        code = write_member(output, member->name, at, member->bytes, member->size, error);
        at += TAR_BLOCK + member->size + tar_padding(member->size);
    }
    return code;
}

int written_head_finish(const struct written_head *head, const struct pack_bundle *bundle,
                        struct pack_output *output, struct pack_error *error)
{
    const uint64_t from = bundle->head_end;
    const int code = written_head_write(head, output, error);
    if (code != 0)
        return code;
    return pack_copy_descriptor(pack_input_descriptor(bundle->input), from,
                                pack_output_descriptor(output), written_head_size(head),
                                bundle->input->size - from, error);
}

void written_head_signature_name(char name[TAR_NAME_SIZE], enum pack_role role,
                                 enum pack_signature_kind kind, const char *keyid)
{
    snprintf(name, TAR_NAME_SIZE, "%s.json.%s.%s", pack_role_name(role), keyid,
             pack_signature_kind_name(kind));
}

int written_head_sign(struct written_head *head, enum pack_role role,
                      const struct pack_signer *signer, const char *comment, const void *document,
                      size_t size, struct pack_error *error)
{
    char name[TAR_NAME_SIZE];
    written_head_signature_name(name, role, PACK_SIGNATURE_MINISIG, signer->key->keyid);
    return written_head_sign_as(head, name, pack_role_name(role), signer, comment, document, size,
                                error);
}

int written_head_sign_as(struct written_head *head, const char *name, const char *role,
                         const struct pack_signer *signer, const char *comment,
                         const void *document, size_t size, struct pack_error *error)
{
    struct pack_signature signature = {0};
    uint8_t digest[PACK_PREHASH_SIZE];
    PACK_AUTO_FREE char *text = NULL;
    size_t text_size = 0;
    int code = 0;
    if (signer->sign != NULL) {
        struct pack_signer named = *signer;
        named.role = role;
        pack_prehash_bytes(document, size, digest);
        code = pack_sign(&signature, &named, digest, comment, error);
        if (code == 0)
            code = pack_signer_record(&named, document, size, error);
    } else {
        snprintf(signature.comment, sizeof signature.comment, "%s", comment);
    }
    if (code == 0)
        code = pack_signature_format(&text, &text_size, &signature, error);
    if (code != 0)
        return code;
    return written_head_put(head, name, &text, text_size, error);
}

int write_frame_of(struct pack_output *output, const struct layout_entry *entry,
                   struct pack_error *error)
{
    return write_member(output, entry->name, entry->header, NULL, entry->size, error);
}

int write_entry(struct pack_output *output, const struct layout_entry *entry, const void *bytes,
                struct pack_error *error)
{
    return write_member(output, entry->name, entry->header, bytes, entry->size, error);
}

int write_end(struct pack_output *output, const struct layout *layout, struct pack_error *error)
{
    return pack_output_write_at(output, layout->end, zeros, TAR_END, error);
}
