/* SPDX-License-Identifier: MIT */
#include "document/semver.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <string.h>

/* What the order of version and bound may be: a set of bits. */
enum { LESS = 1, EQUAL = 2, GREATER = 4 };

/* Longer operators before those that they begin with. */
static const struct {
    const char *text;
    unsigned orders;
} operators[] = {
    {">=", GREATER | EQUAL},
    {"<=", LESS | EQUAL},
    {">", GREATER},
    {"<", LESS},
    {"=", EQUAL},
    {"", EQUAL},
};

struct comparator {
    unsigned orders;
    struct semver bound;
};

/* A walk over the comparators of a range. */
struct walk {
    struct semver_span range;
    size_t position;
    const char *flaw; /* what is wrong at `position`, NULL for nothing */
};

static void skip_spaces(struct walk *walk)
{
    while (walk->position < walk->range.size && walk->range.text[walk->position] == ' ')
        walk->position++;
}

static unsigned read_operator(struct walk *walk)
{
    const char *at = walk->range.text + walk->position;
    size_t i = 0;
    while (strncmp(at, operators[i].text, strlen(operators[i].text)) != 0)
        i++;
    walk->position += strlen(operators[i].text);
    return operators[i].orders;
}

static struct semver_span word_at(const struct walk *walk)
{
    struct semver_span word = {.text = walk->range.text + walk->position};
    while (walk->position + word.size < walk->range.size && word.text[word.size] != ' ')
        word.size++;
    return word;
}

/* False at the end, and where something is wrong. */
static bool next_comparator(struct walk *walk, struct comparator *comparator)
{
    skip_spaces(walk);
    if (walk->position == walk->range.size)
        return false;
    comparator->orders = read_operator(walk);
    const struct semver_span word = word_at(walk);
    size_t within = 0;
    if (word.size > PACK_MAX_VERSION)
        walk->flaw = "a version that is too long";
    else
        walk->flaw = semver_read(&comparator->bound, word, &within);
    walk->position += walk->flaw == NULL ? word.size : within;
    return walk->flaw == NULL;
}

int pack_range_check(const char *text, struct pack_error *error)
{
    struct walk walk = {.range = {text, strlen(text)}};
    struct comparator comparator;
    unsigned count = 0;
    if (walk.range.size > PACK_MAX_TEXT)
        return pack_fail(error, PACK_E_LIMIT, "a version range of %zu characters, %d are allowed",
                         walk.range.size, PACK_MAX_TEXT);
    while (next_comparator(&walk, &comparator))
        count++;
    if (walk.flaw == NULL && count == 0)
        walk.flaw = "no version";
    if (walk.flaw == NULL)
        return 0;
    char shown[96];
    pack_escape(shown, sizeof shown, text, walk.range.size);
    (void)pack_fail(error, PACK_E_MALFORMED, "\"%s\" is no version range: %s at character %zu",
                    shown, walk.flaw, walk.position + 1);
    return pack_hint(error, "a range is comparators joined by spaces, as in \">=2.0.0 <3.0.0\"");
}

bool pack_range_contains(const char *range, const char *version)
{
    struct walk walk = {.range = {range, strlen(range)}};
    struct comparator comparator;
    struct semver wanted;
    size_t position = 0;
    if (semver_read(&wanted, (struct semver_span){version, strlen(version)}, &position) != NULL ||
        walk.range.size > PACK_MAX_TEXT)
        return false;
    bool holds = false;
    while (next_comparator(&walk, &comparator)) {
        const int result = semver_compare(&wanted, &comparator.bound);
        const unsigned order = result < 0 ? LESS : result == 0 ? EQUAL : GREATER;
        holds = (comparator.orders & order) != 0;
        if (!holds)
            return false;
    }
    return holds && walk.flaw == NULL;
}
