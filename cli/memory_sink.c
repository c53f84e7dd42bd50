/* SPDX-License-Identifier: MIT */
#include "memory_sink.h"

#include "pack/limits.h"

#include <string.h>

static int memory_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    struct memory_sink *memory = (struct memory_sink *)sink;
    if (size > memory->capacity - memory->size)
        return pack_fail(error, PACK_E_INTERNAL, "an image grew while it was extracted");
    memcpy(memory->bytes + memory->size, bytes, size);
    memory->size += size;
    return 0;
}

int memory_sink_open(struct memory_sink *memory, uint64_t size, struct pack_error *error)
{
    static const struct pack_sink_ops ops = {.write = memory_write};
    *memory = (struct memory_sink){.sink.ops = &ops, .capacity = (size_t)size};
    if (size > PACK_MAX_SEGMENTED)
        return pack_fail(error, PACK_E_LIMIT, "%llu bytes are too many to be held in memory",
                         (unsigned long long)size);
    memory->bytes = malloc(memory->capacity + 1);
    return memory->bytes != NULL ? 0 : pack_fail_memory(error);
}

void memory_sink_clear(struct memory_sink *memory)
{
    free(memory->bytes);
    *memory = (struct memory_sink){.size = 0};
}
