/* SPDX-License-Identifier: MIT */
#include "age/source.h"

#include "age/armor.h"
#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum { PIECE = 4096 };

void age_source_close(struct age_source *source)
{
    pack_input_close(&source->decoded);
    pack_buffer_clear(&source->head);
    pack_buffer_clear(&source->binary);
}

int age_source_read(struct age_source *source, uint64_t offset, void *buffer, size_t size,
                    size_t *got, struct pack_error *error)
{
    size_t kept = 0;
    if (offset < source->head.size) {
        kept = (size_t)pack_min(size, source->head.size - offset);
        memcpy(buffer, source->head.bytes + offset, kept);
    }
    *got = 0;
    const int code = kept == size
                         ? 0
                         : pack_input_read(source->input, offset + kept, (uint8_t *)buffer + kept,
                                           size - kept, got, error);
    *got += kept;
    return code;
}

/* --- head ------------------------------------------------------------------------------------ */

/* Reads on, up to `size` bytes; *ended where there are fewer. */
static int read_on(struct age_source *source, size_t size, bool *ended, struct pack_error *error)
{
    struct pack_buffer *head = &source->head;
    size_t got = 0;
    int code = pack_buffer_reserve(head, size, error);
    if (code == 0)
        code =
            pack_input_read(source->input, head->size, head->bytes + head->size, size, &got, error);
    head->size += code == 0 ? got : 0;
    *ended = got < size;
    return code;
}

static int fail_long(struct pack_error *error)
{
    return pack_fail(error, PACK_E_LIMIT, "the age header has more than %d bytes",
                     PACK_MAX_AGE_HEADER);
}

/* What does not begin as an age file is not read on. */
static bool may_be_age(const struct pack_buffer *head)
{
    static const char start[] = "age-encryption.org/";
    return head->size >= sizeof start - 1 &&
           strncmp((const char *)head->bytes, start, sizeof start - 1) == 0;
}

static int read_header(struct age_source *source, struct age_header *header,
                       struct pack_error *error)
{
    size_t searched = 0, size = 0;
    bool ended = source->head.size < PIECE;
    while (may_be_age(&source->head)) {
        size = age_header_end(source->head.bytes, source->head.size, &searched);
        if (size != 0 || ended)
            break;
        if (source->head.size >= PACK_MAX_AGE_HEADER)
            return fail_long(error);
        const int code = read_on(source, source->head.size, &ended, error);
        if (code != 0)
            return code;
    }
    return age_header_parse(header, source->head.bytes, size != 0 ? size : source->head.size,
                            error);
}

/* --- armor ----------------------------------------------------------------------------------- */

static int read_all(struct age_source *source, struct pack_error *error)
{
    bool ended = source->head.size < PIECE;
    while (!ended) {
        if (source->head.size >= AGE_MAX_ARMORED) {
            pack_fail(error, PACK_E_LIMIT, "an armored age file of more than %d MiB",
                      AGE_MAX_ARMORED >> 20);
            return pack_hint(error, "decrypt it with age -d");
        }
        const int code = read_on(source, source->head.size, &ended, error);
        if (code != 0)
            return code;
    }
    return 0;
}

static int decode(struct age_source *source, struct pack_error *error)
{
    source->binary.limit = AGE_MAX_ARMORED;
    int code = read_all(source, error);
    if (code == 0)
        code = age_armor_decode(&source->binary, source->head.bytes, source->head.size, error);
    if (code == 0)
        code = pack_input_memory(&source->decoded, source->binary.bytes, source->binary.size,
                                 source->input->name, error);
    if (code != 0)
        return code;
    bool ended = false;
    pack_buffer_clear(&source->head);
    source->input = source->decoded;
    return read_on(source, PIECE, &ended, error);
}

int age_source_open(struct age_source *source, struct age_header *header, struct pack_input *input,
                    struct pack_error *error)
{
    bool ended = false;
    source->input = input;
    source->head.limit = 2 * AGE_MAX_ARMORED;
    int code = read_on(source, PIECE, &ended, error);
    if (code == 0 && age_armor_begins(source->head.bytes, source->head.size))
        code = decode(source, error);
    if (code == 0)
        code = read_header(source, header, error);
    return code != 0 ? pack_at_file(error, input->name) : 0;
}
