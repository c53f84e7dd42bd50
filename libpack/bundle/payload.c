/* SPDX-License-Identifier: MIT */
#include "bundle/payload.h"

#include "bundle/bases.h"
#include "bundle/local.h"
#include "bundle/patched.h"
#include "bundle/stored.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "confine/confine.h"
#include "io/parallel.h"
#include "pack/age.h"
#include "pack/backend/codec.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    PIECE = 1024 * 1024, /* read at a time where blocks are smaller */
    /*
     * Processes that decode: each costs memory for its frame twice over, and four decode more than
     * storage takes.
     */
    MOST_CONFINED = 4,
};

struct payload {
    struct pack_trusted *trusted;
    const struct payload_use *use;
    const char *name;                 /* the image's */
    const struct layout_entry *entry; /* the payload member */
    const struct pack_encoding *encoding;
    const struct pack_codec *codec;
    struct pack_input *base;           /* of delta and keep, where it is there */
    struct block_table stored;         /* of the stored bytes */
    struct block_table plain;          /* of the image, where it is decoded */
    const struct block_table *checked; /* the one by which pieces without a codec are checked */
    struct stored source;              /* what is decoded, proved */
    struct pack_input *decrypted;      /* what is in it, where it is encrypted */
    struct pack_input *bytes;          /* what the codec made; NULL: stored blocks as they are */
    uint8_t *frames;                   /* the .frames member */
    uint64_t largest_frame;            /* stored bytes */
    uint64_t position;                 /* the next byte that produce reads */
    uint64_t next;                     /* the next frame to produce */
    uint64_t end;                      /* the first byte, or frame, that it does not */
    uint64_t written;                  /* the next plain byte to consume */
    struct local local;                /* blocks that need not be read */
    struct confined_codec **confined;  /* one for each thread; NULL: they decode themselves */
    unsigned confined_count;
    atomic_uint confined_taken; /* by threads that have begun */
    char what[PACK_MAX_NAME + 32];
};

static void payload_clear(struct payload *payload)
{
    for (unsigned i = 0; i < payload->confined_count; i++)
        confined_codec_free(&payload->confined[i]);
    free(payload->confined);
    pack_input_close(&payload->decrypted);
    stored_clear(&payload->source);
    free(payload->frames);
}

struct task {
    uint64_t index; /* of the frame, or of the first block */
    uint8_t *stored;
    size_t stored_size;
    uint8_t *plain;
    size_t plain_size;
    bool local;    /* the frame was at hand, and is decoded already */
    bool *at_hand; /* of codec none: by block, whether it was */
};

struct worker {
    struct pack_sha256 *hash;
    struct confined_codec *confined; /* the payload's, or NULL: */
    void *decoder;
};

static void task_clear(void *state)
{
    struct task *task = state;
    free(task->stored);
    free(task->plain);
    free(task->at_hand);
}

static int worker_new(void *user, void **made, struct pack_error *error)
{
    struct payload *payload = user;
    const struct pack_context *context = payload->trusted->bundle->context;
    struct worker *worker = NULL;
    int code = pack_allocate(&worker, 1, sizeof *worker, error);
    *made = worker;
    if (code == 0)
        code = pack_sha256_new(&worker->hash, error);
    if (code == 0 && payload->confined != NULL)
        worker->confined = payload->confined[atomic_fetch_add(&payload->confined_taken, 1)];
    else if (code == 0 && payload->largest_frame != 0)
        code = payload->codec->decoder_new(
            &worker->decoder,
            context->decoder_memory != 0 ? context->decoder_memory : PACK_DEFAULT_DECODER_MEMORY,
            error);
    return code;
}

static void worker_free(void *user, void *made)
{
    const struct payload *payload = user;
    struct worker *worker = made;
    pack_sha256_free(&worker->hash);
    if (worker->decoder != NULL)
        payload->codec->decoder_free(&worker->decoder);
    free(worker);
}

/* Every block that lies in `bytes`, from block number `first` on. */
static int check_blocks(const struct block_table *table, uint64_t first, const uint8_t *bytes,
                        size_t size, struct pack_sha256 *hash, struct pack_error *error)
{
    int code = 0;
    for (size_t done = 0; code == 0 && done < size; first++) {
        const size_t piece = (size_t)pack_min(table->block_size, size - done);
        code = block_check(table, first, bytes + done, piece, hash, error);
        done += piece;
    }
    return code;
}

