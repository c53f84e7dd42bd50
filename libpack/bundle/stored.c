/* SPDX-License-Identifier: MIT */
#include "bundle/stored.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

static int load_block(struct stored *stored, uint64_t number, struct pack_error *error)
{
    const struct block_table *table = &stored->table;
    const uint64_t start = number * table->block_size;
    const size_t size = (size_t)pack_min(table->block_size, table->size - start);
    stored->has_block = false;
    int code = bundle_read(stored->bundle, stored->entry->data + start, stored->block, size, error);
    if (code == 0)
        code = block_check(table, number, stored->block, size, stored->hash, error);
    if (code != 0)
        return code;
    stored->has_block = true;
    stored->number = number;
    stored->next += number == stored->next;
    return 0;
}

/* What a reader passes over in a pipe is proved while it goes by. */
static int reach_block(struct stored *stored, uint64_t number, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && !stored->input.seekable && stored->next < number)
        code = load_block(stored, stored->next, error);
    return code != 0 ? code : load_block(stored, number, error);
}

static int read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                   size_t *got, struct pack_error *error)
{
    struct stored *stored = (struct stored *)input;
    const uint32_t block_size = stored->table.block_size;
    uint8_t *bytes = buffer;
    int code = 0;
    *got = 0;
    while (code == 0 && *got < size && offset < stored->table.size) {
        const uint64_t number = offset / block_size;
        const size_t within = (size_t)(offset % block_size);
        if (!stored->has_block || stored->number != number) {
            code = reach_block(stored, number, error);
            continue;
        }
        const uint64_t left = pack_min(block_size - within, stored->table.size - offset);
        const size_t piece = (size_t)pack_min(size - *got, left);
        memcpy(bytes + *got, stored->block + within, piece);
        *got += piece;
        offset += piece;
    }
    return code;
}

int stored_open(struct stored *stored, struct pack_bundle *bundle, const struct layout_entry *entry,
                const struct block_table *table, struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = read_at};
    *stored = (struct stored){.input = {.ops = &ops,
                                        .name = bundle->input->name,
                                        .seekable = bundle->input->seekable,
                                        .has_size = true,
                                        .size = table->size},
                              .bundle = bundle,
                              .entry = entry,
                              .table = *table};
    const int code = pack_allocate(&stored->block, 1, table->block_size, error);
    return code != 0 ? code : pack_sha256_new(&stored->hash, error);
}

void stored_clear(struct stored *stored)
{
    free(stored->block);
    pack_sha256_free(&stored->hash);
    *stored = (struct stored){.block = NULL};
}

int stored_prove_rest(struct stored *stored, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && stored->next < pack_pieces(stored->table.size, stored->table.block_size))
        code = load_block(stored, stored->next, error);
    return code;
}
