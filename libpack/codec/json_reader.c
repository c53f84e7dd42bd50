/* SPDX-License-Identifier: MIT */
#include "codec/json_reader.h"

#include "codec/json_string.h"
#include "pack/limits.h"

#include <string.h>

/* A parser of our own: jansson 2.14 writes past its buffers when an allocation fails. */
struct parser {
    const uint8_t *at, *end;
    unsigned line, column; /* of `at` */
    unsigned depth;
    unsigned values; /* so far */
    struct pack_json_limits limits;
    bool any_number;
    struct pack_arena *arena;
    struct pack_error *error;
};

static int read_value(struct parser *parser, struct pack_json_value **value);

/* --- characters ------------------------------------------------------------------------------ */

static void step(struct parser *parser)
{
    const uint8_t byte = *parser->at++;
    const bool continues = parser->at < parser->end && (*parser->at & 0xc0) == 0x80;
    if (byte == '\n') {
        parser->line++;
        parser->column = 1;
    } else if (!continues) {
        parser->column++;
    }
}

static void step_over(struct parser *parser, size_t size)
{
    for (size_t i = 0; i < size; i++)
        step(parser);
}

static bool at_byte(const struct parser *parser, char byte)
{
    return parser->at < parser->end && *parser->at == (uint8_t)byte;
}

static void skip_space(struct parser *parser)
{
    while (at_byte(parser, ' ') || at_byte(parser, '\t') || at_byte(parser, '\n') ||
           at_byte(parser, '\r'))
        step(parser);
}

static int fail_limit(const struct parser *parser, const char *text)
{
    (void)pack_fail(parser->error, PACK_E_LIMIT, "%s", text);
    return pack_at_line(parser->error, parser->line, parser->column);
}

static int fail_syntax(const struct parser *parser, const char *text)
{
    (void)pack_fail(parser->error, PACK_E_MALFORMED, "not valid JSON: %s", text);
    return pack_at_line(parser->error, parser->line, parser->column);
}

/* --- strings, numbers and words -------------------------------------------------------------- */

/* What stands between the quotes; NULL where the second one is missing. */
static const char *find_string(const struct parser *parser, size_t *size)
{
    const uint8_t *start = parser->at + 1, *at = start;
    while (at < parser->end && *at != '"')
        at += *at == '\\' && at + 1 < parser->end ? 2 : 1;
    if (at >= parser->end)
        return NULL;
    *size = (size_t)(at - start);
    return (const char *)start;
}

static int read_text(struct parser *parser, const char **text)
{
    size_t size = 0;
    char *out = NULL;
    const char *quoted = find_string(parser, &size);
    if (quoted == NULL)
        return fail_syntax(parser, "a string does not end");
    const int code = pack_arena_allocate(parser->arena, &out, 1, size + 1, parser->error);
    if (code != 0)
        return code;
    const char *flaw = json_string_decode(out, quoted, size);
    if (flaw != NULL)
        return fail_syntax(parser, flaw);
    step_over(parser, size + 2);
    *text = out;
    return 0;
}

static int read_string(struct parser *parser, struct pack_json_value *value)
{
    value->type = PACK_JSON_STRING;
    return read_text(parser, &value->text);
}

static bool at_number(const struct parser *parser)
{
    return parser->at < parser->end &&
           (*parser->at == '-' || (*parser->at >= '0' && *parser->at <= '9'));
}

static size_t number_length(const struct parser *parser)
{
    static const char characters[] = "0123456789+-.eE";
    const uint8_t *at = parser->at;
    while (at < parser->end && *at != 0 && strchr(characters, *at) != NULL)
        at++;
    return (size_t)(at - parser->at);
}

/* What is wrong with a number, or NULL. */
static const char *decode_number(const uint8_t *digits, size_t length, uint64_t *number)
{
    if (digits[0] == '-')
        return "a negative number where an integer from 0 is wanted";
    for (size_t i = 0; i < length; i++)
        if (digits[i] < '0' || digits[i] > '9')
            return "a number that is no plain integer";
    if (digits[0] == '0' && length > 1)
        return "a number with a leading zero";
    for (size_t i = 0; i < length; i++) {
        *number = *number * 10 + (uint64_t)(digits[i] - '0');
        if (*number > PACK_MAX_INTEGER)
            return "a number larger than 9007199254740991";
    }
    return NULL;
}