static int fail_local(struct pack_error *error)
{
    return pack_context(error, "what is at hand of the image");
}

/* --- bytes as they are --------------------------------------------------------------------- */

static int read_piece(const struct payload *payload, uint64_t position, uint8_t *bytes, size_t size,
                      struct pack_error *error)
{
    if (payload->bytes != NULL)
        return pack_input_exact(payload->bytes, position, bytes, size, PACK_E_CORRUPT, error);
    return bundle_read(payload->trusted->bundle, payload->entry->data + position, bytes, size,
                       error);
}

static int task_allocate(struct task *task, const struct payload *payload, size_t size,
                         struct pack_error *error)
{
    if (task->plain != NULL)
        return 0;
    const int code = pack_allocate(&task->plain, 1, size, error);
    return code != 0
               ? code
               : pack_allocate(&task->at_hand, pack_pieces(size, payload->checked->block_size),
                               sizeof *task->at_hand, error);
}

static int read_run(const struct payload *payload, const struct task *task, size_t from, size_t to,
                    struct pack_error *error)
{
    return from < to
               ? read_piece(payload, payload->position + from, task->plain + from, to - from, error)
               : 0;
}

/* What is at hand of a piece; what is not is read, as much at a time as stands together. */
static int gather_blocks(struct payload *payload, struct task *task, struct pack_error *error)
{
    const uint32_t block_size = payload->checked->block_size;
    size_t read = 0, done = 0;
    int code = 0;
    for (size_t i = 0; code == 0 && done < task->plain_size; i++) {
        const size_t size = (size_t)pack_min(block_size, task->plain_size - done);
        code = local_get(&payload->local, task->index + i, task->plain + done, size,
                         &task->at_hand[i], error);
        if (code == 0 && task->at_hand[i]) {
            code = read_run(payload, task, read, done, error);
            read = done + size;
            payload->trusted->local_size += size;
        }
        done += size;
    }
    return code != 0 ? code : read_run(payload, task, read, done, error);
}

static int produce_blocks(void *user, void *state, bool *more, struct pack_error *error)
{
    struct payload *payload = user;
    struct task *task = state;
    const struct block_table *table = payload->checked;
    const uint64_t left = payload->end - payload->position;
    const size_t piece = table->block_size > PIECE ? table->block_size : PIECE;
    *more = left != 0;
    if (left == 0)
        return 0;
    task->index = payload->position / table->block_size;
    task->plain_size = (size_t)pack_min(left, piece);
    int code = task_allocate(task, payload, task->plain_size, error);
    if (code == 0)
        code = gather_blocks(payload, task, error);
    payload->position += task->plain_size;
    return code;
}

static int work_blocks(void *user, void *state, void *task_state, struct pack_error *error)
{
    const struct payload *payload = user;
    const struct task *task = task_state;
    struct worker *worker = state;
    const uint32_t block_size = payload->checked->block_size;
    const int code = check_blocks(payload->checked, task->index, task->plain, task->plain_size,
                                  worker->hash, error);
    if (code == PACK_E_CORRUPT && task->at_hand[error->offset / block_size - task->index])
        return fail_local(error);
    return code != 0 && payload->bytes != NULL ? pack_context(error, "the image that it decodes to")
                                               : code;
}

/* What of these bytes, which begin at plain byte `written`, is wanted. */
static int write_wanted(const struct payload *payload, const uint8_t *bytes, size_t size,
                        struct pack_error *error)
{
    const struct payload_range *range = payload->use->range;
    const uint64_t start = payload->written, end = start + size;
    if (range == NULL)
        return pack_sink_write(payload->use->sink, bytes, size, error);
    const uint64_t from = range->offset > start ? range->offset : start;
    const uint64_t to = pack_min(range->offset + range->size, end);
    return from < to ? pack_sink_write(payload->use->sink, bytes + (from - start),
                                       (size_t)(to - from), error)
                     : 0;
}

