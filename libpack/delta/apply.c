/* SPDX-License-Identifier: MIT */
#include "pack/delta.h"
#include "pack/limits.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "delta/begin.h"
#include "delta/device.h"
#include "delta/encode.h"
#include "delta/slot.h"
#include "patch/decoder.h"
#include "unpack/unpack.h"

#include <stdlib.h>

#define CHUNK 65536

struct pack_patch {
    struct pack_patch_info info;
    struct patch_header header;
    struct pack_input *input;
    uint64_t at;              /* next byte of the input */
    struct pack_error *error; /* of the call that is under way, for the callbacks */
    const struct pack_context *context;

    struct pack_input *old_image;
    uint8_t *opened;        /* the opened old image, or NULL */
    struct delta_slot slot; /* in place: what the device's would be */
    struct unpack_plan *old_plan, *new_plan;
    struct unpack_packer *packer;

    uint8_t *memory; /* the decoder's */
    struct patch_decoder *decoder;
    struct pack_patch_cover *covers;
    struct pack_sha256 *hash;
    uint64_t made; /* bytes of the new image that were read */
    struct pack_sink ready_sink;
    struct pack_buffer ready; /* what the last steps gave and nobody read yet */
    size_t ready_at;
    bool decoded, proved;
    bool is_proved_elsewhere; /* the new image, which is not hashed here then */

    uint8_t *state_head;  /* of the state that is being put back */
    uint64_t state_taken; /* bytes of it so far */
};

/* --- what the decoder calls ------------------------------------------------------------------ */

static int read_patch(void *user, uint8_t *buffer, size_t capacity)
{
    struct pack_patch *patch = user;
    size_t got = 0;
    if (pack_input_read(patch->input, patch->at, buffer, capacity, &got, patch->error))
        return -1;
    patch->at += got;
    return (int)got;
}

static bool read_old(void *user, patch_offset offset, uint8_t *buffer, size_t size)
{
    struct pack_patch *patch = user;
    if (patch->opened) {
        if (size > patch->header.plain_old_size || offset > patch->header.plain_old_size - size)
            return false;
        memcpy(buffer, patch->opened + offset, size);
        return true;
    }
    if (patch->slot.bytes)
        return delta_slot_read(&patch->slot, offset, buffer, size);
    return pack_input_exact(patch->old_image, offset, buffer, size, PACK_E_WRONG_BASE,
                            patch->error) == 0;
}

static int fail(struct pack_patch *patch, enum patch_status status, struct pack_error *error)
{
    static const struct {
        enum pack_code code;
        const char *text;
    } words[] = {
        [PATCH_IO] = {PACK_E_IO, "a read failed"},
        [PATCH_MALFORMED] = {PACK_E_MALFORMED, "not a patch that this version could have made"},
        [PATCH_UNSUPPORTED] = {PACK_E_UNSUPPORTED, "the patch is of another format version"},
        [PATCH_LIMIT] = {PACK_E_LIMIT, "the patch needs more memory than it says"},
        [PATCH_WRONG_BASE] = {PACK_E_WRONG_BASE, "the patch is for another base"},
        [PATCH_CORRUPT] = {PACK_E_CORRUPT, "the patch is damaged or cut short"},
    };
    if (!error->code)
        (void)pack_fail(error, words[status].code, "%s", words[status].text);
    (void)pack_at_offset(error, patch->at);
    return pack_at_file(error, patch->input->name);
}

/* --- header ---------------------------------------------------------------------------------- */

static void fill_info(struct pack_patch *patch)
{
    const struct patch_header *header = &patch->header;
    patch->info = (struct pack_patch_info){
        .decoder = (enum pack_delta_decoder)header->profile,
        .version = PATCH_FORMAT_VERSION,
        .stored = header->flags & PATCH_STORED,
        .unpacked = header->flags & PATCH_UNPACKED,
        .in_place = header->page_size,
        .scratch = header->scratch_size,
        .old_size = header->old_size,
        .new_size = header->new_size,
        .plain_old_size = header->flags & PATCH_STORED ? header->old_size : header->plain_old_size,
        .plain_new_size = header->flags & PATCH_STORED ? header->new_size : header->plain_new_size,
        .memory = header->memory,
    };
    memcpy(patch->info.old_sha256, header->old_hash, PACK_SHA256_SIZE);
    memcpy(patch->info.new_sha256, header->new_hash, PACK_SHA256_SIZE);
}

