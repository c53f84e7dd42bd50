/* SPDX-License-Identifier: MIT */
#include "age/armor.h"
#include "age/parties.h"

#include "crypto/ed25519.h"

#include <string.h>

enum { HEAD = 4096 };

static bool begins(const char *text, size_t size, const char *start)
{
    const size_t length = strlen(start);
    return size >= length && strncmp(text, start, length) == 0;
}

static enum pack_age_kind kind_of(const char *text, size_t size)
{
    struct age_lines lines = {.text = text, .size = size};
    const char *line = NULL;
    size_t length = 0;
    if (begins(text, size, "age-encryption.org/") || age_armor_begins(text, size))
        return PACK_AGE_FILE;
    if (!age_next_line(&lines, &line, &length))
        return PACK_AGE_NONE;
    if (begins(line, length, "AGE-SECRET-KEY-"))
        return PACK_AGE_IDENTITY;
    return begins(line, length, "age1") ? PACK_AGE_RECIPIENT : PACK_AGE_NONE;
}

enum pack_age_kind pack_age_kind_of(const char *path)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO_GUARDED char *head = NULL;
    struct pack_error ignored = {0};
    size_t size = 0;
    int code = pack_input_open_regular(&input, path, &ignored);
    if (code == 0)
        code = pack_guarded_new(&head, HEAD, &ignored);
    if (code == 0)
        code = pack_input_read(input, 0, head, HEAD, &size, &ignored);
    return code == 0 ? kind_of(head, size) : PACK_AGE_NONE;
}