static int consume_bytes(void *user, const uint8_t *bytes, size_t size, struct pack_error *error)
{
    struct payload *payload = user;
    const struct payload_use *use = payload->use;
    int code = 0;
    if (use->flat != NULL)
        code = pack_sha256_update(use->flat, bytes, size, error);
    if (code == 0 && use->sink != NULL)
        code = write_wanted(payload, bytes, size, error);
    payload->written += size;
    pack_progress(payload->trusted->bundle->context, payload->what, payload->written,
                  payload->plain.size != 0 ? payload->plain.size : payload->stored.size);
    return code;
}

static int consume_plain(void *user, void *state, struct pack_error *error)
{
    const struct task *task = state;
    return consume_bytes(user, task->plain, task->plain_size, error);
}

/* --- frames -------------------------------------------------------------------------------- */

static size_t frame_entry_size(const struct pack_encoding *encoding)
{
    return encoding->reusable ? FRAME_REUSABLE_SIZE : FRAME_ENTRY_SIZE;
}

static uint64_t frame_plain(const struct payload *payload, uint64_t index)
{
    const uint64_t start = index * payload->encoding->frame_size;
    return pack_min(payload->encoding->frame_size, payload->plain.size - start);
}

static uint32_t frame_stored(const struct payload *payload, uint64_t index)
{
    return pack_le32(payload->frames + index * frame_entry_size(payload->encoding) + 4);
}

/* A constant of the format, so that what is accepted does not depend on the codecs' libraries. */
static uint64_t largest_stored(uint64_t plain)
{
    return plain + plain / 8 + 1024;
}

/* The table is signed, but a stolen delivery key may have signed it. */
static int check_frames(struct payload *payload, struct pack_error *error)
{
    uint64_t total = 0;
    for (uint64_t i = 0; i < payload->encoding->frame_count; i++) {
        const uint64_t plain = frame_plain(payload, i);
        const uint32_t stored = frame_stored(payload, i);
        const uint8_t *entry = payload->frames + i * frame_entry_size(payload->encoding);
        if (pack_le32(entry) != plain || stored == 0 || stored > largest_stored(plain))
            return pack_fail(error, PACK_E_MALFORMED, "frame %llu has an impossible size",
                             (unsigned long long)i);
        total += stored;
        if (stored > payload->largest_frame)
            payload->largest_frame = stored;
    }
    const uint64_t wanted = pack_encoding_inner_size(payload->encoding);
    if (total != wanted)
        return pack_fail(error, PACK_E_MALFORMED, "frames hold %llu bytes, the payload %llu",
                         (unsigned long long)total, (unsigned long long)wanted);
    return 0;
}

static uint64_t first_block(const struct payload *payload, const struct task *task)
{
    return task->index * payload->encoding->frame_size / payload->plain.block_size;
}

static int fill_frame(struct payload *payload, struct task *task, struct pack_error *error)
{
    int code = local_get_all(&payload->local, first_block(payload, task), task->plain,
                             task->plain_size, &task->local, error);
    if (code == 0 && task->local)
        payload->trusted->local_size += task->plain_size;
    else if (code == 0)
        code = read_piece(payload, payload->position, task->stored, task->stored_size, error);
    return code;
}

static int produce_frame(void *user, void *state, bool *more, struct pack_error *error)
{
    struct payload *payload = user;
    struct task *task = state;
    int code = 0;
    *more = payload->next < payload->end;
    if (!*more)
        return 0;
    if (task->plain == NULL) {
        code = pack_allocate(&task->plain, 1, (size_t)frame_plain(payload, 0), error);
        if (code == 0)
            code = pack_allocate(&task->stored, 1, (size_t)payload->largest_frame, error);
    }
    task->index = payload->next;
    task->plain_size = (size_t)frame_plain(payload, payload->next);
    task->stored_size = frame_stored(payload, payload->next);
    payload->next++;
    if (code == 0)
        code = fill_frame(payload, task, error);
    payload->position += task->stored_size;
    return code;
}

