/* SPDX-License-Identifier: MIT */
#ifndef JOURNAL_LINE_H
#define JOURNAL_LINE_H

/* One line of a journal. */

#include "base/memory.h"
#include "pack/journal.h"

struct journal_line {
    uint64_t sequence; /* from 1 */
    uint8_t previous[PACK_SHA256_SIZE];
    struct pack_journal_entry entry;
};

/* With its line feed; *text is to be freed with free(). */
PACK_MUST_USE int journal_line_format(char **text, size_t *size, const struct journal_line *line,
                                      struct pack_error *error);
/*
 * `size` bytes with the line feed. Only the form that journal_line_format writes is taken
 * (PACK_E_MALFORMED). The texts live as long as the arena.
 */
PACK_MUST_USE int journal_line_parse(struct journal_line *line, struct pack_arena *arena,
                                     const char *text, size_t size, struct pack_error *error);
/* Whether `line` follows `sequence` lines, the last of which has the hash `previous`. */
PACK_MUST_USE int journal_line_follows(const struct journal_line *line, uint64_t sequence,
                                       const uint8_t previous[PACK_SHA256_SIZE],
                                       struct pack_error *error);

#endif
