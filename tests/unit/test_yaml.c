/* SPDX-License-Identifier: MIT */
/* The strict YAML reader: what it takes, what it refuses and where, A72, A73, A75 to A77, A84. */
#include "codec/yaml.h"

#include "base/bytes.h"
#include "pack/limits.h"
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
    struct pack_arena *arena;
    struct pack_yaml *root;
    int code;
    size_t count;            /* of faults, the one that stopped it included */
    struct pack_error first; /* of them */
    struct pack_error faults[8];
};

static void keep(void *user, const struct pack_error *fault)
{
    struct reading *reading = user;
    if (reading->count < 8)
        reading->faults[reading->count] = *fault;
    reading->count++;
}

static void reading_clear(struct reading *reading)
{
    pack_arena_free(&reading->arena);
}
#define AUTO_READING __attribute__((cleanup(reading_clear)))

static struct reading read_bytes(const void *bytes, size_t size)
{
    struct reading reading = {0};
    struct pack_error error = {0};
    const struct pack_yaml_report report = {.fault = keep, .user = &reading};
    assert_pack_ok(pack_arena_new(&reading.arena, &error));
    reading.code = pack_yaml_read(&reading.root, reading.arena, bytes, size, &report, &error);
    if (reading.code != 0)
        keep(&reading, &error);
    reading.first = reading.faults[0];
    return reading;
}

static struct reading read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

/* Reads a text that has exactly one fault, at a place, with words. */
static void assert_refused(const char *text, unsigned line, unsigned column, const char *words)
{
    AUTO_READING struct reading reading = read_text(text);
    if (reading.count != 1 || reading.first.line != line || reading.first.column != column ||
        strstr(reading.first.text, words) == NULL) {
        print_error("%s\n%zu faults, the first at %u:%u: %s\n", text, reading.count,
                    reading.first.line, reading.first.column, reading.first.text);
        fail();
    }
}

static void assert_value(const struct pack_yaml *map, const char *key, const char *text)
{
    const struct pack_yaml *value = pack_yaml_get(map, key);
    assert_non_null(value);
    assert_int_equal(value->kind, PACK_YAML_TEXT);
    assert_string_equal(value->text, text);
}

/* --- what is taken --------------------------------------------------------------------------- */

static void a_tree_has_texts_lists_and_maps_with_places(void **state)
{
    (void)state;
    AUTO_READING struct reading reading =
        read_text("a: 1.10\nb:\n  - x\n  - 'y z'\nc: {d: [e, \"f\"]}\n");
    assert_int_equal(reading.count, 0);
    assert_int_equal(reading.root->kind, PACK_YAML_MAP);
    assert_int_equal(reading.root->count, 3);
    assert_value(reading.root, "a", "1.10");
    const struct pack_yaml *list = pack_yaml_get(reading.root, "b");
    assert_int_equal(list->count, 2);
    assert_false(list->flow);
    assert_string_equal(list->first->next->text, "y z");
    assert_false(list->first->next->plain);
    assert_int_equal(list->first->next->line, 4);
    assert_int_equal(list->first->next->column, 5);
    const struct pack_yaml *inner = pack_yaml_get(pack_yaml_get(reading.root, "c"), "d");
    assert_true(inner->flow);
    assert_int_equal(inner->key->line, 5);
    assert_int_equal(inner->key->column, 5);
}

static void a74_scalars_stay_the_texts_that_they_are(void **state)
{
    (void)state;
    static const char *const words[] = {"no",   "yes", "on",    "0755",      "12:30:45", "1_000",
                                        "1.10", "1e3", "0x10",  "+7",        "-1",       ".5",
                                        "1.0",  "NaN", "-.inf", "2020-01-01"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "key: %s\n", words[i]);
        AUTO_READING struct reading reading = read_text(text);
        assert_int_equal(reading.count, 0);
        assert_value(reading.root, "key", words[i]);
        assert_false(pack_yaml_is_null(pack_yaml_get(reading.root, "key")));
    }
}

static void a74_null_is_what_has_no_quotes(void **state)
{
    (void)state;
    AUTO_READING struct reading reading =
        read_text("a:\nb: ~\nc: null\nd: ''\ne: '~'\nf: \"null\"\ng: nullable\n");
    assert_int_equal(reading.count, 0);
    for (const struct pack_yaml *value = reading.root->first; value != NULL; value = value->next)
        assert_int_equal(pack_yaml_is_null(value), strcmp(value->key->text, "d") < 0);
}

