/* SPDX-License-Identifier: MIT */
#include "delta/encode.h"

#include "base/checked.h"
#include "base/memory.h"
#include "delta/device.h"
#include "delta/slot.h"
#include "patch/decoder.h"

#include <stdlib.h>

#define STEPS_BETWEEN_QUESTIONS 1024
#define LEAST_SLOT_BITS 10

/* --- the model's size ------------------------------------------------------------------------ */

static uint8_t bits_for(uint64_t value, uint8_t least, uint8_t most)
{
    uint8_t bits = least;
    while (bits < most && (UINT64_C(1) << bits) < value)
        bits++;
    return bits;
}

/* Bytes that no cover holds, and an estimate of how many are coded one by one. */
static uint64_t count_extra(const struct delta_script *script)
{
    uint64_t extra = script->new_image.size;
    for (size_t i = 0; i < script->covers->count; i++)
        extra -= script->covers->list[i].size;
    return extra;
}

static uint64_t count_misses(const struct delta_script *script)
{
    uint64_t misses = 0;
    for (size_t i = 0; i < script->covers->count; i++) {
        const struct patch_cover *cover = &script->covers->list[i];
        const uint8_t *from = script->old_image.bytes + cover->old_offset;
        const uint8_t *to = script->new_image.bytes + cover->new_offset;
        for (patch_offset at = 0; at < cover->size; at++)
            misses += from[at] != to[at];
    }
    return misses;
}

static struct patch_model_size choose_model(const struct delta_script *script, uint8_t profile)
{
    struct patch_model_size size = {0};
    if (profile == PATCH_TINY)
        return size;
    if (profile == PATCH_SMALL) {
        size.slot_bits = 12;
        return size;
    }
    uint64_t extra = count_extra(script), misses = count_misses(script);
    size.slot_bits = bits_for((extra + misses) * 64, 15, 22);
    if (extra > 64) {
        size.history_bits = bits_for(script->new_image.size, 10, 20);
        size.index_bits = bits_for(script->old_image.size, 10, 20);
    }
    return size;
}

/* Makes the largest table smaller; false where all are as small as they can be. */
static bool shrink_model(struct patch_model_size *size)
{
    /* Slots take 2 bytes, places of the index 4, and the history with its own index 2. */
    if (size->index_bits >= 10 && size->index_bits + 2 >= size->slot_bits + 1 &&
        size->index_bits + 2 >= size->history_bits + 1)
        size->index_bits = size->index_bits > 10 ? size->index_bits - 1 : 0;
    else if (size->history_bits >= 10 && size->history_bits >= size->slot_bits)
        size->history_bits = size->history_bits > 10 ? size->history_bits - 1 : 0;
    else if (size->slot_bits > LEAST_SLOT_BITS)
        size->slot_bits--;
    else if (size->index_bits > 0)
        size->index_bits = 0;
    else if (size->history_bits > 0)
        size->history_bits = 0;
    else
        return false;
    return true;
}

/* The memory that is stated; the model gives way to what is allowed. */
static void fit_memory(struct patch_header *header, uint64_t plan_memory, uint64_t allowed)
{
    header->memory = plan_memory + delta_device_memory(header, 0);
    while (header->memory > allowed && header->profile == PATCH_FULL &&
           shrink_model(&header->model))
        header->memory = plan_memory + delta_device_memory(header, 0);
}

/* --- the body -------------------------------------------------------------------------------- */

struct encoder {
    struct pack_buffer *patch;
    struct pack_error *error;
    const struct delta_script *script;
    struct patch_coder coder;
    struct patch_body body;
    struct patch_tables tables;
    /* In place: the device's slot as it is by now, and what it knows. */
    struct delta_slot slot;
    struct patch_page_map map;
};

static void free_encoder(struct encoder **encoder)
{
    if (*encoder) {
        delta_slot_free(&(*encoder)->slot);
        free((*encoder)->map.bits);
    }
    free(*encoder);
}

static bool write_patch(void *user, const uint8_t *bytes, size_t size)
{
    struct encoder *encoder = user;
    return pack_buffer_append(encoder->patch, bytes, size, encoder->error) == 0;
}

static bool read_old(void *user, patch_offset offset, uint8_t *buffer, size_t size)
{
    struct encoder *encoder = user;
    const struct delta_bytes *image = &encoder->script->old_image;
    if (size > image->size || offset > image->size - size)
        return false;
    memcpy(buffer, image->bytes + offset, size);
    return true;
}

/* The coder's functions take what they may fill; a writer only reads it. */
static void code_plan(struct patch_coder *coder, const struct delta_bytes *plan)
{
    patch_account_to(coder, PATCH_ACCOUNT_PLANS);
    patch_code_bytes(coder, (uint8_t *)(uintptr_t)plan->bytes, plan->size);
}

static struct patch_source source_of(struct encoder *encoder)
{
    const struct delta_script *script = encoder->script;
    if (script->in_place)
        return (struct patch_source){delta_slot_read, &encoder->slot,
                                     (patch_offset)script->old_image.size,
                                     (patch_offset)script->new_image.size};
    return (struct patch_source){read_old, encoder, (patch_offset)script->old_image.size, 0};
}

