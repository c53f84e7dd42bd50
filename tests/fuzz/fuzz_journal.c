/* SPDX-License-Identifier: MIT */
/* Lines of a journal. What is taken is written in the same bytes. */
#include "journal/line.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct journal_line line;
    struct pack_arena *arena = NULL;
    char *text = NULL;
    size_t again = 0;
    if (pack_arena_new(&arena, &error) != 0)
        return 0;
    if (journal_line_parse(&line, arena, (const char *)data, size, &error) == 0) {
        check(journal_line_format(&text, &again, &line, &error) == 0);
        check(again == size && memcmp(text, data, size) == 0);
        free(text);
    } else {
        check(error.text[0] != '\0');
    }
    pack_arena_free(&arena);
    return 0;
}
