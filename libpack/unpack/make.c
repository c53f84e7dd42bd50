/* SPDX-License-Identifier: MIT */
#include "unpack/plan.h"
#include "unpack/search.h"
#include "unpack/varint.h"

#include "base/checked.h"

#include <stdio.h>

enum { WINDOW = 64 << 10, LARGEST_PLAN = 64 << 20 };

/* --- writing --------------------------------------------------------------------------------- */

struct maker {
    bool packs;
    struct pack_buffer items; /* the plan from its outermost list on */
    struct pack_buffer image;
    struct pack_buffer recipes_of_plan; /* struct recipe each */
    uint64_t memory;
    size_t counts[KINDS];
};

static struct recipe *recipes_of(const struct maker *maker, size_t *count)
{
    *count = maker->recipes_of_plan.size / sizeof(struct recipe);
    return (struct recipe *)(void *)maker->recipes_of_plan.bytes;
}

static bool is_same(const struct recipe *a, const struct recipe *b)
{
    return a->kind == b->kind && a->prefix == b->prefix && a->count == b->count &&
           memcmp(a->parameters, b->parameters, sizeof a->parameters) == 0;
}

/* The recipe's number in the plan; the latest are looked at first. */
static int number_of(struct maker *maker, const struct recipe *recipe, size_t *number,
                     struct pack_error *error)
{
    struct recipe known = *recipe;
    size_t count = 0;
    known.count = stream_kind_find(recipe->kind)->parameters[maker->packs];
    for (size_t i = known.count; i < RECIPE_PARAMETERS; i++)
        known.parameters[i] = 0;
    const struct recipe *recipes = recipes_of(maker, &count);
    for (size_t i = count; i > 0; i--) {
        *number = i - 1;
        if (is_same(&recipes[*number], &known))
            return 0;
    }
    *number = count;
    return pack_buffer_append(&maker->recipes_of_plan, &known, sizeof known, error);
}

static int put_item(struct maker *maker, uint64_t value, enum item_form form,
                    struct pack_error *error)
{
    return varint_append(&maker->items, value << 2 | form, error);
}

static int put_raw(struct maker *maker, const uint8_t *bytes, size_t size, struct pack_error *error)
{
    const int code = put_item(maker, size, ITEM_RAW, error);
    return code == 0 ? pack_buffer_append(&maker->image, bytes, size, error) : code;
}

/* How many streams from `first` on are one run, which is one item. */
static size_t run_length(const struct found_list *list, size_t first)
{
    const struct found *start = &list->streams[first];
    size_t count = 1;
    while (first + count < list->count) {
        const struct found *next = &list->streams[first + count];
        if (start->inside.count != 0 || next->inside.count != 0 ||
            next->plain_size != start->plain_size || !is_same(&next->recipe, &start->recipe) ||
            next->start != next[-1].start + next[-1].size)
            break;
        count++;
    }
    return count;
}

static int put_list(struct maker *maker, const struct found_list *list, const uint8_t *bytes,
                    size_t size, struct pack_error *error);

static void claim(struct maker *maker, uint64_t memory)
{
    if (memory > maker->memory)
        maker->memory = memory;
}

