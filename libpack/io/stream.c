/* SPDX-License-Identifier: MIT */
#include "pack/io.h"

int pack_sink_write(struct pack_sink *sink, const void *bytes, size_t size,
                    struct pack_error *error)
{
    return size != 0 ? sink->ops->write(sink, bytes, size, error) : 0;
}