static int code_tables(struct encoder *encoder)
{
    uint64_t work[PATCH_TABLES_WORK / sizeof(uint64_t)];
    const struct patch_source source = source_of(encoder);
    const struct delta_script *script = encoder->script;
    encoder->tables = (struct patch_tables){
        .covers = script->covers->list,
        .cover_count = script->covers->count,
        .old_ranges = (struct patch_range *)(uintptr_t)script->layout->old_ranges,
        .old_range_count = script->layout->old_range_count,
        .new_ranges = (struct patch_range *)(uintptr_t)script->layout->new_ranges,
        .new_range_count = script->layout->new_range_count,
        .regions = (struct patch_region *)(uintptr_t)script->layout->regions,
        .region_count = script->layout->region_count,
        .work = work,
    };
    enum patch_status status = patch_code_tables(&encoder->coder, &encoder->tables, &source,
                                                 (patch_offset)script->new_image.size);
    if (encoder->error->code)
        return (int)encoder->error->code;
    return status == PATCH_OK
               ? 0
               : pack_fail(encoder->error, PACK_E_LIMIT, "the covers contradict the images");
}

/* Codes the new image from `at` to its end, or to the page's. */
static int code_steps(struct encoder *encoder, size_t at)
{
    const struct delta_bytes *image = &encoder->script->new_image;
    const size_t window = encoder->body.window;
    /* The body writes each byte where it stands, the same one: not into an image that is mapped. */
    PACK_AUTO_FREE uint8_t *bytes = malloc(window);
    if (!bytes)
        return pack_fail_memory(encoder->error);
    size_t size = 1;
    for (size_t step = 0; size > 0; step++) {
        if (encoder->script->context && step % STEPS_BETWEEN_QUESTIONS == 0 &&
            pack_check_cancelled(encoder->script->context, encoder->error))
            return (int)encoder->error->code;
        memcpy(bytes, image->bytes + at, (size_t)pack_min(window, image->size - at));
        enum patch_status status = patch_body_step(&encoder->body, bytes, &size);
        if (encoder->error->code)
            return (int)encoder->error->code;
        if (status != PATCH_OK)
            return pack_fail(encoder->error, PACK_E_IO, "the old image cannot be read");
        at += size;
    }
    return 0;
}

/* One page, in the patch and then in the slot. */
static int make_page(struct encoder *encoder, uint32_t page)
{
    const size_t size = encoder->slot.flash.page, start = page * size;
    const size_t end = start + pack_min(size, encoder->script->new_image.size - start);
    struct patch_in_place *place = &encoder->slot.place;
    enum patch_status status = patch_in_place_begin(place, page);
    patch_body_page(&encoder->body, (patch_offset)start, (patch_offset)end);
    int code = status == PATCH_OK ? code_steps(encoder, start) : 0;
    if (code)
        return code;
    if (status == PATCH_OK)
        status = patch_in_place_write(place, encoder->script->new_image.bytes + start, end - start);
    if (status == PATCH_OK)
        status = patch_in_place_commit(place);
    return status == PATCH_OK
               ? 0
               : pack_fail(encoder->error, PACK_E_INTERNAL, "page %u cannot be made", page);
}

static int code_pages(struct encoder *encoder)
{
    const struct delta_in_place *plan = encoder->script->in_place;
    struct patch_pages pages = {.map = &encoder->map};
    patch_pages_begin(&pages, &encoder->coder);
    int code = 0;
    for (size_t i = 0; !code && i < plan->step_count; i++) {
        uint32_t page = plan->steps[i];
        if (patch_code_page(&pages, &encoder->coder, &page) != PATCH_OK)
            return pack_fail(encoder->error, PACK_E_INTERNAL, "there is no page %u", page);
        code = make_page(encoder, page);
    }
    return code;
}

static int set_up_body(struct encoder *encoder, const struct patch_header *header, void *model,
                       uint8_t *buffer, struct patch_interval *intervals, uint32_t *order)
{
    const struct delta_script *script = encoder->script;
    const struct patch_profile *profile = patch_profile(header->profile);
    struct patch_body *body = &encoder->body;
    *body = (struct patch_body){
        .kind = profile->kind,
        .model = model,
        .coder = &encoder->coder,
        .old = source_of(encoder),
        .new_size = (patch_offset)script->new_image.size,
        .covers = {.list = script->covers->list, .count = script->covers->count},
        .layout = *script->layout,
        .window = profile->window,
        .buffer = buffer,
    };
    if (profile->indexed)
        patch_covers_index(&body->covers, intervals, order);
    body->kind->begin(model, &header->model);
    if (body->kind->train)
        body->kind->train(model, script->old_image.bytes, script->old_image.size);
    patch_body_begin(body);
    return 0;
}

