/* SPDX-License-Identifier: MIT */
#include "formats/fdt.h"

#include "base/checked.h"
#include "base/memory.h"
#include "formats/support.h"

#include <inttypes.h>

enum token { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };

enum { MAX_STRINGS = 4 << 20, WINDOW = 16384 };

struct walk {
    struct pack_input *input;
    const struct fdt_visitor *visitor;
    uint64_t position, end; /* in the file */
    size_t depth;
    char *strings;
    size_t strings_size;
    uint64_t window_start; /* of what the window holds */
    size_t window_size;
    uint8_t window[WINDOW];
};

static void walk_free(struct walk **walk)
{
    if (*walk != NULL)
        free((*walk)->strings);
    pack_free_memory(walk);
}

bool fwpack_fdt_magic(const uint8_t *head, size_t size)
{
    return fwpack_has(head, size, 0, "\xd0\x0d\xfe\xed", 4);
}

int fwpack_fdt_size(struct pack_input *input, uint32_t *size, struct pack_error *error)
{
    uint8_t header[FDT_HEADER];
    const int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    *size = pack_be32(header + 4);
    return fwpack_inside_file(input, "the device tree", 0, *size, error);
}

static int open_strings(struct walk *walk, uint64_t offset, uint32_t size, struct pack_error *error)
{
    if (size > MAX_STRINGS)
        return pack_fail(error, PACK_E_LIMIT, "%" PRIu32 " bytes of property names", size);
    int code = fwpack_inside_file(walk->input, "the strings block", offset, size, error);
    if (code == 0)
        code = pack_allocate(&walk->strings, (size_t)size + 1, 1, error);
    if (code == 0)
        code = fwpack_read(walk->input, offset, walk->strings, size, error);
    walk->strings_size = size;
    return code;
}

static int open_walk(struct walk *walk, struct pack_error *error)
{
    uint8_t header[FDT_HEADER];
    int code = fwpack_read(walk->input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    const uint32_t total = pack_be32(header + 4);
    if (!walk->visitor->partial)
        code = fwpack_inside_file(walk->input, "the device tree", 0, total, error);
    if (code != 0)
        return code;
    const uint32_t version = pack_be32(header + 20), last = pack_be32(header + 24);
    if (version < 17 || last > 17) {
        pack_fail(error, PACK_E_UNSUPPORTED, "device tree version %" PRIu32 ", 17 wanted", version);
        return pack_at_offset(error, 20);
    }
    walk->position = pack_be32(header + 8);
    walk->end = walk->position + pack_be32(header + 36);
    if (walk->end > total)
        return fwpack_malformed(error, 8,
                                "the structure block ends at %" PRIu64 ", the tree at %" PRIu32,
                                walk->end, total);
    if (walk->visitor->property == NULL)
        return 0;
    return open_strings(walk, pack_be32(header + 12), pack_be32(header + 32), error);
}

/* Up to `size` bytes at the position, through the window; fewer at the block's end. */
static int look(struct walk *walk, size_t size, const uint8_t **bytes, size_t *got,
                struct pack_error *error)
{
    *got = (size_t)pack_min(size, walk->end - pack_min(walk->position, walk->end));
    if (walk->position < walk->window_start ||
        walk->position + *got > walk->window_start + walk->window_size) {
        walk->window_start = walk->position;
        const int code = pack_input_read(walk->input, walk->position, walk->window, WINDOW,
                                         &walk->window_size, error);
        if (code != 0)
            return code;
        *got = (size_t)pack_min(*got, walk->window_size);
    }
    *bytes = walk->window + (walk->position - walk->window_start);
    return 0;
}

static int take_word(struct walk *walk, uint32_t *word, struct pack_error *error)
{
    const uint8_t *bytes = NULL;
    size_t got = 0;
    const int code = look(walk, 4, &bytes, &got, error);
    if (code != 0)
        return code;
    if (got < 4)
        return fwpack_malformed(error, walk->position, "the structure block does not end");
    *word = pack_be32(bytes);
    walk->position += 4;
    return 0;
}

static int begin_node(struct walk *walk, struct pack_error *error)
{
    char name[FDT_MAX_NAME];
    const uint8_t *bytes = NULL;
    size_t got = 0;
    const int code = look(walk, sizeof name, &bytes, &got, error);
    if (code != 0)
        return code;
    const size_t length = strnlen((const char *)bytes, got);
    if (length == got)
        return fwpack_malformed(error, walk->position, "a node name that does not end");
    if (walk->depth == FDT_MAX_DEPTH)
        return pack_fail(error, PACK_E_LIMIT, "more than %d nodes in each other", FDT_MAX_DEPTH);
    memcpy(name, bytes, length + 1);
    walk->position += (length + 4) & ~(size_t)3;
    walk->depth++;
    return walk->visitor->begin != NULL
               ? walk->visitor->begin(walk->visitor->user, name, walk->depth, error)
               : 0;
}

static int end_node(struct walk *walk, struct pack_error *error)
{
    if (walk->depth == 0)
        return fwpack_malformed(error, walk->position - 4, "a node ends that was not begun");
    const size_t depth = walk->depth--;
    return walk->visitor->end != NULL ? walk->visitor->end(walk->visitor->user, depth, error) : 0;
}

static int take_property(struct walk *walk, struct pack_error *error)
{
    uint32_t size = 0, name = 0;
    int code = take_word(walk, &size, error);
    if (code == 0)
        code = take_word(walk, &name, error);
    if (code != 0)
        return code;
    if (walk->depth == 0 || (walk->strings != NULL && name >= walk->strings_size))
        return fwpack_malformed(error, walk->position - 4, "a property without a name or node");
    if (size > walk->end - walk->position)
        return fwpack_malformed(error, walk->position - 8,
                                "a property of %" PRIu32 " bytes reaches behind the structure "
                                "block",
                                size);
    const uint64_t offset = walk->position;
    walk->position += ((uint64_t)size + 3) & ~UINT64_C(3);
    if (walk->visitor->property == NULL)
        return 0;
    const struct fdt_property property = {
        .name = walk->strings + name, .offset = offset, .size = size};
    return walk->visitor->property(walk->visitor->user, &property, walk->depth, error);
}

static int take_token(struct walk *walk, bool *ended, struct pack_error *error)
{
    uint32_t token = 0;
    const int code = take_word(walk, &token, error);
    if (code != 0)
        return code;
    if (token == BEGIN_NODE)
        return begin_node(walk, error);
    if (token == END_NODE)
        return end_node(walk, error);
    if (token == PROPERTY)
        return take_property(walk, error);
    *ended = token == END;
    if (*ended && walk->depth != 0)
        return fwpack_malformed(error, walk->position - 4, "the tree ends inside a node");
    if (token != END && token != NOP)
        return fwpack_malformed(error, walk->position - 4, "an unknown token %" PRIu32, token);
    return 0;
}

int fwpack_fdt_walk(struct pack_input *input, const struct fdt_visitor *visitor,
                    struct pack_error *error)
{
    PACK_AUTO(walk_free) struct walk *walk = NULL;
    bool ended = false;
    int code = pack_allocate(&walk, 1, sizeof *walk, error);
    if (code != 0)
        return code;
    walk->input = input;
    walk->visitor = visitor;
    code = open_walk(walk, error);
    while (code == 0 && !ended)
        code = take_token(walk, &ended, error);
    return code;
}