static int read_header(struct pack_patch *patch, struct pack_error *error)
{
    uint8_t bytes[PATCH_MAX_HEADER];
    size_t size = 0;
    int status =
        pack_input_exact(patch->input, 0, bytes, PATCH_PREFIX_SIZE, PACK_E_MALFORMED, error);
    if (status)
        return status;
    enum patch_status result = patch_header_size(bytes, &size);
    if (result == PATCH_OK) {
        status = pack_input_exact(patch->input, PATCH_PREFIX_SIZE, bytes + PATCH_PREFIX_SIZE,
                                  size - PATCH_PREFIX_SIZE, PACK_E_CORRUPT, error);
        if (status)
            return status;
        result = patch_header_parse(&patch->header, bytes, size);
    }
    patch->at = size;
    return result == PATCH_OK ? 0 : fail(patch, result, error);
}

int pack_patch_open(struct pack_patch **patch, struct pack_input *input, struct pack_error *error)
{
    PACK_AUTO(pack_patch_close) struct pack_patch *made = calloc(1, sizeof(*made));
    *patch = NULL;
    if (!made)
        return pack_fail_memory(error);
    made->input = input;
    made->ready.limit = SIZE_MAX / 2;
    int status = read_header(made, error);
    if (!status)
        status = pack_sha256_new(&made->hash, error);
    if (status)
        return pack_at_file(error, input->name);
    fill_info(made);
    *patch = pack_steal(&made);
    return 0;
}

const struct pack_patch_info *pack_patch_info(const struct pack_patch *patch)
{
    return &patch->info;
}

void pack_patch_close(struct pack_patch **patch)
{
    struct pack_patch *closed = *patch;
    if (!closed)
        return;
    unpack_packer_free(&closed->packer);
    unpack_plan_free(&closed->old_plan);
    unpack_plan_free(&closed->new_plan);
    pack_sha256_free(&closed->hash);
    pack_buffer_clear(&closed->ready);
    delta_slot_free(&closed->slot);
    free(closed->opened);
    free(closed->memory);
    free(closed->covers);
    free(closed->state_head);
    free(closed);
    *patch = NULL;
}

/* --- begin ----------------------------------------------------------------------------------- */

static int hash_input(struct pack_sha256 *hash, const struct pack_context *context,
                      struct pack_input *input, uint64_t size, enum pack_code code,
                      struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (!chunk)
        return pack_fail_memory(error);
    for (uint64_t at = 0; at < size;) {
        size_t part = (size_t)pack_min(CHUNK, size - at);
        int status = pack_check_cancelled(context, error);
        if (!status)
            status = pack_input_exact(input, at, chunk, part, code, error);
        if (!status)
            status = pack_sha256_update(hash, chunk, part, error);
        if (status)
            return status;
        at += part;
    }
    return 0;
}

