/* SPDX-License-Identifier: MIT */
#ifndef BOOT_LINES_H
#define BOOT_LINES_H

/*
 * A state as lines "name=value": what `file` keeps, and what `custom` says and is told. Any order,
 * none twice, each ended by a line feed, nothing else.
 */

#include "base/bytes.h"
#include "boot/boot.h"

/* X(constant, "name", what messages want of its value) */
#define BOOT_LINES(X)                              \
    X(LINE_PRIMARY, "primary", "A or B")           \
    X(LINE_TRIAL, "trial", "0 or 1")               \
    X(LINE_TRIES, "tries", "a number up to 99")    \
    X(LINE_FALLBACK, "fallback", "0 or 1")         \
    X(LINE_RUNNING, "running", "A or B")           \
    X(LINE_STARTS, "starts", "a number up to 1e9") \
    X(LINE_SESSION, "session", "1 to 63 letters, digits, dots and hyphens")

enum boot_line {
#define BOOT_LINE_ENUM(name, word, wanted) name,
    BOOT_LINES(BOOT_LINE_ENUM)
#undef BOOT_LINE_ENUM
        LINE_COUNT
};

#define LINE_BIT(line) (1u << (line))
/* Those of struct boot_state. */
#define LINES_STATE \
    (LINE_BIT(LINE_PRIMARY) | LINE_BIT(LINE_TRIAL) | LINE_BIT(LINE_TRIES) | LINE_BIT(LINE_FALLBACK))

#define BOOT_LINES_LIMIT 4096 /* bytes of them all */

struct boot_lines {
    unsigned present; /* LINE_BITs */
    struct boot_state state;
    enum pack_set running; /* what was started last */
    uint64_t starts;       /* so far */
    char session[64];
};

/* "A" or "B", of `size` characters; false where it is anything else. */
bool boot_set_parse(enum pack_set *set, const char *text, size_t size);

/*
 * PACK_E_STATE with the line where one is unknown, twice, wrong, or missing of `required`, and
 * where tries are left of no trial.
 */
PACK_MUST_USE int boot_lines_parse(struct boot_lines *lines, const void *bytes, size_t size,
                                   unsigned required, struct pack_error *error);
/* Those that are present, in the table's order. */
PACK_MUST_USE int boot_lines_print(struct pack_buffer *text, const struct boot_lines *lines,
                                   struct pack_error *error);

#endif
