/* SPDX-License-Identifier: MIT */
#include "pack/image.h"

#include "base/checked.h"
#include "base/memory.h"
#include "image/builder.h"

#include <string.h>

/* --- identification -------------------------------------------------------------------------- */

const struct pack_format *pack_format_probe(const struct pack_format *const *formats,
                                            const uint8_t *head, size_t size, uint64_t total)
{
    const struct pack_format *best = NULL;
    int highest = 0;
    for (; formats != NULL && *formats != NULL; formats++) {
        const int bid = (*formats)->probe != NULL ? (*formats)->probe(head, size, total) : 0;
        if (bid > highest) {
            highest = bid;
            best = *formats;
        }
    }
    return best;
}

static const struct pack_format *probe_tail(const struct pack_format *const *formats,
                                            const uint8_t *tail, size_t size, int *highest)
{
    const struct pack_format *best = NULL;
    for (; formats != NULL && *formats != NULL; formats++) {
        const int bid = (*formats)->probe_tail != NULL ? (*formats)->probe_tail(tail, size) : 0;
        if (bid > *highest) {
            *highest = bid;
            best = *formats;
        }
    }
    return best;
}

/* The best bid for the last bytes, where it is higher than `highest`. */
static int identify_tail(const struct pack_format **format, int highest, struct pack_input *input,
                         const struct pack_context *context, struct pack_error *error)
{
    uint8_t tail[PACK_TAIL_SIZE];
    size_t size = 0;
    if (!input->seekable || !input->has_size)
        return 0;
    const size_t wanted = (size_t)pack_min(input->size, sizeof tail);
    const int code = pack_input_read(input, input->size - wanted, tail, wanted, &size, error);
    if (code != 0)
        return code;
    const struct pack_format *best = probe_tail(context->formats, tail, size, &highest);
    if (best != NULL)
        *format = best;
    return 0;
}

int pack_image_identify(const struct pack_format **format, struct pack_input *input,
                        const struct pack_context *context, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *head = NULL;
    size_t size = 0;
    *format = NULL;
    int code = pack_allocate(&head, PACK_PROBE_SIZE, 1, error);
    if (code == 0)
        code = pack_input_read(input, 0, head, PACK_PROBE_SIZE, &size, error);
    if (code != 0)
        return code;
    /* A pipe's size is known where it is short: it is to be the same format where it is long. */
    const bool known = input->seekable && input->has_size;
    const uint64_t total = known ? input->size : UINT64_MAX;
    *format = pack_format_probe(context->formats, head, size, total);
    const int bid = *format != NULL ? (*format)->probe(head, size, total) : 0;
    return identify_tail(format, bid, input, context, error);
}

const struct pack_format *pack_format_find(const struct pack_context *context, const char *name)
{
    const struct pack_format *const *formats = context->formats;
    for (; formats != NULL && *formats != NULL; formats++)
        if (strcmp((*formats)->name, name) == 0)
            return *formats;
    return NULL;
}

/* --- reading and writing --------------------------------------------------------------------- */

static int check_readable(const struct pack_format *format, const struct pack_input *input,
                          struct pack_error *error)
{
    if (format->read == NULL)
        return pack_fail(error, PACK_E_UNSUPPORTED, "%s has no addresses to read", format->summary);
    if ((format->abilities & PACK_FORMAT_LINES) == 0 && (!input->seekable || !input->has_size))
        return pack_fail(error, PACK_E_UNSUPPORTED, "%s is read from a file, not from a pipe",
                         format->summary);
    return 0;
}

int pack_image_read(struct pack_image **image, const struct pack_format *format,
                    struct pack_input *input, struct pack_error *error)
{
    PACK_AUTO(pack_image_builder_free) struct pack_image_builder *builder = NULL;
    *image = NULL;
    int code = check_readable(format, input, error);
    if (code == 0)
        code =
            pack_image_builder_make(&builder, (format->abilities & PACK_FORMAT_LINES) != 0, error);
    if (code == 0)
        code = format->read(input, builder, error);
    if (code == 0)
        code = pack_image_builder_finish(&builder, image, error);
    if (code == 0 && (*image)->size == 0) {
        pack_image_free(image);
        code = pack_fail(error, PACK_E_MALFORMED, "%s without any data", format->summary);
    }
    return code != 0 ? pack_at_file(error, input->name) : 0;
}

int pack_image_write(struct pack_sink *sink, const struct pack_format *format,
                     const struct pack_image *image, struct pack_error *error)
{
    if (format->write == NULL)
        return pack_fail(error, PACK_E_UNSUPPORTED, "%s cannot be written", format->summary);
    return format->write(sink, image, error);
}
