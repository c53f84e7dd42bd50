/* SPDX-License-Identifier: MIT */
#include "unpack/scan.h"

#include "base/checked.h"
#include "base/memory.h"

enum {
    SMALLEST_PACKED = 32,
    SMALLEST_IMAGE = 256, /* smaller ones are not searched */
    KINDS_BY_BYTE = 256,
};

void found_list_free(struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        found_list_free(&list->streams[i].inside);
        free(list->streams[i].plain);
    }
    free(list->streams);
    *list = (struct found_list){.count = 0};
}

void found_list_drop(struct found_list *list, struct search *search)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct found *found = &list->streams[i];
        if (found->kept) {
            list->streams[kept++] = *found;
            continue;
        }
        search->plain_left += found->plain_size;
        free(found->plain);
    }
    list->count = kept;
}

static int add_found(struct found_list *list, const struct found *found, struct pack_error *error)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity != 0 ? 2 * list->capacity : 16;
        struct found *streams = realloc(list->streams, capacity * sizeof *streams);
        if (streams == NULL)
            return pack_fail_memory(error);
        list->streams = streams;
        list->capacity = capacity;
    }
    list->streams[list->count++] = *found;
    return 0;
}

/* --- one stream ------------------------------------------------------------------------------ */

/* squashfs puts the size of each block of metadata before it. */
static void find_prefix(struct found *found, const uint8_t *bytes, size_t free_from)
{
    if (found->start >= free_from + 2 && found->size <= INT16_MAX &&
        pack_le16(bytes + found->start - 2) == found->size) {
        found->recipe.prefix = PREFIX_LE16;
        found->start -= 2;
        found->size += 2;
    }
}

/* Opens what begins at `at`; *found has no plain bytes when that is no whole stream. */
static int try_open(struct found *found, const struct search *search,
                    const struct stream_kind_entry *kind, const uint8_t *bytes, size_t size,
                    struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer plain = {
        .limit = (size_t)pack_min(search->plain_left, SIZE_MAX / 4)};
    struct source source = source_of_memory(bytes, size);
    struct pack_error failure = {.code = PACK_OK};
    if (!kind->describe(&found->recipe, bytes, size))
        return 0;
    const int code = kind->open(&found->recipe, &source, &plain, SIZE_UNKNOWN,
                                search->options->memory, &failure);
    if (code == PACK_E_NO_MEMORY) {
        *error = failure;
        return code;
    }
    if (code != 0 || plain.size < SMALLEST_PLAIN || source.window.position < SMALLEST_PACKED)
        return 0;
    found->size = source.window.position;
    /* The room that doubling left is given back. */
    uint8_t *shrunk = realloc(plain.bytes, plain.size);
    if (shrunk != NULL)
        plain.bytes = shrunk;
    found->plain = pack_steal(&plain.bytes);
    found->plain_size = plain.size;
    return 0;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void find_kinds(uint8_t kinds[KINDS_BY_BYTE])
{
    memset(kinds, 0, KINDS_BY_BYTE);
    for (unsigned kind = 1; kind < KINDS; kind++) {
        const struct stream_kind_entry *entry = stream_kind_find(kind);
        if (entry != NULL && entry->begins != NULL)
            kinds[entry->first] = (uint8_t)kind;
    }
}

/* The next place where a stream may begin, or the size; padding is passed over quickly. */
static size_t next_start(const uint8_t kinds[KINDS_BY_BYTE], const uint8_t *bytes, size_t at,
                         size_t size)
{
    while (at < size) {
        uint64_t word = 0;
        if (size - at >= sizeof word) {
            memcpy(&word, bytes + at, sizeof word);
            if (word == 0 || word == UINT64_MAX) {
                at += sizeof word;
                continue;
            }
        }
        const size_t end = (size_t)pack_min(size, at + sizeof word);
        for (; at < end; at++)
            if (kinds[bytes[at]] != 0)
                return at;
    }
    return size;
}

static int take_found(struct found_list *list, struct search *search, struct found *found,
                      const uint8_t *bytes, size_t free_from, struct pack_error *error)
{
    find_prefix(found, bytes, free_from);
    found->kept = true;
    const int code = add_found(list, found, error);
    if (code != 0) {
        free(found->plain);
        return code;
    }
    search->plain_left -= found->plain_size;
    return pack_check_cancelled(search->context, error);
}

/* A file that is of one kind as a whole. */
static int scan_whole(struct found_list *list, struct search *search, const uint8_t *bytes,
                      size_t size, struct pack_error *error)
{
    int code = 0;
    for (unsigned kind = 1; code == 0 && list->count == 0 && kind < KINDS; kind++) {
        const struct stream_kind_entry *entry = stream_kind_find(kind);
        struct found found = {.recipe = {.kind = (uint8_t)kind}};
        if (entry == NULL || !entry->whole)
            continue;
        code = try_open(&found, search, entry, bytes, size, error);
        if (code == 0 && found.plain != NULL)
            code = take_found(list, search, &found, bytes, 0, error);
    }
    return code;
}

int scan_bytes(struct found_list *list, struct search *search, const uint8_t *bytes, size_t size,
               struct pack_error *error)
{
    uint8_t kinds[KINDS_BY_BYTE];
    if (size < SMALLEST_IMAGE)
        return 0;
    find_kinds(kinds);
    int code = scan_whole(list, search, bytes, size, error);
    size_t free_from = 0; /* the end of the last stream */
    size_t at = list->count == 0 ? 0 : size;
    while (code == 0 && (at = next_start(kinds, bytes, at, size)) < size) {
        struct found found = {.recipe = {.kind = kinds[bytes[at]]}};
        const struct stream_kind_entry *kind = stream_kind_find(found.recipe.kind);
        size_t skip = 0;
        if (!kind->begins(bytes + at, size - at, &skip)) {
            at++;
            continue;
        }
        found.start = at + skip;
        code = try_open(&found, search, kind, bytes + found.start, size - found.start, error);
        if (code != 0 || found.plain == NULL) {
            at++;
            continue;
        }
        at = found.start + found.size;
        code = take_found(list, search, &found, bytes, free_from, error);
        free_from = at;
    }
    return code;
}
