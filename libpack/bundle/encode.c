/* SPDX-License-Identifier: MIT */
#include "bundle/encode.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/parallel.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 1024 * 1024 }; /* read at a time where nothing is compressed */

/* --- opening ------------------------------------------------------------------------------- */

static int open_segmented(struct encoded *encoded, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *file = pack_steal(&encoded->plain);
    const struct pack_format *format = pack_format_find(encoded->context, encoded->image->format);
    if (format == NULL)
        return pack_fail(error, PACK_E_UNSUPPORTED, "image format \"%s\" is not known",
                         encoded->image->format);
    int code = pack_image_read(&encoded->segmented, format, file, error);
    if (code == 0)
        code = pack_input_memory(&encoded->plain, encoded->segmented->bytes,
                                 (size_t)encoded->segmented->size, encoded->image->path, error);
    return code;
}

static int check_plain(const struct encoded *encoded, struct pack_error *error)
{
    const struct pack_descriptor_image *image = encoded->image;
    const struct pack_input *plain = encoded->plain;
    if (plain->size == 0)
        return pack_fail(error, PACK_E_MALFORMED, "is empty, an image has at least one byte");
    if (plain->size > PACK_MAX_INTEGER)
        return pack_fail(error, PACK_E_LIMIT, "larger than a document can say");
    if (!image->has_max_size || plain->size <= image->max_size)
        return 0;
    pack_fail(error, PACK_E_DESCRIPTOR, "image \"%s\" has %llu bytes, its max-size is %llu",
              image->name, (unsigned long long)plain->size, (unsigned long long)image->max_size);
    pack_at_file(error, image->max_size_place.file);
    return pack_at_line(error, image->max_size_place.line, image->max_size_place.column);
}

int encode_open(struct encoded *encoded, const struct pack_descriptor_image *image,
                const struct pack_context *context, struct pack_error *error)
{
    *encoded = (struct encoded){.image = image,
                                .context = context,
                                .codec = pack_codec_find(image->codec),
                                .blocks = {.limit = PACK_MAX_TABLES},
                                .stored_blocks = {.limit = PACK_MAX_TABLES},
                                .frames = {.limit = PACK_MAX_TABLES}};
    if (encoded->codec == NULL)
        return pack_fail(error, PACK_E_UNSUPPORTED, "codec \"%s\" is not known", image->codec);
    int code = pack_input_open_regular(&encoded->plain, image->path, error);
    if (code == 0 && strcmp(image->format, "raw") != 0)
        code = open_segmented(encoded, error);
    if (code == 0)
        code = check_plain(encoded, error);
    if (code == 0)
        code = pack_sha256_new(&encoded->flat, error);
    if (code == 0)
        code =
            block_hasher_open(&encoded->stored, image->block_size, &encoded->stored_blocks, error);
    return code != 0 ? pack_at_file(error, image->path) : 0;
}

void encode_clear(struct encoded *encoded)
{
    pack_input_close(&encoded->plain);
    pack_image_free(&encoded->segmented);
    pack_buffer_clear(&encoded->blocks);
    pack_buffer_clear(&encoded->stored_blocks);
    pack_buffer_clear(&encoded->frames);
    pack_sha256_free(&encoded->flat);
    block_hasher_clear(&encoded->stored);
}

/* --- the pipeline -------------------------------------------------------------------------- */

struct encoding_run {
    struct encoded *encoded;
    size_t piece;      /* plain bytes of a task */
    uint64_t position; /* plain bytes produced */
    uint64_t done;     /* plain bytes consumed */
    int target;        /* descriptor that stored bytes go to */
    uint64_t offset;   /* where the next go */
};

struct task {
    uint8_t *plain;
    size_t plain_size;
    uint8_t *stored; /* NULL where nothing is compressed */
    size_t stored_size;
    uint8_t *hashes; /* of the plain blocks */
};

struct worker {
    struct pack_sha256 *hash;
    void *encoder;
};

