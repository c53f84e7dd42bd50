/* SPDX-License-Identifier: MIT */
#include "install/local.h"

#include "base/checked.h"
#include "base/memory.h"

#include <sodium.h>
#include <string.h>

/* Blocks of the running slot that are looked at: 8 MiB of index, 16 GiB of 64 KiB blocks. */
#define MAX_INDEXED (UINT64_C(1) << 18)

/* Open addressing by the first bytes of the hash; a wrong hit costs a read and a hash. */
struct local_index {
    size_t mask;
    struct entry {
        uint32_t tag;    /* of the hash */
        uint32_t number; /* of the block, from 1; 0: free */
    } * entries;
};

static void index_free(struct local_index **index)
{
    if (*index != NULL)
        free((*index)->entries);
    free(*index);
    *index = NULL;
}

static uint32_t tag_of(const uint8_t sha256[PACK_SHA256_SIZE])
{
    return (uint32_t)sha256[4] | (uint32_t)sha256[5] << 8 | (uint32_t)sha256[6] << 16 |
           (uint32_t)sha256[7] << 24;
}

static size_t place_of(const struct local_index *index, const uint8_t sha256[PACK_SHA256_SIZE])
{
    size_t place = 0;
    memcpy(&place, sha256, sizeof(uint32_t));
    return place & index->mask;
}

static void index_add(struct local_index *index, const uint8_t sha256[PACK_SHA256_SIZE],
                      uint64_t number)
{
    const uint32_t tag = tag_of(sha256);
    size_t place = place_of(index, sha256);
    while (index->entries[place].number != 0) {
        if (index->entries[place].tag == tag)
            return; /* the same block again, as of zeros */
        place = (place + 1) & index->mask;
    }
    index->entries[place] = (struct entry){.tag = tag, .number = (uint32_t)number + 1};
}

/* The number of a block that may have this hash, from 1; 0 for none. */
static uint32_t index_find(const struct local_index *index, const uint8_t sha256[PACK_SHA256_SIZE])
{
    const uint32_t tag = tag_of(sha256);
    for (size_t place = place_of(index, sha256); index->entries[place].number != 0;
         place = (place + 1) & index->mask)
        if (index->entries[place].tag == tag)
            return index->entries[place].number;
    return 0;
}

static int index_fill(struct local *local, struct local_index *index, uint64_t count,
                      struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *block = NULL;
    int code = pack_allocate(&block, 1, local->block_size, error);
    for (uint64_t i = 0; code == 0 && i < count; i++) {
        uint8_t digest[PACK_SHA256_SIZE];
        size_t got = 0;
        code = pack_input_read(local->running, i * local->block_size, block, local->block_size,
                               &got, error);
        if (code == 0 && got < local->block_size)
            break;
        if (code == 0)
            code = pack_sha256_of(local->hash, block, got, digest, error);
        if (code == 0)
            index_add(index, digest, i);
    }
    return code;
}

/* Of the whole blocks that the image could have; a last, shorter one is compared in its place. */
static int index_make(struct local *local, struct pack_error *error)
{
    const uint64_t count = pack_min(local->running->size / local->block_size, MAX_INDEXED);
    PACK_AUTO(index_free) struct local_index *index = NULL;
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    int code = pack_allocate(&index, 1, sizeof *index, error);
    if (code == 0)
        code = pack_allocate(&index->entries, slots, sizeof *index->entries, error);
    if (code != 0)
        return code;
    index->mask = slots - 1;
    code = index_fill(local, index, count, error);
    if (code == 0)
        local->index = pack_steal(&index);
    return code;
}

/* --- looking --------------------------------------------------------------------------------- */

struct wanted {
    const uint8_t *sha256;
    uint8_t *bytes;
    size_t size;
};

static int look(struct local *local, struct pack_input *input, uint64_t offset,
                const struct wanted *wanted, bool *found, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    size_t got = 0;
    int code = pack_input_read(input, offset, wanted->bytes, wanted->size, &got, error);
    if (code != 0 || got < wanted->size)
        return code;
    code = pack_sha256_of(local->hash, wanted->bytes, wanted->size, digest, error);
    *found = code == 0 && sodium_memcmp(digest, wanted->sha256, sizeof digest) == 0;
    return code;
}

static int look_in_running(struct local *local, uint64_t offset, const struct wanted *wanted,
                           bool *found, struct pack_error *error)
{
    int code = look(local, local->running, offset, wanted, found, error);
    if (code != 0 || *found || wanted->size != local->block_size)
        return code;
    if (!local->indexed) {
        local->indexed = true;
        code = index_make(local, error);
    }
    const uint32_t number =
        code == 0 && local->index != NULL ? index_find(local->index, wanted->sha256) : 0;
    return number != 0 ? look(local, local->running, (uint64_t)(number - 1) * local->block_size,
                              wanted, found, error)
                       : code;
}

/* A slot that cannot be read has nothing to give; the bundle has it all. */
static int forgive(int code, struct pack_input **input, struct pack_error *error)
{
    if (code != PACK_E_IO)
        return code;
    pack_error_clear(error);
    *input = NULL;
    return 0;
}

/* A frame of which a block is missing is read as a whole: what was found of it does not count. */
static void count(struct local *local, uint64_t offset, size_t size, uint64_t *found)
{
    const uint64_t end = offset + size;
    *found += size;
    if (local->frame_size != 0 && end % local->frame_size != 0 && end != local->size)
        return;
    local->resumed += local->found_resumed;
    local->reused += local->found_reused;
    local->found_resumed = local->found_reused = 0;
}

static int get(void *user, size_t image, uint64_t block, const uint8_t sha256[PACK_SHA256_SIZE],
               uint8_t *bytes, size_t size, bool *found, struct pack_error *error)
{
    struct local *local = user;
    const struct wanted wanted = {.sha256 = sha256, .bytes = bytes, .size = size};
    const uint64_t offset = block * local->block_size;
    int code = 0;
    (void)image;
    *found = false;
    if (local->frame_size != 0 && offset % local->frame_size == 0)
        local->found_resumed = local->found_reused = 0;
    if (local->target != NULL && offset + size <= local->durable)
        code = forgive(look(local, local->target, offset, &wanted, found, error), &local->target,
                       error);
    if (*found) {
        count(local, offset, size, &local->found_resumed);
        return 0;
    }
    if (code == 0 && local->running != NULL)
        code =
            forgive(look_in_running(local, offset, &wanted, found, error), &local->running, error);
    if (*found)
        count(local, offset, size, &local->found_reused);
    return code;
}

int local_open(struct local *local, const struct pack_release_image *image,
               struct pack_error *error)
{
    *local = (struct local){
        .blocks = {.get = get, .user = local},
        .block_size = image->block_size,
        .size = image->size,
    };
    return pack_sha256_new(&local->hash, error);
}

void local_close(struct local *local)
{
    index_free(&local->index);
    pack_sha256_free(&local->hash);
}