static int code_body(struct encoder *encoder, const struct patch_header *header)
{
    const struct patch_profile *profile = patch_profile(header->profile);
    size_t count = encoder->script->covers->count + 1;
    PACK_AUTO_FREE uint8_t *model = calloc(1, profile->kind->memory(&header->model));
    PACK_AUTO_FREE uint8_t *buffer = calloc(1, patch_body_buffer(profile->window));
    PACK_AUTO_FREE struct patch_interval *intervals = calloc(count, sizeof(*intervals));
    PACK_AUTO_FREE uint32_t *order = calloc(count, sizeof(*order));
    if (!model || !buffer || !intervals || !order)
        return pack_fail_memory(encoder->error);
    patch_coder_write(&encoder->coder, write_patch, encoder);
    if (header->flags & PATCH_UNPACKED) {
        code_plan(&encoder->coder, &encoder->script->old_plan);
        code_plan(&encoder->coder, &encoder->script->new_plan);
    }
    int status = code_tables(encoder);
    if (!status)
        status = set_up_body(encoder, header, model, buffer, intervals, order);
    if (!status)
        status = encoder->script->in_place ? code_pages(encoder) : code_steps(encoder, 0);
    if (!status)
        patch_coder_write_end(&encoder->coder);
    return status ? status : (int)encoder->error->code;
}

/* All pages but those that the plan makes stay. */
static int make_map(struct encoder *encoder, uint32_t count)
{
    const struct delta_in_place *plan = encoder->script->in_place;
    PACK_AUTO_FREE bool *changes = NULL;
    int code = pack_allocate(&changes, (size_t)count + 1, sizeof *changes, encoder->error);
    if (code == 0)
        code = pack_allocate(&encoder->map.bits, patch_page_map_size(count) + 1, 1, encoder->error);
    if (code != 0)
        return code;
    encoder->map.count = count;
    for (size_t i = 0; i < plan->step_count; i++)
        changes[plan->steps[i]] = true;
    for (uint32_t page = 0; page < count; page++)
        if (!changes[page])
            patch_page_leave(&encoder->map, page);
    return 0;
}

/* The old image lies in the slot, as on the device. */
static int fill_slot(struct encoder *encoder, const struct patch_header *header)
{
    const struct delta_script *script = encoder->script;
    if (!script->in_place)
        return 0;
    int code = make_map(encoder, patch_header_pages(header));
    if (code == 0)
        code = delta_slot_new(&encoder->slot, header, encoder->error);
    if (code != 0)
        return code;
    if (script->old_image.size > 0)
        memcpy(encoder->slot.bytes, script->old_image.bytes, script->old_image.size);
    struct patch_in_place *place = &encoder->slot.place;
    place->map = encoder->map;
    place->covers = (struct patch_covers){script->covers->list, script->covers->count, NULL, 0};
    place->old_size = header->old_size;
    place->scratch = header->scratch_size;
    return delta_slot_open(&encoder->slot, encoder->error);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A body has four bytes at least: those of the coder's end. */
static void seal_body(uint8_t *body, uint32_t seal)
{
    for (int i = 0; i < 4; i++)
        body[i] ^= (uint8_t)(seal >> (24 - 8 * i));
}

int delta_encode(struct pack_buffer *patch, struct patch_header *header,
                 const struct delta_script *script, uint64_t decoder_memory,
                 struct delta_spent *spent, struct pack_error *error)
{
    const struct patch_profile *profile = patch_profile(header->profile);
    if (script->covers->count > profile->most_covers)
        return pack_fail(error, PACK_E_LIMIT, "%zu covers, the %s decoder holds %u",
                         script->covers->count, profile->name, profile->most_covers);
    header->model = choose_model(script, header->profile);
    header->cover_count = (uint32_t)script->covers->count;
    header->old_range_count = (uint32_t)script->layout->old_range_count;
    header->new_range_count = (uint32_t)script->layout->new_range_count;
    header->region_count = (uint32_t)script->layout->region_count;
    fit_memory(header, header->memory, decoder_memory);
    if (header->memory > decoder_memory) {
        (void)pack_fail(error, PACK_E_LIMIT,
                        "applying the patch takes %llu bytes of memory, %llu are allowed",
                        (unsigned long long)header->memory, (unsigned long long)decoder_memory);
        return pack_hint(error, "choose a smaller decoder, or allow it more memory");
    }
    uint8_t bytes[PATCH_MAX_HEADER];
    const size_t header_size = patch_header_encode(header, bytes);
    int status = pack_buffer_append(patch, bytes, header_size, error);
    const size_t body = patch->size;
    if (status)
        return status;
    PACK_AUTO(free_encoder) struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (!encoder)
        return pack_fail_memory(error);
    encoder->patch = patch;
    encoder->error = error;
    encoder->script = script;
    status = fill_slot(encoder, header);
    if (!status)
        status = code_body(encoder, header);
    if (!status)
        seal_body(patch->bytes + body, patch_header_seal(bytes, header_size));
    for (size_t i = 0; i < PATCH_ACCOUNTS; i++)
        spent->bits[i] = encoder->coder.cost[i] >> 16;
    spent->referenced = encoder->coder.referenced;
    spent->missed = encoder->coder.missed;
    return status;
}