static int wrong_base(const struct pack_patch *patch, const uint8_t found[PACK_SHA256_SIZE],
                      struct pack_error *error)
{
    char wanted_hex[PACK_SHA256_HEX_SIZE], found_hex[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(patch->header.old_hash, wanted_hex);
    pack_sha256_hex(found, found_hex);
    (void)pack_fail(error, PACK_E_WRONG_BASE,
                    "the patch is for a base with sha256 %s (%llu bytes), this one has %s",
                    wanted_hex, (unsigned long long)patch->header.old_size, found_hex);
    (void)pack_hint(error, "find the image with that hash, or use the full image");
    return pack_at_file(error, patch->old_image->name);
}

static int check_base(struct pack_patch *patch, struct pack_error *error)
{
    uint8_t found[PACK_SHA256_SIZE];
    const struct pack_input *old_image = patch->old_image;
    if (old_image->has_size && old_image->size < patch->header.old_size) {
        (void)pack_fail(
            error, PACK_E_WRONG_BASE, "the patch is for a base of %llu bytes, this one has %llu",
            (unsigned long long)patch->header.old_size, (unsigned long long)old_image->size);
        return pack_at_file(error, old_image->name);
    }
    int status = hash_input(patch->hash, patch->context, patch->old_image, patch->header.old_size,
                            PACK_E_WRONG_BASE, error);
    if (!status)
        status = pack_sha256_finish(patch->hash, found, error);
    if (status)
        return pack_at_file(error, old_image->name);
    return memcmp(found, patch->header.old_hash, sizeof(found)) == 0
               ? 0
               : wrong_base(patch, found, error);
}

static uint64_t allowed_memory(const struct pack_context *context)
{
    return context && context->decoder_memory ? context->decoder_memory : PACK_DEFAULT_PATCH_MEMORY;
}

static int check_memory(const struct pack_patch *patch, struct pack_error *error)
{
    uint64_t allowed = allowed_memory(patch->context);
    if (patch->header.memory <= allowed)
        return 0;
    (void)pack_fail(error, PACK_E_LIMIT,
                    "applying the patch takes %llu bytes of memory, %llu are allowed",
                    (unsigned long long)patch->header.memory, (unsigned long long)allowed);
    (void)pack_hint(error, "allow more with --decoder-memory");
    return pack_at_file(error, patch->input->name);
}

static int new_decoder(struct pack_patch *patch, struct pack_error *error)
{
    size_t size = patch_decoder_size(&patch->header);
    if (size == 0)
        return fail(patch, PATCH_MALFORMED, error);
    if (delta_device_memory(&patch->header, 0) > patch->header.memory)
        return fail(patch, PATCH_LIMIT, error);
    patch->memory = calloc(1, size);
    if (!patch->memory)
        return pack_fail_memory(error);
    struct patch_device device = {read_patch, read_old, patch};
    patch->error = error;
    patch->decoder = patch_decoder_new(patch->memory, &patch->header, &device);
    return 0;
}

static int write_ready(struct pack_sink *sink, const void *bytes, size_t size,
                       struct pack_error *error)
{
    struct pack_patch *patch =
        (struct pack_patch *)(void *)((char *)sink - offsetof(struct pack_patch, ready_sink));
    return pack_buffer_append(&patch->ready, bytes, size, error);
}

/* Plans are checked, and the old image opened. */
static int follow_plans(struct pack_patch *patch, struct pack_error *error)
{
    static const struct pack_sink_ops ops = {.write = write_ready};
    const struct patch_header *header = &patch->header;
    PACK_AUTO_FREE uint8_t *plans =
        malloc((size_t)header->old_plan_size + header->new_plan_size + 1);
    if (!plans)
        return pack_fail_memory(error);
    enum patch_status result =
        patch_decoder_plans(patch->decoder, plans, plans + header->old_plan_size);
    if (result != PATCH_OK)
        return fail(patch, result, error);
    int status = unpack_plan_parse(&patch->old_plan, plans, header->old_plan_size, error);
    if (!status)
        status = unpack_plan_parse(&patch->new_plan, plans + header->old_plan_size,
                                   header->new_plan_size, error);
    if (status)
        return status;
    uint64_t more = unpack_plan_memory(patch->old_plan) > unpack_plan_memory(patch->new_plan)
                        ? unpack_plan_memory(patch->old_plan)
                        : unpack_plan_memory(patch->new_plan);
    if (delta_device_memory(header, more) > header->memory)
        return fail(patch, PATCH_LIMIT, error);
    status = unpack_follow(patch->old_plan, patch->old_image, &patch->opened,
                           (size_t)header->plain_old_size, error);
    patch->ready_sink.ops = &ops;
    return status ? status
                  : unpack_packer_new(&patch->packer, patch->new_plan, &patch->ready_sink, error);
}

/* Here the slot is memory, which the header's claim for the device does not count. */
static int fill_slot(struct pack_patch *patch, struct pack_error *error)
{
    const struct patch_header *header = &patch->header;
    const uint64_t larger =
        header->old_size > header->new_size ? header->old_size : header->new_size;
    /* The journal has two halves, each with some pages of its own. */
    const uint64_t beside = 4 * ((uint64_t)header->page_size + header->scratch_size);
    if (larger + beside > allowed_memory(patch->context))
        return fail(patch, PATCH_LIMIT, error);
    int status = delta_slot_new(&patch->slot, &patch->header, error);
    return status ? status
                  : pack_input_exact(patch->old_image, 0, patch->slot.bytes,
                                     (size_t)patch->header.old_size, PACK_E_WRONG_BASE, error);
}

/* There is no power to fail here, so the journal saves no states. */
static int open_slot(struct pack_patch *patch, struct pack_error *error)
{
    struct patch_state states[PATCH_DECODER_STATES];
    struct patch_in_place *place = &patch->slot.place;
    enum patch_status result = patch_decoder_place(patch->decoder, place, states);
    place->states = NULL;
    place->state_count = 0;
    return result == PATCH_OK ? delta_slot_open(&patch->slot, error) : fail(patch, result, error);
}

static int train(struct pack_patch *patch, struct pack_error *error)
{
    const struct patch_header *header = &patch->header;
    if (!patch_decoder_wants_training(patch->decoder) || header->model.index_bits == 0)
        return 0;
    PACK_AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (!chunk)
        return pack_fail_memory(error);
    for (uint64_t at = 0; at < header->plain_old_size;) {
        size_t part = (size_t)pack_min(CHUNK, header->plain_old_size - at);
        int status = pack_check_cancelled(patch->context, error);
        if (!status && !read_old(patch, (patch_offset)at, chunk, part))
            status = fail(patch, PATCH_IO, error);
        if (status)
            return status;
        patch_decoder_train(patch->decoder, chunk, part);
        at += part;
    }
    return 0;
}

int delta_patch_check_memory(struct pack_patch *patch, const struct pack_context *context,
                             struct pack_error *error)
{
    patch->context = context;
    return check_memory(patch, error);
}

int delta_patch_check(struct pack_patch *patch, const struct pack_context *context,
                      struct pack_input *old_image, struct pack_error *error)
{
    patch->old_image = old_image;
    int status = delta_patch_check_memory(patch, context, error);
    return status ? status : check_base(patch, error);
}

int delta_patch_begin_proved(struct pack_patch *patch, const struct pack_context *context,
                             struct pack_input *old_image, struct pack_error *error)
{
    patch->old_image = old_image;
    patch->error = error;
    int status = delta_patch_check_memory(patch, context, error);
    if (status || patch->info.stored)
        return status;
    status = new_decoder(patch, error);
    if (!status && patch->info.unpacked)
        status = follow_plans(patch, error);
    if (!status && patch->info.in_place)
        status = fill_slot(patch, error);
    if (status)
        return status;
    enum patch_status result = patch_decoder_begin(patch->decoder);
    if (result != PATCH_OK)
        return fail(patch, result, error);
    return patch->info.in_place ? open_slot(patch, error) : train(patch, error);
}

int pack_patch_begin(struct pack_patch *patch, const struct pack_context *context,
                     struct pack_input *old_image, struct pack_error *error)
{
    int status = delta_patch_check(patch, context, old_image, error);
    return status ? status : delta_patch_begin_proved(patch, context, old_image, error);
}

/* In place, the slot is memory here. */
uint64_t delta_patch_memory(const struct pack_patch *patch)
{
    const struct patch_header *header = &patch->header;
    const uint64_t slot = header->old_size > header->new_size ? header->old_size : header->new_size;
    return header->memory + (header->flags & PATCH_IN_PLACE ? 2 * slot + 4 * header->page_size +
                                                                  4 * (uint64_t)header->scratch_size
                                                            : 0);
}

void delta_patch_leave_result(struct pack_patch *patch)
{
    patch->is_proved_elsewhere = true;
}

void delta_patch_move(struct pack_patch *patch, struct pack_input *input)
{
    patch->input = input;
}

const struct pack_patch_cover *pack_patch_covers(const struct pack_patch *patch, size_t *count)
{
    _Static_assert(sizeof(struct pack_patch_cover) == sizeof(struct patch_cover),
                   "one is shown as the other");
    const struct patch_covers *covers =
        patch->decoder ? patch_decoder_covers(patch->decoder) : NULL;
    *count = covers ? covers->count : 0;
    return covers ? (const struct pack_patch_cover *)(const void *)covers->list : NULL;
}

int pack_patch_begin_tables(struct pack_patch *patch, const struct pack_context *context,
                            struct pack_error *error)
{
    const struct patch_header *header = &patch->header;
    patch->context = context;
    int status = check_memory(patch, error);
    if (status || patch->info.stored)
        return status;
    PACK_AUTO_FREE uint8_t *plans =
        malloc((size_t)header->old_plan_size + header->new_plan_size + 1);
    if (!plans)
        return pack_fail_memory(error);
    status = new_decoder(patch, error);
    if (status)
        return status;
    enum patch_status result =
        patch->info.unpacked
            ? patch_decoder_plans(patch->decoder, plans, plans + header->old_plan_size)
            : PATCH_OK;
    if (result == PATCH_OK)
        result = patch_decoder_begin(patch->decoder);
    return result == PATCH_OK ? 0 : fail(patch, result, error);
}

void pack_patch_report(const struct pack_patch *patch, struct pack_delta_report *report)
{
    const struct pack_patch_info *info = &patch->info;
    static const uint64_t nothing[PATCH_ACCOUNTS];
    const uint64_t *cost = patch->decoder ? patch_decoder_cost(patch->decoder) : nothing;
    size_t count = 0;
    const struct pack_patch_cover *covers = pack_patch_covers(patch, &count);
    *report = (struct pack_delta_report){
        .old_size = info->old_size,
        .new_size = info->new_size,
        .patch_size = patch->input->has_size ? patch->input->size : 0,
        .plain_old_size = info->plain_old_size,
        .plain_new_size = info->plain_new_size,
        .covers = count,
        .decoder_memory = info->memory,
        .stored = info->stored,
        .bits_plans = cost[PATCH_ACCOUNT_PLANS] >> 16,
        .bits_layout = cost[PATCH_ACCOUNT_LAYOUT] >> 16,
        .bits_covers = cost[PATCH_ACCOUNT_COVERS] >> 16,
        .bits_hits = cost[PATCH_ACCOUNT_HITS] >> 16,
        .bits_misses = cost[PATCH_ACCOUNT_MISSES] >> 16,
        .bits_extra = cost[PATCH_ACCOUNT_EXTRA] >> 16,
    };
    for (size_t i = 0; i < count; i++)
        report->copied += covers[i].size;
    report->extra = info->plain_new_size - report->copied;
}

/* --- read ------------------------------------------------------------------------------------ */

static int step_stored(struct pack_patch *patch, struct pack_error *error)
{
    uint64_t left = patch->header.new_size - (patch->made + patch->ready.size);
    size_t part = (size_t)pack_min(left, CHUNK);
    uint8_t excess;
    size_t got = 0;
    if (part == 0) {
        patch->decoded = true;
        int status = pack_input_read(patch->input, patch->at, &excess, 1, &got, error);
        return status || got == 0 ? status : fail(patch, PATCH_CORRUPT, error);
    }
    int status = pack_buffer_reserve(&patch->ready, part, error);
    if (!status)
        status = pack_input_exact(patch->input, patch->at, patch->ready.bytes + patch->ready.size,
                                  part, PACK_E_CORRUPT, error);
    if (status)
        return status;
    patch->ready.size += part;
    patch->at += part;
    return 0;
}

static int step_coded(struct pack_patch *patch, struct pack_error *error)
{
    size_t window = patch_profile(patch->header.profile)->window, size = 0;
    PACK_AUTO_FREE uint8_t *plain = patch->packer ? malloc(window) : NULL;
    if (patch->packer && !plain)
        return pack_fail_memory(error);
    int status = patch->packer ? 0 : pack_buffer_reserve(&patch->ready, window, error);
    if (status)
        return status;
    uint8_t *bytes = plain ? plain : patch->ready.bytes + patch->ready.size;
    enum patch_status result = patch_decoder_step(patch->decoder, bytes, &size);
    if (result == PATCH_OK && size == 0) {
        result = patch_decoder_end(patch->decoder);
        patch->decoded = true;
    }
    if (result != PATCH_OK)
        return fail(patch, result, error);
    if (!patch->packer)
        patch->ready.size += size;
    else if (size > 0)
        return unpack_packer_push(patch->packer, bytes, size, error);
    else
        return unpack_packer_finish(patch->packer, error);
    return 0;
}

static enum patch_status make_page(struct pack_patch *patch, uint32_t page, uint8_t *window)
{
    struct patch_in_place *place = &patch->slot.place;
    enum patch_status result = patch_in_place_begin(place, page);
    for (size_t size = 1; result == PATCH_OK && size > 0;) {
        result = patch_decoder_step(patch->decoder, window, &size);
        if (result == PATCH_OK)
            result = patch_in_place_write(place, window, size);
    }
    return result == PATCH_OK ? patch_in_place_commit(place) : result;
}

/* All pages in their order; then the slot holds the new image. */
static int step_pages(struct pack_patch *patch, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *window = malloc(patch_profile(patch->header.profile)->window);
    if (!window)
        return pack_fail_memory(error);
    uint32_t page = 0;
    bool more = true;
    enum patch_status result = PATCH_OK;
    while (result == PATCH_OK && more) {
        int status = pack_check_cancelled(patch->context, error);
        if (status)
            return status;
        result = patch_decoder_page(patch->decoder, &page, &more);
        if (result == PATCH_OK && more)
            result = make_page(patch, page, window);
    }
    if (result == PATCH_OK)
        result = patch_decoder_end(patch->decoder);
    if (result != PATCH_OK)
        return fail(patch, result, error);
    patch->decoded = true;
    return pack_buffer_append(&patch->ready, patch->slot.bytes, (size_t)patch->header.new_size,
                              error);
}

static int step(struct pack_patch *patch, struct pack_error *error)
{
    if (patch->info.stored)
        return step_stored(patch, error);
    return patch->info.in_place ? step_pages(patch, error) : step_coded(patch, error);
}

static int prove(struct pack_patch *patch, struct pack_error *error)
{
    uint8_t found[PACK_SHA256_SIZE];
    if (patch->is_proved_elsewhere && patch->made == patch->header.new_size)
        return 0;
    int status = pack_sha256_finish(patch->hash, found, error);
    if (status || patch->proved)
        return status;
    if (patch->made != patch->header.new_size ||
        memcmp(found, patch->header.new_hash, sizeof(found)) != 0)
        return fail(patch, PATCH_CORRUPT, error);
    patch->proved = true;
    return 0;
}

int pack_patch_read(struct pack_patch *patch, void *buffer, size_t capacity, size_t *got,
                    struct pack_error *error)
{
    *got = 0;
    patch->error = error;
    while (patch->ready_at == patch->ready.size && !patch->decoded) {
        patch->ready.size = patch->ready_at = 0;
        int status = pack_check_cancelled(patch->context, error);
        if (!status)
            status = step(patch, error);
        if (status)
            return status;
    }
    *got = (size_t)pack_min(capacity, patch->ready.size - patch->ready_at);
    if (*got == 0)
        return prove(patch, error);
    if (*got > patch->header.new_size - patch->made)
        return fail(patch, PATCH_CORRUPT, error);
    memcpy(buffer, patch->ready.bytes + patch->ready_at, *got);
    patch->ready_at += *got;
    patch->made += *got;
    return patch->is_proved_elsewhere ? 0 : pack_sha256_update(patch->hash, buffer, *got, error);
}

/* --- save and restore ------------------------------------------------------------------------ */

/* "FWS", a version; the SHA-256 of what follows; `made`, `at`, what is ready; the decoder's memory.
 */
#define STATE_MAGIC "FWS\2"
#define STATE_START (4 + PACK_SHA256_SIZE)
#define STATE_FIXED (STATE_START + 24)

static int check_interruptible(const struct pack_patch *patch, struct pack_error *error)
{
    if (patch->info.unpacked)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "a patch between opened images cannot be interrupted");
    if (patch->info.in_place)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "a patch in place is interrupted on a device only, by its journal");
    return 0;
}

