/* SPDX-License-Identifier: MIT */
#include "unpack/plan.h"

#include "base/checked.h"
#include "unpack/varint.h"

#include <inttypes.h>

static int malformed(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_MALFORMED, "the plan of packed parts is wrong: %s", what);
}

static int read_number(struct pack_cursor *cursor, uint64_t *value, struct pack_error *error)
{
    return varint_read(cursor, value) ? 0 : malformed("cut short", error);
}

/* A count of things that take at least a byte each, so that memory follows the plan's size. */
static int read_count(struct pack_cursor *cursor, size_t *count, struct pack_error *error)
{
    uint64_t value = 0;
    const int code = read_number(cursor, &value, error);
    if (code != 0)
        return code;
    if (value > pack_cursor_left(cursor))
        return malformed("cut short", error);
    *count = (size_t)value;
    return 0;
}

/* --- head ------------------------------------------------------------------------------------ */

static int check_encoder(uint64_t encoder, uint32_t identity, struct pack_error *error)
{
    if (encoder >= ENCODERS)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "the image is packed by an encoder that is unknown here (%" PRIu64 ")",
                         encoder);
    const uint32_t here = encoder_identity((enum encoder)encoder);
    if (here != identity)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "the image is packed by another version of %s (%" PRIu32
                         ", here is %" PRIu32 ")",
                         encoder_name((enum encoder)encoder), identity, here);
    return 0;
}

static int read_encoders(struct pack_cursor *cursor, struct pack_error *error)
{
    size_t count = 0;
    int code = read_count(cursor, &count, error);
    for (size_t i = 0; code == 0 && i < count; i++) {
        uint64_t encoder = 0;
        code = read_number(cursor, &encoder, error);
        if (code != 0)
            return code;
        const uint8_t *identity = pack_cursor_take(cursor, 4);
        code = identity != NULL ? check_encoder(encoder, pack_le32(identity), error)
                                : malformed("cut short", error);
    }
    return code;
}

static int read_recipe(struct recipe *recipe, bool packs, struct pack_cursor *cursor,
                       struct pack_error *error)
{
    uint64_t kind = 0;
    uint64_t prefix = 0;
    int code = read_number(cursor, &kind, error);
    if (code == 0)
        code = read_number(cursor, &prefix, error);
    if (code != 0)
        return code;
    const struct stream_kind_entry *entry = kind < KINDS ? stream_kind_find((unsigned)kind) : NULL;
    if (entry == NULL || prefix >= PREFIXES)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "the image has packed parts of a kind that is unknown here (%" PRIu64
                         ", %" PRIu64 ")",
                         kind, prefix);
    *recipe = (struct recipe){
        .kind = (uint8_t)kind, .prefix = (uint8_t)prefix, .count = entry->parameters[packs]};
    for (size_t i = 0; code == 0 && i < recipe->count; i++) {
        uint64_t value = 0;
        code = read_number(cursor, &value, error);
        if (code == 0 && value > UINT32_MAX)
            return malformed("a parameter is too large", error);
        recipe->parameters[i] = (uint32_t)value;
    }
    return code;
}

static int read_recipes(struct unpack_plan *plan, struct pack_cursor *cursor,
                        struct pack_error *error)
{
    int code = read_count(cursor, &plan->recipe_count, error);
    if (code == 0)
        code = pack_arena_allocate(plan->arena, &plan->recipes, plan->recipe_count,
                                   sizeof *plan->recipes, error);
    for (size_t i = 0; code == 0 && i < plan->recipe_count; i++)
        code = read_recipe(&plan->recipes[i], plan->packs, cursor, error);
    return code;
}

static int read_head(struct unpack_plan *plan, struct pack_cursor *cursor, struct pack_error *error)
{
    const uint8_t *head = pack_cursor_take(cursor, 2);
    uint64_t units = 0;
    if (head == NULL)
        return malformed("cut short", error);
    if (head[0] != PLAN_VERSION || (head[1] & ~PLAN_PACKS) != 0)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "the plan of packed parts has version %d, %d is known here", head[0],
                         PLAN_VERSION);
    plan->packs = (head[1] & PLAN_PACKS) != 0;
    int code = read_number(cursor, &units, error);
    if (code != 0)
        return code;
    if (!pack_multiply(units, PLAN_UNIT, &plan->memory))
        return malformed("it claims too much memory", error);
    code = plan->packs ? read_encoders(cursor, error) : 0;
    return code == 0 ? read_recipes(plan, cursor, error) : code;
}

/* --- items ----------------------------------------------------------------------------------- */

