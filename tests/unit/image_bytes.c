/* SPDX-License-Identifier: MIT */
#include "image_bytes.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/limits.h"
#include "support/test.h"

int image_from_bytes(struct pack_image **image, const struct pack_format *format, const void *bytes,
                     size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    *image = NULL;
    const int code = pack_input_memory(&input, bytes, size, "test", error);
    return code == 0 ? pack_image_read(image, format, input, error) : code;
}

int image_from_text(struct pack_image **image, const struct pack_format *format, const char *text,
                    struct pack_error *error)
{
    return image_from_bytes(image, format, text, strlen(text), error);
}

struct memory_sink {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int memory_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    return pack_buffer_append(&((struct memory_sink *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops memory_ops = {.write = memory_write};

int image_to_bytes(uint8_t **bytes, size_t *size, const struct pack_format *format,
                   const struct pack_image *image, struct pack_error *error)
{
    struct memory_sink sink = {.sink = {.ops = &memory_ops},
                               .bytes = {.limit = 4 * PACK_MAX_SEGMENTED}};
    int code = pack_image_write(&sink.sink, format, image, error);
    if (code == 0)
        code = pack_buffer_take(&sink.bytes, bytes, size, error);
    pack_buffer_clear(&sink.bytes);
    return code;
}

void check_comes_back(const struct pack_format *format, const void *bytes, size_t size)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_image_free) struct pack_image *image = NULL;
    PACK_AUTO_FREE uint8_t *again = NULL;
    size_t again_size = 0;
    assert_pack_ok(image_from_bytes(&image, format, bytes, size, &error));
    assert_pack_ok(image_to_bytes(&again, &again_size, format, image, &error));
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
}

struct pack_image *image_of(uint64_t address, size_t size)
{
    struct pack_error error = {0};
    struct pack_image_builder *builder = NULL;
    struct pack_image *image = NULL;
    assert_pack_ok(pack_image_builder_new(&builder, &error));
    for (size_t i = 0; i < size; i++)
        assert_pack_ok(
            pack_image_add(builder, address + i, &(const uint8_t){(uint8_t)i}, 1, i, &error));
    assert_pack_ok(pack_image_builder_finish(&builder, &image, &error));
    return image;
}