static void task_clear(void *state)
{
    struct task *task = state;
    free(task->plain);
    free(task->stored);
    free(task->hashes);
}

static int worker_new(void *user, void **made, struct pack_error *error)
{
    const struct encoding_run *run = user;
    const struct encoded *encoded = run->encoded;
    struct worker *worker = NULL;
    int code = pack_allocate(&worker, 1, sizeof *worker, error);
    *made = worker;
    if (code == 0)
        code = pack_sha256_new(&worker->hash, error);
    if (code == 0 && encoded->codec->encoder_new != NULL)
        code = encoded->codec->encoder_new(
            &worker->encoder,
            encoded->image->has_level ? encoded->image->level : encoded->codec->level_default,
            error);
    return code;
}

static void worker_free(void *user, void *made)
{
    const struct encoding_run *run = user;
    struct worker *worker = made;
    pack_sha256_free(&worker->hash);
    if (worker->encoder != NULL)
        run->encoded->codec->encoder_free(&worker->encoder);
    free(worker);
}

static int task_prepare(const struct encoding_run *run, struct task *task, struct pack_error *error)
{
    const struct encoded *encoded = run->encoded;
    const size_t piece = (size_t)pack_min(run->piece, encoded->plain->size);
    const size_t blocks = (size_t)pack_pieces(piece, encoded->image->block_size);
    int code = pack_allocate(&task->plain, 1, piece, error);
    if (code == 0)
        code = pack_allocate(&task->hashes, blocks, PACK_SHA256_SIZE, error);
    if (code == 0 && encoded->codec->frame_size != 0)
        code = pack_allocate(&task->stored, 1, encoded->codec->bound(piece), error);
    return code;
}

static int produce(void *user, void *state, bool *more, struct pack_error *error)
{
    struct encoding_run *run = user;
    struct task *task = state;
    const struct encoded *encoded = run->encoded;
    const uint64_t left = encoded->plain->size - run->position;
    *more = left != 0;
    if (left == 0)
        return 0;
    int code = task->plain == NULL ? task_prepare(run, task, error) : 0;
    task->plain_size = (size_t)pack_min(run->piece, left);
    if (code == 0)
        code = pack_input_exact(encoded->plain, run->position, task->plain, task->plain_size,
                                PACK_E_CHANGED, error);
    run->position += task->plain_size;
    return code;
}

static int work(void *user, void *state, void *task_state, struct pack_error *error)
{
    const struct encoding_run *run = user;
    const struct encoded *encoded = run->encoded;
    const uint32_t block_size = encoded->image->block_size;
    struct worker *worker = state;
    struct task *task = task_state;
    int code = 0;
    for (size_t at = 0, i = 0; code == 0 && at < task->plain_size; at += block_size, i++)
        code = pack_sha256_of(worker->hash, task->plain + at,
                              (size_t)pack_min(block_size, task->plain_size - at),
                              task->hashes + i * PACK_SHA256_SIZE, error);
    if (code == 0 && task->stored != NULL)
        code = encoded->codec->encode(worker->encoder, task->plain, task->plain_size, task->stored,
                                      encoded->codec->bound(task->plain_size), &task->stored_size,
                                      error);
    return code;
}

static int consume_frame(struct encoded *encoded, const struct task *task, struct pack_error *error)
{
    uint8_t entry[8];
    pack_put_le32(entry, (uint32_t)task->plain_size);
    pack_put_le32(entry + 4, (uint32_t)task->stored_size);
    const int code = pack_buffer_append(&encoded->frames, entry, sizeof entry, error);
    return code != 0
               ? code
               : block_hasher_update(&encoded->stored, task->stored, task->stored_size, error);
}

