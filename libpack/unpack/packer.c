/* SPDX-License-Identifier: MIT */
#include "unpack/plan.h"

#include "base/checked.h"

/*
 * Where the packer is in a list. Lists inside a stream give their packed bytes to that stream's
 * plain bytes, which are packed in turn when the list is done.
 */
struct frame {
    const struct plan_list *list;
    size_t index;
    uint64_t done; /* of the streams of a run */
    struct pack_buffer plain;
};

/* Writes into the frame above, or into the caller's sink. */
struct frame_sink {
    struct pack_sink sink;
    struct pack_buffer *buffer;
};

struct unpack_packer {
    const struct unpack_plan *plan;
    struct pack_sink *sink;
    size_t depth;
    struct frame frames[PLAN_DEPTH];
    uint64_t left;             /* of the item that bytes come for */
    struct pack_buffer stream; /* the plain bytes of the stream that they come for */
};

static int buffer_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    const int code = pack_buffer_append(((struct frame_sink *)sink)->buffer, bytes, size, error);
    return code == PACK_E_LIMIT
               ? pack_fail(error, PACK_E_CORRUPT, "a packed part becomes larger than it was")
               : code;
}

static const struct pack_sink_ops buffer_ops = {.write = buffer_write};

static struct pack_sink *output_of(struct unpack_packer *packer, size_t depth,
                                   struct frame_sink *sink)
{
    if (depth == 0)
        return packer->sink;
    *sink = (struct frame_sink){{&buffer_ops}, &packer->frames[depth].plain};
    return &sink->sink;
}

static int pack_with_size(const struct recipe *recipe, const struct pack_buffer *plain,
                          struct pack_sink *sink, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer packed = {.limit = UINT16_MAX};
    struct frame_sink inner = {{&buffer_ops}, &packed};
    uint8_t size[2];
    int code =
        stream_kind_find(recipe->kind)->pack(recipe, plain->bytes, plain->size, &inner.sink, error);
    if (code != 0)
        return code;
    pack_put_le16(size, (uint16_t)packed.size);
    code = pack_sink_write(sink, size, sizeof size, error);
    return code == 0 ? pack_sink_write(sink, packed.bytes, packed.size, error) : code;
}

/* Packs one stream of the frame's current item, and goes on to what follows. */
static int pack_stream(struct unpack_packer *packer, size_t depth, const struct pack_buffer *plain,
                       struct pack_error *error)
{
    struct frame *frame = &packer->frames[depth];
    const struct plan_item *item = &frame->list->items[frame->index];
    const struct recipe *recipe = &packer->plan->recipes[item->recipe];
    struct frame_sink inner;
    struct pack_sink *sink = output_of(packer, depth, &inner);
    const int code =
        recipe->prefix == PREFIX_LE16
            ? pack_with_size(recipe, plain, sink, error)
            : stream_kind_find(recipe->kind)->pack(recipe, plain->bytes, plain->size, sink, error);
    if (++frame->done == item->count) {
        frame->done = 0;
        frame->index++;
    }
    return code;
}

static int leave_list(struct unpack_packer *packer, struct pack_error *error)
{
    struct frame *frame = &packer->frames[packer->depth];
    if (frame->plain.size != frame->plain.limit)
        return pack_fail(error, PACK_E_CORRUPT, "a packed part gets %zu bytes, %zu wanted",
                         frame->plain.size, frame->plain.limit);
    const int code = pack_stream(packer, --packer->depth, &frame->plain, error);
    pack_buffer_clear(&frame->plain);
    return code;
}

/* The claim was checked against the size, so it is taken at once. */
static int enter_item(struct unpack_packer *packer, const struct plan_item *item,
                      struct pack_error *error)
{
    if (item->inside == NULL) {
        packer->left = item->size;
        packer->stream.size = 0;
        packer->stream.limit = (size_t)item->size;
        return item->raw ? 0 : pack_buffer_reserve(&packer->stream, (size_t)item->size, error);
    }
    struct frame *frame = &packer->frames[++packer->depth];
    *frame = (struct frame){.list = item->inside, .plain = {.limit = (size_t)item->size}};
    return pack_buffer_reserve(&frame->plain, (size_t)item->size, error);
}

/* Goes on until bytes are needed, or all is done. */
static int settle(struct unpack_packer *packer, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && packer->left == 0) {
        const struct frame *frame = &packer->frames[packer->depth];
        if (frame->index < frame->list->count)
            code = enter_item(packer, &frame->list->items[frame->index], error);
        else if (packer->depth != 0)
            code = leave_list(packer, error);
        else
            return 0;
    }
    return code;
}

int unpack_packer_new(struct unpack_packer **result, const struct unpack_plan *plan,
                      struct pack_sink *sink, struct pack_error *error)
{
    PACK_AUTO(unpack_packer_free) struct unpack_packer *packer = NULL;
    *result = NULL;
    if (!plan->packs)
        return pack_fail(error, PACK_E_MALFORMED, "the plan does not say how to pack");
    int code = pack_allocate(&packer, 1, sizeof *packer, error);
    if (code != 0)
        return code;
    packer->plan = plan;
    packer->sink = sink;
    packer->frames[0].list = &plan->root;
    code = settle(packer, error);
    if (code == 0)
        *result = pack_steal(&packer);
    return code;
}

static int take_part(struct unpack_packer *packer, const uint8_t *bytes, size_t size,
                     struct pack_error *error)
{
    struct frame *frame = &packer->frames[packer->depth];
    const bool raw = frame->list->items[frame->index].raw;
    struct frame_sink inner;
    packer->left -= size;
    if (!raw) {
        const int code = pack_buffer_append(&packer->stream, bytes, size, error);
        return code == 0 && packer->left == 0
                   ? pack_stream(packer, packer->depth, &packer->stream, error)
                   : code;
    }
    if (packer->left == 0)
        frame->index++;
    return pack_sink_write(output_of(packer, packer->depth, &inner), bytes, size, error);
}

int unpack_packer_push(struct unpack_packer *packer, const uint8_t *bytes, size_t size,
                       struct pack_error *error)
{
    int code = 0;
    while (code == 0 && size != 0) {
        if (packer->left == 0)
            return pack_fail(error, PACK_E_CORRUPT, "more bytes than the plan has");
        const size_t part = (size_t)pack_min(size, packer->left);
        code = take_part(packer, bytes, part, error);
        if (code == 0)
            code = settle(packer, error);
        bytes += part;
        size -= part;
    }
    return code;
}

int unpack_packer_finish(struct unpack_packer *packer, struct pack_error *error)
{
    if (packer->left != 0)
        return pack_fail(error, PACK_E_CORRUPT, "the plan wants more bytes");
    return 0;
}

void unpack_packer_free(struct unpack_packer **packer)
{
    if (*packer != NULL) {
        for (size_t i = 0; i < PLAN_DEPTH; i++)
            pack_buffer_clear(&(*packer)->frames[i].plain);
        pack_buffer_clear(&(*packer)->stream);
    }
    free(*packer);
    *packer = NULL;
}