int pack_patch_save(const struct pack_patch *patch, void **state, size_t *size,
                    struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = SIZE_MAX / 2};
    size_t ready = patch->ready.size - patch->ready_at;
    uint8_t fixed[STATE_FIXED] = STATE_MAGIC;
    int status = check_interruptible(patch, error);
    if (status)
        return status;
    pack_put_le64(fixed + STATE_START, patch->made);
    pack_put_le64(fixed + STATE_START + 8, patch->at);
    pack_put_le64(fixed + STATE_START + 16, ready | (uint64_t)patch->decoded << 63);
    status = pack_buffer_append(&buffer, fixed, sizeof(fixed), error);
    if (!status && ready > 0)
        status = pack_buffer_append(&buffer, patch->ready.bytes + patch->ready_at, ready, error);
    if (!status && patch->decoder)
        status =
            pack_buffer_append(&buffer, patch->memory, patch_decoder_size(&patch->header), error);
    if (!status)
        status = pack_sha256_bytes(buffer.bytes + STATE_START, buffer.size - STATE_START,
                                   buffer.bytes + 4, error);
    return status ? status : pack_buffer_take(&buffer, state, size, error);
}

/* Whether the state is whole, and has room for what it says. */
static int check_state(const struct pack_patch *patch, const uint8_t *state, size_t size,
                       struct pack_error *error)
{
    uint8_t found[PACK_SHA256_SIZE];
    size_t memory = patch->info.stored ? 0 : patch_decoder_size(&patch->header);
    if (size < STATE_FIXED || memcmp(state, STATE_MAGIC, 3) != 0)
        return pack_fail(error, PACK_E_CORRUPT, "not the saved state of a patch");
    if (state[3] != (uint8_t)STATE_MAGIC[3])
        return pack_fail(error, PACK_E_UNSUPPORTED, "the state was saved by another version");
    int status = pack_sha256_bytes(state + STATE_START, size - STATE_START, found, error);
    if (status)
        return status;
    uint64_t ready = pack_le64(state + STATE_START + 16) << 1 >> 1;
    if (memcmp(found, state + 4, sizeof(found)) != 0 || ready > size - STATE_FIXED ||
        size - STATE_FIXED - ready != memory)
        return pack_fail(error, PACK_E_CORRUPT, "the saved state is damaged");
    return 0;
}

