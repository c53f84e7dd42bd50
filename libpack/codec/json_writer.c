/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/memory.h"
#include "pack/json.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_DEPTH = 2 * PACK_MAX_NESTING }; /* raw members come from documents, which nest less */

struct level {
    bool object;
    bool line;   /* all of it stands on one line */
    bool filled; /* something stands in it already */
};

struct pack_json {
    struct pack_buffer text;
    bool indent;
    bool finished;
    size_t depth;
    struct level levels[1 + MAX_DEPTH]; /* levels[0] is the top, which holds one value */
    struct pack_error error;            /* the first failure, reported by finish */
};

int pack_json_new(struct pack_json **json, bool indent, struct pack_error *error)
{
    const int code = pack_allocate(json, 1, sizeof **json, error);
    if (code != 0)
        return code;
    (*json)->indent = indent;
    (*json)->text.limit = 256 * PACK_MIB;
    return 0;
}

void pack_json_free(struct pack_json **json)
{
    if (*json == NULL)
        return;
    pack_buffer_clear(&(*json)->text);
    free(*json);
    *json = NULL;
}

/* Whether something may still be written; a failure stays the first one. */
static bool usable(const struct pack_json *json)
{
    return json != NULL && json->error.code == PACK_OK;
}

static void misuse(struct pack_json *json, const char *what)
{
    if (usable(json))
        (void)pack_fail(&json->error, PACK_E_INTERNAL, "JSON writer: %s", what);
}

static void put(struct pack_json *json, const void *bytes, size_t size)
{
    if (usable(json))
        (void)!pack_buffer_append(&json->text, bytes, size, &json->error);
}

static void put_text(struct pack_json *json, const char *text)
{
    put(json, text, strlen(text));
}

static void put_line(struct pack_json *json)
{
    if (!json->indent || json->levels[json->depth].line)
        return;
    put_text(json, "\n");
    for (size_t i = 0; i < json->depth; i++)
        put_text(json, "  ");
}

/* How many of the bytes, 1 to 4, are one well-formed character; 0 for none. */
static size_t character_length(const char *text, size_t size)
{
    for (size_t length = 1; length <= 4 && length <= size; length++)
        if (pack_utf8_valid(text, length))
            return length;
    return 0;
}

static void put_control(struct pack_json *json, char character)
{
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *letter = letters; *letter != '\0'; letter += 2) {
        if (*letter == character) {
            put(json, (const char[]){'\\', letter[1]}, 2);
            return;
        }
    }
    char escape[8];
    snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(uint8_t)character);
    put_text(json, escape);
}

static bool is_control(char character)
{
    const uint8_t byte = (uint8_t)character;
    return byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\';
}

static void put_quoted(struct pack_json *json, const char *text)
{
    const size_t size = strlen(text);
    put_text(json, "\"");
    for (size_t i = 0; i < size;) {
        size_t length = 0;
        while (i + length < size && (uint8_t)text[i + length] < 0x80 &&
               !is_control(text[i + length]))
            length++;
        if (length == 0 && !is_control(text[i]))
            length = character_length(text + i, size - i);
        if (length != 0) {
            put(json, text + i, length);
            i += length;
        } else if (is_control(text[i])) {
            put_control(json, text[i++]);
        } else {
            put_text(json, "\xef\xbf\xbd");
            i++;
        }
    }
    put_text(json, "\"");
}

/* The comma, the line and the member's name that come before a value. */
static void begin_value(struct pack_json *json, const char *name)
{
    if (json == NULL)
        return;
    struct level *level = &json->levels[json->depth];
    if (level->object != (name != NULL))
        misuse(json, name != NULL ? "a name outside an object" : "a member without a name");
    if (level->filled && json->depth == 0)
        misuse(json, "a second value at the top");
    if (level->filled)
        put_text(json, json->indent && level->line ? ", " : ",");
    if (json->depth != 0)
        put_line(json);
    level->filled = true;
    if (name != NULL) {
        put_quoted(json, name);
        put_text(json, json->indent ? ": " : ":");
    }
}

static void open_level(struct pack_json *json, const char *name, struct level opened)
{
    begin_value(json, name);
    if (json == NULL)
        return;
    if (json->depth == MAX_DEPTH) {
        misuse(json, "nested too deeply");
        return;
    }
    put_text(json, opened.object ? "{" : "[");
    opened.line = opened.line || json->levels[json->depth].line;
    json->levels[++json->depth] = opened;
}

void pack_json_object(struct pack_json *json, const char *name)
{
    open_level(json, name, (struct level){.object = true});
}

void pack_json_object_line(struct pack_json *json, const char *name)
{
    open_level(json, name, (struct level){.object = true, .line = true});
}

void pack_json_array(struct pack_json *json, const char *name)
{
    open_level(json, name, (struct level){.object = false});
}

void pack_json_end(struct pack_json *json)
{
    if (json == NULL)
        return;
    if (json->depth == 0) {
        misuse(json, "an end without a beginning");
        return;
    }
    const struct level level = json->levels[json->depth--];
    if (level.filled && !level.line)
        put_line(json);
    put_text(json, level.object ? "}" : "]");
}

void pack_json_string(struct pack_json *json, const char *name, const char *value)
{
    begin_value(json, name);
    put_quoted(json, value);
}

void pack_json_hex(struct pack_json *json, const char *name, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = bytes;
    begin_value(json, name);
    put_text(json, "\"");
    for (size_t i = 0; i < size; i++)
        put(json, (const char[]){digits[byte[i] >> 4], digits[byte[i] & 15]}, 2);
    put_text(json, "\"");
}

void pack_json_integer(struct pack_json *json, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    pack_json_raw(json, name, text);
}

void pack_json_unsigned(struct pack_json *json, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    pack_json_raw(json, name, text);
}

void pack_json_boolean(struct pack_json *json, const char *name, bool value)
{
    pack_json_raw(json, name, value ? "true" : "false");
}

void pack_json_null(struct pack_json *json, const char *name)
{
    pack_json_raw(json, name, "null");
}

void pack_json_raw(struct pack_json *json, const char *name, const char *text)
{
    begin_value(json, name);
    put_text(json, text);
}

int pack_json_finish(struct pack_json *json, const char **text, size_t *size,
                     struct pack_error *error)
{
    if (json->depth != 0)
        misuse(json, "an object or array is still open");
    if (!json->levels[0].filled)
        misuse(json, "nothing was written");
    if (!json->finished)
        put_text(json, "\n");
    if (!usable(json)) {
        *error = json->error;
        return (int)error->code;
    }
    json->finished = true;
    *text = (const char *)json->text.bytes;
    *size = json->text.size;
    return 0;
}
