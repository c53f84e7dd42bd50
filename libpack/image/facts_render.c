/* SPDX-License-Identifier: MIT */
#include "image/facts.h"

#include "base/bytes.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * The lists that are open. A list closes when something comes that is not its next record, so
 * that it is known only one fact later.
 */
enum { MAX_LISTS = 10 };

struct open_lists {
    const char *names[MAX_LISTS]; /* of the list that is open at each depth, or NULL */
    size_t depth;                 /* records begun */
};

/* Whether a record of this name goes on with the list that is open where we stand. */
static bool continues(const struct open_lists *lists, const struct fact *fact)
{
    const char *open = lists->names[lists->depth];
    return fact != NULL && fact->kind == FACT_BEGIN && open != NULL &&
           strcmp(open, fact->name) == 0;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_fact(struct pack_json *json, struct open_lists *lists, const struct fact *fact)
{
    const bool more = continues(lists, fact);
    if (lists->names[lists->depth] != NULL && !more) {
        pack_json_end(json);
        lists->names[lists->depth] = NULL;
    }
    if (fact == NULL)
        return;
    if (fact->kind == FACT_BEGIN) {
        if (!more)
            pack_json_array(json, fact->name);
        lists->names[lists->depth++] = fact->name;
        lists->names[lists->depth] = NULL;
        pack_json_object(json, NULL);
    } else if (fact->kind == FACT_END) {
        pack_json_end(json);
        lists->depth--;
    } else if (fact->kind == FACT_NUMBER) {
        pack_json_unsigned(json, fact->name, fact->number);
    } else {
        pack_json_string(json, fact->name, fact->text);
    }
}

int pack_image_describe_json(const struct pack_format *format, struct pack_input *input,
                             struct pack_json *json, struct pack_error *error)
{
    PACK_AUTO(pack_facts_clear) struct pack_facts facts = {0};
    struct open_lists lists = {0};
    const int code = pack_facts_collect(&facts, format, input, error);
    if (code != 0)
        return code;
    struct fact_walk walk = {.block = facts.first};
    const struct fact *fact = NULL;
    while ((fact = pack_facts_next(&walk)) != NULL)
        json_fact(json, &lists, fact);
    json_fact(json, &lists, NULL);
    return 0;
}

/* --- text ------------------------------------------------------------------------------------ */

struct text_state {
    struct pack_buffer text;
    struct open_lists lists;
    bool in_record;  /* the line holds facts of the record that is open */
    bool after_list; /* the line belongs to a list inside the record */
    struct pack_error error;
};

static void put(struct text_state *state, const char *text)
{
    if (state->error.code == PACK_OK)
        (void)!pack_buffer_append(&state->text, text, strlen(text), &state->error);
}

static void put_label(struct text_state *state, const char *name)
{
    char label[64];
    size_t used = 0;
    for (; name[used] != '\0' && used < sizeof label - 1; used++)
        label[used] = name[used] == '_' ? ' ' : name[used];
    label[used] = '\0';
    put(state, label);
    put(state, ":");
}

/* A new line, indented by `columns` more than the record that it stands in. */
static void put_line(struct text_state *state, size_t columns)
{
    char indent[4 * MAX_LISTS + 8];
    snprintf(indent, sizeof indent, "%*s", (int)(4 * state->lists.depth + columns), "");
    put(state, state->text.size != 0 ? "\n" : "");
    put(state, indent);
}

/* What stands between the fact before and this one. */
static void put_separator(struct text_state *state)
{
    if (state->lists.depth == 0 || state->after_list)
        put_line(state, 2);
    else if (state->in_record)
        put(state, ", ");
    state->lists.names[state->lists.depth] = NULL;
    state->in_record = true;
    state->after_list = false;
}

static void put_value(struct text_state *state, const struct fact *fact)
{
    char text[1024];
    put_separator(state);
    put_label(state, fact->name);
    put(state, " ");
    if (fact->kind == FACT_NUMBER)
        snprintf(text, sizeof text, "%" PRIu64, fact->number);
    else
        pack_escape(text, sizeof text, fact->text, fact->text_size);
    put(state, text);
}

static void put_begin(struct text_state *state, const struct fact *fact)
{
    struct open_lists *lists = &state->lists;
    if (!continues(lists, fact)) {
        put_line(state, 2);
        put_label(state, fact->name);
    }
    put_line(state, 4);
    put(state, "- ");
    lists->names[lists->depth++] = fact->name;
    lists->names[lists->depth] = NULL;
    state->in_record = false;
    state->after_list = false;
}

static void put_end(struct text_state *state)
{
    state->lists.depth--;
    state->after_list = true;
}

static void put_fact(struct text_state *state, const struct fact *fact)
{
    if (fact->kind == FACT_BEGIN)
        put_begin(state, fact);
    else if (fact->kind == FACT_END)
        put_end(state);
    else
        put_value(state, fact);
}

int pack_image_describe_text(const struct pack_format *format, struct pack_input *input,
                             char **text, struct pack_error *error)
{
    PACK_AUTO(pack_facts_clear) struct pack_facts facts = {0};
    struct text_state state = {.text = {.limit = 256 * PACK_MIB}};
    size_t size = 0;
    *text = NULL;
    const int code = pack_facts_collect(&facts, format, input, error);
    if (code != 0)
        return code;
    struct fact_walk walk = {.block = facts.first};
    const struct fact *fact = NULL;
    while ((fact = pack_facts_next(&walk)) != NULL)
        put_fact(&state, fact);
    if (state.text.size != 0)
        put(&state, "\n");
    if (state.error.code == PACK_OK)
        (void)!pack_buffer_take(&state.text, text, &size, &state.error);
    pack_buffer_clear(&state.text);
    if (state.error.code != PACK_OK)
        *error = state.error;
    return (int)state.error.code;
}
