/* SPDX-License-Identifier: MIT */
#ifndef BOOT_WORDS_H
#define BOOT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* A word of a line that somebody else owns: what stands between blanks. */
struct boot_word {
    const char *text;
    size_t size;
};

/* The next word; *line moves behind it. False at the line's end. */
bool boot_word_next(struct boot_word *word, const char **line);
bool boot_word_is(const struct boot_word *word, const char *text);
/* A copy, ended by a zero byte; false where it does not fit. */
bool boot_word_copy(char *text, size_t capacity, const struct boot_word *word);

#endif
