/* SPDX-License-Identifier: MIT */
#include "codec/json_reader.h"

#include "base/memory.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <inttypes.h>
#include <string.h>

/*
 * A look at the tokens before jansson builds its tree: it bounds the nesting and the number of
 * values, and sees numbers as they are written (jansson takes 1.0 for a real and -0 for 0).
 * What is no JSON at all is left to jansson to report.
 */
struct scan {
    const uint8_t *at, *end;
    unsigned line, column; /* of `at` */
    unsigned depth;
    unsigned values;          /* objects and arrays so far */
    struct pack_error number; /* the first number that is not wanted */
    struct pack_error *error; /* what stops the scan */
};

static void step(struct scan *scan)
{
    const uint8_t byte = *scan->at++;
    const bool continues = scan->at < scan->end && (*scan->at & 0xc0) == 0x80;
    if (byte == '\n') {
        scan->line++;
        scan->column = 1;
    } else if (!continues) {
        scan->column++;
    }
}

static int scan_fail(const struct scan *scan, enum pack_code code, const char *text)
{
    (void)pack_fail(scan->error, code, "%s", text);
    return pack_at_line(scan->error, scan->line, scan->column);
}

/* Kept for later: a syntax error before it may be the reason why it looks like a number. */
static void note_number(struct scan *scan, const char *text)
{
    if (scan->number.code != PACK_OK)
        return;
    (void)pack_fail(&scan->number, PACK_E_MALFORMED, "%s", text);
    (void)pack_at_line(&scan->number, scan->line, scan->column);
}

static void scan_string(struct scan *scan)
{
    step(scan);
    while (scan->at < scan->end && *scan->at != '"') {
        if (*scan->at == '\\' && scan->at + 1 < scan->end)
            step(scan);
        step(scan);
    }
    if (scan->at < scan->end)
        step(scan);
}

static size_t number_length(const struct scan *scan)
{
    static const char characters[] = "0123456789+-.eE";
    const uint8_t *at = scan->at;
    while (at < scan->end && *at != 0 && strchr(characters, *at) != NULL)
        at++;
    return (size_t)(at - scan->at);
}

/* What is wrong with a number, or NULL. */
static const char *number_flaw(const uint8_t *digits, size_t length)
{
    uint64_t value = 0;
    if (digits[0] == '-')
        return "a negative number where an integer from 0 is wanted";
    for (size_t i = 0; i < length; i++)
        if (digits[i] < '0' || digits[i] > '9')
            return "a number that is no plain integer";
    for (size_t i = 0; i < length; i++) {
        value = value * 10 + (uint64_t)(digits[i] - '0');
        if (value > PACK_MAX_INTEGER)
            return "a number larger than 9007199254740991";
    }
    return NULL;
}

static void scan_number(struct scan *scan)
{
    const size_t length = number_length(scan);
    const char *flaw = number_flaw(scan->at, length);
    if (flaw != NULL)
        note_number(scan, flaw);
    for (size_t i = 0; i < length; i++)
        step(scan);
}

static int scan_open(struct scan *scan)
{
    if (scan->depth == PACK_MAX_NESTING)
        return scan_fail(scan, PACK_E_LIMIT, "nested deeper than 32 levels");
    if (scan->values == PACK_MAX_JSON_VALUES)
        return scan_fail(scan, PACK_E_LIMIT, "more than 65536 objects and arrays");
    scan->depth++;
    scan->values++;
    step(scan);
    return 0;
}

static int scan_token(struct scan *scan)
{
    switch (*scan->at) {
    case '"':
        scan_string(scan);
        return 0;
    case '[':
    case '{':
        return scan_open(scan);
    case ']':
    case '}':
        scan->depth -= scan->depth != 0;
        step(scan);
        return 0;
    default:
        if (*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9'))
            scan_number(scan);
        else
            step(scan);
        return 0;
    }
}

static int scan_all(struct scan *scan)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if ((size_t)(scan->end - scan->at) >= sizeof mark && memcmp(scan->at, mark, sizeof mark) == 0)
        return scan_fail(scan, PACK_E_MALFORMED, "starts with a byte order mark");
    int code = 0;
    while (code == 0 && scan->at < scan->end)
        code = scan_token(scan);
    return code;
}

static int fail_jansson(const json_error_t *cause, struct pack_error *error)
{
    char text[4 * JSON_ERROR_TEXT_LENGTH];
    /* jansson says nothing of most allocations that fail. */
    if (json_error_code(cause) == json_error_out_of_memory || cause->text[0] == '\0')
        return pack_fail_memory(error);
    pack_escape(text, sizeof text, cause->text, strlen(cause->text));
    (void)pack_fail(error, PACK_E_MALFORMED, "not valid JSON: %s", text);
    return pack_at_line(error, cause->line > 0 ? (unsigned)cause->line : 0,
                        cause->column > 0 ? (unsigned)cause->column : 0);
}

static bool comes_before(const struct pack_error *a, const struct pack_error *b)
{
    return a->line != b->line ? a->line < b->line : a->column <= b->column;
}

int pack_json_read(json_t **root, const void *bytes, size_t size, struct pack_error *error)
{
    struct scan scan = {
        .at = bytes, .end = (const uint8_t *)bytes + size, .line = 1, .column = 1, .error = error};
    json_t *read PACK_AUTO(pack_json_release) = NULL;
    json_error_t cause = {.line = 0};
    *root = NULL;
    if (size > PACK_MAX_DOCUMENT)
        return pack_fail(error, PACK_E_LIMIT, "%zu bytes of JSON, %" PRIu64 " are allowed", size,
                         PACK_MAX_DOCUMENT);
    int code = scan_all(&scan);
    if (code != 0)
        return code;
    read = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &cause);
    if (read == NULL)
        code = fail_jansson(&cause, error);
    if (scan.number.code != PACK_OK && (code == 0 || comes_before(&scan.number, error))) {
        *error = scan.number;
        return (int)error->code;
    }
    *root = pack_steal(&read);
    return code;
}

void pack_json_release(json_t **root)
{
    json_decref(*root);
    *root = NULL;
}