static int decode_frame(const struct payload *payload, const struct worker *worker,
                        const struct task *task, struct pack_error *error)
{
    return worker->confined != NULL
               ? confined_codec_decode(worker->confined, task->stored, task->stored_size,
                                       task->plain, task->plain_size, error)
               : payload->codec->decode(worker->decoder, task->stored, task->stored_size,
                                        task->plain, task->plain_size, error);
}

static int work_frame(void *user, void *state, void *task_state, struct pack_error *error)
{
    const struct payload *payload = user;
    const struct task *task = task_state;
    struct worker *worker = state;
    int code = task->local ? 0 : decode_frame(payload, worker, task, error);
    if (code != 0)
        return pack_context(error, "frame %llu", (unsigned long long)task->index);
    code = check_blocks(&payload->plain, first_block(payload, task), task->plain, task->plain_size,
                        worker->hash, error);
    if (code != 0 && task->local)
        return fail_local(error);
    return code != 0 ? pack_context(error, "the image that it decodes to") : 0;
}

/* --- patches ------------------------------------------------------------------------------- */

static int read_patched(struct payload *payload, size_t image, struct pack_error *error)
{
    const struct patched patched = {
        .context = payload->trusted->bundle->context,
        .image = &payload->trusted->release->images[image],
        .encoding = payload->encoding,
        .plain = &payload->plain,
        .base = payload->base,
        .base_proved = payload->base != NULL && payload->base->repeats,
        .stored = payload->bytes,
        .keeper = payload->use->local ? payload->trusted->keeper : NULL,
        .block = consume_bytes,
        .user = payload,
    };
    return patched_read(&patched, error);
}

/* --- encryption ---------------------------------------------------------------------------- */

/* The documents say how large it is, so that all places are known; the age file must agree. */
static int check_sizes(const struct payload *payload, struct pack_error *error)
{
    const struct pack_encoding *encoding = payload->encoding;
    const struct pack_input *decrypted = payload->decrypted;
    if (pack_age_size(encoding->header_size, encoding->inner_size) != encoding->size)
        return pack_fail(error, PACK_E_MALFORMED,
                         "%llu bytes behind a header of %llu do not make an age file of %llu",
                         (unsigned long long)encoding->inner_size,
                         (unsigned long long)encoding->header_size,
                         (unsigned long long)encoding->size);
    if (!decrypted->has_size || decrypted->size == encoding->inner_size)
        return 0;
    return pack_fail(error, PACK_E_MALFORMED,
                     "the age file holds %llu bytes, delivery.json says %llu",
                     (unsigned long long)decrypted->size, (unsigned long long)encoding->inner_size);
}

/* The stored bytes as an input, and where they are encrypted what is in them. */
static int open_source(struct payload *payload, struct pack_error *error)
{
    struct pack_trusted *trusted = payload->trusted;
    int code =
        stored_open(&payload->source, trusted->bundle, payload->entry, &payload->stored, error);
    payload->bytes = &payload->source.input;
    if (code != 0 || !payload->encoding->encrypted)
        return code;
    if (trusted->identities == NULL)
        return trusted_no_identity(payload->name, payload->encoding, error);
    code = pack_age_open(&payload->decrypted, payload->bytes, trusted->identities, error);
    payload->bytes = payload->decrypted;
    if (code == PACK_E_KEY_STORE && error->hint[0] == '\0')
        return pack_hint(error, "give the identity of one of them as --identity FILE");
    return code != 0 ? code : check_sizes(payload, error);
}

/* Whether it is only that nothing opens it which was given. */
static bool is_unfit(int code)
{
    return code == PACK_E_KEY_STORE || code == PACK_E_PASSPHRASE;
}

/* --- one encoding -------------------------------------------------------------------------- */

static bool has_decoder(const struct pack_trusted *trusted, const struct pack_encoding *encoding)
{
    const uint64_t allowed = trusted->bundle->context->decoder_memory;
    return encoding->supported &&
           encoding->decoder_memory <= (allowed != 0 ? allowed : PACK_DEFAULT_DECODER_MEMORY) &&
           (!encoding->has_in_place || trusted->delivery_by_release) &&
           (!encoding->encrypted || trusted->identities != NULL);
}