static void line_ends_may_be_crlf(void **state)
{
    (void)state;
    AUTO_READING struct reading reading = read_text("a: b\r\nc: |\r\n  d\r\n  e\r\nf: \"g\"\r\n");
    assert_int_equal(reading.count, 0);
    assert_value(reading.root, "a", "b");
    assert_value(reading.root, "c", "d\ne\n");
    assert_value(reading.root, "f", "g");
    assert_int_equal(pack_yaml_get(reading.root, "f")->line, 5);
}

static void columns_count_characters(void **state)
{
    (void)state;
    assert_refused("\xc3\xa4\xc3\xb6: {\xe2\x82\xac: *x}\n", 1, 9, "aliases");
}

static void usual_layouts_are_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "---\na: b\n",
        "a: b\n...\n",
        "# comment\n\na: b # comment\n# end",
        "a: [\n  b,\n  c\n]\n",
        "a: {\n  b: c\n}\n",
        "a:\n- b\n- c\n",
        "a:\tb\n",
        "a: b\n\n  \nc: d\n",
        "a: >-\n  b\n\n  c\n",
        "a: |2\n    b\n  c\n",
        "a: \"b\n  c\"\n",
        "a: b\n  c\n",
        "- - a\n  - b\n- c: d\n  e: f\n",
        "a: http://b#c\n",
        "a: 'it''s # no comment'\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AUTO_READING struct reading reading = read_text(texts[i]);
        if (reading.count != 0)
            print_error("%s\n%s\n", texts[i], reading.first.text);
        assert_int_equal(reading.count, 0);
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

static void a72_anchors_aliases_and_merge_keys_are_refused(void **state)
{
    (void)state;
    assert_refused("a: &x b\n", 1, 4, "anchors");
    assert_refused("a: &x [b]\n", 1, 4, "anchors");
    assert_refused("a: &x\n  b: c\n", 1, 4, "anchors");
    assert_refused("a: b\nc: *x\n", 2, 4, "aliases");
    assert_refused("a:\n  <<: {b: c}\n", 2, 3, "merge keys");
    AUTO_READING struct reading cycle = read_text("a: &a\n  b: *a\n");
    assert_int_equal(cycle.count, 2);
}

static void a72_a_quoted_merge_key_is_a_key(void **state)
{
    (void)state;
    AUTO_READING struct reading reading = read_text("'<<': a\n");
    assert_int_equal(reading.count, 0);
    assert_value(reading.root, "<<", "a");
}

static void a73_repeated_keys_name_both_lines(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: 2\na: 3\n", 3, 1, "key 'a' is repeated; it stands in line 1 already");
    assert_refused("a: 1\n\"a\": 2\n", 2, 1, "key 'a' is repeated; it stands in line 1 already");
    assert_refused("a: {b: 1, 'b': 2}\n", 1, 11, "key 'b' is repeated; it stands in line 1");
    assert_refused("\"\\x61\": 1\na: 2\n", 2, 1, "key 'a' is repeated");
    AUTO_READING struct reading three = read_text("a: 1\na: 2\na: 3\n");
    assert_int_equal(three.count, 2);
    assert_int_equal(three.root->count, 1);
    assert_value(three.root, "a", "1");
}

static void a73_many_keys_are_compared_quickly(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    for (unsigned i = 0; i < 30000; i++)
        assert_pack_ok(pack_buffer_print(&text, &error, "key%u: v\n", i % 29999));
    AUTO_READING struct reading reading = read_bytes(text.bytes, text.size);
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.first.line, 30000);
    assert_non_null(strstr(reading.first.text, "in line 1 already"));
}

static void a75_tags_directives_documents_and_complex_keys_are_refused(void **state)
{
    (void)state;
    assert_refused("a: !!str b\n", 1, 4, "tags");
    assert_refused("a: !!binary aGk=\n", 1, 4, "tags");
    assert_refused("a: ! b\n", 1, 4, "tags");
    assert_refused("a: !x [b]\n", 1, 4, "tags");
    assert_refused("!!python/object/apply:os.system [\"true\"]\n", 1, 1, "tags");
    assert_refused("%YAML 1.2\n---\na: b\n", 1, 1, "directives");
    assert_refused("%TAG ! x:\n---\na: b\n", 1, 1, "directives");
    assert_refused("a: b\n---\nc: d\n", 2, 1, "second document");
    assert_refused("a: b\n...\nc: d\n", 3, 1, "document start");
    assert_refused("? [a, b]\n: 1\n", 1, 1, "explicit keys");
    assert_refused("? a\n: 1\n", 1, 1, "explicit keys");
    assert_refused("{? a : 1}\n", 1, 2, "explicit keys");
    assert_refused("[? a : 1]\n", 1, 2, "explicit keys");
    assert_refused("[?a]\n", 1, 2, "explicit keys");
    assert_refused("{[a]: b}\n", 1, 2, "cannot be a key");
    assert_refused("a: {'': b}\n", 1, 5, "a key is empty");
}

