/* SPDX-License-Identifier: MIT */
#include "install/write.h"

#include "install/counted.h"
#include "install/local.h"
#include "install/pause.h"
#include "slot/slot.h"

#include "base/checked.h"
#include "base/memory.h"
#include "bundle/trusted.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    COMPARED = 64 * 1024,   /* bytes that are read at a time to compare */
    UNIT = 4096,            /* that are written where they differ */
    READ_BACK = 128 * 1024, /* fits a cache */
};

/* --- the sink -------------------------------------------------------------------------------- */

struct writing {
    struct pack_sink sink;
    struct engine *engine;
    struct slot *slot;
    struct pause *pause; /* NULL for a copy */
    uint64_t position;
    uint64_t durable; /* bytes that are flushed and noted, now or by an earlier run */
    uint64_t written;
    uint8_t *old; /* what is there, to compare */
};

/* How many bytes of what is there were read; 0 where it cannot be, which is no failure. */
static size_t read_old(struct writing *writing, size_t size)
{
    struct pack_error ignored = {0};
    size_t got = 0;
    const unsigned needed = SLOT_READABLE | SLOT_RANDOM;
    if ((writing->slot->abilities & needed) != needed ||
        slot_read_at(writing->slot, writing->position, writing->old, size, &got, &ignored) != 0)
        return 0;
    return got;
}

static bool is_same(const struct writing *writing, const uint8_t *bytes, size_t at, size_t size,
                    size_t old)
{
    return at + size <= old && memcmp(writing->old + at, bytes + at, size) == 0;
}

/* Flash wears by writing, so what is there already stays: runs of units that differ are written. */
static int write_differences(struct writing *writing, const uint8_t *bytes, size_t size,
                             struct pack_error *error)
{
    const size_t old = read_old(writing, size);
    int code = 0;
    for (size_t at = 0; code == 0 && at < size;) {
        size_t end = at;
        while (end < size && !is_same(writing, bytes, end, (size_t)pack_min(UNIT, size - end), old))
            end += (size_t)pack_min(UNIT, size - end);
        if (end > at)
            code =
                slot_write_at(writing->slot, writing->position + at, bytes + at, end - at, error);
        writing->written += end - at;
        at = end + (size_t)pack_min(UNIT, size - end);
    }
    return code;
}

static int checkpoint(struct writing *writing, struct pack_error *error)
{
    const uint64_t stride = pause_stride(writing->engine);
    if (writing->position / stride <= writing->durable / stride ||
        (writing->slot->abilities & SLOT_RANDOM) == 0)
        return 0;
    int code = slot_flush(writing->slot, error);
    if (code != 0)
        return code;
    writing->durable = writing->position;
    writing->engine->state->progress.durable = writing->position;
    code = engine_save(writing->engine, error);
    if (code == 0 && writing->pause != NULL)
        writing->pause->durable = writing->position;
    return code;
}

static int write_bytes(struct pack_sink *sink, const void *bytes, size_t size,
                       struct pack_error *error)
{
    struct writing *writing = (struct writing *)sink;
    const uint8_t *from = bytes;
    int code = 0;
    while (code == 0 && size != 0) {
        const size_t piece = (size_t)pack_min(size, COMPARED);
        code = write_differences(writing, from, piece, error);
        writing->position += piece;
        from += piece;
        size -= piece;
    }
    return code != 0 ? code : checkpoint(writing, error);
}

static void writing_clear(struct writing *writing)
{
    slot_close(&writing->slot);
    free(writing->old);
}

static int writing_open(struct writing *writing, const struct image_write *write, uint64_t size,
                        struct pack_error *error)
{
    static const struct pack_sink_ops ops = {.write = write_bytes};
    *writing =
        (struct writing){.sink = {.ops = &ops}, .engine = write->engine, .durable = write->durable};
    int code = pack_allocate(&writing->old, 1, COMPARED, error);
    if (code == 0)
        code = slot_open_write(&writing->slot, write->target, write->engine->storage, size, error);
    if (code == 0 && write->slot != NULL)
        slot_tell(writing->slot, &write->facts);
    return code;
}

static int writing_finish(struct writing *writing, struct pack_error *error)
{
    const int code = slot_flush(writing->slot, error);
    return code != 0 ? code : slot_finish(writing->slot, error);
}

/* --- one encoding ---------------------------------------------------------------------------- */

static const struct pack_release_image *image_of(const struct image_write *write)
{
    return &pack_trusted_release(write->trusted)->images[write->image];
}

static const struct pack_delivery_image *delivered_of(const struct image_write *write)
{
    return &pack_trusted_delivery(write->trusted)->images[write->image];
}

/* What is in the target now, where it can be read: also the part that an earlier run left. */
static void open_target(const struct image_write *write, struct pack_input **target)
{
    struct pack_error ignored = {0};
    if (write->durable == 0 || !slot_can_read(write->target) ||
        slot_open_read(target, write->target, write->engine->storage, &ignored) != 0)
        *target = NULL;
}

