/* SPDX-License-Identifier: MIT */
#include "pack/io.h"

int pack_source_read(struct pack_source *source, void *buffer, size_t size, size_t *got,
                     struct pack_error *error)
{
    *got = 0;
    return source->ops->read(source, buffer, size, got, error);
}

int pack_source_fill(struct pack_source *source, void *buffer, size_t size, size_t *got,
                     struct pack_error *error)
{
    size_t total = 0, piece = 0;
    *got = 0;
    while (total < size) {
        const int code =
            pack_source_read(source, (uint8_t *)buffer + total, size - total, &piece, error);
        if (code != 0)
            return code;
        if (piece == 0)
            break;
        total += piece;
    }
    *got = total;
    return 0;
}

void pack_source_close(struct pack_source **source)
{
    if (*source != NULL)
        (*source)->ops->close(*source);
    *source = NULL;
}

int pack_sink_write(struct pack_sink *sink, const void *bytes, size_t size,
                    struct pack_error *error)
{
    return size != 0 ? sink->ops->write(sink, bytes, size, error) : 0;
}
