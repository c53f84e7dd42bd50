/* SPDX-License-Identifier: MIT */
#include "codec/json_tree.h"

#include <string.h>

int json_tree_new(struct pack_json_value **value, struct pack_arena *arena,
                  enum pack_json_type type, const char *name, struct pack_error *error)
{
    int code = pack_arena_allocate(arena, value, 1, sizeof **value, error);
    if (code != 0)
        return code;
    (*value)->type = type;
    if (name != NULL)
        code = pack_arena_string(arena, &(*value)->name, name, strlen(name), error);
    return code;
}

int json_tree_text(struct pack_json_value **value, struct pack_arena *arena, const char *name,
                   const char *text, struct pack_error *error)
{
    const int code = json_tree_new(value, arena, PACK_JSON_STRING, name, error);
    return code != 0 ? code : pack_arena_string(arena, &(*value)->text, text, strlen(text), error);
}

int json_tree_integer(struct pack_json_value **value, struct pack_arena *arena, const char *name,
                      uint64_t integer, struct pack_error *error)
{
    const int code = json_tree_new(value, arena, PACK_JSON_INTEGER, name, error);
    if (code == 0)
        (*value)->integer = integer;
    return code;
}

struct pack_json_value *json_tree_member(struct pack_json_value *object, const char *name)
{
    for (struct pack_json_value *at = object->first; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

void json_tree_append(struct pack_json_value *array, struct pack_json_value *value)
{
    struct pack_json_value **link = &array->first;
    while (*link != NULL)
        link = &(*link)->next;
    *link = value;
    value->next = NULL;
    array->count++;
}

void json_tree_remove(struct pack_json_value *container, const struct pack_json_value *entry)
{
    struct pack_json_value **link = &container->first;
    while (*link != NULL && *link != entry)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = entry->next;
    container->count--;
}

void json_tree_put(struct pack_json_value *object, struct pack_json_value *value)
{
    json_tree_remove(object, json_tree_member(object, value->name));
    json_tree_append(object, value);
}

/* --- sorting --------------------------------------------------------------------------------- */

/* Takes half of the list away, and gives it. */
static struct pack_json_value *split(struct pack_json_value *list)
{
    const struct pack_json_value *fast = list->next;
    while (fast != NULL && fast->next != NULL) {
        fast = fast->next->next;
        list = list->next;
    }
    struct pack_json_value *second = list->next;
    list->next = NULL;
    return second;
}

static struct pack_json_value *merge(struct pack_json_value *a, struct pack_json_value *b)
{
    struct pack_json_value *merged = NULL, **link = &merged;
    while (a != NULL && b != NULL) {
        struct pack_json_value **least = strcmp(a->name, b->name) <= 0 ? &a : &b;
        *link = *least;
        link = &(*least)->next;
        *least = *link;
    }
    *link = a != NULL ? a : b;
    return merged;
}

static struct pack_json_value *sort(struct pack_json_value *list)
{
    if (list == NULL || list->next == NULL)
        return list;
    struct pack_json_value *second = split(list);
    return merge(sort(list), sort(second));
}

void json_tree_sort(struct pack_json_value *value)
{
    if (value->type == PACK_JSON_OBJECT)
        value->first = sort(value->first);
    if (value->type != PACK_JSON_OBJECT && value->type != PACK_JSON_ARRAY)
        return;
    for (struct pack_json_value *at = value->first; at != NULL; at = at->next)
        json_tree_sort(at);
}