static int take_state(struct pack_patch *patch, const uint8_t *state, size_t size,
                      struct pack_error *error)
{
    size_t memory = patch->info.stored ? 0 : patch_decoder_size(&patch->header);
    size_t ready = size - STATE_FIXED - memory;
    patch->made = pack_le64(state + STATE_START);
    patch->at = pack_le64(state + STATE_START + 8);
    patch->decoded = state[STATE_START + 23] >> 7;
    int status = pack_buffer_append(&patch->ready, state + STATE_FIXED, ready, error);
    if (status || patch->info.stored)
        return status;
    status = new_decoder(patch, error);
    if (status)
        return status;
    struct patch_device device = {read_patch, read_old, patch};
    memcpy(patch->memory, state + STATE_FIXED + ready, memory);
    patch->decoder = patch_decoder_restore(patch->memory, &patch->header, &device);
    /* The new decoder has read from the patch; the restored one had read ahead. */
    patch->at = pack_le64(state + STATE_START + 8) - patch_decoder_unread(patch->decoder);
    return 0;
}

int pack_patch_restore(struct pack_patch *patch, const struct pack_context *context,
                       struct pack_input *old_image, struct pack_input *made, const void *state,
                       size_t size, struct pack_error *error)
{
    patch->context = context;
    patch->old_image = old_image;
    patch->error = error;
    int status = check_interruptible(patch, error);
    if (!status)
        status = check_state(patch, state, size, error);
    if (!status)
        status = check_memory(patch, error);
    if (!status)
        status = check_base(patch, error);
    if (!status)
        status = take_state(patch, state, size, error);
    return status ? status
                  : hash_input(patch->hash, context, made, patch->made, PACK_E_CORRUPT, error);
}

