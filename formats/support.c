/* SPDX-License-Identifier: MIT */
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"
#include "formats/formats.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>

enum {
    PIECE = 65536,
    INSIDE = 8192, /* what a probe of content gets */
};

/* --- values with names ----------------------------------------------------------------------- */

const char *fwpack_word(const struct word *words, uint64_t value)
{
    for (; words->text != NULL; words++)
        if (words->value == value)
            return words->text;
    return NULL;
}

void fwpack_fact_print(struct pack_facts *facts, const char *name, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pack_fact_text(facts, name, text);
}

void fwpack_fact_word(struct pack_facts *facts, const char *name, const struct word *words,
                      uint64_t value)
{
    const char *text = fwpack_word(words, value);
    if (text != NULL)
        pack_fact_text(facts, name, text);
    else
        fwpack_fact_print(facts, name, "unknown (%" PRIu64 ")", value);
}

void fwpack_fact_bits(struct pack_facts *facts, const char *name, const struct word *words,
                      uint64_t bits)
{
    char text[512] = "";
    size_t used = 0;
    for (; words->text != NULL; words++)
        if ((bits & words->value) == words->value && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used != 0 ? "," : "",
                                     words->text);
    if (used != 0)
        pack_fact_text(facts, name, text);
}

void fwpack_fact_time(struct pack_facts *facts, const char *name, uint64_t seconds)
{
    char text[PACK_TIME_TEXT];
    if (seconds != 0)
        pack_fact_text(facts, name, pack_time_text(text, seconds));
}

void fwpack_fact_guid(struct pack_facts *facts, const char *name, const uint8_t guid[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t uuid[16];
    for (size_t i = 0; i < sizeof uuid; i++)
        uuid[i] = guid[order[i]];
    pack_fact_uuid(facts, name, uuid);
}

static size_t put_utf8(char *out, uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    const size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i != 0; i--, character >>= 6)
        out[i] = (char)(0x80 | (character & 0x3f));
    out[0] = (char)(leads[length] | character);
    return length;
}

void fwpack_fact_utf16(struct pack_facts *facts, const char *name, const uint8_t *text, size_t size)
{
    char out[512];
    size_t used = 0;
    for (size_t i = 0; i + 2 <= size && used + 5 < sizeof out; i += 2) {
        uint32_t character = pack_le16(text + i);
        if (character == 0)
            break;
        const uint32_t next = i + 4 <= size ? pack_le16(text + i + 2) : 0;
        if ((character & 0xfc00) == 0xd800 && (next & 0xfc00) == 0xdc00) {
            character = 0x10000 + ((character & 0x3ff) << 10) + (next & 0x3ff);
            i += 2;
        }
        used += put_utf8(out + used, (character & 0xfffff800) == 0xd800 ? 0xfffd : character);
    }
    pack_fact_bytes(facts, name, out, used);
}

/* --- headers --------------------------------------------------------------------------------- */

uint64_t fwpack_integer(const uint8_t *bytes, size_t size, enum byte_order order)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[order == BIG ? i : size - 1 - i];
    return value;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void fact_integer(struct pack_facts *facts, const struct field *field, uint64_t value)
{
    switch (field->kind) {
    case FIELD_ADDRESS:
        pack_fact_address(facts, field->name, value);
        break;
    case FIELD_TIME:
        fwpack_fact_time(facts, field->name, value);
        break;
    case FIELD_WORD:
        fwpack_fact_word(facts, field->name, field->words, value);
        break;
    case FIELD_BITS:
        fwpack_fact_bits(facts, field->name, field->words, value);
        break;
    default:
        pack_fact_number(facts, field->name, value);
        break;
    }
}

void fwpack_fact_fields(struct pack_facts *facts, const uint8_t *header, enum byte_order order,
                        const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *field = &fields[i];
        const uint8_t *bytes = header + field->offset;
        if (field->kind == FIELD_HEX) {
            pack_fact_hex(facts, field->name, bytes, field->size);
        } else if (field->kind == FIELD_TEXT) {
            if (bytes[0] != 0)
                pack_fact_bytes(facts, field->name, bytes, field->size);
        } else if (field->kind == FIELD_UUID) {
            if (!all_zero(bytes, 16))
                pack_fact_uuid(facts, field->name, bytes);
        } else {
            fact_integer(facts, field, fwpack_integer(bytes, field->size, order));
        }
    }
}

