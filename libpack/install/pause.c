/* SPDX-License-Identifier: MIT */
#include "install/pause.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "pack/pack.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    STRIDE = 32 * 1024 * 1024,
    MOST_STATE = 32 * 1024 * 1024,
    WORTH = 8, /* times its size that has to be made before a state is written */
    PIECE = 64 * 1024,
};

/* The file: MAGIC, the key, `made`; the state; the SHA-256 of all of that. */
#define NAME "patch-state"
#define MAGIC "fwpack-patch-1\n"
enum {
    AT_KEY = sizeof MAGIC,
    AT_MADE = AT_KEY + PACK_SHA256_SIZE,
    HEAD = AT_MADE + 8,
};

static void path_of(const struct engine *engine, const char *suffix, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s%s", engine->device->state, NAME, suffix);
}

uint64_t pause_stride(const struct engine *engine)
{
    return engine->given->stride != 0 ? engine->given->stride : STRIDE;
}

static void remove_file(struct engine *engine, const char *suffix)
{
    struct pack_error ignored = {0};
    struct storage_file *file = NULL;
    char path[PATH_MAX];
    path_of(engine, suffix, path);
    if (storage_open(engine->storage, path, STORAGE_READ, &file, &ignored) != 0)
        return; /* as on most devices, where this costs no write */
    storage_abandon(&file);
    (void)!storage_remove(engine->storage, path, &ignored);
}

void pause_forget(struct engine *engine)
{
    remove_file(engine, "");
    remove_file(engine, ".new");
}

/* --- what a state belongs to ------------------------------------------------------------------ */

static int hash_text(struct pack_sha256 *hash, const char *text, struct pack_error *error)
{
    return pack_sha256_update(hash, text, strlen(text) + 1, error);
}

/* One that a failure left in the middle is not gone on with. */
static int new_hash(struct pause *pause, struct pack_error *error)
{
    pack_sha256_free(&pause->hash);
    return pack_sha256_new(&pause->hash, error);
}

/* The patch by its stored blocks, both images, the place, and the program that reads the state. */
static int make_key(struct pause *pause, const struct pack_encoding *encoding,
                    struct pack_error *error)
{
    const char *const texts[] = {pack_version(), pause->facts->slot, pause->facts->set};
    uint8_t sizes[24];
    const struct {
        const void *bytes;
        size_t size;
    } parts[] = {
        {sizes, sizeof sizes},
        {encoding->blocks_sha256, PACK_SHA256_SIZE},
        {encoding->base_sha256, PACK_SHA256_SIZE},
        {pause->image->sha256, PACK_SHA256_SIZE},
    };
    int code = new_hash(pause, error);
    pack_put_le64(sizes, encoding->size);
    pack_put_le64(sizes + 8, encoding->base_size);
    pack_put_le64(sizes + 16, pause->image->size);
    for (size_t i = 0; code == 0 && i < sizeof texts / sizeof texts[0]; i++)
        code = hash_text(pause->hash, texts[i], error);
    for (size_t i = 0; code == 0 && i < sizeof parts / sizeof parts[0]; i++)
        code = pack_sha256_update(pause->hash, parts[i].bytes, parts[i].size, error);
    return code != 0 ? code : pack_sha256_finish(pause->hash, pause->key, error);
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* The state within its file. */
struct state_input {
    struct pack_input input;
    struct storage_file *file;
};

static int state_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    struct state_input *state = (struct state_input *)input;
    const uint64_t left = input->size - pack_min(offset, input->size);
    *got = 0;
    return storage_read_at(state->file, HEAD + offset, buffer, (size_t)pack_min(size, left), got,
                           error);
}

static void state_close(struct pack_input *input)
{
    struct state_input *state = (struct state_input *)input;
    storage_abandon(&state->file);
    free(state);
}

static int state_input_new(struct pack_input **input, struct storage_file **file, uint64_t size,
                           struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = state_read_at, .close = state_close};
    struct state_input *made = NULL;
    const int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    *made = (struct state_input){
        .input = {.ops = &ops, .name = NAME, .seekable = true, .has_size = true, .size = size},
        .file = pack_steal(file),
    };
    *input = &made->input;
    return 0;
}

static int hash_file(struct pause *pause, struct storage_file *file, uint64_t size,
                     uint8_t digest[PACK_SHA256_SIZE], struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *piece = NULL;
    int code = pack_allocate(&piece, 1, PIECE, error);
    for (uint64_t at = 0; code == 0 && at < size; at += PIECE) {
        size_t got = 0;
        code = storage_read_at(file, at, piece, (size_t)pack_min(PIECE, size - at), &got, error);
        if (code == 0)
            code = pack_sha256_update(pause->hash, piece, got, error);
    }
    return code != 0 ? code : pack_sha256_finish(pause->hash, digest, error);
}

/* Whether the file is whole, and of this patch; then what it holds. */
static int check_file(struct pause *pause, struct storage_file *file, uint64_t *size,
                      uint64_t *made, struct pack_error *error)
{
    uint8_t head[HEAD], seal[PACK_SHA256_SIZE], digest[PACK_SHA256_SIZE];
    size_t got = 0, got_seal = 0;
    int code = storage_size(file, size, error);
    if (code == 0 && (*size <= HEAD + PACK_SHA256_SIZE ||
                      *size > (uint64_t)HEAD + MOST_STATE + PACK_SHA256_SIZE))
        return pack_fail(error, PACK_E_CORRUPT, "a state of an impossible size");
    *size -= PACK_SHA256_SIZE;
    if (code == 0)
        code = storage_read_at(file, 0, head, sizeof head, &got, error);
    if (code == 0)
        code = storage_read_at(file, *size, seal, sizeof seal, &got_seal, error);
    if (code == 0)
        code = hash_file(pause, file, *size, digest, error);
    if (code != 0)
        return code;
    *made = pack_le64(head + AT_MADE);
    *size -= HEAD;
    return got == sizeof head && got_seal == sizeof seal &&
                   memcmp(head, MAGIC, sizeof MAGIC) == 0 &&
                   sodium_memcmp(head + AT_KEY, pause->key, sizeof pause->key) == 0 &&
                   sodium_memcmp(seal, digest, sizeof digest) == 0
               ? 0
               : pack_fail(error, PACK_E_CORRUPT, "a state of something else, or damaged");
}