/* --- the state in pieces ---------------------------------------------------------------------- */

/* The version; `made`, `at`, what is ready, as above; then the rest as above. */
enum { STATE_VERSION = 4, STATE_HEAD = STATE_VERSION + 24, STATE_PARTS = 3 };

struct state_part {
    uint8_t *bytes;
    uint64_t size;
};

static uint64_t decoder_memory(const struct pack_patch *patch)
{
    return patch->info.stored ? 0 : patch_decoder_size(&patch->header);
}

static size_t most_ready(const struct pack_patch *patch)
{
    return patch->info.stored ? CHUNK : patch_profile(patch->header.profile)->window;
}

uint64_t delta_patch_state_size(const struct pack_patch *patch)
{
    struct pack_error ignored = {.code = PACK_OK};
    return check_interruptible(patch, &ignored) != 0
               ? 0
               : STATE_HEAD + most_ready(patch) + decoder_memory(patch);
}

static void parts_of(const struct pack_patch *patch, uint8_t head[STATE_HEAD],
                     struct state_part parts[STATE_PARTS])
{
    parts[0] = (struct state_part){head, STATE_HEAD};
    parts[1] = (struct state_part){patch->ready.bytes + patch->ready_at,
                                   patch->ready.size - patch->ready_at};
    parts[2] = (struct state_part){patch->memory, decoder_memory(patch)};
}