bool fwpack_has(const uint8_t *bytes, size_t size, size_t offset, const void *magic, size_t length)
{
    return size >= offset && size - offset >= length && memcmp(bytes + offset, magic, length) == 0;
}

/* --- files ----------------------------------------------------------------------------------- */

int fwpack_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                struct pack_error *error)
{
    if (input->has_size && offset > input->size)
        return fwpack_malformed(error, input->size,
                                "ends after %" PRIu64 " bytes, more is wanted from %" PRIu64,
                                input->size, offset);
    return pack_input_exact(input, offset, buffer, size, PACK_E_MALFORMED, error);
}

int fwpack_window_read(struct window *window, uint64_t offset, void *buffer, size_t size,
                       struct pack_error *error)
{
    if (offset < window->start || offset - window->start > window->size ||
        size > window->size - (offset - window->start)) {
        const int code = pack_input_read(window->input, offset, window->bytes, sizeof window->bytes,
                                         &window->size, error);
        if (code != 0)
            return code;
        window->start = offset;
    }
    if (size > window->size - (offset - window->start))
        return fwpack_read(window->input, offset, buffer, size, error);
    memcpy(buffer, window->bytes + (offset - window->start), size);
    return 0;
}

int fwpack_malformed(struct pack_error *error, uint64_t offset, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pack_fail(error, PACK_E_MALFORMED, "%s", text);
    return pack_at_offset(error, offset);
}

int fwpack_inside_file(const struct pack_input *input, const char *what, uint64_t offset,
                       uint64_t size, struct pack_error *error)
{
    if (offset <= input->size && size <= input->size - offset)
        return 0;
    return fwpack_malformed(error, input->size,
                            "cut short: %s takes %" PRIu64 " bytes from %" PRIu64
                            ", the file has %" PRIu64,
                            what, size, offset, input->size);
}

int fwpack_crc32(struct pack_input *input, uint64_t offset, uint64_t size, uint32_t *crc,
                 struct pack_error *error)
{
    uint8_t piece[16384];
    for (uint64_t done = 0; done < size;) {
        const size_t wanted = (size_t)pack_min(size - done, sizeof piece);
        const int code = fwpack_read(input, offset + done, piece, wanted, error);
        if (code != 0)
            return code;
        *crc = (uint32_t)crc32(*crc, piece, (uInt)wanted);
        done += wanted;
    }
    return 0;
}

void fwpack_fact_inside(struct pack_facts *facts, const uint8_t *head, size_t size, uint64_t total)
{
    const struct pack_format *format = pack_format_probe(fwpack_formats, head, size, total);
    if (format != NULL)
        pack_fact_text(facts, "inside", format->name);
}

int fwpack_describe_inside(struct pack_facts *facts, struct pack_input *input, uint64_t offset,
                           uint64_t size, struct pack_error *error)
{
    uint8_t head[INSIDE];
    size_t got = 0;
    const int code =
        pack_input_read(input, offset, head, (size_t)pack_min(size, sizeof head), &got, error);
    if (code == 0)
        fwpack_fact_inside(facts, head, got, size);
    return code;
}

/* --- segments -------------------------------------------------------------------------------- */

void fwpack_describe_segments(struct pack_facts *facts, const struct pack_image *image)
{
    pack_fact_number(facts, "data_size", image->size);
    if (image->has_entry)
        pack_fact_address(facts, "entry", image->entry);
    for (size_t i = 0; i < image->segment_count; i++) {
        pack_facts_begin(facts, "segments");
        pack_fact_address(facts, "address", image->segments[i].address);
        pack_fact_number(facts, "size", image->segments[i].size);
        pack_facts_end(facts);
    }
}

int fwpack_add_range(struct pack_image_builder *builder, struct pack_input *input, uint64_t address,
                     uint64_t offset, uint64_t size, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *piece = NULL;
    uint64_t end = 0;
    int code = size != 0 ? pack_allocate(&piece, PIECE, 1, error) : 0;
    if (code == 0 && !pack_add(address, size, &end))
        code = fwpack_malformed(error, offset,
                                "%" PRIu64 " bytes at 0x%" PRIx64
                                " wrap around the end of all addresses",
                                size, address);
    for (uint64_t done = 0; code == 0 && done < size; done += PIECE) {
        const size_t wanted = (size_t)pack_min(size - done, PIECE);
        code = fwpack_read(input, offset + done, piece, wanted, error);
        if (code == 0)
            code = pack_image_add(builder, address + done, piece, wanted, offset + done, error);
    }
    return code;
}
