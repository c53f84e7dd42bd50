/* SPDX-License-Identifier: MIT */
#include "codec/yaml.h"

#include "codec/yaml_strict.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A list or map that is not closed yet. */
struct frame {
    struct pack_yaml *node;
    struct pack_yaml **tail;
    struct pack_yaml *key; /* waiting for its value */
    int block;             /* column from 0 of the innermost collection without brackets */
    bool explicit_key;     /* the key came behind a "? ", which was reported */
};

struct reader {
    yaml_parser_t parser;
    struct pack_yaml_strict strict;
    struct pack_arena *arena;
    struct pack_yaml *root;
    struct frame frames[PACK_MAX_NESTING];
    size_t depth;
    size_t nodes;
    bool seen_document;
    bool ended;
};

static struct frame *innermost(struct reader *reader)
{
    return reader->depth != 0 ? &reader->frames[reader->depth - 1] : NULL;
}

static struct pack_yaml_around around(struct reader *reader)
{
    const struct frame *frame = innermost(reader);
    if (frame == NULL)
        return (struct pack_yaml_around){.flow = false, .block = -1};
    return (struct pack_yaml_around){.flow = frame->node->flow, .block = frame->block};
}

static void fault(const struct reader *reader, const struct pack_yaml *node, const char *text,
                  const char *hint)
{
    pack_yaml_fault(&reader->strict.report, node->line - 1, node->column - 1, text, hint);
}

static int stop_at(const yaml_mark_t *mark, struct pack_error *error)
{
    return pack_at_line(error, (unsigned)mark->line + 1, (unsigned)mark->column + 1);
}

/* --- the tree -------------------------------------------------------------------------------- */

static int node_new(struct reader *reader, struct pack_yaml **node, const yaml_event_t *event,
                    struct pack_error *error)
{
    if (reader->nodes >= PACK_MAX_NODES) {
        (void)pack_fail(error, PACK_E_LIMIT, "more than %d values", PACK_MAX_NODES);
        return stop_at(&event->start_mark, error);
    }
    reader->nodes++;
    const int code = pack_arena_allocate(reader->arena, node, 1, sizeof **node, error);
    if (code != 0)
        return code;
    (*node)->line = (unsigned)event->start_mark.line + 1;
    (*node)->column = (unsigned)event->start_mark.column + 1;
    return 0;
}

/* Whether a key can name a value; reports why not. */
static bool key_is_good(const struct reader *reader, const struct frame *frame)
{
    const struct pack_yaml *key = frame->key;
    if (key->kind != PACK_YAML_TEXT) {
        if (!frame->explicit_key)
            fault(reader, key, "a list or map cannot be a key", NULL);
        return false;
    }
    if (key->faulty)
        return false;
    if (key->size == 0) {
        fault(reader, key, "a key is empty", NULL);
        return false;
    }
    if (key->plain && strcmp(key->text, "<<") == 0) {
        fault(reader, key, "merge keys are not allowed", "write each key where it belongs");
        return false;
    }
    return true;
}

static void append(struct frame *frame, struct pack_yaml *node)
{
    *frame->tail = node;
    frame->tail = &node->next;
    frame->node->count++;
}

/* Puts a finished node where it belongs: at the top, into a list, or as key or value of a map. */
static void place(struct reader *reader, struct pack_yaml *node)
{
    struct frame *frame = innermost(reader);
    if (frame == NULL) {
        reader->root = node;
    } else if (frame->node->kind == PACK_YAML_LIST) {
        append(frame, node);
    } else if (frame->key == NULL) {
        frame->key = node;
    } else {
        node->key = frame->key;
        if (key_is_good(reader, frame))
            append(frame, node);
        frame->key = NULL;
    }
}

