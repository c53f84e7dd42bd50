/* SPDX-License-Identifier: MIT */
#ifndef AGE_ARMOR_H
#define AGE_ARMOR_H

/* Age files as text: strict PEM (RFC 7468, figure 3) with the label "AGE ENCRYPTED FILE". */

#include "base/bytes.h"
#include "pack/io.h"

/* Whether it is armored, as far as its first line tells; white space before it is passed over. */
bool age_armor_begins(const void *text, size_t size);
/* All of it at once, `binary` up to its limit. PACK_E_MALFORMED with the line. */
PACK_MUST_USE int age_armor_decode(struct pack_buffer *binary, const void *text, size_t size,
                                   struct pack_error *error);

enum { AGE_ARMOR_LINE = 48 }; /* bytes of a full line */

/* Armors what is written into it. */
struct age_armor_writer {
    struct pack_sink sink;
    struct pack_sink *out;
    bool begun;
    size_t held;
    uint8_t line[AGE_ARMOR_LINE];
};
struct age_armor_writer age_armor_writer(struct pack_sink *out);
PACK_MUST_USE int age_armor_writer_finish(struct age_armor_writer *writer,
                                          struct pack_error *error);

#endif
