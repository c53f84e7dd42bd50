/* SPDX-License-Identifier: MIT */
#include "emit.h"

#include <string.h>

static void walk(const struct command *command, const char *path, emit_visit_fn visit, void *user)
{
    visit(user, command, path);
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        const struct command *below = command->subcommands[i];
        char longer[128];
        snprintf(longer, sizeof longer, "%s%s%s", path, path[0] != '\0' ? " " : "", below->name);
        walk(below, longer, visit, user);
    }
}

void emit_walk(const struct command *program, emit_visit_fn visit, void *user)
{
    walk(program, "", visit, user);
}

void emit_filled(FILE *stream, const char *text, unsigned column, unsigned indent)
{
    bool fresh = true; /* no word on this line yet */
    while (*text != '\0') {
        text += strspn(text, " \n");
        const size_t length = strcspn(text, " \n");
        if (length == 0)
            break;
        if (!fresh && column + 1 + length > EMIT_WIDTH) {
            fprintf(stream, "\n%*s", (int)indent, "");
            column = indent;
            fresh = true;
        }
        column += (unsigned)fprintf(stream, "%s%.*s", fresh ? "" : " ", (int)length, text);
        fresh = false;
        text += length;
    }
    fputc('\n', stream);
}

bool emit_takes_word(const struct option *option)
{
    return option->kind != OPTION_FLAG && option->implied == NULL;
}

void emit_label(char *text, size_t capacity, const struct option *option, bool pad)
{
    char letter[8] = "";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const bool optional = option->implied != NULL;
    snprintf(text, capacity, "%s--%s%s%s%s", option->letter == 0 && pad ? "    " : letter,
             option->name,
             optional                ? "[="
             : option->value != NULL ? " "
                                     : "",
             option->value != NULL ? option->value : "", optional ? "]" : "");
}

/* The n-th piece of `text` between separators. */
static bool piece(const char *text, const char *separator, size_t index, char *out, size_t capacity)
{
    while (text != NULL && index-- > 0) {
        text = strstr(text, separator);
        text = text != NULL ? text + strlen(separator) : NULL;
    }
    if (text == NULL || *text == '\0')
        return false;
    const char *end = strstr(text, separator);
    const int length = (int)(end != NULL ? (size_t)(end - text) : strlen(text));
    snprintf(out, capacity, "%.*s", length, text);
    return true;
}

bool emit_line(const char *text, size_t index, char *line, size_t capacity)
{
    return piece(text, "\n", index, line, capacity);
}

bool emit_paragraph(const char *text, size_t index, char *paragraph, size_t capacity)
{
    return piece(text, "\n\n", index, paragraph, capacity);
}
