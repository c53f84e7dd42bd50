/* SPDX-License-Identifier: MIT */
#include "codec/yaml_strict.h"

#include "pack/text.h"

#include <string.h>

void pack_yaml_fault(const struct pack_yaml_report *report, size_t line, size_t column,
                     const char *text, const char *hint)
{
    struct pack_error fault = {0};
    (void)pack_fail(&fault, PACK_E_MALFORMED, "%s", text);
    (void)pack_at_line(&fault, (unsigned)line + 1, (unsigned)column + 1);
    if (hint != NULL)
        (void)pack_hint(&fault, "%s", hint);
    report->fault(report->user, &fault);
}

/* --- characters ------------------------------------------------------------------------------ */

static size_t character_length(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static int check_encoding(const uint8_t *bytes, size_t size, struct pack_error *error)
{
    static const struct {
        size_t size;
        uint8_t bytes[3];
        const char *name;
    } marks[] = {
        {3, {0xef, 0xbb, 0xbf}, "a byte order mark"},
        {2, {0xff, 0xfe}, "UTF-16"},
        {2, {0xfe, 0xff}, "UTF-16"},
    };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (size < marks[i].size || memcmp(bytes, marks[i].bytes, marks[i].size) != 0)
            continue;
        (void)pack_fail(error, PACK_E_MALFORMED, "begins with %s, plain UTF-8 wanted",
                        marks[i].name);
        (void)pack_hint(error, "save it as UTF-8 without a byte order mark");
        return pack_at_line(error, 1, 1);
    }
    return 0;
}

static bool breaks_alone(const uint8_t *bytes, size_t left)
{
    return bytes[0] == '\r' && (left == 1 || bytes[1] != '\n');
}

/* Bytes of the character when it may stand there, 0 when it may not. */
static size_t check_character(const uint8_t *bytes, size_t left)
{
    size_t length = character_length(bytes[0]);
    if (length > left || !pack_utf8_valid(bytes, length))
        return 0;
    if (bytes[0] == '\t' || bytes[0] == '\n' || bytes[0] == '\r')
        return breaks_alone(bytes, left) ? 0 : 1;
    return pack_text_plain((const char *)bytes, length) ? length : 0;
}

static unsigned code_point(const uint8_t *bytes, size_t length)
{
    unsigned value = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        value = value << 6 | (bytes[i] & 0x3fU);
    return value;
}

static int fail_character(const uint8_t *bytes, size_t left, struct pack_error *error)
{
    const size_t length = character_length(bytes[0]);
    if (length > left || !pack_utf8_valid(bytes, length))
        return pack_fail(error, PACK_E_MALFORMED, "byte 0x%02x is not UTF-8", bytes[0]);
    if (breaks_alone(bytes, left)) {
        (void)pack_fail(error, PACK_E_MALFORMED, "carriage return without a line feed");
        return pack_hint(error, "end lines by a line feed");
    }
    (void)pack_fail(error, PACK_E_MALFORMED, "character U+%04X may not stand in the file",
                    code_point(bytes, length));
    return pack_hint(error, "where it is meant, write it as an escape in double quotes");
}

int pack_yaml_check_characters(const void *bytes, size_t size, struct pack_error *error)
{
    const uint8_t *text = bytes;
    unsigned line = 1, column = 1;
    int code = check_encoding(text, size, error);
    for (size_t i = 0; code == 0 && i < size;) {
        const size_t length = check_character(text + i, size - i);
        if (length == 0) {
            (void)fail_character(text + i, size - i, error);
            return pack_at_line(error, line, column);
        }
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
        i += length;
    }
    return code;
}

/* --- between events -------------------------------------------------------------------------- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_break(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

static void fault_here(const struct pack_yaml_strict *strict, const char *text, const char *hint)
{
    pack_yaml_fault(&strict->report, strict->line, strict->column, text, hint);
}

/*
 * The first character of a line that is not blank: inside brackets it must stand right of the
 * collection around them, which libyaml does not ask. A closing bracket below its key is taken,
 * as every other reader does.
 */
