/* SPDX-License-Identifier: MIT */
#include "confine/confine.h"

#include "base/checked.h"
#include "base/memory.h"
#include "confine/cell.h"
#include "pack/limits.h"

#include <string.h>

/*
 * Beside what the codec names: its state's overhead, the allocator's, and the stack's. What it is
 * taken from is there already, so that it costs nothing where it is not used.
 */
#define SLACK ((uint64_t)8 << 20)

enum { ALIGNMENT = 64 };
enum kind { DECODE = 1, DECODED };

struct confined_codec {
    struct cell cell;
    const struct pack_codec *codec;
    const struct pack_context *context;
    uint64_t memory_limit;
    size_t largest_stored, largest_plain;
    uint8_t *stored, *plain; /* in the shared memory */
};

/* --- in the child ---------------------------------------------------------------------------- */

/* What it decodes comes next, aligned, behind what it is decoded from. */
static size_t plain_offset(const struct confined_codec *confined)
{
    return (confined->largest_stored + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void serve(void *user, uint8_t *shared)
{
    const struct confined_codec *confined = user;
    const struct pack_codec *codec = confined->codec;
    struct cell_message message;
    void *decoder = NULL;
    while (cell_take(&message)) {
        struct pack_error error = {.code = PACK_OK};
        int code =
            decoder == NULL ? codec->decoder_new(&decoder, confined->memory_limit, &error) : 0;
        if (code == 0)
            code =
                codec->decode(decoder, shared, (size_t)message.numbers[0],
                              shared + plain_offset(confined), (size_t)message.numbers[1], &error);
        if (code != 0)
            cell_leave_failure(shared, &error);
        cell_say(&(struct cell_message){.kind = DECODED, .code = code});
    }
}

/* --- in the parent --------------------------------------------------------------------------- */

void confined_codec_free(struct confined_codec **confined)
{
    if (*confined != NULL)
        cell_end(&(*confined)->cell);
    free(*confined);
    *confined = NULL;
}

static int start(struct confined_codec *confined, struct pack_error *error)
{
    uint64_t sum = 0;
    size_t size = 0;
    if (confined->largest_stored > SIZE_MAX - ALIGNMENT ||
        !pack_add(plain_offset(confined), confined->largest_plain, &sum) ||
        !pack_to_size(sum, &size))
        return pack_fail_memory(error);
    const struct cell_work work = {.run = serve,
                                   .user = confined,
                                   .shared_size = size,
                                   .memory = confined->codec->decoder_memory() + SLACK};
    return cell_start(&confined->cell, &work, confined->context, error);
}

int confined_codec_new(struct confined_codec **confined, const struct pack_codec *codec,
                       const struct pack_context *context, size_t largest_stored,
                       size_t largest_plain, struct pack_error *error)
{
    PACK_AUTO(confined_codec_free) struct confined_codec *made = NULL;
    *confined = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    *made = (struct confined_codec){
        .cell.socket = -1,
        .codec = codec,
        .context = context,
        .memory_limit =
            context->decoder_memory != 0 ? context->decoder_memory : PACK_DEFAULT_DECODER_MEMORY,
        .largest_stored = largest_stored,
        .largest_plain = largest_plain,
    };
    code = start(made, error);
    if (code != 0)
        return code;
    *confined = pack_steal(&made);
    return 0;
}

int confined_codec_decode(struct confined_codec *confined, const void *stored, size_t stored_size,
                          void *plain, size_t plain_size, struct pack_error *error)
{
    struct cell *cell = &confined->cell;
    struct cell_message message = {.kind = DECODE, .numbers = {stored_size, plain_size}};
    if (stored_size > confined->largest_stored || plain_size > confined->largest_plain)
        return pack_fail(error, PACK_E_INTERNAL, "a frame of %zu bytes, %zu were announced",
                         plain_size, confined->largest_plain);
    uint8_t *shared = cell_shared(cell);
    memcpy(shared, stored, stored_size);
    int code = cell_send(cell, &message, error);
    if (code == 0)
        code = cell_receive(cell, &message, confined->context, error);
    if (code == 0 && message.kind != DECODED)
        code = cell_nonsense(cell, error);
    if (code == 0 && message.code != 0)
        code = cell_failure(cell, &message, error);
    if (code == 0)
        memcpy(plain, shared + plain_offset(confined), plain_size);
    return code;
}
