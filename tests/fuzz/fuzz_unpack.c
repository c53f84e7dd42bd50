/* SPDX-License-Identifier: MIT */
/*
 * Packed parts: any image is opened as the old side and as the new one, and comes back from both;
 * any two are opened as a pair; and any plan is followed and packed by, within what it claims. The
 * first byte chooses; where it is a plan, the next two are the plan's size.
 */
#include "target.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "unpack/unpack.h"

#include <stdlib.h>

enum { MEMORY = 16 << 20, LARGEST_IMAGE = 1 << 20 };

struct counting_sink {
    struct pack_sink sink;
    struct pack_cursor wanted; /* what must come, or nothing */
    size_t size;
};

static int count_write(struct pack_sink *sink, const void *bytes, size_t size,
                       struct pack_error *error)
{
    struct counting_sink *counting = (struct counting_sink *)sink;
    const uint8_t *wanted = pack_cursor_take(&counting->wanted, size);
    if (counting->wanted.bytes != NULL && (wanted == NULL || memcmp(wanted, bytes, size) != 0))
        abort();
    counting->size += size;
    if (counting->size > MEMORY)
        return pack_fail(error, PACK_E_LIMIT, "enough");
    return 0;
}

static const struct pack_sink_ops count_ops = {.write = count_write};

static void pack_again(const struct unpack_plan *plan, const uint8_t *plain, size_t plain_size,
                       const uint8_t *image, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    struct counting_sink sink = {{&count_ops}, {.bytes = image, .size = size}, 0};
    PACK_AUTO(unpack_packer_free) struct unpack_packer *packer = NULL;
    int code = unpack_packer_new(&packer, plan, &sink.sink, &error);
    if (code == 0)
        code = unpack_packer_push(packer, plain, plain_size / 3, &error);
    if (code == 0)
        code =
            unpack_packer_push(packer, plain + plain_size / 3, plain_size - plain_size / 3, &error);
    if (code == 0)
        code = unpack_packer_finish(packer, &error);
    if (image != NULL && (code != 0 || sink.size != size))
        abort();
}

/* Returns whether the plan made exactly `wanted` bytes. */
static int follow(const struct unpack_plan *plan, const uint8_t *image, size_t size,
                  uint8_t **bytes, size_t wanted)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    if (pack_input_memory(&input, image, size, "image", &error) != 0)
        return 0;
    return unpack_follow(plan, input, bytes, wanted, &error) == 0;
}

static void check_side(const struct unpacked *unpacked, const struct unpack_bytes *image,
                       bool packs)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    uint8_t *bytes PACK_AUTO_FREE = NULL;
    if (unpack_plan_parse(&plan, unpacked->plan, unpacked->plan_size, &error) != 0)
        abort();
    if (packs)
        pack_again(plan, unpacked->bytes, unpacked->size, image->bytes, image->size);
    else if (!follow(plan, image->bytes, image->size, &bytes, unpacked->size) ||
             memcmp(bytes, unpacked->bytes, unpacked->size) != 0)
        abort();
}

static void try_image(const uint8_t *image, size_t size, bool prove)
{
    struct pack_error error = {.code = PACK_OK};
    const struct unpack_options options = {
        .memory = MEMORY, .prove = prove, .depth = 3, .effort = 0};
    const struct pack_context context = {.jobs = 1};
    const struct unpack_bytes whole = {image, size};
    PACK_AUTO(unpacked_free) struct unpacked unpacked = {.bytes = NULL};
    if (unpack_image(&unpacked, image, size, &options, &context, &error) != 0)
        abort();
    if (unpacked.bytes != NULL)
        check_side(&unpacked, &whole, prove);
}

/* The two images of a delta: both have a plan, or none has. */
static void try_pair(const struct unpack_bytes *was, const struct unpack_bytes *is)
{
    struct pack_error error = {.code = PACK_OK};
    const struct unpack_options options = {.memory = MEMORY, .depth = 3, .effort = 0};
    const struct pack_context context = {.jobs = 1};
    PACK_AUTO(unpacked_free) struct unpacked old = {.bytes = NULL};
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    if (unpack_pair(&old, &new, was, is, &options, &context, &error) != 0 ||
        (old.plan_size != 0) != (new.plan_size != 0))
        abort();
    if (old.plan_size == 0)
        return;
    check_side(&old, was, false);
    check_side(&new, is, true);
}

static void try_plan(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    uint8_t *bytes PACK_AUTO_FREE = NULL;
    if (size < 2)
        return;
    size_t plan_size = pack_le16(data);
    plan_size = plan_size < size - 2 ? plan_size : size - 2;
    const uint8_t *rest = data + 2 + plan_size;
    const size_t rest_size = size - 2 - plan_size;
    if (unpack_plan_parse(&plan, data + 2, plan_size, &error) != 0 ||
        unpack_plan_memory(plan) > MEMORY)
        return;
    (void)follow(plan, rest, rest_size, &bytes, 2 * size);
    pack_again(plan, rest, rest_size, NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > LARGEST_IMAGE)
        return 0;
    if (data[0] == 0) {
        try_plan(data + 1, size - 1);
        return 0;
    }
    const struct unpack_bytes whole = {data + 1, size - 1};
    const struct unpack_bytes half = {data + 1 + size / 2, size - 1 - size / 2};
    try_image(whole.bytes, whole.size, false);
    try_image(whole.bytes, whole.size, true);
    try_pair(&half, &whole);
    try_pair(&whole, &half);
    return 0;
}
