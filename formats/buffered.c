/* SPDX-License-Identifier: MIT */
#include "formats/buffered.h"

#include "base/memory.h"

#include <string.h>

int fwpack_buffered_flush(struct buffered_sink *buffered, struct pack_error *error)
{
    const size_t size = buffered->used;
    buffered->used = 0;
    return pack_sink_write(buffered->next, buffered->bytes, size, error);
}

static int buffered_write(struct pack_sink *sink, const void *bytes, size_t size,
                          struct pack_error *error)
{
    struct buffered_sink *buffered = (struct buffered_sink *)sink;
    if (size > sizeof buffered->bytes - buffered->used) {
        const int code = fwpack_buffered_flush(buffered, error);
        if (code != 0)
            return code;
    }
    if (size > sizeof buffered->bytes)
        return pack_sink_write(buffered->next, bytes, size, error);
    memcpy(buffered->bytes + buffered->used, bytes, size);
    buffered->used += size;
    return 0;
}

static const struct pack_sink_ops buffered_ops = {.write = buffered_write};

int fwpack_buffered_new(struct buffered_sink **buffered, struct pack_sink *next,
                        struct pack_error *error)
{
    const int code = pack_allocate(buffered, 1, sizeof **buffered, error);
    if (code != 0)
        return code;
    (*buffered)->sink.ops = &buffered_ops;
    (*buffered)->next = next;
    return 0;
}

void fwpack_buffered_free(struct buffered_sink **buffered)
{
    pack_free_memory(buffered);
}