/* Whether the image can be rebuilt from it; *base is the old image, NULL where none is wanted. */
static int can_decode(const struct pack_trusted *trusted, const struct pack_encoding *encoding,
                      bool *can, struct pack_input **base, struct pack_error *error)
{
    int code = 0;
    *base = NULL;
    *can = has_decoder(trusted, encoding);
    if (*can && encoding->kind != PACK_ENCODING_FULL) {
        code = bases_find(trusted, encoding->base_size, encoding->base_sha256, base, error);
        *can = *base != NULL;
    }
    return code;
}

int payload_find(const struct pack_trusted *trusted, size_t image, size_t *encoding,
                 struct pack_error *error)
{
    const struct pack_delivery_image *delivered = &trusted->delivery->images[image];
    struct pack_input *base = NULL;
    bool can = false;
    int code = 0;
    for (; code == 0 && *encoding < delivered->encoding_count; (*encoding)++) {
        code = can_decode(trusted, &delivered->encodings[*encoding], &can, &base, error);
        if (can)
            break;
    }
    return code;
}

/* The pieces of `size` bytes that hold a range: the first, and the one after the last. */
static void find_pieces(const struct payload *payload, uint64_t size, uint64_t *first,
                        uint64_t *end)
{
    const struct payload_range *range = payload->use->range;
    *first = range->offset / size;
    *end = pack_pieces(range->offset + range->size, size);
}

/* Where to begin and to end. */
static void choose_pieces(struct payload *payload, bool decodes)
{
    uint64_t first = 0;
    payload->end = decodes ? payload->encoding->frame_count : payload->checked->size;
    if (payload->use->range == NULL)
        return;
    if (!decodes) {
        const uint32_t block_size = payload->checked->block_size;
        find_pieces(payload, block_size, &first, &payload->end);
        payload->end = pack_min(payload->end * block_size, payload->checked->size);
        payload->position = payload->written = first * block_size;
        return;
    }
    find_pieces(payload, payload->encoding->frame_size, &first, &payload->end);
    payload->written = first * payload->encoding->frame_size;
    for (payload->next = 0; payload->next < first; payload->next++)
        payload->position += frame_stored(payload, payload->next);
}

/* One process for each thread, started while there is no other thread yet. */
static int start_confined(struct payload *payload, unsigned count, struct pack_error *error)
{
    const struct pack_context *context = payload->trusted->bundle->context;
    int code = pack_allocate(&payload->confined, count, sizeof(struct confined_codec *), error);
    while (code == 0 && payload->confined_count < count) {
        code = confined_codec_new(&payload->confined[payload->confined_count], payload->codec,
                                  context, (size_t)payload->largest_frame,
                                  (size_t)frame_plain(payload, 0), error);
        payload->confined_count += code == 0;
    }
    return code;
}

static int run_pipeline(struct payload *payload, struct pack_error *error)
{
    const bool decodes = payload->largest_frame != 0;
    const struct pack_pipeline pipeline = {
        .task_size = sizeof(struct task),
        .produce = decodes ? produce_frame : produce_blocks,
        .work = decodes ? work_frame : work_blocks,
        .consume = consume_plain,
        .worker_new = worker_new,
        .worker_free = worker_free,
        .task_clear = task_clear,
        .user = payload,
    };
    struct pack_context context = *payload->trusted->bundle->context;
    int code = 0;
    choose_pieces(payload, decodes);
    if (decodes && context.confinement != PACK_CONFINE_NONE) {
        const uint64_t frames = payload->end - payload->next;
        const uint64_t most = pack_min(MOST_CONFINED, frames != 0 ? frames : 1);
        context.jobs = (unsigned)pack_min(pack_jobs(&context), most);
        code = start_confined(payload, context.jobs, error);
    }
    return code != 0 ? code : pack_pipeline_run(&pipeline, &context, error);
}

/* The stored table: the image's own where nothing is encoded, else a member, or one block. */
static int load_stored_table(struct payload *payload, const struct layout_entry *blocks,
                             uint8_t **table, struct pack_error *error)
{
    const struct pack_encoding *encoding = payload->encoding;
    payload->stored = (struct block_table){.sha256 = encoding->blocks_sha256,
                                           .size = encoding->size,
                                           .block_size = encoding->block_size};
    if (blocks == NULL)
        return 0;
    const int code =
        trusted_read_table(payload->trusted, blocks, encoding->blocks_sha256, table, error);
    payload->stored.hashes = *table;
    return code;
}

