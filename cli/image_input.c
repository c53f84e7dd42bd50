/* SPDX-License-Identifier: MIT */
#include "image_input.h"

#include "pack/limits.h"
#include "pack/text.h"

#include <string.h>

/* Reads all that a pipe gives. */
static int read_pipe(struct image_input *image, struct pack_error *error)
{
    struct pack_input *pipe = image->input;
    size_t capacity = 1 << 20, size = 0, got = 0;
    uint8_t *bytes = malloc(capacity);
    int code = bytes != NULL ? 0 : pack_fail_memory(error);
    for (; code == 0; capacity *= 2) {
        code = pack_input_read(pipe, size, bytes + size, capacity - size, &got, error);
        size += got;
        if (code != 0 || size < capacity)
            break;
        if (capacity >= PACK_MAX_SEGMENTED) {
            pack_fail(error, PACK_E_LIMIT, "more than %llu MiB from a pipe",
                      (unsigned long long)(PACK_MAX_SEGMENTED / PACK_MIB));
            code = pack_hint(error, "write it to a file first");
            break;
        }
        uint8_t *more = realloc(bytes, capacity * 2);
        if (more == NULL)
            code = pack_fail_memory(error);
        else
            bytes = more;
    }
    image->bytes = bytes;
    if (code == 0)
        code = pack_input_memory(&image->input, bytes, size, pipe->name, error);
    if (code != 0)
        pack_at_file(error, pipe->name);
    if (image->input == pipe)
        image->input = NULL;
    pack_input_close(&pipe);
    return code;
}

static int find_format(struct image_input *image, const struct pack_context *context,
                       const char *as, struct pack_error *error)
{
    if (as == NULL)
        return pack_image_identify(&image->format, image->input, context, error);
    image->format = strcmp(as, "raw") != 0 ? pack_format_find(context, as) : NULL;
    return 0;
}

int image_input_open(struct image_input *image, struct cli *cli, const char *path, const char *as,
                     struct pack_error *error)
{
    int code = pack_input_open(&image->input, path, error);
    if (code == 0 && !image->input->seekable)
        code = read_pipe(image, error);
    return code == 0 ? find_format(image, cli->context, as, error) : code;
}

void image_input_clear(struct image_input *image)
{
    pack_input_close(&image->input);
    free(image->bytes);
}

/* --- reading --------------------------------------------------------------------------------- */

static int read_raw(struct pack_image **segments, struct pack_input *input, uint64_t base,
                    struct pack_error *error)
{
    CLI_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    uint8_t piece[16384];
    size_t got = sizeof piece;
    int code = pack_image_builder_new(&builder, error);
    for (uint64_t offset = 0; code == 0 && got == sizeof piece; offset += got) {
        code = pack_input_read(input, offset, piece, sizeof piece, &got, error);
        if (code == 0)
            code = pack_image_add(builder, base + offset, piece, got, offset, error);
    }
    if (code == 0)
        code = pack_image_builder_finish(&builder, segments, error);
    if (code == 0 && (*segments)->size == 0) {
        pack_image_free(segments);
        code = pack_fail(error, PACK_E_MALFORMED, "is empty");
    }
    return code != 0 ? pack_at_file(error, input->name) : 0;
}

static int fail_unreadable(const struct image_input *image, struct pack_error *error)
{
    pack_fail(error, PACK_E_UNSUPPORTED, "is %s (%s), which has no addresses to convert",
              image->format->summary, image->format->name);
    pack_at_file(error, image->input->name);
    return pack_hint(error, "--from raw --base ADDRESS takes it as plain bytes");
}

int image_input_read(struct pack_image **segments, const struct image_input *image,
                     const uint64_t *base, struct pack_error *error)
{
    *segments = NULL;
    if (image->format == NULL && base == NULL) {
        pack_fail(error, PACK_E_USAGE, "is a raw file, which has no address");
        pack_at_file(error, image->input->name);
        return pack_hint(error, "say where its first byte belongs, as in --base 0x08000000");
    }
    if (image->format == NULL)
        return read_raw(segments, image->input, *base, error);
    if (image->format->read == NULL)
        return fail_unreadable(image, error);
    return pack_image_read(segments, image->format, image->input, error);
}