static void check_line_start(const struct pack_yaml_strict *strict, struct pack_yaml_around around)
{
    const uint8_t byte = strict->bytes[strict->position];
    const bool closes = byte == ']' || byte == '}';
    const int least = around.block + !closes;
    if (around.flow && byte != '#' && (int)strict->column < least)
        fault_here(strict, "a line inside brackets must be indented further than its key", NULL);
}

/* Whether a line from here holds something other than blanks. */
static bool line_holds_more(const struct pack_yaml_strict *strict)
{
    size_t i = strict->position;
    while (i < strict->size && is_blank(strict->bytes[i]))
        i++;
    return i < strict->size && !is_break(strict->bytes[i]);
}

static void check_comment(const struct pack_yaml_strict *strict)
{
    const size_t i = strict->position;
    if (i != 0 && !is_blank(strict->bytes[i - 1]) && !is_break(strict->bytes[i - 1]))
        fault_here(strict, "a comment needs a space before its '#'", NULL);
}

static void check_between(struct pack_yaml_strict *strict, struct pack_yaml_around around)
{
    const uint8_t byte = strict->bytes[strict->position];
    if (strict->comment)
        return;
    if (byte == '\t' && strict->line_start && line_holds_more(strict))
        fault_here(strict, "a tab cannot indent", "use spaces");
    if (!is_blank(byte) && !is_break(byte) && strict->line_start)
        check_line_start(strict, around);
    if (byte == '#') {
        check_comment(strict);
        strict->comment = true;
    } else if (byte == '?') {
        fault_here(strict, "explicit keys ('? ') are not allowed", "write KEY: VALUE");
        strict->explicit_key = true;
    }
}

static void pass_character(struct pack_yaml_strict *strict)
{
    const uint8_t byte = strict->bytes[strict->position];
    strict->position += character_length(byte);
    strict->index++;
    strict->column++;
    if (byte == '\n') {
        strict->line++;
        strict->column = 0;
        strict->line_start = true;
        strict->comment = false;
    } else if (!is_blank(byte)) {
        strict->line_start = false;
    }
}

static void pass_between(struct pack_yaml_strict *strict, size_t index,
                         struct pack_yaml_around around)
{
    while (strict->index < index && strict->position < strict->size) {
        check_between(strict, around);
        pass_character(strict);
    }
}

/* --- inside texts ---------------------------------------------------------------------------- */

static size_t line_end(const struct pack_yaml_strict *strict, size_t from)
{
    const uint8_t *end = memchr(strict->bytes + from, '\n', strict->size - from);
    return end != NULL ? (size_t)(end - strict->bytes) : strict->size;
}

static size_t count_spaces(const struct pack_yaml_strict *strict, size_t from, size_t end)
{
    size_t count = 0;
    while (from + count < end && strict->bytes[from + count] == ' ')
        count++;
    return count;
}

static bool is_empty_line(const struct pack_yaml_strict *strict, size_t from, size_t end)
{
    while (from < end && (is_blank(strict->bytes[from]) || is_break(strict->bytes[from])))
        from++;
    return from == end;
}

/* The further lines of a text must be indented by more spaces than what the text belongs to. */
static void check_further_lines(const struct pack_yaml_strict *strict, const yaml_event_t *event,
                                struct pack_yaml_around around)
{
    size_t from = strict->position;
    for (size_t line = event->start_mark.line; line < event->end_mark.line; line++) {
        from = line_end(strict, from);
        if (from == strict->size)
            return;
        const size_t end = line_end(strict, ++from);
        const size_t spaces = count_spaces(strict, from, end);
        if (!is_empty_line(strict, from, end) && (long)spaces <= (long)around.block)
            pack_yaml_fault(&strict->report, line + 1, spaces,
                            "a further line of a text must be indented further than its key",
                            "use spaces");
    }
}