/* Both of the tables that stand before the payload, and the header after them. */
static int read_tables(struct payload *payload, size_t image, size_t number, bool decodes,
                       uint8_t **table, struct pack_error *error)
{
    const struct layout *layout = payload->trusted->layout;
    const struct layout_entry *frames = layout_find(layout, LAYOUT_FRAMES, image, number);
    int code = load_stored_table(payload, layout_find(layout, LAYOUT_STORED_BLOCKS, image, number),
                                 table, error);
    if (code == 0 && frames != NULL)
        code = trusted_read_table(payload->trusted, frames, payload->encoding->frames_sha256,
                                  &payload->frames, error);
    if (code == 0 && frames != NULL && decodes && check_frames(payload, error) != 0)
        return pack_at_member(error, frames->name);
    return code != 0 ? code : bundle_check_header(payload->trusted->bundle, payload->entry, error);
}

/* What was left out on purpose stays unproved. */
static bool reads_all(const struct payload *payload)
{
    return payload->use->range == NULL && payload->local.blocks == NULL;
}

/* What comes out is the image, from frames, a patch, or as it is. */
static int decode(struct payload *payload, size_t image, struct pack_error *error)
{
    if (payload->encoding->kind == PACK_ENCODING_DELTA)
        return read_patched(payload, image, error);
    payload->checked = &payload->plain;
    return run_pipeline(payload, error);
}

/*
 * Decodes through an input. Where nothing that was given opens it, *unfit says so, and the stored
 * bytes are proved unless they were to be written.
 */
static int read_source(struct payload *payload, size_t image, struct pack_error *unfit,
                       struct pack_error *error)
{
    int code = open_source(payload, error);
    if (is_unfit(code)) {
        *unfit = *error;
        pack_error_clear(error);
        return payload->use->sink != NULL ? 0 : stored_prove_rest(&payload->source, error);
    }
    if (code == 0)
        code = decode(payload, image, error);
    return code != 0 || !reads_all(payload) ? code : stored_prove_rest(&payload->source, error);
}

static int read_encoding(struct payload *payload, size_t image, size_t number, bool decodes,
                         struct pack_error *unfit, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *table = NULL;
    const bool plain = layout_is_plain(payload->encoding);
    if (decodes)
        payload->plain = trusted_plain_table(payload->trusted, image);
    int code = read_tables(payload, image, number, decodes, &table, error);
    if (code != 0)
        return code;
    if (plain)
        payload->stored = trusted_plain_table(payload->trusted, image);
    payload->checked = &payload->stored;
    code = decodes && !plain ? read_source(payload, image, unfit, error)
                             : run_pipeline(payload, error);
    const bool passes_over = unfit != NULL && unfit->code != 0 && payload->use->sink != NULL;
    if (code != 0 || passes_over || payload->use->range != NULL)
        return code;
    return bundle_check_padding(payload->trusted->bundle, payload->entry, error);
}

static struct payload payload_of(struct pack_trusted *trusted, size_t image, size_t encoding,
                                 const struct payload_use *use)
{
    const struct pack_delivery_image *delivered = &trusted->delivery->images[image];
    struct payload payload = {
        .trusted = trusted,
        .use = use,
        .name = delivered->name,
        .encoding = &delivered->encodings[encoding],
        .entry = layout_find(trusted->layout, LAYOUT_PAYLOAD, image, encoding),
    };
    if (payload.encoding->codec != NULL)
        payload.codec = pack_codec_find(payload.encoding->codec);
    snprintf(payload.what, sizeof payload.what, "%s %s", use->verb, delivered->name);
    return payload;
}

/* The image is there already: nothing travels, but what is there is proved. */
static int read_kept(struct payload *payload, size_t image, struct pack_error *error)
{
    payload->plain = trusted_plain_table(payload->trusted, image);
    return read_patched(payload, image, error);
}