static void a75_tabs_that_indent_are_refused(void **state)
{
    (void)state;
    assert_refused("a:\n\tb: 1\n", 2, 1, "a tab cannot indent");
    assert_refused("a:\n  - b\n \t- c\n", 3, 2, "a tab cannot indent");
    assert_refused("a: [\n\tb]\n", 2, 1, "a tab cannot indent");
    assert_refused("\ta: b\n", 1, 1, "a tab cannot indent");
}

static void a75_other_encodings_are_refused(void **state)
{
    (void)state;
    static const char utf16[] = "\xff\xfe"
                                "a\0:\0 \0b\0";
    AUTO_READING struct reading reading = read_bytes(utf16, sizeof utf16 - 1);
    assert_int_equal(reading.code, PACK_E_MALFORMED);
    assert_non_null(strstr(reading.first.text, "UTF-16"));
    assert_refused("\xef\xbb\xbf"
                   "a: b\n",
                   1, 1, "byte order mark");
    assert_refused("a: b\nc: \xff\n", 2, 4, "byte 0xff is not UTF-8");
    assert_refused("a: \xc3", 1, 4, "byte 0xc3 is not UTF-8");
    assert_refused("a: \xed\xa0\x80\n", 1, 4, "is not UTF-8");
    assert_refused("a: b\rc: d\n", 1, 5, "carriage return");
}

static void a83_hidden_characters_are_refused_as_they_stand(void **state)
{
    (void)state;
    assert_refused("a: fw\xe2\x80\xaegpj.exe\n", 1, 6, "U+202E");
    assert_refused("a: b # \xe2\x81\xa6\n", 1, 8, "U+2066");
    assert_refused("a: \"\x1b[2J\"\n", 1, 5, "U+001B");
    assert_refused("a: \xc2\x85\n", 1, 4, "U+0085");
    AUTO_READING struct reading zero = read_bytes("a: \0b\n", 6);
    assert_int_equal(zero.code, PACK_E_MALFORMED);
    AUTO_READING struct reading escaped = read_text("a: \"\\e[2J\\u202e\"\n");
    assert_int_equal(escaped.count, 0);
    assert_value(escaped.root, "a", "\x1b[2J\xe2\x80\xae");
    assert_refused("a: \"b\\0c\"\n", 1, 4, "zero character");
}

/* The 16 error cases of yaml-test-suite that libyaml 0.2.5 takes, written anew. */
static void a76_what_libyaml_takes_by_mistake_is_refused(void **state)
{
    (void)state;
    assert_refused("a: [b,\nc]\n", 2, 1, "inside brackets");
    assert_refused("[ a, ]#b\n", 1, 7, "needs a space");
    assert_refused("[ a,#b\n]\n", 1, 5, "needs a space");
    assert_refused("a: \"b\n\tc\"\n", 2, 1, "further line");
    assert_refused("a # b\n%YAML 1.2\n---\n", 2, 1, "second document");
    assert_refused("- [-, a]\n", 1, 4, "a '-' in brackets");
    assert_refused("[-]\n", 1, 2, "a '-' in brackets");
    assert_refused("%YAML 1.1#...\n---\na: b\n", 1, 1, "directives");
    assert_refused("a: \"b\nc\"\n", 2, 1, "further line");
    assert_refused("a: >\n \n  \n   \n # b\n", 4, 1, "an empty line");
    assert_refused("a: \"b\"# c\n", 1, 7, "needs a space");
    assert_refused("a: |+\n  b\n   ", 3, 4, "without a line end");
    assert_refused("a: ># b\n  c\n", 1, 5, "needs a space");
}

static void a76_syntax_faults_have_a_place_and_a_next_step(void **state)
{
    (void)state;
    assert_refused("a: b: c\n", 1, 5, "mapping values are not allowed");
    assert_refused("a: [b, c\n", 2, 1, "that begins in line 1");
    assert_refused("a: \"b\n", 2, 1, "end of stream");
    AUTO_READING struct reading reading = read_text("a: @b\n");
    assert_int_equal(reading.code, PACK_E_MALFORMED);
    assert_true(reading.first.hint[0] != '\0');
    AUTO_READING struct reading empty = read_text("");
    assert_int_equal(empty.code, PACK_E_MALFORMED);
    AUTO_READING struct reading comment = read_text("# nothing\n");
    assert_int_equal(comment.code, PACK_E_MALFORMED);
}