static size_t skip_digits(const uint8_t *text, size_t length, size_t at)
{
    while (at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

/* RFC 8259: an integer, then a fraction, then an exponent, of which the last two may be missing. */
static bool is_number(const uint8_t *text, size_t length)
{
    const size_t start = text[0] == '-';
    size_t at = skip_digits(text, length, start);
    if (at == start || (text[start] == '0' && at > start + 1))
        return false;
    if (at < length && text[at] == '.') {
        const size_t fraction = at + 1;
        at = skip_digits(text, length, fraction);
        if (at == fraction)
            return false;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        const size_t sign = at + 1;
        const size_t digits = sign + (sign < length && (text[sign] == '+' || text[sign] == '-'));
        at = skip_digits(text, length, digits);
        if (at == digits)
            return false;
    }
    return at == length;
}

static int read_any_number(struct parser *parser, size_t length, struct pack_json_value *value)
{
    if (!is_number(parser->at, length))
        return fail_syntax(parser, "a number is wanted");
    value->type = PACK_JSON_INTEGER;
    value->integer = 0;
    const int code = pack_arena_string(parser->arena, &value->text, (const char *)parser->at,
                                       length, parser->error);
    if (code == 0)
        step_over(parser, length);
    return code;
}

static int read_number(struct parser *parser, struct pack_json_value *value)
{
    const size_t length = number_length(parser);
    const char *flaw = decode_number(parser->at, length, &value->integer);
    if (flaw != NULL && parser->any_number)
        return read_any_number(parser, length, value);
    if (flaw != NULL) {
        (void)pack_fail(parser->error, PACK_E_MALFORMED, "%s", flaw);
        return pack_at_line(parser->error, parser->line, parser->column);
    }
    value->type = PACK_JSON_INTEGER;
    step_over(parser, length);
    return 0;
}

static int read_word(struct parser *parser, struct pack_json_value *value)
{
    static const struct {
        const char *text;
        enum pack_json_type type;
        bool boolean;
    } words[] = {{"true", PACK_JSON_BOOLEAN, true},
                 {"false", PACK_JSON_BOOLEAN, false},
                 {"null", PACK_JSON_NULL, false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t length = strlen(words[i].text);
        if ((size_t)(parser->end - parser->at) < length ||
            memcmp(parser->at, words[i].text, length) != 0)
            continue;
        value->type = words[i].type;
        value->boolean = words[i].boolean;
        step_over(parser, length);
        return 0;
    }
    return fail_syntax(parser, "a value is wanted");
}

/* --- arrays and objects ---------------------------------------------------------------------- */

static int read_name(struct parser *parser, const char **name)
{
    if (!at_byte(parser, '"'))
        return fail_syntax(parser, "the name of a member is wanted");
    const int code = read_text(parser, name);
    if (code != 0)
        return code;
    skip_space(parser);
    if (!at_byte(parser, ':'))
        return fail_syntax(parser, "a colon is wanted");
    step(parser);
    skip_space(parser);
    return 0;
}

static int read_entry(struct parser *parser, bool named, struct pack_json_value **entry)
{
    const char *name = NULL;
    int code = named ? read_name(parser, &name) : 0;
    if (code == 0)
        code = read_value(parser, entry);
    if (code != 0)
        return code;
    (*entry)->name = name;
    skip_space(parser);
    return 0;
}

/* After an entry: true where another one follows, false at the end. */
static int read_separator(struct parser *parser, char close, bool *more)
{
    *more = at_byte(parser, ',');
    if (!*more && !at_byte(parser, close))
        return fail_syntax(parser,
                           close == '}' ? "a comma or } is wanted" : "a comma or ] is wanted");
    step(parser);
    skip_space(parser);
    return 0;
}

static int read_entries(struct parser *parser, struct pack_json_value *value, char close)
{
    struct pack_json_value **link = &value->first;
    bool more = !at_byte(parser, close);
    if (!more)
        step(parser);
    while (more) {
        struct pack_json_value *entry = NULL;
        int code = read_entry(parser, close == '}', &entry);
        if (code == 0)
            code = read_separator(parser, close, &more);
        if (code != 0)
            return code;
        *link = entry;
        link = &entry->next;
        value->count++;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct pack_json_value *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

/* By sorting, whose cost no choice of names can raise. */
static int check_names(struct parser *parser, const struct pack_json_value *object)
{
    const struct pack_json_value **members PACK_AUTO_FREE = NULL;
    int code = pack_allocate(&members, object->count, sizeof(void *), parser->error);
    if (code != 0)
        return code;
    size_t count = 0;
    for (const struct pack_json_value *at = object->first; at != NULL; at = at->next)
        members[count++] = at;
    qsort(members, count, sizeof(void *), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(members[i - 1]->name, members[i]->name) != 0)
            continue;
        const unsigned line = members[i]->line, column = members[i]->column;
        (void)pack_fail(parser->error, PACK_E_MALFORMED, "not valid JSON: the same member twice");
        return pack_at_line(parser->error, line, column);
    }
    return 0;
}

static int read_container(struct parser *parser, struct pack_json_value *value)
{
    const bool object = at_byte(parser, '{');
    if (parser->depth == PACK_MAX_NESTING)
        return fail_limit(parser, "nested deeper than 32 levels");
    parser->depth++;
    value->type = object ? PACK_JSON_OBJECT : PACK_JSON_ARRAY;
    step(parser);
    skip_space(parser);
    int code = read_entries(parser, value, object ? '}' : ']');
    if (code == 0 && object && value->count > 1)
        code = check_names(parser, value);
    parser->depth--;
    return code;
}

/* --- values ---------------------------------------------------------------------------------- */

static int read_value(struct parser *parser, struct pack_json_value **value)
{
    if (parser->values == parser->limits.values) {
        (void)pack_fail(parser->error, PACK_E_LIMIT, "more than %u values", parser->limits.values);
        return pack_at_line(parser->error, parser->line, parser->column);
    }
    parser->values++;
    const int code = pack_arena_allocate(parser->arena, value, 1, sizeof **value, parser->error);
    if (code != 0)
        return code;
    (*value)->line = parser->line;
    (*value)->column = parser->column;
    if (at_byte(parser, '{') || at_byte(parser, '['))
        return read_container(parser, *value);
    if (at_byte(parser, '"'))
        return read_string(parser, *value);
    if (at_number(parser))
        return read_number(parser, *value);
    return read_word(parser, *value);
}

static int read_document(struct parser *parser, struct pack_json_value **root)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    const size_t size = (size_t)(parser->end - parser->at);
    if (size >= sizeof mark && memcmp(parser->at, mark, sizeof mark) == 0)
        return fail_syntax(parser, "it starts with a byte order mark");
    skip_space(parser);
    if (!at_byte(parser, '{') && !at_byte(parser, '['))
        return fail_syntax(parser, "an object or array is wanted");
    const int code = read_value(parser, root);
    if (code != 0)
        return code;
    skip_space(parser);
    return parser->at == parser->end ? 0 : fail_syntax(parser, "something follows the document");
}

static int read_text_of(const struct pack_json_value **root, struct parser *parser, size_t size)
{
    struct pack_json_value *value = NULL;
    *root = NULL;
    if (size > parser->limits.bytes)
        return pack_fail(parser->error, PACK_E_LIMIT, "%zu bytes of JSON, %zu are allowed", size,
                         parser->limits.bytes);
    const int code = read_document(parser, &value);
    if (code == 0)
        *root = value;
    return code;
}

int pack_json_read(const struct pack_json_value **root, struct pack_arena *arena, const void *bytes,
                   size_t size, struct pack_error *error)
{
    struct parser parser = {.at = bytes,
                            .end = (const uint8_t *)bytes + size,
                            .line = 1,
                            .column = 1,
                            .limits = {PACK_MAX_DOCUMENT, PACK_MAX_JSON_VALUES},
                            .arena = arena,
                            .error = error};
    return read_text_of(root, &parser, size);
}

int pack_json_read_any(const struct pack_json_value **root, struct pack_arena *arena,
                       const void *bytes, size_t size, const struct pack_json_limits *limits,
                       struct pack_error *error)
{
    struct parser parser = {.at = bytes,
                            .end = (const uint8_t *)bytes + size,
                            .line = 1,
                            .column = 1,
                            .limits = *limits,
                            .any_number = true,
                            .arena = arena,
                            .error = error};
    return read_text_of(root, &parser, size);
}

const struct pack_json_value *pack_json_member(const struct pack_json_value *object,
                                               const char *name)
{
    if (object->type != PACK_JSON_OBJECT)
        return NULL;
    for (const struct pack_json_value *at = object->first; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

static void write_entries(struct pack_json *json, const struct pack_json_value *value)
{
    for (const struct pack_json_value *at = value->first; at != NULL; at = at->next)
        pack_json_write(json, at->name, at);
    pack_json_end(json);
}

void pack_json_write(struct pack_json *json, const char *name, const struct pack_json_value *value)
{
    switch (value->type) {
    case PACK_JSON_NULL:
        pack_json_null(json, name);
        return;
    case PACK_JSON_BOOLEAN:
        pack_json_boolean(json, name, value->boolean);
        return;
    case PACK_JSON_INTEGER:
        if (value->text != NULL)
            pack_json_raw(json, name, value->text);
        else
            pack_json_unsigned(json, name, value->integer);
        return;
    case PACK_JSON_STRING:
        pack_json_string(json, name, value->text);
        return;
    case PACK_JSON_ARRAY:
        pack_json_array(json, name);
        write_entries(json, value);
        return;
    case PACK_JSON_OBJECT:
        pack_json_object(json, name);
        write_entries(json, value);
        return;
    }
}
