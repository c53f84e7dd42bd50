/* SPDX-License-Identifier: MIT */
/*
 * UF2 (github.com/microsoft/uf2, README.md): the payloads of its blocks in one piece, behind a
 * layout of runs of blocks. docs/delta-plans.md has the layout.
 */
#include "base/checked.h"
#include "unpack/kinds.h"

enum parameter { PACKED, LAYOUT, PARAMETERS };

enum {
    BLOCK_SIZE = 512,
    HEADER_SIZE = 32,
    MAX_PAYLOAD = 476,
    LARGEST_PACKED = 256 << 20,
    LEAST_BLOCKS = 2,
};

#define MAGIC_START0 UINT32_C(0x0a324655)
#define MAGIC_START1 UINT32_C(0x9e5d5157)
#define MAGIC_END UINT32_C(0x0ab16f30)

/* A run: blocks that differ in address and number alone, each going up in step. */
enum field { COUNT, KEPT, FLAGS, ADDRESS, PAYLOAD, NUMBER, BLOCKS, FAMILY, FIELDS };

struct run {
    uint32_t fields[FIELDS];
};

/* --- taking apart ---------------------------------------------------------------------------- */

static bool is_block(const uint8_t *bytes, size_t size)
{
    return size >= BLOCK_SIZE && pack_le32(bytes) == MAGIC_START0 &&
           pack_le32(bytes + 4) == MAGIC_START1 && pack_le32(bytes + BLOCK_SIZE - 4) == MAGIC_END;
}

/* How much of the payload's room is kept: all of it where something stands behind the payload. */
static uint32_t kept_bytes(const uint8_t *block, uint32_t payload)
{
    if (payload > MAX_PAYLOAD)
        return MAX_PAYLOAD;
    for (uint32_t i = payload; i < MAX_PAYLOAD; i++)
        if (block[HEADER_SIZE + i] != 0)
            return MAX_PAYLOAD;
    return payload;
}

static struct run run_of(const uint8_t *block)
{
    struct run run = {.fields = {[COUNT] = 1}};
    for (size_t i = FLAGS; i < FIELDS; i++)
        run.fields[i] = pack_le32(block + 8 + 4 * (i - FLAGS));
    run.fields[KEPT] = kept_bytes(block, run.fields[PAYLOAD]);
    return run;
}

static bool continues(const struct run *run, const struct run *next)
{
    const uint32_t count = run->fields[COUNT];
    return next->fields[KEPT] == run->fields[KEPT] && next->fields[FLAGS] == run->fields[FLAGS] &&
           next->fields[PAYLOAD] == run->fields[PAYLOAD] &&
           next->fields[BLOCKS] == run->fields[BLOCKS] &&
           next->fields[FAMILY] == run->fields[FAMILY] &&
           next->fields[ADDRESS] == run->fields[ADDRESS] + count * run->fields[PAYLOAD] &&
           next->fields[NUMBER] == run->fields[NUMBER] + count;
}

static int put_run(struct pack_buffer *layout, const struct run *run, struct pack_error *error)
{
    uint8_t bytes[4 * FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        pack_put_le32(bytes + 4 * i, run->fields[i]);
    return pack_buffer_append(layout, bytes, sizeof bytes, error);
}

static int take_apart(struct pack_buffer *layout, struct pack_buffer *data, const uint8_t *bytes,
                      size_t size, struct pack_error *error)
{
    struct run run = {.fields = {0}};
    int code = 0;
    layout->limit = data->limit = size + BLOCK_SIZE;
    for (size_t at = 0; code == 0 && at < size; at += BLOCK_SIZE) {
        if (!is_block(bytes + at, size - at))
            return stream_damaged("uf2", error);
        const struct run next = run_of(bytes + at);
        code = pack_buffer_append(data, bytes + at + HEADER_SIZE, next.fields[KEPT], error);
        if (run.fields[COUNT] != 0 && continues(&run, &next)) {
            run.fields[COUNT]++;
            continue;
        }
        if (code == 0 && run.fields[COUNT] != 0)
            code = put_run(layout, &run, error);
        run = next;
    }
    return code == 0 ? put_run(layout, &run, error) : code;
}

/* --- kind ------------------------------------------------------------------------------------ */

static bool uf2_begins(const uint8_t *bytes, size_t size, size_t *skip)
{
    *skip = 0;
    return is_block(bytes, size);
}

static bool uf2_describe(struct recipe *recipe, const uint8_t *bytes, size_t size)
{
    size_t packed = 0;
    size_t runs = 0;
    struct run last = {.fields = {0}};
    while (packed < LARGEST_PACKED && is_block(bytes + packed, size - packed)) {
        const struct run next = run_of(bytes + packed);
        if (runs != 0 && continues(&last, &next)) {
            last.fields[COUNT]++;
        } else {
            last = next;
            runs++;
        }
        packed += BLOCK_SIZE;
    }
    recipe->parameters[PACKED] = (uint32_t)packed;
    recipe->parameters[LAYOUT] = (uint32_t)(runs * 4 * FIELDS);
    recipe->count = PARAMETERS;
    return packed >= LEAST_BLOCKS * BLOCK_SIZE;
}

static int uf2_open(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                    size_t size, uint64_t memory, struct pack_error *error)
{
    const uint8_t *bytes = NULL;
    PACK_AUTO_BUFFER struct pack_buffer layout = {.limit = 0};
    PACK_AUTO_BUFFER struct pack_buffer data = {.limit = 0};
    (void)size;
    if (recipe->parameters[PACKED] > memory)
        return pack_fail(error, PACK_E_LIMIT, "a packed part needs too much memory (uf2)");
    int code = source_take(source, &bytes, recipe->parameters[PACKED], error);
    if (code == 0)
        code = take_apart(&layout, &data, bytes, recipe->parameters[PACKED], error);
    if (code == 0)
        code = pack_buffer_append(plain, layout.bytes, layout.size, error);
    return code == 0 ? pack_buffer_append(plain, data.bytes, data.size, error) : code;
}

static uint64_t uf2_open_memory(const struct specimen *specimen)
{
    return 3 * (uint64_t)specimen->packed_size;
}

static bool uf2_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                      size_t number)
{
    (void)recipe;
    (void)specimen;
    (void)effort;
    return number == 0;
}

