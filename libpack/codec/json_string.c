/* SPDX-License-Identifier: MIT */
#include "codec/json_string.h"

#include "pack/text.h"

struct escape {
    const char *at, *end; /* behind the backslash */
};

static const char surrogate_flaw[] = "a lone surrogate in a string";

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* `u` and four digits, a unit of UTF-16; false where there are none. */
static bool take_unit(struct escape *escape, uint32_t *unit)
{
    if (escape->end - escape->at < 5 || escape->at[0] != 'u')
        return false;
    *unit = 0;
    for (int i = 1; i <= 4; i++) {
        const int digit = hex_value(escape->at[i]);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    escape->at += 5;
    return true;
}

static const char *take_character(struct escape *escape, uint32_t *character)
{
    uint32_t low = 0;
    if (!take_unit(escape, character))
        return "an unknown escape in a string";
    if (*character == 0)
        return "a NUL in a string";
    if (*character < 0xd800 || *character > 0xdfff)
        return NULL;
    if (*character > 0xdbff || escape->at == escape->end || *escape->at != '\\')
        return surrogate_flaw;
    escape->at++;
    if (!take_unit(escape, &low) || low < 0xdc00 || low > 0xdfff)
        return surrogate_flaw;
    *character = 0x10000 + ((*character - 0xd800) << 10) + (low - 0xdc00);
    return NULL;
}

/* UTF-8 (RFC 3629), which takes no more bytes than the escapes did. */
static char *put_character(char *out, uint32_t character)
{
    if (character < 0x80) {
        *out++ = (char)character;
    } else if (character < 0x800) {
        *out++ = (char)(0xc0 | character >> 6);
        *out++ = (char)(0x80 | (character & 0x3f));
    } else if (character < 0x10000) {
        *out++ = (char)(0xe0 | character >> 12);
        *out++ = (char)(0x80 | (character >> 6 & 0x3f));
        *out++ = (char)(0x80 | (character & 0x3f));
    } else {
        *out++ = (char)(0xf0 | character >> 18);
        *out++ = (char)(0x80 | (character >> 12 & 0x3f));
        *out++ = (char)(0x80 | (character >> 6 & 0x3f));
        *out++ = (char)(0x80 | (character & 0x3f));
    }
    return out;
}

static const char *take_escape(struct escape *escape, uint32_t *character)
{
    static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (const char *letter = letters; *letter != '\0' && escape->at < escape->end; letter += 2) {
        if (*letter == *escape->at) {
            *character = (uint32_t)letter[1];
            escape->at++;
            return NULL;
        }
    }
    return take_character(escape, character);
}

const char *json_string_decode(char *out, const char *text, size_t size)
{
    struct escape escape = {.at = text, .end = text + size};
    if (!pack_utf8_valid(text, size))
        return "a string that is not UTF-8";
    while (escape.at < escape.end) {
        uint32_t character = 0;
        if ((uint8_t)*escape.at < 0x20)
            return "a control character in a string";
        if (*escape.at != '\\') {
            *out++ = *escape.at++;
            continue;
        }
        escape.at++;
        const char *flaw = take_escape(&escape, &character);
        if (flaw != NULL)
            return flaw;
        out = put_character(out, character);
    }
    *out = '\0';
    return NULL;
}