static int put_streams(struct maker *maker, const struct found *found, size_t count,
                       struct pack_error *error)
{
    const bool nested = found->inside.count != 0;
    size_t number = 0;
    int code = number_of(maker, &found->recipe, &number, error);
    if (code == 0)
        code = put_item(maker, number,
                        nested      ? ITEM_NESTED
                        : count > 1 ? ITEM_RUN
                                    : ITEM_STREAM,
                        error);
    if (code == 0 && count > 1)
        code = varint_append(&maker->items, count, error);
    if (code == 0)
        code = varint_append(&maker->items, found->plain_size, error);
    maker->counts[found->recipe.kind] += count;
    if (code == 0 && nested)
        return put_list(maker, &found->inside, found->plain, found->plain_size, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = pack_buffer_append(&maker->image, found[i].plain, found[i].plain_size, error);
    return code;
}

static size_t count_items(const struct found_list *list, size_t size)
{
    size_t items = 0;
    size_t at = 0;
    for (size_t i = 0; i < list->count; i += run_length(list, i)) {
        const struct found *last = &list->streams[i + run_length(list, i) - 1];
        items += 1U + (list->streams[i].start != at);
        at = last->start + last->size;
    }
    return items + (at != size);
}

static int put_list(struct maker *maker, const struct found_list *list, const uint8_t *bytes,
                    size_t size, struct pack_error *error)
{
    size_t at = 0;
    int code = varint_append(&maker->items, count_items(list, size), error);
    for (size_t i = 0; code == 0 && i < list->count;) {
        const struct found *found = &list->streams[i];
        const size_t count = run_length(list, i);
        if (found->start != at)
            code = put_raw(maker, bytes + at, found->start - at, error);
        if (code == 0)
            code = put_streams(maker, found, count, error);
        i += count;
        at = list->streams[i - 1].start + list->streams[i - 1].size;
    }
    return code == 0 && at != size ? put_raw(maker, bytes + at, size - at, error) : code;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* What opening takes beside the image: decoders, and plain bytes that are opened further. */
static uint64_t open_memory(const struct found_list *list, const uint8_t *bytes)
{
    uint64_t most = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->streams[i];
        const struct specimen specimen = specimen_of(found, bytes);
        uint64_t memory = stream_kind_find(found->recipe.kind)->open_memory(&specimen);
        if (found->inside.count != 0) {
            const uint64_t inside = open_memory(&found->inside, found->plain);
            memory = found->plain_size + (inside > memory ? inside : memory);
        }
        most = memory > most ? memory : most;
    }
    return most;
}

/* The same for packing. */
static uint64_t pack_memory(const struct found_list *list)
{
    uint64_t most = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->streams[i];
        uint64_t memory =
            stream_kind_find(found->recipe.kind)->pack_memory(&found->recipe, found->plain_size);
        if (found->recipe.prefix != PREFIX_NONE)
            memory += 2 * (UINT16_MAX + 1);
        const uint64_t inside = pack_memory(&found->inside);
        memory = found->plain_size + (inside > memory ? inside : memory);
        most = memory > most ? memory : most;
    }
    return most;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int put_encoders(const struct maker *maker, struct pack_buffer *plan,
                        struct pack_error *error)
{
    bool used[ENCODERS] = {false};
    size_t count = 0;
    size_t encoders = 0;
    const struct recipe *recipes = recipes_of(maker, &count);
    for (size_t i = 0; i < count; i++)
        used[stream_kind_find(recipes[i].kind)->encoder(&recipes[i])] = true;
    for (size_t i = 0; i < ENCODERS; i++)
        encoders += used[i];
    int code = varint_append(plan, encoders, error);
    for (unsigned i = 0; code == 0 && i < ENCODERS; i++) {
        uint8_t identity[4];
        if (!used[i])
            continue;
        pack_put_le32(identity, encoder_identity((enum encoder)i));
        code = varint_append(plan, i, error);
        if (code == 0)
            code = pack_buffer_append(plan, identity, sizeof identity, error);
    }
    return code;
}

static int put_recipes(const struct maker *maker, struct pack_buffer *plan,
                       struct pack_error *error)
{
    size_t count = 0;
    const struct recipe *recipes = recipes_of(maker, &count);
    int code = varint_append(plan, count, error);
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = varint_append(plan, recipes[i].kind, error);
        if (code == 0)
            code = varint_append(plan, recipes[i].prefix, error);
        for (size_t j = 0; code == 0 && j < recipes[i].count; j++)
            code = varint_append(plan, recipes[i].parameters[j], error);
    }
    return code;
}

static int put_plan(const struct maker *maker, struct pack_buffer *plan, struct pack_error *error)
{
    const uint8_t head[2] = {PLAN_VERSION, maker->packs ? PLAN_PACKS : 0};
    int code = pack_buffer_append(plan, head, sizeof head, error);
    if (code == 0)
        code = varint_append(plan, pack_pieces(maker->memory, PLAN_UNIT), error);
    if (code == 0 && maker->packs)
        code = put_encoders(maker, plan, error);
    if (code == 0)
        code = put_recipes(maker, plan, error);
    return code == 0 ? pack_buffer_append(plan, maker->items.bytes, maker->items.size, error)
                     : code;
}