/* --- repeated keys --------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const struct pack_yaml *left = *(struct pack_yaml *const *)a;
    const struct pack_yaml *right = *(struct pack_yaml *const *)b;
    const int order = strcmp(left->key->text, right->key->text);
    if (order != 0)
        return order;
    if (left->key->line != right->key->line)
        return left->key->line < right->key->line ? -1 : 1;
    return (left->key->column > right->key->column) - (left->key->column < right->key->column);
}

static void report_repeated(const struct reader *reader, const struct pack_yaml *first,
                            struct pack_yaml *again)
{
    char text[256];
    snprintf(text, sizeof text, "key '%s' is repeated; it stands in line %u already",
             pack_yaml_show(again->text).text, first->line);
    fault(reader, again, text, NULL);
    again->faulty = true;
}

static void drop_faulty_keys(struct pack_yaml *map)
{
    for (struct pack_yaml **link = &map->first; *link != NULL;) {
        if ((*link)->key->faulty) {
            *link = (*link)->next;
            map->count--;
        } else {
            link = &(*link)->next;
        }
    }
}

/* Sorted, so that many keys cost no more than n log n. */
static int check_repeated(const struct reader *reader, struct pack_yaml *map,
                          struct pack_error *error)
{
    PACK_AUTO_FREE struct pack_yaml **values = NULL;
    size_t count = 0;
    int code = pack_allocate(&values, map->count, sizeof(struct pack_yaml *), error);
    if (code != 0)
        return code;
    for (struct pack_yaml *value = map->first; value != NULL; value = value->next)
        values[count++] = value;
    qsort(values, count, sizeof(struct pack_yaml *), compare_keys);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(values[first]->key->text, values[i]->key->text) == 0)
            report_repeated(reader, values[first]->key, values[i]->key);
        else
            first = i;
    }
    drop_faulty_keys(map);
    return 0;
}

/* --- events ---------------------------------------------------------------------------------- */

static void check_anchor(const struct reader *reader, const yaml_event_t *event,
                         const yaml_char_t *anchor, const yaml_char_t *tag)
{
    const yaml_mark_t *mark = &event->start_mark;
    if (anchor != NULL)
        pack_yaml_fault(&reader->strict.report, mark->line, mark->column,
                        "anchors ('&') are not allowed", "write the value where it belongs");
    if (tag != NULL)
        pack_yaml_fault(&reader->strict.report, mark->line, mark->column,
                        "tags ('!') are not allowed", "each key has its type already");
}

static int on_document(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    const yaml_mark_t *mark = &event->start_mark;
    if (reader->seen_document) {
        (void)pack_fail(error, PACK_E_MALFORMED, "a second document begins here, one wanted");
        return stop_at(mark, error);
    }
    reader->seen_document = true;
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        pack_yaml_fault(&reader->strict.report, mark->line, mark->column,
                        "directives ('%') are not allowed", NULL);
    return 0;
}

static int on_alias(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    struct pack_yaml *node = NULL;
    const int code = node_new(reader, &node, event, error);
    if (code != 0)
        return code;
    fault(reader, node, "aliases ('*') are not allowed", "write the value where it belongs");
    node->text = "";
    node->faulty = true;
    place(reader, node);
    return 0;
}