/* The '|' or '>' line; gives the byte behind it. */
static size_t check_block_header(const struct pack_yaml_strict *strict, bool *explicit_indent)
{
    size_t i = strict->position + 1, end = line_end(strict, strict->position);
    *explicit_indent = false;
    for (; i < end && strchr("+-0123456789", strict->bytes[i]) != NULL; i++)
        *explicit_indent = *explicit_indent || (strict->bytes[i] >= '0');
    if (i < end && strict->bytes[i] == '#')
        pack_yaml_fault(&strict->report, strict->line, strict->column + (i - strict->position),
                        "a comment needs a space before its '#'", NULL);
    return end < strict->size ? end + 1 : end;
}

/* Empty lines before a block text's first line may not be longer than its indent (8.1.1.1). */
static void check_block_text(const struct pack_yaml_strict *strict, struct pack_yaml_around around)
{
    bool explicit_indent = false;
    size_t longest = 0, longest_line = 0;
    size_t from = check_block_header(strict, &explicit_indent);
    for (size_t line = strict->line + 1; from < strict->size && !explicit_indent; line++) {
        const size_t end = line_end(strict, from);
        const size_t spaces = count_spaces(strict, from, end);
        if (!is_empty_line(strict, from, end)) {
            if (longest > spaces && (long)spaces > (long)around.block)
                pack_yaml_fault(&strict->report, longest_line, 0,
                                "an empty line has more spaces than the text below it", NULL);
            return;
        }
        if (spaces > longest) {
            longest = spaces;
            longest_line = line;
        }
        from = end < strict->size ? end + 1 : end;
    }
}

static bool is_block_text(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT &&
           (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
            event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE);
}

static void check_text(struct pack_yaml_strict *strict, const yaml_event_t *event,
                       struct pack_yaml_around around)
{
    if (strict->index != event->start_mark.index) /* nothing stands there */
        return;
    if (is_block_text(event))
        check_block_text(strict, around);
    else
        check_further_lines(strict, event, around);
}

/* libyaml forgets a last line that is blanks without a line end, which a text may have kept. */
static void check_text_end(const struct pack_yaml_strict *strict)
{
    size_t from = strict->position, end = strict->position;
    while (from > 0 && is_blank(strict->bytes[from - 1]))
        from--;
    while (end < strict->size && is_blank(strict->bytes[end]))
        end++;
    if (end == strict->size && from < end && is_break(strict->bytes[from - 1]))
        fault_here(strict, "the last line is blanks without a line end", NULL);
}

static void pass_event(struct pack_yaml_strict *strict, const yaml_event_t *event)
{
    while (strict->index < event->end_mark.index && strict->position < strict->size)
        pass_character(strict);
    strict->comment = false;
    if (is_block_text(event))
        check_text_end(strict);
}

/* The event of a pair in brackets ("[? a: b]") begins with its '?', which check_between refuses. */
static bool begins_with_explicit_key(const struct pack_yaml_strict *strict,
                                     const yaml_event_t *event)
{
    return event->type == YAML_MAPPING_START_EVENT && strict->position < strict->size &&
           strict->bytes[strict->position] == '?';
}

void pack_yaml_strict_event(struct pack_yaml_strict *strict, const yaml_event_t *event,
                            struct pack_yaml_around around)
{
    pass_between(strict, event->start_mark.index, around);
    if (strict->line_start && strict->index == event->start_mark.index &&
        event->end_mark.index > event->start_mark.index && strict->position < strict->size)
        check_line_start(strict, around);
    if (event->type == YAML_SCALAR_EVENT)
        check_text(strict, event, around);
    if (event->end_mark.index > event->start_mark.index && !begins_with_explicit_key(strict, event))
        pass_event(strict, event);
}

int pack_yaml_strict_peek(const struct pack_yaml_strict *strict, size_t index)
{
    size_t position = strict->position;
    for (size_t i = strict->index; i < index && position < strict->size; i++)
        position += character_length(strict->bytes[position]);
    return position < strict->size ? strict->bytes[position] : -1;
}