static int write_run(const struct run *run, struct pack_cursor *data, struct pack_sink *sink,
                     struct pack_error *error)
{
    int code = 0;
    const uint32_t *fields = run->fields;
    if (fields[KEPT] > MAX_PAYLOAD)
        return stream_damaged("uf2", error);
    for (uint32_t i = 0; code == 0 && i < fields[COUNT]; i++) {
        uint8_t block[BLOCK_SIZE] = {0};
        const uint8_t *bytes = pack_cursor_take(data, fields[KEPT]);
        /* Without data a run would cost nothing and fill the disk. */
        if (bytes == NULL || (fields[KEPT] == 0 && i >= BLOCK_SIZE))
            return stream_damaged("uf2", error);
        pack_put_le32(block, MAGIC_START0);
        pack_put_le32(block + 4, MAGIC_START1);
        for (size_t j = FLAGS; j < FIELDS; j++)
            pack_put_le32(block + 8 + 4 * (j - FLAGS), fields[j]);
        pack_put_le32(block + 12, fields[ADDRESS] + i * fields[PAYLOAD]);
        pack_put_le32(block + 20, fields[NUMBER] + i);
        memcpy(block + HEADER_SIZE, bytes, fields[KEPT]);
        pack_put_le32(block + BLOCK_SIZE - 4, MAGIC_END);
        code = pack_sink_write(sink, block, sizeof block, error);
    }
    return code;
}

static int uf2_pack(const struct recipe *recipe, const uint8_t *plain, size_t size,
                    struct pack_sink *sink, struct pack_error *error)
{
    const size_t layout_size = recipe->parameters[LAYOUT];
    if (layout_size > size)
        return stream_damaged("uf2", error);
    struct pack_cursor layout = {.bytes = plain, .size = layout_size};
    struct pack_cursor data = {.bytes = plain + layout_size, .size = size - layout_size};
    int code = 0;
    while (code == 0 && pack_cursor_left(&layout) != 0) {
        const uint8_t *bytes = pack_cursor_take(&layout, 4 * FIELDS);
        struct run run;
        if (bytes == NULL)
            return stream_damaged("uf2", error);
        for (size_t i = 0; i < FIELDS; i++)
            run.fields[i] = pack_le32(bytes + 4 * i);
        code = write_run(&run, &data, sink, error);
    }
    if (code == 0 && pack_cursor_left(&data) != 0)
        return stream_damaged("uf2", error);
    return code;
}

static uint64_t uf2_pack_memory(const struct recipe *recipe, uint64_t size)
{
    return recipe->parameters[LAYOUT] <= size ? 4096 : UINT64_MAX;
}

static enum encoder uf2_encoder(const struct recipe *recipe)
{
    (void)recipe;
    return ENCODER_OWN;
}

const struct stream_kind_entry kind_uf2 = {
    .name = "uf2",
    .parameters = {PARAMETERS, PARAMETERS},
    .encoder = uf2_encoder,
    .begins = uf2_begins,
    .first = 'U',
    .describe = uf2_describe,
    .open = uf2_open,
    .open_memory = uf2_open_memory,
    .guess = uf2_guess,
    .pack = uf2_pack,
    .pack_memory = uf2_pack_memory,
};
