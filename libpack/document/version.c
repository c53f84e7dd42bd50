/* SPDX-License-Identifier: MIT */
#include "document/semver.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <string.h>

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_identifier(char character)
{
    return is_digit(character) || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z') || character == '-';
}

/* The characters from `position` on for which `fits` holds. */
static struct semver_span take_while(struct semver_span span, size_t position,
                                     bool (*fits)(char character))
{
    struct semver_span taken = {.text = span.text + position};
    while (position + taken.size < span.size && fits(taken.text[taken.size]))
        taken.size++;
    return taken;
}

static bool is_numeric(struct semver_span identifier)
{
    return take_while(identifier, 0, is_digit).size == identifier.size;
}

static bool has_leading_zero(struct semver_span number)
{
    return number.size > 1 && number.text[0] == '0';
}

static bool at_character(struct semver_span span, size_t position, char character)
{
    return position < span.size && span.text[position] == character;
}

static const char *read_core(struct semver *version, struct semver_span span, size_t *position)
{
    static const char *const missing[] = {"the major number is missing",
                                          "the minor number is missing",
                                          "the patch number is missing"};
    for (size_t i = 0; i < 3; i++) {
        if (i > 0 && !at_character(span, *position, '.'))
            return missing[i];
        *position += i > 0;
        version->core[i] = take_while(span, *position, is_digit);
        if (version->core[i].size == 0)
            return missing[i];
        if (has_leading_zero(version->core[i]))
            return "a number has a leading zero";
        *position += version->core[i].size;
    }
    return NULL;
}

/* Identifiers joined by dots, after the `-` or `+` at *position. */
static const char *read_identifiers(struct semver_span *identifiers, struct semver_span span,
                                    bool prerelease, size_t *position)
{
    const size_t start = *position + 1;
    do {
        *position += 1;
        const struct semver_span one = take_while(span, *position, is_identifier);
        if (one.size == 0)
            return "an identifier is missing";
        if (prerelease && is_numeric(one) && has_leading_zero(one))
            return "a number has a leading zero";
        *position += one.size;
    } while (at_character(span, *position, '.'));
    *identifiers = (struct semver_span){.text = span.text + start, .size = *position - start};
    return NULL;
}

const char *semver_read(struct semver *version, struct semver_span span, size_t *position)
{
    struct semver_span build;
    *version = (struct semver){.core = {{NULL, 0}}};
    *position = 0;
    const char *flaw = read_core(version, span, position);
    if (flaw == NULL && at_character(span, *position, '-'))
        flaw = read_identifiers(&version->prerelease, span, true, position);
    if (flaw == NULL && at_character(span, *position, '+'))
        flaw = read_identifiers(&build, span, false, position);
    if (flaw == NULL && *position != span.size)
        flaw = "an unexpected character";
    return flaw;
}

static int order(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* Numbers of any length: without leading zeros, the longer one is the larger. */
static int compare_numbers(struct semver_span a, struct semver_span b)
{
    return a.size != b.size ? order(a.size, b.size) : memcmp(a.text, b.text, a.size);
}

static int compare_texts(struct semver_span a, struct semver_span b)
{
    const int result = memcmp(a.text, b.text, a.size < b.size ? a.size : b.size);
    return result != 0 ? result : order(a.size, b.size);
}

static int compare_identifiers(struct semver_span a, struct semver_span b)
{
    const bool a_numeric = is_numeric(a), b_numeric = is_numeric(b);
    if (a_numeric != b_numeric)
        return a_numeric ? -1 : 1;
    return a_numeric ? compare_numbers(a, b) : compare_texts(a, b);
}

/* Takes the first identifier off the front. */
static struct semver_span next_identifier(struct semver_span *identifiers)
{
    const struct semver_span first = take_while(*identifiers, 0, is_identifier);
    const size_t used = first.size < identifiers->size ? first.size + 1 : first.size;
    identifiers->text += used;
    identifiers->size -= used;
    return first;
}

static int compare_prereleases(struct semver_span a, struct semver_span b)
{
    if (a.size == 0 || b.size == 0)
        return (a.size == 0) - (b.size == 0);
    while (a.size != 0 && b.size != 0) {
        const int result = compare_identifiers(next_identifier(&a), next_identifier(&b));
        if (result != 0)
            return result;
    }
    return order(a.size, b.size);
}

int semver_compare(const struct semver *a, const struct semver *b)
{
    for (size_t i = 0; i < 3; i++) {
        const int result = compare_numbers(a->core[i], b->core[i]);
        if (result != 0)
            return result;
    }
    return compare_prereleases(a->prerelease, b->prerelease);
}

int pack_version_check(const char *text, struct pack_error *error)
{
    const struct semver_span span = {text, strlen(text)};
    struct semver version;
    size_t position = 0;
    if (span.size > PACK_MAX_VERSION)
        return pack_fail(error, PACK_E_LIMIT, "a version of %zu characters, %d are allowed",
                         span.size, PACK_MAX_VERSION);
    const char *flaw = semver_read(&version, span, &position);
    if (flaw == NULL)
        return 0;
    char shown[96];
    pack_escape(shown, sizeof shown, text, span.size);
    (void)pack_fail(error, PACK_E_MALFORMED, "\"%s\" is no semantic version: %s at character %zu",
                    shown, flaw, position + 1);
    return pack_hint(error,
                     "a version is MAJOR.MINOR.PATCH, as in 1.4.0 or 2.0.0-rc.1 (semver.org)");
}

int pack_version_compare(const char *a, const char *b)
{
    struct semver versions[2];
    size_t position;
    (void)semver_read(&versions[0], (struct semver_span){a, strlen(a)}, &position);
    (void)semver_read(&versions[1], (struct semver_span){b, strlen(b)}, &position);
    return semver_compare(&versions[0], &versions[1]);
}
