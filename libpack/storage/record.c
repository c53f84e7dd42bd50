/* SPDX-License-Identifier: MIT */
#include "storage/storage.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "pack/digest.h"

#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define FORMAT "fwpack-record"
#define VERSION 1

enum { COPIES = 2, HEADER_LIMIT = 160, RECORD_LIMIT = 1024 * 1024 };

enum copy_kind { COPY_ABSENT, COPY_GOOD, COPY_DAMAGED, COPY_NEWER };

struct copy {
    char path[PATH_MAX];
    enum copy_kind kind;
    uint64_t generation;
    void *bytes; /* the whole file; then its content: */
    const uint8_t *content;
    size_t size;
};

struct copies {
    struct copy list[COPIES];
};

static void copies_free(struct copies **copies)
{
    for (size_t i = 0; *copies != NULL && i < COPIES; i++)
        free((*copies)->list[i].bytes);
    free(*copies);
    *copies = NULL;
}

/* Over what stands before the hash, so that a generation cannot be mistaken, and the content. */
static int hash_record(const char *head, size_t head_size, const void *content, size_t size,
                       uint8_t digest[PACK_SHA256_SIZE], struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    int code = pack_sha256_new(&hash, error);
    if (code == 0)
        code = pack_sha256_update(hash, head, head_size, error);
    if (code == 0)
        code = pack_sha256_update(hash, content, size, error);
    return code != 0 ? code : pack_sha256_finish(hash, digest, error);
}

/* Decimal digits behind a space, and behind them the rest. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *digit = *text + 1;
    bool fits = **text == ' ' && *digit >= '0' && *digit <= '9';
    *number = 0;
    for (; fits && *digit >= '0' && *digit <= '9'; digit++)
        fits = pack_multiply(*number, 10, number) &&
               pack_add(*number, (uint64_t)(*digit - '0'), number);
    *text = digit;
    return fits;
}

/* "fwpack-record 1 GENERATION SIZE SHA256\n", then the content. */
static enum copy_kind parse(struct copy *copy, size_t size)
{
    const char *text = copy->bytes;
    const char *end = memchr(text, '\n', size < HEADER_LIMIT ? size : HEADER_LIMIT);
    char hex[PACK_SHA256_HEX_SIZE];
    uint8_t wanted[PACK_SHA256_SIZE], found[PACK_SHA256_SIZE];
    struct pack_error ignored = {0};
    uint64_t version = 0, content = 0;
    if (end == NULL || strncmp(text, FORMAT, strlen(FORMAT)) != 0)
        return COPY_DAMAGED;
    text += strlen(FORMAT);
    if (!take_number(&text, &version))
        return COPY_DAMAGED;
    if (version > VERSION)
        return COPY_NEWER;
    if (!take_number(&text, &copy->generation) || !take_number(&text, &content) ||
        end - text != PACK_SHA256_HEX_SIZE || *text != ' ')
        return COPY_DAMAGED;
    memcpy(hex, text + 1, sizeof hex - 1);
    hex[sizeof hex - 1] = '\0';
    copy->content = (const uint8_t *)end + 1;
    copy->size = size - (size_t)(copy->content - (const uint8_t *)copy->bytes);
    if (!pack_sha256_parse(hex, wanted) || content != copy->size ||
        hash_record(copy->bytes, (size_t)(text - (const char *)copy->bytes), copy->content,
                    copy->size, found, &ignored) != 0)
        return COPY_DAMAGED;
    return sodium_memcmp(wanted, found, sizeof found) == 0 ? COPY_GOOD : COPY_DAMAGED;
}

static int load_copy(struct storage *storage, struct copy *copy, uint64_t limit,
                     struct pack_error *error)
{
    size_t size = 0;
    const int code =
        storage_load(storage, copy->path, limit + HEADER_LIMIT, &copy->bytes, &size, error);
    copy->kind = COPY_ABSENT;
    if (code == PACK_E_NOT_FOUND || code == PACK_E_LIMIT) {
        copy->kind = code == PACK_E_LIMIT ? COPY_DAMAGED : COPY_ABSENT;
        pack_error_clear(error);
        return 0;
    }
    if (code == 0)
        copy->kind = parse(copy, size);
    return code;
}

static int load_copies(struct copies **copies, struct storage *storage, const char *folder,
                       const char *name, uint64_t limit, struct pack_error *error)
{
    int code = pack_allocate(copies, 1, sizeof **copies, error);
    for (int i = 0; code == 0 && i < COPIES; i++) {
        struct copy *copy = &(*copies)->list[i];
        if (snprintf(copy->path, sizeof copy->path, "%s/%s.%d", folder, name, i) >=
            (int)sizeof copy->path)
            return pack_fail(error, PACK_E_LIMIT, "path too long");
        code = load_copy(storage, copy, limit, error);
    }
    return code;
}

