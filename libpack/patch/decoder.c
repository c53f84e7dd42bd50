/* SPDX-License-Identifier: MIT */
#include "patch/decoder.h"

#include <string.h>

struct patch_decoder {
    const struct patch_header *header; /* the caller's */
    struct patch_coder coder;
    struct patch_body body;
    struct patch_pages pages; /* in place, as the map */
    struct patch_page_map map;
    struct patch_tables tables;
    struct patch_interval *intervals;
    uint32_t *order;
};

/* --- memory ----------------------------------------------------------------------------------- */

/* The parts in their order behind the decoder; sizes are summed, or pointers set too. */
struct parts {
    uint8_t *memory; /* NULL while sizes are summed */
    size_t size;     /* counts are bounded by the profile, so that no sum wraps */
    struct patch_tables tables;
    struct patch_interval *intervals;
    uint32_t *order;
    struct patch_page_map map;
    void *buffer, *model;
};

static void *part(struct parts *parts, size_t size)
{
    void *start = parts->memory ? parts->memory + parts->size : NULL;
    parts->size += (size + 7) & ~(size_t)7;
    return start;
}

static void lay_out(struct parts *parts, const struct patch_header *header,
                    const struct patch_profile *profile)
{
    struct patch_tables *tables = &parts->tables;
    *tables = (struct patch_tables){.cover_count = header->cover_count,
                                    .old_range_count = header->old_range_count,
                                    .new_range_count = header->new_range_count,
                                    .region_count = header->region_count};
    size_t covers = header->cover_count;
    size_t model = profile->kind->memory(&header->model);
    (void)part(parts, sizeof(struct patch_decoder));
    tables->covers = part(parts, covers * sizeof(*tables->covers));
    tables->old_ranges = part(parts, header->old_range_count * sizeof(*tables->old_ranges));
    tables->new_ranges = part(parts, header->new_range_count * sizeof(*tables->new_ranges));
    tables->regions = part(parts, header->region_count * sizeof(*tables->regions));
    parts->intervals = profile->indexed ? part(parts, covers * sizeof(*parts->intervals)) : NULL;
    parts->order = profile->indexed ? part(parts, covers * sizeof(*parts->order)) : NULL;
    parts->map.count = header->flags & PATCH_IN_PLACE ? patch_header_pages(header) : 0;
    parts->map.bits = part(parts, patch_page_map_size(parts->map.count));
    parts->buffer = part(parts, patch_body_buffer(profile->window));
    /* The model's memory is free while the tables are read. */
    parts->model = part(parts, model > PATCH_TABLES_WORK ? model : PATCH_TABLES_WORK);
    tables->work = parts->model;
}

size_t patch_decoder_size(const struct patch_header *header)
{
    const struct patch_profile *profile = patch_profile(header->profile);
    if (!profile || !profile->kind || profile->kind->memory(&header->model) == 0)
        return 0;
    struct parts parts = {.memory = NULL};
    lay_out(&parts, header, profile);
    return parts.size <= SIZE_MAX / 2 ? parts.size : 0;
}

static struct patch_decoder *bind(void *memory, const struct patch_header *header,
                                  const struct patch_device *device)
{
    struct patch_decoder *decoder = memory;
    struct patch_body *body = &decoder->body;
    const struct patch_profile *profile = patch_profile(header->profile);
    struct parts parts = {.memory = memory};
    decoder->header = header;
    lay_out(&parts, header, profile);
    const struct patch_tables *tables = &decoder->tables;
    decoder->tables = parts.tables;
    decoder->intervals = parts.intervals;
    decoder->order = parts.order;
    decoder->map = parts.map;
    decoder->pages.map = &decoder->map;
    body->buffer = parts.buffer;
    body->model = parts.model;
    body->kind = profile->kind;
    body->coder = &decoder->coder;
    body->window = profile->window;
    body->new_size = header->plain_new_size;
    body->old = (struct patch_source){device->read_old, device->user, header->plain_old_size,
                                      header->flags & PATCH_IN_PLACE ? header->new_size : 0};
    body->covers.list = tables->covers;
    body->covers.count = tables->cover_count;
    body->covers.intervals = decoder->intervals;
    body->layout = (struct patch_layout){tables->old_ranges, tables->old_range_count,
                                         tables->new_ranges, tables->new_range_count,
                                         tables->regions,    tables->region_count};
    body->predictor.layout = &body->layout;
    body->predictor.covers = &body->covers;
    decoder->coder.read = device->read_patch;
    decoder->coder.user = device->user;
    return decoder;
}

/* --- life ------------------------------------------------------------------------------------- */

struct patch_decoder *patch_decoder_new(void *memory, const struct patch_header *header,
                                        const struct patch_device *device)
{
    struct patch_decoder *decoder = memory;
    memset(decoder, 0, sizeof(*decoder));
    bind(memory, header, device);
    patch_coder_read(&decoder->coder, device->read_patch, device->user);
    decoder->coder.code ^= header->seal;
    return decoder;
}