static void every_fault_that_can_be_passed_is_reported(void **state)
{
    (void)state;
    AUTO_READING struct reading reading =
        read_text("a: &x 1\nb: *x\na: 2\nc: !!int 3\n<<: {}\nd: 4\n");
    assert_int_equal(reading.code, 0);
    assert_int_equal(reading.count, 5);
    assert_value(reading.root, "d", "4");
}

/* --- limits ---------------------------------------------------------------------------------- */

static void nest(struct pack_buffer *text, const char *piece, unsigned count)
{
    struct pack_error error = {0};
    for (unsigned i = 0; i < count; i++)
        assert_pack_ok(pack_buffer_print(text, &error, "%s", piece));
}

static void a77_deep_nesting_ends_at_once(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[", "[\n", "{a: ", "{a: \n", "- ", "[{\"a\":"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
        nest(&text, pieces[i], 100000);
        const clock_t start = clock();
        AUTO_READING struct reading reading = read_bytes(text.bytes, text.size);
        assert_int_equal(reading.code, PACK_E_LIMIT);
        assert_non_null(strstr(reading.first.text, "nested deeper than 32"));
        assert_true(clock() - start < CLOCKS_PER_SEC);
    }
}

static void a77_nesting_up_to_the_limit_is_taken(void **state)
{
    (void)state;
    for (unsigned levels = PACK_MAX_NESTING; levels <= PACK_MAX_NESTING + 1; levels++) {
        PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
        nest(&text, "[", levels);
        nest(&text, "]", levels);
        AUTO_READING struct reading reading = read_bytes(text.bytes, text.size);
        assert_int_equal(reading.code, levels == PACK_MAX_NESTING ? 0 : PACK_E_LIMIT);
    }
}

static void a77_many_values_end_at_the_limit(void **state)
{
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    nest(&text, "- a\n", PACK_MAX_NODES);
    AUTO_READING struct reading reading = read_bytes(text.bytes, text.size);
    assert_int_equal(reading.code, PACK_E_LIMIT);
    assert_int_equal(reading.first.line, PACK_MAX_NODES);
}

static void a84_sizes_are_limited(void **state)
{
    (void)state;
    for (size_t more = 0; more <= 1; more++) {
        PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
        nest(&text, "a: ", 1);
        nest(&text, "b", (unsigned)(PACK_MAX_SCALAR + more));
        AUTO_READING struct reading reading = read_bytes(text.bytes, text.size);
        assert_int_equal(reading.code, more == 0 ? 0 : PACK_E_LIMIT);
    }
    PACK_AUTO_FREE char *large = calloc(1, PACK_MAX_DESCRIPTOR + 1);
    assert_non_null(large);
    memset(large, '#', PACK_MAX_DESCRIPTOR + 1);
    memcpy(large, "a: b\n", 5);
    AUTO_READING struct reading whole = read_bytes(large, PACK_MAX_DESCRIPTOR);
    assert_int_equal(whole.code, 0);
    AUTO_READING struct reading over = read_bytes(large, PACK_MAX_DESCRIPTOR + 1);
    assert_int_equal(over.code, PACK_E_LIMIT);
}

static void long_and_hostile_texts_are_cut_and_escaped_in_messages(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[59] = '\xc3';
    text[60] = '\xa4';
    const struct pack_yaml_shown cut = pack_yaml_show(text);
    assert_int_equal(strlen(cut.text), 59 + 3);
    assert_string_equal(pack_yaml_show("a\nb").text, "a\\x0ab");
    assert_string_equal(pack_yaml_show("a b").text, "a b");
}

/* --- yaml-test-suite ------------------------------------------------------------------------- */

static void print_events(struct pack_buffer *out, const struct pack_yaml *node)
{
    static const char *const kinds[] = {"VAL ", "+SEQ\n", "+MAP\n"};
    struct pack_error error = {0};
    assert_pack_ok(pack_buffer_print(out, &error, "%s", kinds[node->kind]));
    if (node->kind == PACK_YAML_TEXT) {
        for (const char *c = node->text; *c != '\0'; c++) {
            static const char plain[] = "\n\t\b\r\\", letters[] = "ntbr\\";
            const char *at = strchr(plain, *c);
            if (at != NULL)
                assert_pack_ok(pack_buffer_print(out, &error, "\\%c", letters[at - plain]));
            else
                assert_pack_ok(pack_buffer_append(out, c, 1, &error));
        }
        assert_pack_ok(pack_buffer_print(out, &error, "\n"));
        return;
    }
    for (const struct pack_yaml *child = node->first; child != NULL; child = child->next) {
        if (child->key != NULL)
            print_events(out, child->key);
        print_events(out, child);
    }
    assert_pack_ok(
        pack_buffer_print(out, &error, "-%s", node->kind == PACK_YAML_MAP ? "MAP\n" : "SEQ\n"));
}

/* The suite's events without what the tree does not keep: styles, and the stream around. */
static void print_expected(struct pack_buffer *out, const char *events)
{
    struct pack_error error = {0};
    for (const char *line = events; *line != '\0';) {
        const char *end = strchr(line, '\n');
        const int size = (int)(end - line);
        if (strncmp(line, "=VAL", 4) == 0)
            assert_pack_ok(pack_buffer_print(out, &error, "VAL %.*s\n", size - 6, line + 6));
        else if (strstr("+SEQ -SEQ +MAP -MAP",
                        (const char[]){line[0], line[1], line[2], line[3], 0}))
            assert_pack_ok(pack_buffer_print(out, &error, "%.4s\n", line));
        line = end + 1;
    }
}

static void check_suite_case(json_t *entry, size_t *taken)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    const json_t *yaml = json_object_get(entry, "yaml");
    AUTO_READING struct reading reading =
        read_bytes(json_string_value(yaml), json_string_length(yaml));
    if (json_is_true(json_object_get(entry, "error"))) {
        if (reading.count == 0)
            print_error("%s is taken:\n%s\n", id, json_string_value(yaml));
        assert_true(reading.count > 0);
        return;
    }
    if (reading.count != 0)
        return;
    ++*taken;
    PACK_AUTO_BUFFER struct pack_buffer events = {.limit = PACK_MAX_DESCRIPTOR};
    PACK_AUTO_BUFFER struct pack_buffer expected = {.limit = PACK_MAX_DESCRIPTOR};
    print_events(&events, reading.root);
    print_expected(&expected, json_string_value(json_object_get(entry, "events")));
    if (strcmp((char *)events.bytes, (char *)expected.bytes) != 0)
        print_error("%s\n", id);
    assert_string_equal((char *)events.bytes, (char *)expected.bytes);
}

static void a76_yaml_test_suite(void **state)
{
    (void)state;
    PACK_AUTO_FREE char *path = test_shared("vectors/yaml-test-suite/cases.json");
    json_error_t problem;
    json_t *cases = json_load_file(path, JSON_ALLOW_NUL, &problem);
    assert_non_null(cases);
    size_t taken = 0, i = 0;
    json_t *entry = NULL;
    json_array_foreach(cases, i, entry) check_suite_case(entry, &taken);
    assert_int_equal(json_array_size(cases), 402);
    assert_true(taken >= 157); /* those of libyaml 0.2.5 that our subset has */
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_has_texts_lists_and_maps_with_places),
        cmocka_unit_test(a74_scalars_stay_the_texts_that_they_are),
        cmocka_unit_test(a74_null_is_what_has_no_quotes),
        cmocka_unit_test(line_ends_may_be_crlf),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(usual_layouts_are_taken),
        cmocka_unit_test(a72_anchors_aliases_and_merge_keys_are_refused),
        cmocka_unit_test(a72_a_quoted_merge_key_is_a_key),
        cmocka_unit_test(a73_repeated_keys_name_both_lines),
        cmocka_unit_test(a73_many_keys_are_compared_quickly),
        cmocka_unit_test(a75_tags_directives_documents_and_complex_keys_are_refused),
        cmocka_unit_test(a75_tabs_that_indent_are_refused),
        cmocka_unit_test(a75_other_encodings_are_refused),
        cmocka_unit_test(a83_hidden_characters_are_refused_as_they_stand),
        cmocka_unit_test(a76_what_libyaml_takes_by_mistake_is_refused),
        cmocka_unit_test(a76_syntax_faults_have_a_place_and_a_next_step),
        cmocka_unit_test(every_fault_that_can_be_passed_is_reported),
        cmocka_unit_test(a77_deep_nesting_ends_at_once),
        cmocka_unit_test(a77_nesting_up_to_the_limit_is_taken),
        cmocka_unit_test(a77_many_values_end_at_the_limit),
        cmocka_unit_test(a84_sizes_are_limited),
        cmocka_unit_test(long_and_hostile_texts_are_cut_and_escaped_in_messages),
        cmocka_unit_test(a76_yaml_test_suite),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