/* The newest good copy; NULL where there is none. */
static struct copy *newest(struct copies *copies)
{
    struct copy *best = NULL;
    for (int i = 0; i < COPIES; i++) {
        struct copy *copy = &copies->list[i];
        if (copy->kind == COPY_GOOD && (best == NULL || copy->generation > best->generation))
            best = copy;
    }
    return best;
}

/*
 * Over what is there, in place: the other copy stays good meanwhile. One that is new gets its name
 * when it is whole, for there may be no other yet.
 */
static int write_copy(struct storage *storage, const struct copy *copy, const void *bytes,
                      size_t size, struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    if (copy->kind == COPY_ABSENT)
        return storage_save(storage, copy->path, bytes, size, error);
    int code = storage_open(storage, copy->path, STORAGE_WRITE, &file, error);
    if (code == 0)
        code = storage_write_at(file, 0, bytes, size, error);
    if (code == 0)
        code = storage_resize(file, size, error);
    if (code == 0)
        code = storage_flush(file, error);
    return code != 0 ? code : storage_close(&file, error);
}

static int encode(struct pack_buffer *buffer, uint64_t generation, const void *bytes, size_t size,
                  struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE] = {0};
    char hex[PACK_SHA256_HEX_SIZE];
    int code =
        pack_buffer_print(buffer, error, FORMAT " %d %" PRIu64 " %zu", VERSION, generation, size);
    if (code == 0)
        code = hash_record((const char *)buffer->bytes, buffer->size, bytes, size, digest, error);
    pack_sha256_hex(digest, hex);
    if (code == 0)
        code = pack_buffer_print(buffer, error, " %s\n", hex);
    return code != 0 ? code : pack_buffer_append(buffer, bytes, size, error);
}

static int fail_state(const struct copies *copies, struct pack_error *error)
{
    for (int i = 0; i < COPIES; i++)
        if (copies->list[i].kind == COPY_NEWER) {
            pack_fail(error, PACK_E_UNSUPPORTED, "written by a newer version of fwpack");
            return pack_at_file(error, copies->list[i].path);
        }
    const bool both = copies->list[0].kind == COPY_DAMAGED && copies->list[1].kind == COPY_DAMAGED;
    pack_fail(error, PACK_E_STATE, "%s",
              both ? "both copies are damaged" : "one copy is damaged and the other is missing");
    return pack_at_file(error, copies->list[copies->list[0].kind == COPY_DAMAGED ? 0 : 1].path);
}

/* A copy of a newer version is not damaged: it must not be lost to an older program. */
static bool is_lost(const struct copies *copies, const struct copy *best)
{
    if (copies->list[0].kind == COPY_NEWER || copies->list[1].kind == COPY_NEWER)
        return true;
    return best == NULL &&
           (copies->list[0].kind != COPY_ABSENT || copies->list[1].kind != COPY_ABSENT);
}

int storage_record_load(struct storage *storage, const char *folder, const char *name,
                        bool writable, uint64_t limit, void **bytes, size_t *size,
                        enum storage_record_state *state, struct pack_error *error)
{
    PACK_AUTO(copies_free) struct copies *copies = NULL;
    *bytes = NULL;
    *size = 0;
    *state = STORAGE_RECORD_ABSENT;
    int code = load_copies(&copies, storage, folder, name, limit, error);
    if (code != 0)
        return code;
    struct copy *best = newest(copies);
    if (is_lost(copies, best))
        return fail_state(copies, error);
    if (best == NULL)
        return 0;
    struct copy *other = &copies->list[best == &copies->list[0] ? 1 : 0];
    char *copy = NULL;
    code = pack_allocate(&copy, 1, best->size + 1, error);
    if (code != 0)
        return code;
    memcpy(copy, best->content, best->size);
    *bytes = copy;
    *size = best->size;
    *state = STORAGE_RECORD_GOOD;
    if (other->kind == COPY_GOOD)
        return 0;
    *state = STORAGE_RECORD_REPAIRED;
    const size_t whole = (size_t)(best->content - (const uint8_t *)best->bytes) + best->size;
    return writable ? write_copy(storage, other, best->bytes, whole, error) : 0;
}

int storage_record_save(struct storage *storage, const char *folder, const char *name,
                        const void *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO(copies_free) struct copies *copies = NULL;
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = SIZE_MAX / 2};
    int code = load_copies(&copies, storage, folder, name, size + RECORD_LIMIT, error);
    if (code != 0)
        return code;
    const struct copy *best = newest(copies);
    if (is_lost(copies, best))
        return fail_state(copies, error);
    code = encode(&buffer, best != NULL ? best->generation + 1 : 1, bytes, size, error);
    const struct copy *target = best == &copies->list[0] ? &copies->list[1] : &copies->list[0];
    if (code == 0)
        code = write_copy(storage, target, buffer.bytes, buffer.size, error);
    /* The first time there is nothing that could be lost, and both are written. */
    if (code == 0 && best == NULL)
        code = write_copy(storage, &copies->list[1], buffer.bytes, buffer.size, error);
    return code;
}