int payload_read(struct pack_trusted *trusted, size_t image, size_t encoding,
                 const struct payload_use *use, struct payload_outcome *outcome,
                 struct pack_error *error)
{
    static const struct payload_use no_use = {.verb = "verify"};
    PACK_AUTO(payload_clear)
    struct payload payload = payload_of(trusted, image, encoding, use);
    bool decodes = false;
    *outcome = (struct payload_outcome){.proof = PACK_PROOF_NONE};
    int code = can_decode(trusted, payload.encoding, &decodes, &payload.base, error);
    if (code != 0 || (payload.entry == NULL && !decodes))
        return code;
    if (!decodes)
        payload.use = &no_use;
    if (use->local && decodes && payload.encoding->kind == PACK_ENCODING_FULL)
        payload.local =
            (struct local){.blocks = trusted->local, .image = image, .plain = &payload.plain};
    code = payload.entry == NULL
               ? read_kept(&payload, image, error)
               : read_encoding(&payload, image, encoding, decodes, &outcome->unfit, error);
    if (code != 0)
        return payload.entry != NULL ? pack_at_member(error, payload.entry->name) : code;
    const bool unfit = outcome->unfit.code != 0;
    if (unfit)
        pack_at_member(&outcome->unfit, payload.entry->name);
    outcome->proof = decodes && !unfit            ? PACK_PROOF_PLAIN
                     : unfit && use->sink != NULL ? PACK_PROOF_NONE
                                                  : PACK_PROOF_STORED;
    return 0;
}

int payload_copy(struct pack_trusted *trusted, size_t image, size_t encoding,
                 struct pack_sink *sink, struct pack_error *error)
{
    const struct payload_use use = {.sink = sink, .verb = "copy"};
    PACK_AUTO(payload_clear)
    struct payload payload = payload_of(trusted, image, encoding, &use);
    const int code = read_encoding(&payload, image, encoding, false, NULL, error);
    return code != 0 ? pack_at_member(error, payload.entry->name) : 0;
}

bool payload_may_open(struct pack_trusted *trusted, size_t image, size_t encoding)
{
    static const struct payload_use use = {.verb = "open"};
    PACK_AUTO_FREE uint8_t *table = NULL;
    PACK_AUTO(payload_clear)
    struct payload payload = payload_of(trusted, image, encoding, &use);
    struct pack_error error = {0};
    if (!payload.encoding->encrypted || !trusted->bundle->input->seekable)
        return true;
    int code = trusted_load_tables(trusted, &error);
    if (code == 0)
        code = read_tables(&payload, image, encoding, false, &table, &error);
    if (code == 0)
        code = open_source(&payload, &error);
    return !is_unfit(code);
}

/* What the codec made, in pieces, decrypted where it is encrypted. */
static int copy_inner(struct payload *payload, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *piece = NULL;
    const uint64_t total = pack_encoding_inner_size(payload->encoding);
    int code = open_source(payload, error);
    if (code == 0)
        code = pack_allocate(&piece, 1, PIECE, error);
    while (code == 0 && payload->position < total) {
        const size_t size = (size_t)pack_min(PIECE, total - payload->position);
        code = pack_check_cancelled(payload->trusted->bundle->context, error);
        if (code == 0)
            code = read_piece(payload, payload->position, piece, size, error);
        if (code == 0)
            code = consume_bytes(payload, piece, size, error);
        payload->position += size;
    }
    return code != 0 ? code : stored_prove_rest(&payload->source, error);
}

int payload_copy_inner(struct pack_trusted *trusted, size_t image, size_t encoding,
                       const char *verb, struct pack_sink *sink, struct pack_error *error)
{
    const struct payload_use use = {.sink = sink, .verb = verb};
    PACK_AUTO_FREE uint8_t *table = NULL;
    PACK_AUTO(payload_clear)
    struct payload payload = payload_of(trusted, image, encoding, &use);
    int code = read_tables(&payload, image, encoding, false, &table, error);
    if (code == 0 && layout_is_plain(payload.encoding))
        payload.stored = trusted_plain_table(trusted, image);
    if (code == 0)
        code = copy_inner(&payload, error);
    if (code == 0)
        code = bundle_check_padding(trusted->bundle, payload.entry, error);
    return code != 0 ? pack_at_member(error, payload.entry->name) : 0;
}