static int extract(const struct image_write *write, size_t *encoding, struct local *local,
                   struct pause *pause, struct pack_error *error)
{
    PACK_AUTO(writing_clear) struct writing writing = {.slot = NULL};
    int code = writing_open(&writing, write, image_of(write)->size, error);
    if (code != 0)
        return code;
    writing.pause = pause;
    write->trusted->keeper = &pause->keeper;
    pack_trusted_use_local(write->trusted, &local->blocks);
    code =
        pack_bundle_extract_encoding(write->trusted, write->image, encoding, &writing.sink, error);
    pack_trusted_use_local(write->trusted, NULL);
    write->trusted->keeper = NULL;
    if (code == 0 && *encoding < delivered_of(write)->encoding_count)
        code = writing_finish(&writing, error);
    write->report->written += writing.written;
    return code;
}

static void note_encoding(const struct image_write *write, size_t number)
{
    static const char *const names[] = {
        [PACK_ENCODING_FULL] = "full",
        [PACK_ENCODING_DELTA] = "delta",
        [PACK_ENCODING_KEEP] = "keep",
        [PACK_ENCODING_OTHER] = "other",
    };
    const struct pack_encoding *encoding = &delivered_of(write)->encodings[number];
    write->report->encoding = names[encoding->kind];
    if (encoding->kind == PACK_ENCODING_KEEP) /* all that the target did not have already */
        write->report->reused = image_of(write)->size - write->report->resumed;
    snprintf(write->report->codec, sizeof write->report->codec, "%s",
             encoding->codec != NULL ? encoding->codec : "");
}

static int try_once(const struct image_write *write, size_t *encoding, bool *went_on,
                    struct pack_error *error)
{
    PACK_AUTO(local_close) struct local local = {.hash = NULL};
    PACK_AUTO(pause_close) struct pause pause = {.hash = NULL};
    PACK_AUTO(pack_input_close) struct pack_input *target = NULL;
    int code = local_open(&local, image_of(write), error);
    if (code != 0)
        return code;
    pause_open(&pause, write->engine, image_of(write), &write->facts);
    open_target(write, &target);
    local.target = pause.target = target;
    local.durable = pause.left = pause.durable = write->durable;
    local.running = write->engine->device->policy.reuse ? write->running : NULL;
    if (*encoding < delivered_of(write)->encoding_count)
        local.frame_size = delivered_of(write)->encodings[*encoding].frame_size;
    code = extract(write, encoding, &local, &pause, error);
    *went_on = pause.resumed != 0;
    write->report->resumed += local.resumed + (code == 0 ? pause.resumed : 0);
    write->report->reused += local.reused;
    if (code == 0 && *encoding < delivered_of(write)->encoding_count)
        note_encoding(write, *encoding);
    return code;
}

/* Whether it is the encoding that does not do, and not the device. */
static bool gives_way(int code)
{
    static const enum pack_code codes[] = {PACK_E_CORRUPT,     PACK_E_MALFORMED, PACK_E_LIMIT,
                                           PACK_E_UNSUPPORTED, PACK_E_CHANGED,   PACK_E_WRONG_BASE,
                                           PACK_E_KEY_STORE,   PACK_E_PASSPHRASE};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (code == (int)codes[i])
            return true;
    return false;
}

/* A state that is no good tells only in the end: then the patch is applied from its beginning. */
static int try_encoding(const struct image_write *write, size_t *encoding, struct pack_error *error)
{
    bool went_on = false;
    const int code = try_once(write, encoding, &went_on, error);
    if (code == 0 || !went_on || !gives_way(code))
        return code;
    pause_forget(write->engine);
    if (!write->source->seekable)
        return code; /* the next run does */
    pack_log(&write->engine->context, PACK_LOG_WARNING,
             "image %s: going on with the patch failed: %s; applying it from its beginning",
             write->report->name, error->text);
    pack_error_clear(error);
    return try_once(write, encoding, &went_on, error);
}

/* --- the encodings ---------------------------------------------------------------------------- */

int image_write(const struct image_write *write, struct pack_error *error)
{
    const struct counted *source = (const struct counted *)(const void *)write->source;
    const uint64_t before = source->count;
    struct pack_error first = {0};
    size_t encoding = 0;
    int code = 0;
    for (bool again = true; again; encoding++) {
        code = try_encoding(write, &encoding, error);
        again = code != 0 && gives_way(code) && encoding + 1 < delivered_of(write)->encoding_count;
        if (code != 0 && first.code == 0)
            first = *error;
        if (again) {
            pack_log(&write->engine->context, PACK_LOG_WARNING,
                     "image %s, encoding %zu: %s; trying the next", write->report->name,
                     encoding + 1, error->text);
            pack_error_clear(error);
        }
    }
    write->report->transferred += source->count - before;
    if (code == 0 && encoding > delivered_of(write)->encoding_count) {
        *error = first;
        if (first.code == 0)
            pack_fail(error, PACK_E_WRONG_BASE, "image \"%s\": none of its encodings can be used",
                      write->report->name);
        code = error->code;
    }
    return code;
}

/* --- read back ------------------------------------------------------------------------------- */