static int on_text(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    const char *text = (const char *)event->data.scalar.value;
    const size_t size = event->data.scalar.length;
    struct pack_yaml *node = NULL;
    check_anchor(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (size > PACK_MAX_SCALAR) {
        (void)pack_fail(error, PACK_E_LIMIT, "text of %zu bytes, at most %" PRIu64 " allowed", size,
                        PACK_MAX_SCALAR);
        return stop_at(&event->start_mark, error);
    }
    int code = node_new(reader, &node, event, error);
    if (code == 0)
        code = pack_arena_string(reader->arena, &node->text, text, size, error);
    if (code != 0)
        return code;
    node->size = size;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (memchr(text, '\0', size) != NULL) {
        fault(reader, node, "a text cannot hold a zero character", NULL);
        node->faulty = true;
    }
    if (node->plain && size == 1 && text[0] == '-' && around(reader).flow)
        fault(reader, node, "a '-' in brackets needs quotes", NULL);
    place(reader, node);
    return 0;
}

static int open_frame(struct reader *reader, const yaml_event_t *event, enum pack_yaml_kind kind,
                      bool flow, struct pack_error *error)
{
    struct pack_yaml *node = NULL;
    if (reader->depth == PACK_MAX_NESTING) {
        (void)pack_fail(error, PACK_E_LIMIT, "nested deeper than %d levels", PACK_MAX_NESTING);
        return stop_at(&event->start_mark, error);
    }
    const int code = node_new(reader, &node, event, error);
    if (code != 0)
        return code;
    const int block = flow ? around(reader).block : (int)event->start_mark.column;
    node->kind = kind;
    node->flow = flow;
    reader->frames[reader->depth++] =
        (struct frame){.node = node, .tail = &node->first, .block = block};
    return 0;
}

static int on_list(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    check_anchor(reader, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    return open_frame(reader, event, PACK_YAML_LIST,
                      event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE, error);
}

static int on_map(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    check_anchor(reader, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    return open_frame(reader, event, PACK_YAML_MAP,
                      event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE, error);
}

static int on_close(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    (void)event;
    struct pack_yaml *node = reader->frames[--reader->depth].node;
    const int code = node->kind == PACK_YAML_MAP ? check_repeated(reader, node, error) : 0;
    if (code == 0)
        place(reader, node);
    return code;
}

static int on_end(struct reader *reader, const yaml_event_t *event, struct pack_error *error)
{
    (void)event;
    (void)error;
    reader->ended = true;
    return 0;
}

typedef int (*event_fn)(struct reader *reader, const yaml_event_t *event, struct pack_error *error);

static const event_fn on_event[] = {
    [YAML_STREAM_END_EVENT] = on_end,      [YAML_DOCUMENT_START_EVENT] = on_document,
    [YAML_ALIAS_EVENT] = on_alias,         [YAML_SCALAR_EVENT] = on_text,
    [YAML_SEQUENCE_START_EVENT] = on_list, [YAML_SEQUENCE_END_EVENT] = on_close,
    [YAML_MAPPING_START_EVENT] = on_map,   [YAML_MAPPING_END_EVENT] = on_close,
};

/* --- what libyaml refuses -------------------------------------------------------------------- */

/* Next steps for what libyaml's words leave open. */
static const struct {
    const char *problem;
    const char *hint;
} hints[] = {
    {"mapping values are not allowed in this context",
     "quote a text that holds ': ', and check the indentation"},
    {"could not find expected ':'", "a key needs ': ' behind it; check the indentation"},
    {"did not find expected key", "check the indentation, and quote what begins with a quote"},
    {"did not find expected <document start>", "a file holds one document"},
    {"did not find expected '-' indicator", "check the indentation"},
    {"block sequence entries are not allowed in this context", "a list begins on its own line"},
    {"found character that cannot start any token", "quote a text that begins with @, ` or %"},
    {"found unknown escape character", "write \\ for a backslash, or use single quotes"},
};

static void hint_of_problem(const char *problem, struct pack_error *error)
{
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (strcmp(problem, hints[i].problem) == 0)
            (void)pack_hint(error, "%s", hints[i].hint);
}

/* libyaml names the place where a collection began, which is often where the mistake is. */
static int fail_as_libyaml(const yaml_parser_t *parser, struct pack_error *error)
{
    const bool began_before =
        parser->context != NULL && parser->context_mark.line < parser->problem_mark.line;
    if (began_before)
        (void)pack_fail(error, PACK_E_MALFORMED, "%s, %s that begins in line %zu", parser->problem,
                        parser->context, parser->context_mark.line + 1);
    else
        (void)pack_fail(error, PACK_E_MALFORMED, "%s", parser->problem);
    hint_of_problem(parser->problem, error);
    return stop_at(&parser->problem_mark, error);
}

static int fail_as_parser(struct reader *reader, struct pack_error *error)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return pack_fail_memory(error);
    if (parser->problem == NULL)
        return pack_fail(error, PACK_E_MALFORMED, "not YAML");
    const int byte = pack_yaml_strict_peek(&reader->strict, parser->problem_mark.index);
    if (byte == '\t' && parser->error == YAML_SCANNER_ERROR) {
        (void)pack_fail(error, PACK_E_MALFORMED, "a tab cannot indent");
        (void)pack_hint(error, "use spaces");
        return stop_at(&parser->problem_mark, error);
    }
    return fail_as_libyaml(parser, error);
}

/* --- reading --------------------------------------------------------------------------------- */

static void event_clear(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static int read_event(struct reader *reader, struct pack_error *error)
{
    PACK_AUTO(event_clear) yaml_event_t event = {.type = YAML_NO_EVENT};
    if (!yaml_parser_parse(&reader->parser, &event))
        return fail_as_parser(reader, error);
    struct frame *frame = innermost(reader);
    pack_yaml_strict_event(&reader->strict, &event, around(reader));
    if (frame != NULL && frame->key == NULL)
        frame->explicit_key = reader->strict.explicit_key;
    reader->strict.explicit_key = false;
    if ((size_t)event.type >= sizeof on_event / sizeof on_event[0] || on_event[event.type] == NULL)
        return 0;
    return on_event[event.type](reader, &event, error);
}

static int read_events(struct reader *reader, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && !reader->ended)
        code = read_event(reader, error);
    if (code == 0 && reader->root == NULL) {
        (void)pack_fail(error, PACK_E_MALFORMED, "is empty");
        code = pack_at_line(error, 1, 1);
    }
    return code;
}

int pack_yaml_read(struct pack_yaml **root, struct pack_arena *arena, const void *bytes,
                   size_t size, const struct pack_yaml_report *report, struct pack_error *error)
{
    PACK_AUTO_FREE struct reader *reader = NULL;
    if (size > PACK_MAX_DESCRIPTOR)
        return pack_fail(error, PACK_E_LIMIT, "%zu bytes, at most %" PRIu64 " allowed", size,
                         PACK_MAX_DESCRIPTOR);
    int code = pack_yaml_check_characters(bytes, size, error);
    if (code == 0)
        code = pack_allocate(&reader, 1, sizeof *reader, error);
    if (code != 0)
        return code;
    reader->arena = arena;
    reader->strict = (struct pack_yaml_strict){
        .bytes = bytes, .size = size, .line_start = true, .report = *report};
    if (!yaml_parser_initialize(&reader->parser))
        return pack_fail_memory(error);
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, bytes, size);
    code = read_events(reader, error);
    yaml_parser_delete(&reader->parser);
    *root = reader->root;
    return code;
}

/* --- the tree, for its readers --------------------------------------------------------------- */

const struct pack_yaml *pack_yaml_get(const struct pack_yaml *map, const char *key)
{
    for (const struct pack_yaml *value = map->first; value != NULL; value = value->next)
        if (strcmp(value->key->text, key) == 0)
            return value;
    return NULL;
}

bool pack_yaml_is_null(const struct pack_yaml *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != PACK_YAML_TEXT || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

struct pack_yaml_shown pack_yaml_show(const char *text)
{
    enum { MOST = 60 };
    struct pack_yaml_shown shown = {{0}};
    char cut[MOST + sizeof "..."];
    size_t size = strlen(text);
    const bool is_long = size > MOST;
    size = is_long ? MOST : size;
    while (is_long && size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80)
        size--;
    snprintf(cut, sizeof cut, "%.*s%s", (int)size, text, is_long ? "..." : "");
    if (pack_text_plain(cut, strlen(cut)))
        memcpy(shown.text, cut, sizeof cut);
    else
        (void)pack_escape(shown.text, sizeof shown.text, cut, strlen(cut));
    return shown;
}
