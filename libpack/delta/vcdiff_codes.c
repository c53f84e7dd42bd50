/* SPDX-License-Identifier: MIT */
#include "delta/vcdiff.h"

/* The default code table (RFC 3284, section 5.6), as the first code of each of its groups. */
enum {
    CODE_RUN = 0,
    CODE_ADD = 1,        /* size 0, that is, one that follows; then 1 to 17 */
    CODE_COPY = 19,      /* for each mode: size 0, then 4 to 18 */
    CODE_ADD_COPY = 163, /* modes 0 to 5: an addition of 1 to 4, a copy of 4 to 6 */
    CODE_ADD_SAME = 235, /* modes 6 to 8: an addition of 1 to 4, a copy of 4 */
    CODE_COPY_ADD = 247, /* for each mode: a copy of 4, an addition of 1 */
    COPY_CODES = 16,
    ADD_MAX = 17,
    COPY_MAX = 18,
    PAIRED_ADDS = 4,
    PAIRED_COPIES = 3,
    MODE_SELF = 0,
    MODE_HERE = 1,
    MODE_NEAR = 2,
    MODE_SAME = MODE_NEAR + VCDIFF_NEAR,
};

/* --- numbers --------------------------------------------------------------------------------- */

static size_t number_size(uint64_t value)
{
    size_t size = 1;
    while ((value >>= 7) != 0)
        size++;
    return size;
}

int vcdiff_put_number(struct pack_buffer *buffer, uint64_t value, struct pack_error *error)
{
    uint8_t bytes[10];
    const size_t size = number_size(value);
    for (size_t i = size; i-- > 0; value >>= 7)
        bytes[i] = (uint8_t)((value & 127) | (i + 1 < size ? 128 : 0));
    return pack_buffer_append(buffer, bytes, size, error);
}

bool vcdiff_get_number(struct pack_cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (;;) {
        const uint8_t *byte = pack_cursor_take(cursor, 1);
        if (byte == NULL || *value >> 57 != 0)
            return false;
        *value = *value << 7 | (*byte & 127);
        if (*byte < 128)
            return true;
    }
}

/* --- addresses ------------------------------------------------------------------------------- */

static void remember(struct vcdiff_cache *cache, uint32_t address)
{
    cache->near_to[cache->next] = address;
    cache->next = (cache->next + 1) % VCDIFF_NEAR;
    cache->same[address % (VCDIFF_SAME * 256)] = address;
}

/* The mode that takes the fewest bytes, and the number that stands for the address in it. */
static uint8_t best_mode(const struct vcdiff_cache *cache, uint32_t address, uint32_t here,
                         uint32_t *number)
{
    const uint32_t slot = address % (VCDIFF_SAME * 256);
    uint8_t best = MODE_SELF;
    *number = address;
    if (here - address < *number) {
        best = MODE_HERE;
        *number = here - address;
    }
    for (unsigned i = 0; i < VCDIFF_NEAR; i++)
        if (address >= cache->near_to[i] && address - cache->near_to[i] < *number) {
            best = (uint8_t)(MODE_NEAR + i);
            *number = address - cache->near_to[i];
        }
    if (number_size(*number) > 1 && cache->same[slot] == address) {
        best = (uint8_t)(MODE_SAME + slot / 256);
        *number = slot % 256;
    }
    return best;
}

static int put_address(struct vcdiff_writer *writer, uint32_t address, uint32_t here, uint8_t *mode,
                       struct pack_error *error)
{
    struct pack_buffer *addresses = &writer->sections[VCDIFF_ADDRESSES];
    uint32_t number = 0;
    *mode = best_mode(&writer->cache, address, here, &number);
    remember(&writer->cache, address);
    const uint8_t byte = (uint8_t)number;
    return *mode >= MODE_SAME ? pack_buffer_append(addresses, &byte, 1, error)
                              : vcdiff_put_number(addresses, number, error);
}

bool vcdiff_get_address(struct vcdiff_cache *cache, struct pack_cursor *addresses, uint8_t mode,
                        uint32_t here, uint32_t *address)
{
    uint64_t number = 0;
    if (mode >= MODE_SAME) {
        const uint8_t *byte = pack_cursor_take(addresses, 1);
        if (byte == NULL)
            return false;
        number = cache->same[(mode - MODE_SAME) * 256 + *byte];
    } else if (!vcdiff_get_number(addresses, &number)) {
        return false;
    } else if (mode == MODE_HERE) {
        number = number <= here ? here - number : UINT64_MAX;
    } else if (mode >= MODE_NEAR) {
        number += cache->near_to[mode - MODE_NEAR];
    }
    if (number >= here)
        return false;
    *address = (uint32_t)number;
    remember(cache, *address);
    return true;
}

/* --- instructions ---------------------------------------------------------------------------- */

static int put_code(struct vcdiff_writer *writer, unsigned code, struct pack_error *error)
{
    const uint8_t byte = (uint8_t)code;
    return pack_buffer_append(&writer->sections[VCDIFF_INSTRUCTIONS], &byte, 1, error);
}