/* What lies at an offset, at most `size` bytes of it. */
static struct state_part part_at(const struct state_part parts[STATE_PARTS], uint64_t offset,
                                 size_t size)
{
    for (size_t i = 0; i < STATE_PARTS; i++) {
        if (offset < parts[i].size)
            return (struct state_part){parts[i].bytes + offset,
                                       pack_min(size, parts[i].size - offset)};
        offset -= parts[i].size;
    }
    return (struct state_part){NULL, 0};
}

size_t delta_patch_state_get(const struct pack_patch *patch, uint64_t offset, uint8_t *bytes,
                             size_t capacity)
{
    uint8_t head[STATE_HEAD] = STATE_MAGIC;
    struct state_part parts[STATE_PARTS];
    size_t done = 0;
    pack_put_le64(head + STATE_VERSION, patch->made);
    pack_put_le64(head + STATE_VERSION + 8, patch->at);
    pack_put_le64(head + STATE_VERSION + 16,
                  (patch->ready.size - patch->ready_at) | (uint64_t)patch->decoded << 63);
    parts_of(patch, head, parts);
    for (struct state_part part = part_at(parts, offset, capacity); part.size != 0;
         part = part_at(parts, offset + done, capacity - done)) {
        memcpy(bytes + done, part.bytes, (size_t)part.size);
        done += (size_t)part.size;
    }
    return done;
}

