/* SPDX-License-Identifier: MIT */
#include "boot/lines.h"

#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_TRIES = 99, MAX_STARTS = 1000000000, SHOWN = 64 };

/* One line, without its end. */
struct value {
    const char *text;
    size_t size;
};

/* --- values ---------------------------------------------------------------------------------- */

bool boot_set_parse(enum pack_set *set, const char *text, size_t size)
{
    if (size != 1 || (text[0] != 'A' && text[0] != 'B'))
        return false;
    *set = text[0] == 'A' ? PACK_SET_A : PACK_SET_B;
    return true;
}

static bool parse_flag(bool *flag, struct value value)
{
    if (value.size != 1 || (value.text[0] != '0' && value.text[0] != '1'))
        return false;
    *flag = value.text[0] == '1';
    return true;
}

static bool parse_number(uint64_t *number, struct value value, uint64_t most)
{
    uint64_t sum = 0;
    if (value.size == 0 || value.size > 10 || (value.size > 1 && value.text[0] == '0'))
        return false;
    for (size_t i = 0; i < value.size; i++) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(value.text[i] - '0');
    }
    *number = sum;
    return sum <= most;
}

static bool read_primary(struct boot_lines *lines, struct value value)
{
    return boot_set_parse(&lines->state.primary, value.text, value.size);
}

static bool read_trial(struct boot_lines *lines, struct value value)
{
    return parse_flag(&lines->state.trial, value);
}

static bool read_tries(struct boot_lines *lines, struct value value)
{
    uint64_t number = 0;
    const bool good = parse_number(&number, value, MAX_TRIES);
    lines->state.tries = (unsigned)number;
    return good;
}

static bool read_fallback(struct boot_lines *lines, struct value value)
{
    return parse_flag(&lines->state.fallback, value);
}

static bool read_running(struct boot_lines *lines, struct value value)
{
    return boot_set_parse(&lines->running, value.text, value.size);
}

static bool read_starts(struct boot_lines *lines, struct value value)
{
    return parse_number(&lines->starts, value, MAX_STARTS);
}

static bool read_session(struct boot_lines *lines, struct value value)
{
    if (value.size == 0 || value.size >= sizeof lines->session)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        const char c = value.text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-'))
            return false;
    }
    memcpy(lines->session, value.text, value.size);
    lines->session[value.size] = '\0';
    return true;
}

static bool (*const readers[LINE_COUNT])(struct boot_lines *lines, struct value value) = {
    [LINE_PRIMARY] = read_primary,   [LINE_TRIAL] = read_trial,     [LINE_TRIES] = read_tries,
    [LINE_FALLBACK] = read_fallback, [LINE_RUNNING] = read_running, [LINE_STARTS] = read_starts,
    [LINE_SESSION] = read_session,
};

static const struct {
    const char *name, *wanted;
} words[LINE_COUNT] = {
#define BOOT_LINE_ENTRY(line, word, wanted) [line] = {word, wanted},
    BOOT_LINES(BOOT_LINE_ENTRY)
#undef BOOT_LINE_ENTRY
};

/* --- reading --------------------------------------------------------------------------------- */

static const char *show(char shown[static 4 * SHOWN + 1], struct value value)
{
    return pack_escape(shown, 4 * SHOWN + 1, value.text, value.size < SHOWN ? value.size : SHOWN);
}

static enum boot_line find_line(struct value name)
{
    enum boot_line line = 0;
    while (line < LINE_COUNT && (strlen(words[line].name) != name.size ||
                                 memcmp(words[line].name, name.text, name.size) != 0))
        line++;
    return line;
}

static int read_line(struct boot_lines *lines, struct value text, struct pack_error *error)
{
    char shown[4 * SHOWN + 1];
    const char *equals = memchr(text.text, '=', text.size);
    if (equals == NULL)
        return pack_fail(error, PACK_E_STATE, "no NAME=VALUE but '%s'", show(shown, text));
    const struct value name = {text.text, (size_t)(equals - text.text)};
    const struct value value = {equals + 1, text.size - name.size - 1};
    const enum boot_line line = find_line(name);
    if (line == LINE_COUNT)
        return pack_fail(error, PACK_E_STATE, "'%s' is unknown", show(shown, name));
    if ((lines->present & LINE_BIT(line)) != 0)
        return pack_fail(error, PACK_E_STATE, "%s is there twice", words[line].name);
    if (!readers[line](lines, value))
        return pack_fail(error, PACK_E_STATE, "%s is '%s', %s wanted", words[line].name,
                         show(shown, value), words[line].wanted);
    lines->present |= LINE_BIT(line);
    return 0;
}

static int check_whole(const struct boot_lines *lines, unsigned required, struct pack_error *error)
{
    for (enum boot_line line = 0; line < LINE_COUNT; line++)
        if ((required & LINE_BIT(line)) != 0 && (lines->present & LINE_BIT(line)) == 0)
            return pack_fail(error, PACK_E_STATE, "%s is missing", words[line].name);
    if (!lines->state.trial && lines->state.tries != 0)
        return pack_fail(error, PACK_E_STATE, "%u tries are left of no trial", lines->state.tries);
    return 0;
}

int boot_lines_parse(struct boot_lines *lines, const void *bytes, size_t size, unsigned required,
                     struct pack_error *error)
{
    const char *text = bytes;
    unsigned number = 1;
    *lines = (struct boot_lines){.present = 0};
    for (size_t at = 0; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        if (end == NULL) {
            pack_fail(error, PACK_E_STATE, "the last line is cut short");
            return pack_at_line(error, number, 1);
        }
        const struct value line = {text + at, (size_t)(end - text) - at};
        if (read_line(lines, line, error) != 0)
            return pack_at_line(error, number, 1);
        at += line.size + 1;
    }
    return check_whole(lines, required, error);
}

/* --- writing --------------------------------------------------------------------------------- */

int boot_lines_print(struct pack_buffer *text, const struct boot_lines *lines,
                     struct pack_error *error)
{
    char values[LINE_COUNT][64] = {{0}};
    const struct boot_state *state = &lines->state;
    snprintf(values[LINE_PRIMARY], 64, "%s", pack_set_name(state->primary));
    snprintf(values[LINE_TRIAL], 64, "%d", state->trial);
    snprintf(values[LINE_TRIES], 64, "%u", state->tries);
    snprintf(values[LINE_FALLBACK], 64, "%d", state->fallback);
    snprintf(values[LINE_RUNNING], 64, "%s", pack_set_name(lines->running));
    snprintf(values[LINE_STARTS], 64, "%llu", (unsigned long long)lines->starts);
    snprintf(values[LINE_SESSION], 64, "%s", lines->session);
    for (enum boot_line line = 0; line < LINE_COUNT; line++) {
        if ((lines->present & LINE_BIT(line)) == 0)
            continue;
        const int code = pack_buffer_print(text, error, "%s=%s\n", words[line].name, values[line]);
        if (code != 0)
            return code;
    }
    return 0;
}