static int put_single(struct vcdiff_writer *writer, const struct vcdiff_code *code,
                      struct pack_error *error)
{
    unsigned base = CODE_RUN;
    unsigned offset = 0; /* 0: the size follows */
    if (code->kind == VCDIFF_ADD) {
        base = CODE_ADD;
        offset = code->size <= ADD_MAX ? code->size : 0;
    } else if (code->kind == VCDIFF_COPY) {
        base = CODE_COPY + (unsigned)COPY_CODES * code->mode;
        if (code->size >= VCDIFF_COPY_MIN && code->size <= COPY_MAX)
            offset = code->size - VCDIFF_COPY_MIN + 1;
    }
    const int status = put_code(writer, base + offset, error);
    if (status != 0 || offset != 0)
        return status;
    return vcdiff_put_number(&writer->sections[VCDIFF_INSTRUCTIONS], code->size, error);
}

/* The code of two instructions in a row, or 0 where there is none. */
static unsigned pair_code(const struct vcdiff_code *first, const struct vcdiff_code *second)
{
    if (first->kind == VCDIFF_COPY && second->kind == VCDIFF_ADD)
        return first->size == VCDIFF_COPY_MIN && second->size == 1 ? CODE_COPY_ADD + first->mode
                                                                   : 0;
    if (first->kind != VCDIFF_ADD || second->kind != VCDIFF_COPY || first->size > PAIRED_ADDS ||
        second->size < VCDIFF_COPY_MIN)
        return 0;
    const unsigned adding = first->size - 1;
    const unsigned copying = second->size - VCDIFF_COPY_MIN;
    if (second->mode >= MODE_SAME)
        return copying == 0
                   ? CODE_ADD_SAME + (second->mode - (unsigned)MODE_SAME) * PAIRED_ADDS + adding
                   : 0;
    if (copying >= PAIRED_COPIES)
        return 0;
    return CODE_ADD_COPY + (second->mode * PAIRED_ADDS + adding) * PAIRED_COPIES + copying;
}

int vcdiff_put_end(struct vcdiff_writer *writer, struct pack_error *error)
{
    const struct vcdiff_code last = writer->waiting;
    writer->waiting.size = 0;
    return last.size != 0 ? put_single(writer, &last, error) : 0;
}

static int put_instruction(struct vcdiff_writer *writer, const struct vcdiff_code *code,
                           struct pack_error *error)
{
    const unsigned pair = writer->waiting.size != 0 ? pair_code(&writer->waiting, code) : 0;
    if (pair != 0) {
        writer->waiting.size = 0;
        return put_code(writer, pair, error);
    }
    const int status = vcdiff_put_end(writer, error);
    writer->waiting = *code;
    return status;
}

int vcdiff_put_step(struct vcdiff_writer *writer, const struct vcdiff_step *step, uint32_t here,
                    const uint8_t *data, struct pack_error *error)
{
    struct vcdiff_code code = {.kind = step->kind, .size = step->size};
    int status = 0;
    if (step->kind == VCDIFF_COPY)
        status = put_address(writer, step->address, here, &code.mode, error);
    else
        status = pack_buffer_append(&writer->sections[VCDIFF_DATA], data,
                                    step->kind == VCDIFF_RUN ? 1 : step->size, error);
    return status != 0 ? status : put_instruction(writer, &code, error);
}

/* What a code stands for; sizes of 0 follow. */
static size_t split_code(unsigned code, struct vcdiff_code codes[2])
{
    codes[0] = (struct vcdiff_code){.kind = VCDIFF_RUN};
    codes[1] = (struct vcdiff_code){.kind = VCDIFF_COPY, .size = VCDIFF_COPY_MIN};
    if (code >= CODE_COPY_ADD) {
        codes[0] = codes[1];
        codes[0].mode = (uint8_t)(code - CODE_COPY_ADD);
        codes[1] = (struct vcdiff_code){.kind = VCDIFF_ADD, .size = 1};
        return 2;
    }
    if (code >= CODE_ADD_COPY) {
        const bool same = code >= CODE_ADD_SAME;
        const unsigned copies = same ? 1 : PAIRED_COPIES;
        const unsigned index = code - (same ? CODE_ADD_SAME : CODE_ADD_COPY);
        codes[0] =
            (struct vcdiff_code){.kind = VCDIFF_ADD, .size = index / copies % PAIRED_ADDS + 1};
        codes[1].mode = (uint8_t)(index / copies / PAIRED_ADDS + (same ? MODE_SAME : 0));
        codes[1].size += index % copies;
        return 2;
    }
    if (code >= CODE_COPY) {
        const unsigned index = (code - CODE_COPY) % COPY_CODES;
        codes[0] = (struct vcdiff_code){.kind = VCDIFF_COPY,
                                        .mode = (uint8_t)((code - CODE_COPY) / COPY_CODES),
                                        .size = index != 0 ? index + VCDIFF_COPY_MIN - 1 : 0};
    } else if (code >= CODE_ADD) {
        codes[0] = (struct vcdiff_code){.kind = VCDIFF_ADD, .size = code - CODE_ADD};
    }
    return 1;
}

bool vcdiff_get_codes(struct pack_cursor *instructions, struct vcdiff_code codes[2], size_t *count)
{
    const uint8_t *code = pack_cursor_take(instructions, 1);
    if (code == NULL)
        return false;
    *count = split_code(*code, codes);
    uint64_t size = codes[0].size;
    if (size == 0 && (!vcdiff_get_number(instructions, &size) || size > UINT32_MAX))
        return false;
    codes[0].size = (uint32_t)size;
    return true;
}