static void summarise(struct unpacked *unpacked, const struct maker *maker)
{
    size_t used = 0;
    for (unsigned kind = 1; kind < KINDS; kind++) {
        const size_t count = maker->counts[kind];
        unpacked->streams += count;
        if (count == 0 || used >= sizeof unpacked->summary)
            continue;
        const int size =
            snprintf(unpacked->summary + used, sizeof unpacked->summary - used, "%s%zu %s%s",
                     used != 0 ? ", " : "", count, stream_kind_find(kind)->name,
                     count != 1 ? " streams" : " stream");
        used += size > 0 ? (size_t)size : 0;
    }
}

static void free_maker(struct maker *maker)
{
    pack_buffer_clear(&maker->items);
    pack_buffer_clear(&maker->image);
    pack_buffer_clear(&maker->recipes_of_plan);
}

static int write_result(struct unpacked *unpacked, const struct side *side,
                        struct pack_error *error)
{
    const struct found_list *list = &side->root;
    const uint8_t *bytes = side->image.bytes;
    struct maker maker PACK_AUTO(free_maker) = {.packs = side->prove,
                                                .items = {.limit = LARGEST_PLAN},
                                                .image = {.limit = SIZE_MAX / 2},
                                                .recipes_of_plan = {.limit = LARGEST_PLAN}};
    PACK_AUTO_BUFFER struct pack_buffer plan = {.limit = 2 * (size_t)LARGEST_PLAN};
    claim(&maker, side->prove ? pack_memory(list) : open_memory(list, bytes) + WINDOW);
    int code = put_list(&maker, list, bytes, side->image.size, error);
    if (code == 0)
        code = put_plan(&maker, &plan, error);
    if (code == 0)
        code = pack_buffer_take(&maker.image, &unpacked->bytes, &unpacked->size, error);
    if (code == 0)
        code = pack_buffer_take(&plan, &unpacked->plan, &unpacked->plan_size, error);
    unpacked->memory = pack_pieces(maker.memory, PLAN_UNIT) * PLAN_UNIT;
    if (code == 0)
        summarise(unpacked, &maker);
    return code;
}

/* A side without streams gets a plan of raw bytes alone, where the other side has some. */
int unpack_pair(struct unpacked *old_unpacked, struct unpacked *new_unpacked,
                const struct unpack_bytes *old_image, const struct unpack_bytes *new_image,
                const struct unpack_options *options, const struct pack_context *context,
                struct pack_error *error)
{
    struct side old_side PACK_AUTO(side_free) = side_of(old_image, false, options, context);
    struct side new_side PACK_AUTO(side_free) = side_of(new_image, true, options, context);
    *old_unpacked = *new_unpacked = (struct unpacked){.bytes = NULL};
    int code = search_sides(&old_side, &new_side, error);
    if (code != 0 || old_side.root.count + new_side.root.count == 0)
        return code;
    code = write_result(old_unpacked, &old_side, error);
    if (code == 0)
        code = write_result(new_unpacked, &new_side, error);
    if (code != 0) {
        unpacked_free(old_unpacked);
        unpacked_free(new_unpacked);
    }
    return code;
}

int unpack_image(struct unpacked *unpacked, const uint8_t *bytes, size_t size,
                 const struct unpack_options *options, const struct pack_context *context,
                 struct pack_error *error)
{
    const struct unpack_bytes image = {bytes, size};
    struct side side PACK_AUTO(side_free) = side_of(&image, options->prove, options, context);
    *unpacked = (struct unpacked){.bytes = NULL};
    int code = search_sides(NULL, &side, error);
    if (code == 0 && side.root.count != 0)
        code = write_result(unpacked, &side, error);
    if (code != 0)
        unpacked_free(unpacked);
    return code;
}
