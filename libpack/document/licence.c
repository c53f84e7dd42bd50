/* SPDX-License-Identifier: MIT */
#include "document/rules.h"

#include "pack/text.h"

#include <string.h>

/*
 * SPDX licence expressions (SPDX 2.3, annex D) as far as they can be judged without the list of
 * licences: ids, "+", AND, OR, WITH and brackets, each where it may stand.
 */

struct reader {
    const char *at;
    unsigned depth;     /* of open brackets */
    bool wants_operand; /* else an operator, or the end */
    bool after_licence; /* WITH may follow */
    bool wants_exception;
};

static size_t word_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:+");
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool is_operator(const char *text, size_t length)
{
    return is_word(text, length, "AND") || is_word(text, length, "OR");
}

/* [DocumentRef-X:]ID, a "+" only at its end. */
static bool is_id(const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length), *plus = memchr(text, '+', length);
    if (plus != NULL && (plus != text + length - 1 || length == 1))
        return false;
    if (colon == NULL)
        return true;
    return strncmp(text, "DocumentRef-", 12) == 0 && colon > text + 12 &&
           strncmp(colon + 1, "LicenseRef-", 11) == 0 && plus == NULL &&
           (size_t)(colon + 12 - text) < length && strchr(colon + 1, ':') == NULL;
}

static const char *read_operand(struct reader *reader, size_t length)
{
    if (*reader->at == '(' && !reader->wants_exception) {
        reader->depth++;
        reader->at++;
        return reader->depth <= PACK_MAX_NESTING ? NULL : "has too many brackets";
    }
    if (length == 0 || is_operator(reader->at, length) || is_word(reader->at, length, "WITH"))
        return "lacks a licence";
    if (!is_id(reader->at, length))
        return "has a word that is no licence id";
    reader->at += length;
    reader->after_licence = !reader->wants_exception;
    reader->wants_operand = reader->wants_exception = false;
    return NULL;
}

static const char *read_operator(struct reader *reader, size_t length)
{
    if (*reader->at == ')') {
        if (reader->depth == 0)
            return "closes a bracket that is not open";
        reader->depth--;
        reader->at++;
        reader->after_licence = false;
        return NULL;
    }
    reader->wants_exception = is_word(reader->at, length, "WITH");
    if (!is_operator(reader->at, length) && !(reader->wants_exception && reader->after_licence))
        return "wants AND, OR or WITH between its licences";
    reader->at += length;
    reader->wants_operand = true;
    reader->after_licence = false;
    return NULL;
}

static const char *flaw_of(const char *text)
{
    struct reader reader = {.at = text, .wants_operand = true};
    const char *flaw = NULL;
    while (flaw == NULL) {
        reader.at += strspn(reader.at, " ");
        if (*reader.at == '\0')
            break;
        const size_t length = word_length(reader.at);
        flaw =
            reader.wants_operand ? read_operand(&reader, length) : read_operator(&reader, length);
    }
    if (flaw == NULL && reader.wants_operand)
        flaw = "lacks a licence";
    if (flaw == NULL && reader.depth != 0)
        flaw = "has a bracket that is not closed";
    return flaw;
}

int pack_rule_licence(const char *text, struct pack_error *error)
{
    char shown[96];
    const char *flaw = strlen(text) > PACK_MAX_TEXT ? "is too long" : flaw_of(text);
    if (flaw == NULL)
        return 0;
    (void)pack_fail(error, PACK_E_MALFORMED, "\"%s\" %s",
                    pack_escape(shown, sizeof shown, text, strlen(text)), flaw);
    return pack_hint(error, "an SPDX expression is \"MIT\", \"GPL-2.0-only OR MIT\", or the like");
}
