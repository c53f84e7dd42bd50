/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_SUPPORT_H
#define FORMATS_SUPPORT_H

/*
 * What the backends share: headers as tables of fields, checks of sizes against the file, and a
 * look at what is inside.
 */

#include "base/bytes.h"
#include "pack/backend/format.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

enum byte_order { LITTLE, BIG };

/* --- values with names ----------------------------------------------------------------------- */

/* A table of these ends with a NULL text. */
struct word {
    uint64_t value;
    const char *text;
};

/* NULL where the table has no such value. */
const char *fwpack_word(const struct word *words, uint64_t value);
/* The word, or "unknown (N)". */
void fwpack_fact_word(struct pack_facts *facts, const char *name, const struct word *words,
                      uint64_t value);
/* The words of all bits that are set, joined by commas; none where there are none. */
void fwpack_fact_bits(struct pack_facts *facts, const char *name, const struct word *words,
                      uint64_t bits);
/* Seconds since 1970 as 2024-12-31T23:59:59Z; none for 0. */
void fwpack_fact_time(struct pack_facts *facts, const char *name, uint64_t seconds);
/* A GUID as UEFI stores it: the first three groups are little-endian. */
void fwpack_fact_guid(struct pack_facts *facts, const char *name, const uint8_t guid[16]);
/* UTF-16LE up to a zero unit or `size` bytes; what cannot be decoded is U+FFFD. */
void fwpack_fact_utf16(struct pack_facts *facts, const char *name, const uint8_t *text,
                       size_t size);
/* printf into a text fact. */
void fwpack_fact_print(struct pack_facts *facts, const char *name, const char *format, ...)
    PACK_PRINTF(3, 4);

/* --- headers --------------------------------------------------------------------------------- */

enum field_kind {
    FIELD_NUMBER,
    FIELD_ADDRESS,
    FIELD_TEXT, /* left out when empty */
    FIELD_UUID, /* left out when all zero */
    FIELD_HEX,
    FIELD_TIME, /* left out when 0 */
    FIELD_WORD,
    FIELD_BITS,
};

struct field {
    const char *name;
    unsigned offset;
    unsigned size; /* 1, 2, 4 or 8 for integers */
    enum field_kind kind;
    const struct word *words; /* FIELD_WORD, FIELD_BITS */
};

uint64_t fwpack_integer(const uint8_t *bytes, size_t size, enum byte_order order);
void fwpack_fact_fields(struct pack_facts *facts, const uint8_t *header, enum byte_order order,
                        const struct field *fields, size_t count);

/* Whether `magic` stands at `offset` of the `size` bytes. */
bool fwpack_has(const uint8_t *bytes, size_t size, size_t offset, const void *magic, size_t length);

/* --- files ----------------------------------------------------------------------------------- */

/* PACK_E_MALFORMED when the file ends before. */
PACK_MUST_USE int fwpack_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                              struct pack_error *error);
/* The same for many small reads that mostly go forward. Starts as {.input = …}. */
struct window {
    struct pack_input *input;
    uint64_t start; /* of what `bytes` holds */
    size_t size;
    uint8_t bytes[4096];
};
PACK_MUST_USE int fwpack_window_read(struct window *window, uint64_t offset, void *buffer,
                                     size_t size, struct pack_error *error);
/* PACK_E_MALFORMED unless `size` bytes from `offset` lie inside the file; `what` names them. */
PACK_MUST_USE int fwpack_inside_file(const struct pack_input *input, const char *what,
                                     uint64_t offset, uint64_t size, struct pack_error *error);
/* PACK_E_MALFORMED at an offset. */
int fwpack_malformed(struct pack_error *error, uint64_t offset, const char *format, ...)
    PACK_PRINTF(3, 4);
/* CRC-32 (IEEE 802.3) of a range, carried on from `*crc`, which is 0 at the start. */
PACK_MUST_USE int fwpack_crc32(struct pack_input *input, uint64_t offset, uint64_t size,
                               uint32_t *crc, struct pack_error *error);

/* Says which format the bytes have, as the fact "inside"; nothing where none is known. */
void fwpack_fact_inside(struct pack_facts *facts, const uint8_t *head, size_t size, uint64_t total);
PACK_MUST_USE int fwpack_describe_inside(struct pack_facts *facts, struct pack_input *input,
                                         uint64_t offset, uint64_t size, struct pack_error *error);

/* Size, entry and segments of an image that was read. */
void fwpack_describe_segments(struct pack_facts *facts, const struct pack_image *image);

/* Adds a range of the file as data at an address; the place of each piece is its offset. */
PACK_MUST_USE int fwpack_add_range(struct pack_image_builder *builder, struct pack_input *input,
                                   uint64_t address, uint64_t offset, uint64_t size,
                                   struct pack_error *error);

#endif
