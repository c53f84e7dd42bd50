/* SPDX-License-Identifier: MIT */
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * Decodes one character (RFC 3629). Returns its length in bytes, 0 when the bytes at `text` are
 * not well-formed UTF-8.
 */
static size_t decode(const uint8_t *text, size_t size, uint32_t *character)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t length = 1; length <= 4 && length <= size; length++) {
        if ((text[0] & forms[length - 1].mask) != forms[length - 1].lead)
            continue;
        uint32_t value = text[0] & (uint8_t)~forms[length - 1].mask;
        for (size_t i = 1; i < length; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (text[i] & 0x3f);
        }
        if (value < forms[length - 1].least || value > 0x10ffff ||
            (value >= 0xd800 && value <= 0xdfff))
            return 0;
        *character = value;
        return length;
    }
    return 0;
}

/* Characters that act on a terminal, or on the order and visibility of others. */
static bool misleads(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

char *pack_escape(char *out, size_t capacity, const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        char piece[16];
        uint32_t character = 0;
        size_t length = decode(bytes + i, size - i, &character);
        if (length == 0) {
            snprintf(piece, sizeof piece, "\\x%02x", bytes[i]);
            length = 1;
        } else if (character == '\\') {
            snprintf(piece, sizeof piece, "\\\\");
        } else if (character < 0x80 && misleads(character)) {
            snprintf(piece, sizeof piece, "\\x%02x", (unsigned)character);
        } else if (misleads(character)) {
            snprintf(piece, sizeof piece, "\\u{%04X}", (unsigned)character);
        } else {
            memcpy(piece, bytes + i, length);
            piece[length] = '\0';
        }
        const size_t wanted = strlen(piece);
        if (used + wanted >= capacity)
            break;
        memcpy(out + used, piece, wanted);
        used += wanted;
        i += length;
    }
    if (capacity != 0)
        out[used] = '\0';
    return out;
}

bool pack_utf8_valid(const void *bytes, size_t size)
{
    const uint8_t *text = bytes;
    for (size_t i = 0; i < size;) {
        uint32_t character = 0;
        const size_t length = decode(text + i, size - i, &character);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

bool pack_text_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint32_t character = 0;
        const size_t length = decode((const uint8_t *)text + i, size - i, &character);
        if (length == 0 || misleads(character))
            return false;
        i += length;
    }
    return true;
}

enum { MAX_WORD = 64 };

/* Edit distance with transpositions (optimal string alignment), for short words. */
static size_t distance(const char *a, const char *b)
{
    const size_t rows = strlen(a), columns = strlen(b);
    size_t table[3][MAX_WORD + 1];
    if (rows > MAX_WORD || columns > MAX_WORD)
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *row = table[i % 3], *above = table[(i - 1) % 3];
        const size_t *above2 = table[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                above2[j - 2] + 1 < best)
                best = above2[j - 2] + 1;
            row[j] = best;
        }
    }
    return table[rows % 3][columns];
}

const char *pack_nearest(const char *word, const char *const *words, size_t count)
{
    const size_t length = strlen(word);
    size_t best = length < 3 ? 2 : length < 6 ? 3 : 4; /* first distance that is too far */
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t d = distance(word, words[i]);
        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}

char *pack_size_text(char out[PACK_SIZE_TEXT], uint64_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)size / 1024;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        value /= 1024;
    if (size < 1024)
        snprintf(out, PACK_SIZE_TEXT, "%" PRIu64 " byte%s", size, size == 1 ? "" : "s");
    else
        snprintf(out, PACK_SIZE_TEXT, "%.1f %s", value, units[unit]);
    return out;
}

char *pack_time_text(char out[PACK_TIME_TEXT], uint64_t seconds)
{
    const time_t time = (time_t)seconds;
    struct tm parts = {0};
    if (seconds > INT64_C(253402300799) || gmtime_r(&time, &parts) == NULL)
        snprintf(out, PACK_TIME_TEXT, "%" PRIu64 " seconds after 1970", seconds);
    else
        strftime(out, PACK_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return out;
}