static int fail_read_back(const struct image_write *write, uint64_t offset,
                          struct pack_error *error)
{
    char name[160];
    slot_describe(write->target, name, sizeof name);
    pack_fail(error, PACK_E_IO, "what was read back is not image \"%s\"", write->report->name);
    pack_at_file(error, name);
    pack_at_offset(error, offset);
    return pack_hint(error, "the storage may be failing: try again, and look at the kernel's log");
}

static int read_back(const struct image_write *write, struct pack_input *input,
                     struct pack_error *error)
{
    const struct pack_release_image *image = image_of(write);
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    const uint8_t *hashes = NULL;
    const size_t piece = image->block_size > READ_BACK ? image->block_size : READ_BACK;
    int code = pack_bundle_block_hashes(write->trusted, write->image, &hashes, error);
    if (code == 0)
        code = pack_sha256_new(&hash, error);
    if (code == 0)
        code = pack_allocate(&bytes, 1, piece, error);
    for (uint64_t at = 0; code == 0 && at < image->size; at += piece) {
        const size_t wanted = (size_t)pack_min(piece, image->size - at);
        size_t got = 0;
        code = pack_input_read(input, at, bytes, wanted, &got, error);
        if (code == 0 && got < wanted)
            return fail_read_back(write, at + got, error);
        for (size_t i = 0; code == 0 && i < wanted; i += image->block_size) {
            uint8_t digest[PACK_SHA256_SIZE];
            code = pack_sha256_of(hash, bytes + i, (size_t)pack_min(image->block_size, wanted - i),
                                  digest, error);
            if (code == 0 &&
                sodium_memcmp(digest, hashes + (at + i) / image->block_size * sizeof digest,
                              sizeof digest) != 0)
                return fail_read_back(write, at + i, error);
        }
        if (code == 0)
            code = pack_check_cancelled(&write->engine->context, error);
        pack_progress(&write->engine->context, "read back", at + wanted, image->size);
    }
    return code;
}

int image_read_back(const struct image_write *write, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    if (!slot_can_read(write->target))
        return 0;
    const int code = slot_open_read(&input, write->target, write->engine->storage, error);
    return code != 0 ? code : read_back(write, input, error);
}

/* --- copies ---------------------------------------------------------------------------------- */

static int copy_bytes(struct writing *writing, struct pack_input *from, uint64_t size,
                      struct pack_sha256 *hash, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    int code = pack_allocate(&bytes, 1, READ_BACK, error);
    for (uint64_t at = 0; code == 0 && at < size; at += READ_BACK) {
        const size_t piece = (size_t)pack_min(READ_BACK, size - at);
        code = pack_input_exact(from, at, bytes, piece, PACK_E_IO, error);
        if (code == 0)
            code = pack_sha256_update(hash, bytes, piece, error);
        if (code == 0)
            code = pack_sink_write(&writing->sink, bytes, piece, error);
        if (code == 0)
            code = pack_check_cancelled(&writing->engine->context, error);
    }
    return code != 0 ? code : writing_finish(writing, error);
}

/* Whether the copy is what was read: by hash, from the medium. */
static int check_copy(struct engine *engine, const struct pack_device_target *target, uint64_t size,
                      const uint8_t wanted[PACK_SHA256_SIZE], struct pack_sha256 *hash,
                      struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    char name[160];
    int code = pack_allocate(&bytes, 1, READ_BACK, error);
    if (code == 0)
        code = slot_open_read(&input, target, engine->storage, error);
    for (uint64_t at = 0; code == 0 && at < size; at += READ_BACK) {
        const size_t piece = (size_t)pack_min(READ_BACK, size - at);
        code = pack_input_exact(input, at, bytes, piece, PACK_E_IO, error);
        if (code == 0)
            code = pack_sha256_update(hash, bytes, piece, error);
    }
    if (code == 0)
        code = pack_sha256_finish(hash, digest, error);
    if (code != 0 || sodium_memcmp(digest, wanted, sizeof digest) == 0)
        return code;
    slot_describe(target, name, sizeof name);
    pack_fail(error, PACK_E_IO, "what was read back is not what was copied");
    return pack_at_file(error, name);
}

int slot_copy(struct engine *engine, const struct pack_device_slot *slot, enum pack_set set,
              uint64_t size, struct pack_install_image *report, struct pack_error *error)
{
    const struct pack_device_target *target = &slot->targets[set];
    const struct image_write write = {.engine = engine, .target = target};
    PACK_AUTO(writing_clear) struct writing writing = {.slot = NULL};
    PACK_AUTO(pack_input_close) struct pack_input *from = NULL;
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    int code = slot_open_read(&from, &slot->targets[pack_set_other(set)], engine->storage, error);
    if (code != 0)
        return code;
    size = size != 0 && size <= from->size ? size : from->size;
    code = writing_open(&writing, &write, size, error);
    if (code == 0)
        code = pack_sha256_new(&hash, error);
    if (code == 0)
        code = copy_bytes(&writing, from, size, hash, error);
    if (code == 0)
        code = pack_sha256_finish(hash, digest, error);
    if (code == 0)
        code = check_copy(engine, target, size, digest, hash, error);
    report->size = size;
    report->written = writing.written;
    report->reused = size;
    return code;
}
