/* SPDX-License-Identifier: MIT */
#include "boot/grub_block.h"

#include "base/bytes.h"

#include <string.h>

#define SIGNATURE "# GRUB Environment Block\n"
enum { SIGNATURE_SIZE = sizeof SIGNATURE - 1 };

/* One line, with its end. */
struct line {
    const char *text;
    size_t size;
};

/* --- lines ----------------------------------------------------------------------------------- */

/* False at the end: of the block, or where it is filled to its end. */
static bool next_line(struct line *line, struct pack_cursor *cursor)
{
    const size_t left = pack_cursor_left(cursor);
    const char *text = (const char *)cursor->bytes + cursor->position;
    for (size_t i = 0; i < left; i++) {
        if (text[i] == '\\') {
            i++;
        } else if (text[i] == '\n') {
            *line = (struct line){text, i + 1};
            return pack_cursor_take(cursor, i + 1) != NULL;
        }
    }
    return false;
}

static struct pack_cursor first_line(const uint8_t *block)
{
    return (struct pack_cursor){block, GRUB_BLOCK_SIZE, SIGNATURE_SIZE};
}

/* Whether it sets a variable of that name. */
static bool line_sets(const struct line *line, const char *name)
{
    const size_t length = strlen(name);
    return line->size > length + 1 && memcmp(line->text, name, length) == 0 &&
           line->text[length] == '=';
}

/* --- reading --------------------------------------------------------------------------------- */

static int fail_at(const struct pack_cursor *cursor, const char *what, struct pack_error *error)
{
    pack_fail(error, PACK_E_STATE, "%s in GRUB's environment block", what);
    return pack_at_offset(error, cursor->position);
}

int grub_block_check(const uint8_t *block, size_t size, struct pack_error *error)
{
    struct line line;
    if (size != GRUB_BLOCK_SIZE)
        return pack_fail(error, PACK_E_STATE, "GRUB's environment block has %zu bytes, %d wanted",
                         size, GRUB_BLOCK_SIZE);
    if (memcmp(block, SIGNATURE, SIGNATURE_SIZE) != 0)
        return pack_fail(error, PACK_E_STATE, "no signature of a GRUB environment block");
    struct pack_cursor cursor = first_line(block);
    for (size_t start = cursor.position; next_line(&line, &cursor); start = cursor.position) {
        const struct pack_cursor at = {block, GRUB_BLOCK_SIZE, start};
        if (memchr(line.text, '\0', line.size) != NULL)
            return fail_at(&at, "a zero byte", error);
        if (line.text[0] != '#' && memchr(line.text, '=', line.size) == NULL)
            return fail_at(&at, "a line that is no NAME=VALUE", error);
    }
    while (cursor.position < GRUB_BLOCK_SIZE && block[cursor.position] == '#')
        cursor.position++;
    return cursor.position == GRUB_BLOCK_SIZE ? 0
                                              : fail_at(&cursor, "a line without an end", error);
}

bool grub_block_get(const uint8_t block[GRUB_BLOCK_SIZE], const char *name,
                    char value[GRUB_VALUE_SIZE])
{
    struct pack_cursor cursor = first_line(block);
    struct line line;
    while (next_line(&line, &cursor)) {
        if (!line_sets(&line, name))
            continue;
        size_t size = 0;
        for (size_t i = strlen(name) + 1; i < line.size - 1; i++) {
            i += line.text[i] == '\\';
            if (size == GRUB_VALUE_SIZE - 1)
                return false;
            value[size++] = line.text[i];
        }
        value[size] = '\0';
        return true;
    }
    return false;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool is_ours(const struct line *line, const struct grub_variable *variables, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (line_sets(line, variables[i].name))
            return true;
    return false;
}

static int append_others(struct pack_buffer *text, const struct grub_variable *variables,
                         size_t count, const uint8_t *old, struct pack_error *error)
{
    struct pack_cursor cursor = first_line(old);
    struct line line;
    int code = 0;
    while (code == 0 && next_line(&line, &cursor))
        if (!is_ours(&line, variables, count))
            code = pack_buffer_append(text, line.text, line.size, error);
    return code;
}

int grub_block_make(uint8_t block[GRUB_BLOCK_SIZE], const struct grub_variable *variables,
                    size_t count, const uint8_t *old, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = GRUB_BLOCK_SIZE};
    int code = pack_buffer_append(&text, SIGNATURE, SIGNATURE_SIZE, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = pack_buffer_print(&text, error, "%s=%s\n", variables[i].name, variables[i].value);
    if (code == 0 && text.size > GRUB_SECTOR_SIZE)
        return pack_fail(error, PACK_E_INTERNAL, "%zu bytes of variables for GRUB", text.size);
    if (code == 0 && old != NULL)
        code = append_others(&text, variables, count, old, error);
    if (code == PACK_E_LIMIT)
        return pack_fail(error, PACK_E_NO_SPACE, "GRUB's environment block has no room left");
    if (code != 0)
        return code;
    memset(block, '#', GRUB_BLOCK_SIZE);
    memcpy(block, text.bytes, text.size);
    return 0;
}