static int find_state(struct pause *pause, struct kept *kept, struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    char path[PATH_MAX];
    uint64_t size = 0;
    path_of(pause->engine, "", path);
    int code = storage_open(pause->engine->storage, path, STORAGE_READ, &file, error);
    if (code != 0)
        return code;
    storage_forget(file, 0, 0);
    code = check_file(pause, file, &size, &kept->made, error);
    if (code == 0 && kept->made <= pause->left)
        code = state_input_new(&kept->state, &file, size, error);
    kept->image = pause->target;
    return code;
}

static void find(void *user, const struct pack_encoding *encoding, struct kept *kept)
{
    struct pause *pause = user;
    struct pack_error ignored = {0};
    pause->last = 0;
    pause->failed = make_key(pause, encoding, &ignored) != 0;
    if (!pause->failed && pause->target != NULL &&
        find_state(pause, kept, &ignored) == PACK_E_CORRUPT)
        pause_forget(pause->engine);
}

static void went_on(void *user, uint64_t made)
{
    struct pause *pause = user;
    pause->resumed = pause->last = made;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static bool wants(void *user, uint64_t made, uint64_t size)
{
    const struct pause *pause = user;
    return made <= pause->durable && !pause->failed && size <= MOST_STATE &&
           (made - pause->last) / WORTH >= size &&
           pause->image->size - made >= pause->keeper.stride;
}

static int write_some(struct pause *pause, const void *bytes, size_t size, struct pack_error *error)
{
    int code = storage_write_at(pause->file, pause->size, bytes, size, error);
    if (code == 0)
        code = pack_sha256_update(pause->hash, bytes, size, error);
    pause->size += size;
    return code;
}

/* Once that failed, all else is dropped: the installation goes on without. */
static int write_state(struct pack_sink *sink, const void *bytes, size_t size,
                       struct pack_error *error)
{
    struct pause *pause = (struct pause *)(void *)((char *)sink - offsetof(struct pause, sink));
    struct pack_error ignored = {0};
    (void)error;
    if (!pause->failed)
        pause->failed = write_some(pause, bytes, size, &ignored) != 0;
    return 0;
}

static struct pack_sink *begin(void *user, uint64_t made)
{
    static const struct pack_sink_ops ops = {.write = write_state};
    struct pause *pause = user;
    struct pack_error ignored = {0};
    uint8_t head[HEAD] = MAGIC;
    char path[PATH_MAX];
    path_of(pause->engine, ".new", path);
    memcpy(head + AT_KEY, pause->key, sizeof pause->key);
    pack_put_le64(head + AT_MADE, made);
    pause->sink.ops = &ops;
    pause->size = 0;
    pause->last = made;
    pause->failed =
        new_hash(pause, &ignored) != 0 ||
        storage_open(pause->engine->storage, path, STORAGE_WRITE | STORAGE_CREATE | STORAGE_EMPTY,
                     &pause->file, &ignored) != 0 ||
        write_some(pause, head, sizeof head, &ignored) != 0;
    return &pause->sink;
}

static int seal(struct pause *pause, struct pack_error *error)
{
    struct storage *storage = pause->engine->storage;
    uint8_t digest[PACK_SHA256_SIZE];
    char path[PATH_MAX], beside[PATH_MAX];
    path_of(pause->engine, "", path);
    path_of(pause->engine, ".new", beside);
    int code = pack_sha256_finish(pause->hash, digest, error);
    if (code == 0)
        code = storage_write_at(pause->file, pause->size, digest, sizeof digest, error);
    if (code == 0)
        code = storage_flush(pause->file, error);
    if (code == 0)
        code = storage_close(&pause->file, error);
    if (code == 0)
        code = storage_rename(storage, beside, path, error);
    return code != 0 ? code : storage_flush_folder(storage, pause->engine->device->state, error);
}

static void end(void *user, bool whole)
{
    struct pause *pause = user;
    struct pack_error ignored = {0};
    pause->failed = pause->failed || !whole || seal(pause, &ignored) != 0;
    storage_abandon(&pause->file);
    if (!pause->failed)
        return;
    remove_file(pause->engine, ".new");
    pack_log(&pause->engine->context, PACK_LOG_NOTE,
             "a state of the patch could not be kept: a stop would cost more time");
}

void pause_open(struct pause *pause, struct engine *engine, const struct pack_release_image *image,
                const struct slot_facts *facts)
{
    *pause = (struct pause){
        .keeper = {.find = find,
                   .went_on = went_on,
                   .wants = wants,
                   .begin = begin,
                   .end = end,
                   .user = pause,
                   .stride = pause_stride(engine)},
        .engine = engine,
        .image = image,
        .facts = facts,
    };
}

void pause_close(struct pause *pause)
{
    storage_abandon(&pause->file);
    pack_sha256_free(&pause->hash);
}
