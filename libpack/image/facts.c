/* SPDX-License-Identifier: MIT */
#include "image/facts.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    MAX_FACTS = 1 << 20,
    MAX_TEXT = 4096,
};

static struct fact *fact_new(struct pack_facts *facts, enum fact_kind kind, const char *name)
{
    struct fact_block *last = facts->last;
    if (facts->error.code != PACK_OK)
        return NULL;
    if (++facts->count > MAX_FACTS) {
        pack_fail(&facts->error, PACK_E_LIMIT, "more than %d things to tell of", MAX_FACTS);
        return NULL;
    }
    if (last == NULL || last->count == sizeof last->facts / sizeof last->facts[0]) {
        struct fact_block *block = NULL;
        if (pack_arena_allocate(facts->arena, &block, 1, sizeof *block, &facts->error) != 0)
            return NULL;
        *(last != NULL ? &last->next : &facts->first) = block;
        facts->last = last = block;
    }
    struct fact *fact = &last->facts[last->count++];
    fact->kind = kind;
    fact->name = name;
    return fact;
}

static void fail_facts(struct pack_facts *facts, enum pack_code code, const char *name,
                       const char *text)
{
    if (facts->error.code == PACK_OK)
        pack_fail(&facts->error, code, "%s %s", name, text);
}

/* Whether the name is new in its record, where it then stands. */
static bool take_name(struct pack_facts *facts, const char *name)
{
    struct fact_scope *scope = &facts->scopes[facts->depth];
    for (size_t i = 0; i < scope->count; i++)
        if (strcmp(scope->names[i], name) == 0)
            return false;
    if (scope->count == FACT_MAX_NAMES)
        fail_facts(facts, PACK_E_INTERNAL, name, "is one fact too many");
    else
        scope->names[scope->count++] = name;
    return true;
}

/* A value; the first one of a name counts. */
static struct fact *value_new(struct pack_facts *facts, enum fact_kind kind, const char *name)
{
    facts->scopes[facts->depth].open = NULL;
    return take_name(facts, name) ? fact_new(facts, kind, name) : NULL;
}

static void add_text(struct pack_facts *facts, const char *name, const char *text, size_t size)
{
    struct fact *fact = value_new(facts, FACT_TEXT, name);
    if (fact == NULL)
        return;
    fact->text_size = size < MAX_TEXT ? size : MAX_TEXT;
    (void)!pack_arena_string(facts->arena, &fact->text, text, fact->text_size, &facts->error);
}

void pack_fact_text(struct pack_facts *facts, const char *name, const char *value)
{
    add_text(facts, name, value, strlen(value));
}

void pack_fact_bytes(struct pack_facts *facts, const char *name, const void *text, size_t size)
{
    add_text(facts, name, text, strnlen(text, size));
}

void pack_fact_number(struct pack_facts *facts, const char *name, uint64_t value)
{
    struct fact *fact = value_new(facts, FACT_NUMBER, name);
    if (fact != NULL)
        fact->number = value;
}

void pack_fact_address(struct pack_facts *facts, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "0x%08" PRIx64, value);
    pack_fact_text(facts, name, text);
}

void pack_fact_uuid(struct pack_facts *facts, const char *name, const uint8_t uuid[16])
{
    char text[40];
    size_t used = 0;
    for (size_t i = 0; i < 16; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%02x",
                                 i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    pack_fact_text(facts, name, text);
}

void pack_fact_hex(struct pack_facts *facts, const char *name, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = bytes;
    char text[MAX_TEXT];
    size_t used = 0;
    for (size_t i = 0; i < size && used + 2 <= sizeof text; i++) {
        text[used++] = digits[byte[i] >> 4];
        text[used++] = digits[byte[i] & 15];
    }
    add_text(facts, name, text, used);
}

void pack_facts_begin(struct pack_facts *facts, const char *list)
{
    struct fact_scope *scope = &facts->scopes[facts->depth];
    if (scope->open == NULL || strcmp(scope->open, list) != 0) {
        if (!take_name(facts, list))
            fail_facts(facts, PACK_E_MALFORMED, list, "stand in more than one place");
        scope->open = list;
    }
    if (facts->depth == FACT_MAX_DEPTH)
        fail_facts(facts, PACK_E_LIMIT, list, "are nested too deeply");
    if (fact_new(facts, FACT_BEGIN, list) != NULL)
        facts->scopes[++facts->depth] = (struct fact_scope){.count = 0};
}

void pack_facts_end(struct pack_facts *facts)
{
    if (facts->depth == 0)
        fail_facts(facts, PACK_E_INTERNAL, "a record", "ends that was not begun");
    if (fact_new(facts, FACT_END, NULL) != NULL)
        facts->depth--;
}

void pack_facts_clear(struct pack_facts *facts)
{
    pack_arena_free(&facts->arena);
}

int pack_facts_collect(struct pack_facts *facts, const struct pack_format *format,
                       struct pack_input *input, struct pack_error *error)
{
    if (format->describe == NULL)
        return 0;
    if (!input->seekable || !input->has_size) {
        pack_fail(error, PACK_E_UNSUPPORTED, "%s is described from a file, not from a pipe",
                  format->summary);
        return pack_at_file(error, input->name);
    }
    int code = pack_arena_new(&facts->arena, error);
    if (code == 0)
        code = format->describe(input, facts, error);
    if (code == 0 && facts->error.code != PACK_OK) {
        *error = facts->error;
        code = (int)error->code;
    }
    if (code == 0 && facts->depth != 0)
        code = pack_fail(error, PACK_E_INTERNAL, "a record was begun and not ended");
    return code != 0 ? pack_at_file(error, input->name) : 0;
}

const struct fact *pack_facts_next(struct fact_walk *walk)
{
    if (walk->block != NULL && walk->index == walk->block->count) {
        walk->block = walk->block->next;
        walk->index = 0;
    }
    return walk->block != NULL ? &walk->block->facts[walk->index++] : NULL;
}