static int read_list(struct unpack_plan *plan, struct plan_list *list, unsigned depth,
                     struct pack_cursor *cursor, struct pack_error *error);

static int read_stream(struct unpack_plan *plan, struct plan_item *item, enum item_form form,
                       unsigned depth, struct pack_cursor *cursor, struct pack_error *error)
{
    int code = 0;
    item->count = 1;
    if (form == ITEM_RUN)
        code = read_number(cursor, &item->count, error);
    if (code == 0)
        code = read_number(cursor, &item->size, error);
    if (code != 0 || form != ITEM_NESTED)
        return code;
    code = pack_arena_allocate(plan->arena, &item->inside, 1, sizeof *item->inside, error);
    return code == 0 ? read_list(plan, item->inside, depth + 1, cursor, error) : code;
}

static int read_item(struct unpack_plan *plan, struct plan_item *item, unsigned depth,
                     struct pack_cursor *cursor, struct pack_error *error)
{
    uint64_t word = 0;
    int code = read_number(cursor, &word, error);
    if (code != 0)
        return code;
    const enum item_form form = (enum item_form)(word & 3);
    if (form == ITEM_RAW) {
        *item = (struct plan_item){.raw = true, .count = 1, .size = word >> 2};
    } else {
        if (word >> 2 >= plan->recipe_count)
            return malformed("a recipe that is not there", error);
        item->recipe = (uint32_t)(word >> 2);
        code = read_stream(plan, item, form, depth, cursor, error);
    }
    if (code == 0 && (item->size == 0 || item->count == 0 || item->size > SIZE_MAX / 4))
        return malformed("an item of no size", error);
    return code;
}

static int read_list(struct unpack_plan *plan, struct plan_list *list, unsigned depth,
                     struct pack_cursor *cursor, struct pack_error *error)
{
    if (depth >= PLAN_DEPTH)
        return malformed("nested too deep", error);
    int code = read_count(cursor, &list->count, error);
    if (code == 0)
        code =
            pack_arena_allocate(plan->arena, &list->items, list->count, sizeof *list->items, error);
    for (size_t i = 0; code == 0 && i < list->count; i++)
        code = read_item(plan, &list->items[i], depth, cursor, error);
    return code;
}

/* --- memory ---------------------------------------------------------------------------------- */

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t result = 0;
    return pack_add(a, b, &result) ? result : UINT64_MAX;
}

static uint64_t item_memory(const struct recipe *recipes, const struct plan_item *item)
{
    if (item->raw)
        return 0;
    const struct recipe *recipe = &recipes[item->recipe];
    uint64_t memory = stream_kind_find(recipe->kind)->pack_memory(recipe, item->size);
    if (recipe->prefix != PREFIX_NONE)
        memory = sum(memory, 2 * (UINT16_MAX + 1));
    const uint64_t inside = item->inside != NULL ? plan_pack_memory(recipes, item->inside) : 0;
    return sum(item->size, inside > memory ? inside : memory);
}

uint64_t plan_pack_memory(const struct recipe *recipes, const struct plan_list *list)
{
    uint64_t most = 0;
    for (size_t i = 0; i < list->count; i++) {
        const uint64_t memory = item_memory(recipes, &list->items[i]);
        if (memory > most)
            most = memory;
    }
    return most;
}

/* --- the whole ------------------------------------------------------------------------------- */

void unpack_plan_free(struct unpack_plan **plan)
{
    if (*plan != NULL)
        pack_arena_free(&(*plan)->arena);
    free(*plan);
    *plan = NULL;
}

int unpack_plan_parse(struct unpack_plan **result, const uint8_t *bytes, size_t size,
                      struct pack_error *error)
{
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    struct pack_cursor cursor = {.bytes = bytes, .size = size};
    *result = NULL;
    int code = pack_allocate(&plan, 1, sizeof *plan, error);
    if (code == 0)
        code = pack_arena_new(&plan->arena, error);
    if (code == 0)
        code = read_head(plan, &cursor, error);
    if (code == 0)
        code = read_list(plan, &plan->root, 0, &cursor, error);
    if (code != 0)
        return code;
    if (pack_cursor_left(&cursor) != 0)
        return malformed("bytes behind its end", error);
    const uint64_t needed = plan->packs ? plan_pack_memory(plan->recipes, &plan->root) : 0;
    if (needed == UINT64_MAX)
        return malformed("a recipe that no encoder has", error);
    if (needed > plan->memory)
        return malformed("it claims less memory than it needs", error);
    *result = pack_steal(&plan);
    return 0;
}

uint64_t unpack_plan_memory(const struct unpack_plan *plan)
{
    return plan->memory;
}
