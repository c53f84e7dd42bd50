/* SPDX-License-Identifier: MIT */
#include "document/rules.h"

#include "pack/text.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_SIZE = 96, MAX_CODEC = 16 };

static int fail_word(enum pack_code code, const char *text, const char *what,
                     struct pack_error *error)
{
    char shown[SHOWN_SIZE];
    pack_escape(shown, sizeof shown, text, strlen(text));
    return pack_fail(error, code, "\"%s\" is %s", shown, what);
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

int pack_rule_name(const char *text, struct pack_error *error)
{
    if (pack_name_valid(text))
        return 0;
    (void)fail_word(PACK_E_MALFORMED, text, "no name", error);
    return pack_hint(error, "a name is 1 to 41 of a-z, 0-9, dot, underscore and hyphen, and starts "
                            "with a letter or digit");
}

int pack_rule_text(const char *text, struct pack_error *error)
{
    const size_t size = strlen(text);
    if (size == 0)
        return pack_fail(error, PACK_E_MALFORMED, "empty text");
    if (size > PACK_MAX_TEXT)
        return pack_fail(error, PACK_E_LIMIT, "%zu bytes of text, %d are allowed", size,
                         PACK_MAX_TEXT);
    if (!pack_text_plain(text, size))
        return fail_word(PACK_E_MALFORMED, text,
                         "text with control, invisible or reordering characters", error);
    if (text[0] == ' ' || text[size - 1] == ' ')
        return fail_word(PACK_E_MALFORMED, text, "text with a space at an end", error);
    return 0;
}

int pack_rule_format(const char *text, struct pack_error *error)
{
    static const char *const formats[] = {"elf", "ihex", "srec", "uf2"};
    if (is_one_of(text, formats, sizeof formats / sizeof formats[0]))
        return 0;
    return fail_word(PACK_E_UNSUPPORTED, text, "no segmented format that this version knows",
                     error);
}

int pack_rule_codec(const char *text, struct pack_error *error)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char *const reserved[] = {"blocks", "frames"};
    const size_t length = strlen(text);
    if (length != 0 && length <= MAX_CODEC && strspn(text, characters) == length &&
        !is_one_of(text, reserved, sizeof reserved / sizeof reserved[0]))
        return 0;
    return fail_word(PACK_E_MALFORMED, text, "no name of a codec", error);
}

int pack_rule_block_size(uint64_t size, struct pack_error *error)
{
    if (size >= PACK_MIN_BLOCK && size <= PACK_MAX_BLOCK && (size & (size - 1)) == 0)
        return 0;
    return pack_fail(error, PACK_E_MALFORMED,
                     "%" PRIu64 " is no block size: a power of two from 512 to 1048576 is wanted",
                     size);
}

static bool is_digits(const char *text, size_t least, size_t most)
{
    const size_t length = strspn(text, "0123456789");
    return length >= least && length <= most;
}

int pack_rule_cve(const char *text, struct pack_error *error)
{
    if (strncmp(text, "CVE-", 4) == 0 && is_digits(text + 4, 4, 4) && text[8] == '-' &&
        is_digits(text + 9, 4, 19) && text[9 + strspn(text + 9, "0123456789")] == '\0')
        return 0;
    (void)fail_word(PACK_E_MALFORMED, text, "no CVE id", error);
    return pack_hint(error, "an id is CVE-, a year, and a number: CVE-2024-12345");
}

int pack_rule_urgency(const char *text, struct pack_error *error)
{
    static const char *const words[] = {"low", "medium", "high", "critical"};
    if (is_one_of(text, words, 4))
        return 0;
    const char *nearest = pack_nearest(text, words, 4);
    (void)fail_word(PACK_E_MALFORMED, text, "no urgency", error);
    return nearest != NULL ? pack_hint(error, "did you mean '%s'?", nearest)
                           : pack_hint(error, "an urgency is low, medium, high or critical");
}
