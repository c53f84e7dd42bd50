/* SPDX-License-Identifier: MIT */
#include "unpack/plan.h"

#include "base/checked.h"

static int expand_list(const struct unpack_plan *plan, const struct plan_list *list,
                       struct source *source, struct pack_buffer *out, struct pack_error *error);

static int copy_raw(struct source *source, uint64_t size, struct pack_buffer *out,
                    struct pack_error *error)
{
    int code = 0;
    if (size > out->limit - out->size)
        return pack_fail(error, PACK_E_CORRUPT, "the plan makes more than %zu bytes", out->limit);
    while (code == 0 && size != 0) {
        code = source_fill(source, 1, error);
        const size_t part = (size_t)pack_min(size, source_left(source));
        if (code == 0 && part == 0)
            return pack_fail(error, PACK_E_CORRUPT, "the packed image is cut short");
        if (code == 0)
            code = pack_buffer_append(out, source_bytes(source), part, error);
        source_skip(source, part);
        size -= part;
    }
    return code;
}

static int skip_prefix(const struct recipe *recipe, struct source *source, struct pack_error *error)
{
    const uint8_t *bytes = NULL;
    return recipe->prefix == PREFIX_LE16 ? source_take(source, &bytes, 2, error) : 0;
}

/* The stream must be exactly as long as the plan says; `plain` has room for no more. */
static int open_stream(const struct unpack_plan *plan, const struct plan_item *item,
                       struct source *source, struct pack_buffer *plain, struct pack_error *error)
{
    const struct recipe *recipe = &plan->recipes[item->recipe];
    const size_t limit = plain->limit;
    const size_t start = plain->size;
    if (item->size > limit - start)
        return pack_fail(error, PACK_E_CORRUPT, "the plan makes more than %zu bytes", limit);
    int code = skip_prefix(recipe, source, error);
    if (code == 0)
        code = pack_buffer_reserve(plain, (size_t)item->size, error);
    if (code != 0)
        return code;
    plain->limit = start + (size_t)item->size;
    code =
        plan_kind(plan, item)->open(recipe, source, plain, (size_t)item->size, plan->memory, error);
    plain->limit = limit;
    if (code == PACK_E_LIMIT || (code == 0 && plain->size != start + item->size))
        return pack_fail(error, PACK_E_CORRUPT, "a packed part does not hold the %llu bytes wanted",
                         (unsigned long long)item->size);
    return code;
}

static int expand_nested(const struct unpack_plan *plan, const struct plan_item *item,
                         struct source *source, struct pack_buffer *out, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = (size_t)item->size};
    int code = item->size <= plan->memory
                   ? open_stream(plan, item, source, &plain, error)
                   : pack_fail(error, PACK_E_CORRUPT, "the plan needs more memory than it claims");
    if (code != 0)
        return code;
    struct source inside = source_of_memory(plain.bytes, plain.size);
    code = expand_list(plan, item->inside, &inside, out, error);
    if (code == 0 && source_left(&inside) != 0)
        return pack_fail(error, PACK_E_CORRUPT, "the plan leaves bytes of a packed part");
    return code;
}

static int expand_list(const struct unpack_plan *plan, const struct plan_list *list,
                       struct source *source, struct pack_buffer *out, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        const struct plan_item *item = &list->items[i];
        if (item->raw)
            code = copy_raw(source, item->size, out, error);
        else if (item->inside != NULL)
            code = expand_nested(plan, item, source, out, error);
        else
            for (uint64_t j = 0; code == 0 && j < item->count; j++)
                code = open_stream(plan, item, source, out, error);
    }
    return code;
}

int unpack_follow(const struct unpack_plan *plan, struct pack_input *packed, uint8_t **bytes,
                  size_t size, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer out = {.limit = size};
    struct source source PACK_AUTO(source_clear) = source_of_input(packed);
    *bytes = NULL;
    int code = pack_buffer_reserve(&out, size, error);
    if (code == 0)
        code = expand_list(plan, &plan->root, &source, &out, error);
    if (code != 0)
        return code;
    if (out.size != size)
        return pack_fail(error, PACK_E_CORRUPT, "the plan makes %zu bytes, %zu wanted", out.size,
                         size);
    return pack_buffer_take(&out, bytes, &size, error);
}