struct patch_decoder *patch_decoder_restore(void *memory, const struct patch_header *header,
                                            const struct patch_device *device)
{
    struct patch_decoder *decoder = bind(memory, header, device);
    decoder->body.kind->bind(decoder->body.model, &header->model);
    return decoder;
}

size_t patch_decoder_unread(struct patch_decoder *decoder)
{
    struct patch_coder *coder = &decoder->coder;
    size_t unread = (size_t)(coder->buffered - coder->used);
    coder->used = coder->buffered = 0;
    coder->ended = false;
    return unread;
}

static enum patch_status coder_status(const struct patch_decoder *decoder)
{
    if (decoder->coder.failed)
        return PATCH_IO;
    return decoder->coder.ended ? PATCH_CORRUPT : PATCH_OK;
}

enum patch_status patch_decoder_plans(struct patch_decoder *decoder, uint8_t *old_plan,
                                      uint8_t *new_plan)
{
    patch_code_bytes(&decoder->coder, old_plan, decoder->header->old_plan_size);
    patch_code_bytes(&decoder->coder, new_plan, decoder->header->new_plan_size);
    return coder_status(decoder);
}

enum patch_status patch_decoder_begin(struct patch_decoder *decoder)
{
    struct patch_body *body = &decoder->body;
    enum patch_status status =
        patch_code_tables(&decoder->coder, &decoder->tables, &body->old, body->new_size);
    if (coder_status(decoder) != PATCH_OK)
        return coder_status(decoder);
    if (status != PATCH_OK)
        return status;
    for (size_t i = 0; i < decoder->tables.region_count; i++)
        if (!patch_predict_knows(decoder->tables.regions[i].kind))
            return PATCH_UNSUPPORTED;
#ifndef PATCH_WITHOUT_FULL
    if (decoder->intervals)
        patch_covers_index(&body->covers, decoder->intervals, decoder->order);
#endif
    body->kind->begin(body->model, &decoder->header->model);
    patch_body_begin(body);
    return PATCH_OK;
}

bool patch_decoder_wants_training(const struct patch_decoder *decoder)
{
    return decoder->body.kind->train != NULL;
}

void patch_decoder_train(struct patch_decoder *decoder, const uint8_t *bytes, size_t size)
{
    decoder->body.kind->train(decoder->body.model, bytes, size);
}

enum patch_status patch_decoder_step(struct patch_decoder *decoder, uint8_t *bytes, size_t *size)
{
    enum patch_status status = patch_body_step(&decoder->body, bytes, size);
    return status == PATCH_OK ? coder_status(decoder) : status;
}

enum patch_status patch_decoder_place(struct patch_decoder *decoder, struct patch_in_place *place,
                                      struct patch_state states[PATCH_DECODER_STATES])
{
    const struct patch_header *header = decoder->header;
    const struct patch_profile *profile = patch_profile(header->profile);
    states[0] = (struct patch_state){decoder, sizeof(*decoder)};
    states[1] = (struct patch_state){decoder->body.model, profile->kind->memory(&header->model)};
    place->states = states;
    place->state_count = PATCH_DECODER_STATES;
    place->map = decoder->map;
    place->covers = decoder->body.covers;
    place->old_size = header->old_size;
    place->scratch = header->scratch_size;
    memcpy(place->identity, header->old_hash, PATCH_IDENTITY_SIZE / 2);
    memcpy(place->identity + PATCH_IDENTITY_SIZE / 2, header->new_hash, PATCH_IDENTITY_SIZE / 2);
    memset(decoder->map.bits, 0, patch_page_map_size(decoder->map.count));
    patch_pages_begin(&decoder->pages, &decoder->coder);
    return coder_status(decoder);
}

enum patch_status patch_decoder_page(struct patch_decoder *decoder, uint32_t *page, bool *more)
{
    const struct patch_header *header = decoder->header;
    *more = decoder->pages.left > 0;
    if (!*more)
        return PATCH_OK;
    enum patch_status status = patch_code_page(&decoder->pages, &decoder->coder, page);
    if (status != PATCH_OK)
        return status;
    patch_offset start = (patch_offset)*page * header->page_size;
    patch_offset left = header->new_size - start;
    patch_body_page(&decoder->body, start,
                    start + (left < header->page_size ? left : header->page_size));
    return coder_status(decoder);
}

enum patch_status patch_decoder_end(struct patch_decoder *decoder)
{
    if (patch_coder_read_end(&decoder->coder))
        return PATCH_OK;
    return decoder->coder.failed ? PATCH_IO : PATCH_CORRUPT;
}

patch_offset patch_decoder_consumed(const struct patch_decoder *decoder)
{
    return decoder->coder.consumed;
}

patch_offset patch_decoder_made(const struct patch_decoder *decoder)
{
    return decoder->body.place.offset;
}

const struct patch_covers *patch_decoder_covers(const struct patch_decoder *decoder)
{
    return &decoder->body.covers;
}

#ifndef PATCH_DECODE_ONLY
const uint64_t *patch_decoder_cost(const struct patch_decoder *decoder)
{
    return decoder->coder.cost;
}
#endif