static int fail_state(struct pack_error *error)
{
    return pack_fail(error, PACK_E_CORRUPT, "the saved state is damaged");
}

static int put_head(struct pack_patch *patch, const uint8_t *bytes, size_t size,
                    struct pack_error *error)
{
    if (size < STATE_HEAD || memcmp(bytes, STATE_MAGIC, STATE_VERSION) != 0)
        return fail_state(error);
    const uint64_t ready = pack_le64(bytes + STATE_VERSION + 16) << 1 >> 1;
    patch->decoded = bytes[STATE_HEAD - 1] >> 7;
    patch->made = pack_le64(bytes + STATE_VERSION);
    if (ready > most_ready(patch) || patch->made > patch->header.new_size)
        return fail_state(error);
    patch->state_head = malloc(STATE_HEAD);
    if (!patch->state_head)
        return pack_fail_memory(error);
    int status = pack_buffer_reserve(&patch->ready, (size_t)ready + 1, error);
    if (!status && !patch->info.stored)
        status = new_decoder(patch, error);
    patch->ready.size = (size_t)ready;
    return status;
}

int delta_patch_state_put(struct pack_patch *patch, const struct pack_context *context,
                          struct pack_input *old_image, const uint8_t *bytes, size_t size,
                          struct pack_error *error)
{
    struct state_part parts[STATE_PARTS];
    int status = 0;
    patch->context = context;
    patch->old_image = old_image;
    patch->error = error;
    if (!patch->state_head) {
        status = check_interruptible(patch, error);
        if (!status)
            status = check_memory(patch, error);
        if (!status)
            status = put_head(patch, bytes, size, error);
    }
    if (status)
        return status;
    parts_of(patch, patch->state_head, parts);
    while (size > 0) {
        const struct state_part part = part_at(parts, patch->state_taken, size);
        if (part.size == 0)
            return fail_state(error);
        memcpy(part.bytes, bytes, (size_t)part.size);
        patch->state_taken += part.size;
        bytes += part.size;
        size -= (size_t)part.size;
    }
    return 0;
}

int delta_patch_state_end(struct pack_patch *patch, uint64_t made, struct pack_error *error)
{
    struct patch_device device = {read_patch, read_old, patch};
    if (!patch->state_head ||
        patch->state_taken != STATE_HEAD + patch->ready.size + decoder_memory(patch) ||
        patch->made != made)
        return fail_state(error);
    patch->at = pack_le64(patch->state_head + STATE_VERSION + 8);
    if (patch->info.stored)
        return 0;
    patch->decoder = patch_decoder_restore(patch->memory, &patch->header, &device);
    /* The new decoder has read from the patch; the restored one had read ahead. */
    const size_t unread = patch_decoder_unread(patch->decoder);
    if (unread > patch->at)
        return fail_state(error);
    patch->at -= unread;
    return 0;
}

/* --- all of it ------------------------------------------------------------------------------- */

int pack_patch_apply(const struct pack_context *context, struct pack_input *input,
                     struct pack_input *old_image, struct pack_sink *new_image,
                     struct pack_error *error)
{
    PACK_AUTO(pack_patch_close) struct pack_patch *patch = NULL;
    PACK_AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (!chunk)
        return pack_fail_memory(error);
    int status = pack_patch_open(&patch, input, error);
    if (!status)
        status = pack_patch_begin(patch, context, old_image, error);
    for (size_t got = 1; !status && got > 0;) {
        status = pack_patch_read(patch, chunk, CHUNK, &got, error);
        if (!status && got > 0)
            status = pack_sink_write(new_image, chunk, got, error);
        if (!status)
            pack_progress(context, "patch", patch->made, patch->header.new_size);
    }
    return status;
}
