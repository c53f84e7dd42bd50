/* SPDX-License-Identifier: MIT */
#include "boot/words.h"

#include <string.h>

#define BLANKS " \t\r\n"

bool boot_word_next(struct boot_word *word, const char **line)
{
    word->text = *line + strspn(*line, BLANKS);
    word->size = strcspn(word->text, BLANKS);
    *line = word->text + word->size;
    return word->size != 0;
}

bool boot_word_is(const struct boot_word *word, const char *text)
{
    return strlen(text) == word->size && memcmp(text, word->text, word->size) == 0;
}

bool boot_word_copy(char *text, size_t capacity, const struct boot_word *word)
{
    if (word->size >= capacity)
        return false;
    memcpy(text, word->text, word->size);
    text[word->size] = '\0';
    return true;
}
