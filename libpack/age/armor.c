/* SPDX-License-Identifier: MIT */
#include "age/armor.h"

#include "base/checked.h"
#include "crypto/textline.h"

#include <sodium.h>
#include <string.h>

static const char first_line[] = "-----BEGIN AGE ENCRYPTED FILE-----";
static const char last_line[] = "-----END AGE ENCRYPTED FILE-----";

enum { LINE_DIGITS = 64 };

/* --- reading --------------------------------------------------------------------------------- */

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

static void skip_space(struct pack_span *text, unsigned *line)
{
    while (text->size != 0 && is_space(*text->text)) {
        *line += *text->text == '\n';
        text->text++;
        text->size--;
    }
}

bool age_armor_begins(const void *text, size_t size)
{
    struct pack_span rest = {text, size};
    unsigned line = 1;
    skip_space(&rest, &line);
    return pack_span_skip(&rest, first_line);
}

/* The next line without its end, which is LF, CR LF, or the end of all. */
static struct pack_span take_line(struct pack_span *text, unsigned *number)
{
    const char *end = text->size != 0 ? memchr(text->text, '\n', text->size) : NULL;
    struct pack_span line = {text->text, end != NULL ? (size_t)(end - text->text) : text->size};
    text->text += line.size + (end != NULL);
    text->size -= line.size + (end != NULL);
    if (end != NULL && line.size != 0 && line.text[line.size - 1] == '\r')
        line.size--;
    (*number)++;
    return line;
}

static bool is_line(struct pack_span line, const char *wanted)
{
    return pack_span_skip(&line, wanted) && line.size == 0;
}

static int decode_line(struct pack_buffer *binary, struct pack_span line, bool last,
                       struct pack_error *error)
{
    uint8_t bytes[AGE_ARMOR_LINE];
    size_t size = 0;
    if (line.size > LINE_DIGITS || line.size == 0 || (line.size < LINE_DIGITS && !last))
        return pack_fail(error, PACK_E_MALFORMED,
                         "a line of the armor has %zu characters, 64 wanted in all but the last",
                         line.size);
    if (!pack_base64_read(line, sodium_base64_VARIANT_ORIGINAL, NULL, bytes, sizeof bytes, &size) ||
        (size < sizeof bytes && !last))
        return pack_fail(error, PACK_E_MALFORMED, "the armor is not canonical base64");
    return pack_buffer_append(binary, bytes, size, error);
}

static int decode_lines(struct pack_buffer *binary, struct pack_span *text, unsigned *number,
                        struct pack_error *error)
{
    struct pack_span line = take_line(text, number);
    if (!is_line(line, first_line))
        return pack_fail(error, PACK_E_MALFORMED, "more than \"%s\" in this line", first_line);
    for (line = take_line(text, number); !is_line(line, last_line);) {
        struct pack_span rest = *text;
        unsigned next_number = *number;
        const struct pack_span next = take_line(&rest, &next_number);
        const int code = decode_line(binary, line, is_line(next, last_line), error);
        if (code != 0)
            return code;
        if (text->size == 0)
            return pack_fail(error, PACK_E_MALFORMED, "the armor has no \"%s\"", last_line);
        line = next;
        *text = rest;
        *number = next_number;
    }
    return 0;
}

int age_armor_decode(struct pack_buffer *binary, const void *text, size_t size,
                     struct pack_error *error)
{
    struct pack_span rest = {text, size};
    unsigned line = 1;
    skip_space(&rest, &line);
    line--;
    int code = decode_lines(binary, &rest, &line, error);
    line += code == 0;
    if (code == 0)
        skip_space(&rest, &line);
    if (code == 0 && rest.size != 0)
        code = pack_fail(error, PACK_E_MALFORMED, "more follows the armor");
    return code != 0 ? pack_at_line(error, line, 0) : 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static int write_line(struct age_armor_writer *writer, struct pack_error *error)
{
    char text[PACK_BASE64_TEXT_SIZE(AGE_ARMOR_LINE) + 1];
    if (writer->held == 0)
        return 0;
    pack_base64_encode(text, sizeof text, writer->line, writer->held);
    writer->held = 0;
    const size_t size = strlen(text);
    text[size] = '\n';
    return pack_sink_write(writer->out, text, size + 1, error);
}

static int write_marker(struct age_armor_writer *writer, const char *marker,
                        struct pack_error *error)
{
    const int code = pack_sink_write(writer->out, marker, strlen(marker), error);
    return code != 0 ? code : pack_sink_write(writer->out, "\n", 1, error);
}

static int armor_write(struct pack_sink *sink, const void *bytes, size_t size,
                       struct pack_error *error)
{
    struct age_armor_writer *writer = (struct age_armor_writer *)sink;
    const uint8_t *next = bytes;
    int code = writer->begun ? 0 : write_marker(writer, first_line, error);
    writer->begun = true;
    while (code == 0 && size != 0) {
        const size_t piece = (size_t)pack_min(size, AGE_ARMOR_LINE - writer->held);
        memcpy(writer->line + writer->held, next, piece);
        writer->held += piece;
        next += piece;
        size -= piece;
        if (writer->held == AGE_ARMOR_LINE)
            code = write_line(writer, error);
    }
    return code;
}

struct age_armor_writer age_armor_writer(struct pack_sink *out)
{
    static const struct pack_sink_ops ops = {.write = armor_write};
    return (struct age_armor_writer){.sink = {&ops}, .out = out};
}

int age_armor_writer_finish(struct age_armor_writer *writer, struct pack_error *error)
{
    const int code = write_line(writer, error);
    return code != 0 ? code : write_marker(writer, last_line, error);
}