static int consume(void *user, void *state, struct pack_error *error)
{
    struct encoding_run *run = user;
    struct encoded *encoded = run->encoded;
    const struct task *task = state;
    const bool compressed = task->stored != NULL;
    const uint8_t *bytes = compressed ? task->stored : task->plain;
    const size_t size = compressed ? task->stored_size : task->plain_size;
    const size_t blocks = (size_t)pack_pieces(task->plain_size, encoded->image->block_size);
    int code = pack_sha256_update(encoded->flat, task->plain, task->plain_size, error);
    if (code == 0)
        code = pack_buffer_append(&encoded->blocks, task->hashes, blocks * PACK_SHA256_SIZE, error);
    if (code == 0 && compressed)
        code = consume_frame(encoded, task, error);
    if (code == 0)
        code = pack_write_descriptor_at(run->target, run->offset, bytes, size, error);
    run->offset += size;
    run->done += task->plain_size;
    encoded->stored_size += size;
    pack_progress(encoded->context, encoded->what, run->done, encoded->plain->size);
    return code;
}

/* --- whole images -------------------------------------------------------------------------- */

/* What a file tells of having been written to. */
struct stamp {
    uint64_t size;
    struct timespec modified;
};

static struct stamp take_stamp(const struct pack_input *input)
{
    struct stat status;
    const int descriptor = pack_input_descriptor(input);
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        return (struct stamp){.size = input->size};
    return (struct stamp){.size = (uint64_t)status.st_size, .modified = status.st_mtim};
}

static bool is_changed(struct stamp before, struct stamp after)
{
    return before.size != after.size || before.modified.tv_sec != after.modified.tv_sec ||
           before.modified.tv_nsec != after.modified.tv_nsec;
}

static void forget(struct encoded *encoded)
{
    encoded->blocks.size = encoded->stored_blocks.size = encoded->frames.size = 0;
    encoded->stored_size = 0;
}

static int run_encoding(struct encoded *encoded, const char *verb, size_t piece, int target,
                        uint64_t offset, struct pack_error *error)
{
    struct encoding_run run = {
        .encoded = encoded, .piece = piece, .target = target, .offset = offset};
    const struct pack_pipeline pipeline = {.task_size = sizeof(struct task),
                                           .produce = produce,
                                           .work = work,
                                           .consume = consume,
                                           .worker_new = worker_new,
                                           .worker_free = worker_free,
                                           .task_clear = task_clear,
                                           .user = &run};
    const struct stamp before = take_stamp(encoded->plain);
    snprintf(encoded->what, sizeof encoded->what, "%s %s", verb, encoded->image->name);
    forget(encoded);
    int code = pack_pipeline_run(&pipeline, encoded->context, error);
    if (code == 0)
        code = block_hasher_finish(&encoded->stored, error);
    if (code == 0)
        code = pack_sha256_finish(encoded->flat, encoded->sha256, error);
    if (code == 0 && is_changed(before, take_stamp(encoded->plain))) {
        code = pack_fail(error, PACK_E_CHANGED, "changed while it was read");
        pack_at_file(error, encoded->image->path);
    }
    return code;
}

int encode_compress(struct encoded *encoded, int scratch, uint64_t *offset,
                    struct pack_error *error)
{
    encoded->scratch_offset = *offset;
    const int code =
        run_encoding(encoded, "compress", encoded->codec->frame_size, scratch, *offset, error);
    if (code != 0)
        return code;
    if (encoded->stored_size < encoded->plain->size) {
        *offset += encoded->stored_size;
        return 0;
    }
    pack_log(encoded->context, PACK_LOG_DEBUG,
             "image %s: %s does not make it smaller, it is stored as it is", encoded->image->name,
             encoded->codec->name);
    encoded->codec = pack_codec_find("none");
    return 0;
}

int encode_store(struct encoded *encoded, int target, uint64_t at, struct pack_error *error)
{
    const size_t piece = encoded->image->block_size > PIECE ? encoded->image->block_size : PIECE;
    return run_encoding(encoded, "store", piece, target, at, error);
}

int encode_keep(struct encoded *encoded, int scratch, uint64_t *offset, struct pack_error *error)
{
    encoded->scratch_offset = *offset;
    const int code = encode_store(encoded, scratch, *offset, error);
    *offset += encoded->stored_size;
    return code;
}
