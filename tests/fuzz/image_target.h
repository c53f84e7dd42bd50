/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_IMAGE_TARGET_H
#define FUZZ_IMAGE_TARGET_H

/*
 * The fuzz target of each image format with addresses: what can be read is written, and what was
 * written reads back to the same data and is written the same again.
 */

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/image.h"
#include "pack/limits.h"

struct memory_sink {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int memory_sink_write(struct pack_sink *sink, const void *bytes, size_t size,
                             struct pack_error *error)
{
    return pack_buffer_append(&((struct memory_sink *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops memory_sink_ops = {.write = memory_sink_write};

static struct pack_image *image_from(const struct pack_format *format, const void *bytes,
                                     size_t size)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error error = {.code = PACK_OK};
    struct pack_image *image = NULL;
    if (pack_input_memory(&input, bytes, size, "input", &error) != 0)
        return NULL;
    const int code = pack_image_read(&image, format, input, &error);
    if (code != 0 && code != PACK_E_MALFORMED && code != PACK_E_LIMIT &&
        code != PACK_E_UNSUPPORTED && code != PACK_E_NO_MEMORY)
        abort();
    return image;
}

static bool image_to(struct memory_sink *sink, const struct pack_format *format,
                     const struct pack_image *image)
{
    struct pack_error error = {.code = PACK_OK};
    *sink = (struct memory_sink){.sink = {.ops = &memory_sink_ops},
                                 .bytes = {.limit = 4 * PACK_MAX_SEGMENTED}};
    return pack_image_write(&sink->sink, format, image, &error) == 0;
}

static bool same_data(const struct pack_image *a, const struct pack_image *b)
{
    return a->segment_count == b->segment_count && a->size == b->size &&
           memcmp(a->segments, b->segments, a->segment_count * sizeof *a->segments) == 0 &&
           memcmp(a->bytes, b->bytes, (size_t)a->size) == 0 && a->has_entry == b->has_entry &&
           a->entry == b->entry;
}

static void image_check(const struct pack_format *format, const struct pack_image *image,
                        bool exact)
{
    struct memory_sink once, twice;
    if (image_to(&once, format, image)) {
        struct pack_image *again = image_from(format, once.bytes.bytes, once.bytes.size);
        if (again == NULL || (exact && !same_data(image, again)) ||
            !image_to(&twice, format, again) || once.bytes.size != twice.bytes.size ||
            memcmp(once.bytes.bytes, twice.bytes.bytes, once.bytes.size) != 0)
            abort();
        pack_buffer_clear(&twice.bytes);
        pack_image_free(&again);
    }
    pack_buffer_clear(&once.bytes);
}

/* `exact`: the format has no padding, so that the data comes back as it was. */
static int image_target(const struct pack_format *format, const uint8_t *data, size_t size,
                        bool exact)
{
    struct pack_image *image = image_from(format, data, size);
    if (image != NULL && format->write != NULL)
        image_check(format, image, exact);
    pack_image_free(&image);
    return 0;
}

#endif
