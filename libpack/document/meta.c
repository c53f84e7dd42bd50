/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "codec/json_reader.h"
#include "pack/document.h"

#include <string.h>

/* The texts of an array; what is none is the vendor's own, and not ours to judge. */
static int read_texts(const struct pack_json_value *meta, const char *name,
                      struct pack_arena *arena, size_t *count, const char *const **texts,
                      struct pack_error *error)
{
    const struct pack_json_value *list = pack_json_member(meta, name);
    const char **copy = NULL;
    if (list == NULL || list->type != PACK_JSON_ARRAY || *count != 0)
        return 0;
    const int code = pack_arena_allocate(arena, &copy, list->count, sizeof *copy, error);
    if (code != 0)
        return code;
    for (const struct pack_json_value *at = list->first; at != NULL; at = at->next)
        if (at->type == PACK_JSON_STRING)
            copy[(*count)++] = at->text;
    *texts = copy;
    return 0;
}

static int read_meta(struct pack_release_meta *meta, struct pack_arena *arena, const char *text,
                     struct pack_error *error)
{
    const struct pack_json_value *root = NULL, *urgency = NULL;
    int code = pack_json_read(&root, arena, text, strlen(text), error);
    if (code != 0)
        return code;
    urgency = pack_json_member(root, "urgency");
    if (urgency != NULL && urgency->type == PACK_JSON_STRING)
        meta->urgency = urgency->text;
    code = read_texts(root, "cves-fixed", arena, &meta->cve_count, &meta->cves, error);
    if (code == 0)
        code = read_texts(root, "licences", arena, &meta->licence_count, &meta->licences, error);
    if (code == 0)
        code = read_texts(root, "licenses", arena, &meta->licence_count, &meta->licences, error);
    return code;
}

int pack_release_meta_read(struct pack_release_meta **meta, const struct pack_release *release,
                           struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct pack_release_meta *made = NULL;
    *meta = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &made, 1, sizeof *made, error);
    if (code == 0 && release->meta != NULL)
        code = read_meta(made, arena, release->meta, error);
    if (code != 0)
        return code;
    made->storage = pack_steal(&arena);
    *meta = made;
    return 0;
}

void pack_release_meta_free(struct pack_release_meta **meta)
{
    if (*meta == NULL)
        return;
    struct pack_arena *arena = (*meta)->storage;
    *meta = NULL;
    pack_arena_free(&arena);
}
