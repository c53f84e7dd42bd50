/* SPDX-License-Identifier: MIT */
#include "diff_meta.h"

#include "memory_sink.h"

#include <stdio.h>
#include <string.h>

/* --- lists of names with values -------------------------------------------------------------- */

/* An entry of one side. */
struct entry {
    const char *name, *value;
};

static int compare_texts(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int by_name_and_value(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    const int names = compare_texts(one->name, other->name);
    return names != 0 ? names : compare_texts(one->value, other->value);
}

/* Leaves in both what the other has not; both are sorted, and stay so. */
static void drop_common(struct entry *old, size_t *old_count, struct entry *new, size_t *new_count)
{
    size_t i = 0, j = 0, old_kept = 0, new_kept = 0;
    while (i < *old_count || j < *new_count) {
        const int order = i == *old_count   ? 1
                          : j == *new_count ? -1
                                            : by_name_and_value(&old[i], &new[j]);
        if (order == 0) {
            i++;
            j++;
        } else if (order < 0) {
            old[old_kept++] = old[i++];
        } else {
            new[new_kept++] = new[j++];
        }
    }
    *old_count = old_kept;
    *new_count = new_kept;
}

static struct diff_item item_of(const struct entry *old, const struct entry *new)
{
    if (old == NULL)
        return (struct diff_item){DIFF_ADDED, new->name, NULL, new->value};
    if (new == NULL)
        return (struct diff_item){DIFF_REMOVED, old->name, old->value, NULL};
    return (struct diff_item){DIFF_CHANGED, new->name, old->value, new->value};
}

/* What is left on both sides under one name has changed. */
static void pair_names(struct diff_list *list, const struct entry *old, size_t old_count,
                       const struct entry *new, size_t new_count)
{
    size_t i = 0, j = 0;
    while (i < old_count || j < new_count) {
        const int order = i == old_count   ? 1
                          : j == new_count ? -1
                                           : compare_texts(old[i].name, new[j].name);
        list->items[list->count++] =
            item_of(order <= 0 ? &old[i] : NULL, order >= 0 ? &new[j] : NULL);
        i += order <= 0;
        j += order >= 0;
    }
}

static int compare_lists(struct diff_list *list, struct entry *old, size_t old_count,
                         struct entry *new, size_t new_count, struct pack_error *error)
{
    list->items = calloc(old_count + new_count + 1, sizeof *list->items);
    if (list->items == NULL)
        return pack_fail_memory(error);
    qsort(old, old_count, sizeof *old, by_name_and_value);
    qsort(new, new_count, sizeof *new, by_name_and_value);
    drop_common(old, &old_count, new, &new_count);
    pair_names(list, old, old_count, new, new_count);
    return 0;
}

static int compare_names(struct diff_list *list, const char *const *old, size_t old_count,
                         const char *const *new, size_t new_count, struct pack_error *error)
{
    CLI_AUTO_FREE struct entry *entries = calloc(old_count + new_count + 1, sizeof *entries);
    if (entries == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; i < old_count; i++)
        entries[i].name = old[i];
    for (size_t i = 0; i < new_count; i++)
        entries[old_count + i].name = new[i];
    return compare_lists(list, entries, old_count, entries + old_count, new_count, error);
}

/* --- SBOMs ----------------------------------------------------------------------------------- */

static int read_sbom(struct pack_sbom **sbom, const struct diff_side *side, size_t index,
                     struct pack_error *error)
{
    CLI_AUTO(memory_sink_clear) struct memory_sink memory = {.size = 0};
    struct pack_error no_sbom = {0};
    int code = memory_sink_open(&memory, side->release->attachments[index].size, error);
    if (code == 0)
        code = pack_bundle_extract_attachment(side->trusted, index, &memory.sink, error);
    if (code == 0 && pack_sbom_read(sbom, memory.bytes, memory.size, &no_sbom) != 0)
        *sbom = NULL; /* an attachment may be called so and be something else */
    return code;
}

static bool travels(const struct diff_side *side, const char *name)
{
    const struct pack_delivery *delivery = pack_trusted_delivery(side->trusted);
    for (size_t i = 0; i < delivery->attachment_count; i++)
        if (strcmp(delivery->attachments[i], name) == 0)
            return true;
    return false;
}

/* The first attachment that is called sbom, or sbom.ANYTHING, and is one. */
static int find_sbom(struct pack_sbom **sbom, const struct diff_side *side,
                     struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0;
         side->trusted != NULL && code == 0 && *sbom == NULL && i < side->release->attachment_count;
         i++) {
        const char *name = side->release->attachments[i].name;
        if (strncmp(name, "sbom", 4) == 0 && (name[4] == '\0' || name[4] == '.') &&
            travels(side, name))
            code = read_sbom(sbom, side, i, error);
    }
    return code;
}

static void take_components(struct entry *entries, const struct pack_sbom *sbom)
{
    for (size_t i = 0; i < sbom->component_count; i++)
        entries[i] = (struct entry){sbom->components[i].name, sbom->components[i].version};
}

static int compare_sboms(struct diff_list *list, const struct pack_sbom *old,
                         const struct pack_sbom *new, struct pack_error *error)
{
    if (old == NULL || new == NULL || old->kind != new->kind)
        return 0;
    CLI_AUTO_FREE struct entry *entries =
        calloc(old->component_count + new->component_count + 1, sizeof *entries);
    if (entries == NULL)
        return pack_fail_memory(error);
    take_components(entries, old);
    take_components(entries + old->component_count, new);
    return compare_lists(list, entries, old->component_count, entries + old->component_count,
                         new->component_count, error);
}

/* --- all of it ------------------------------------------------------------------------------- */

enum { FIXES, URGENCY, LICENCES, COMPONENTS };
static const struct diff_list empty_lists[DIFF_LISTS] = {
    [FIXES] = {.what = "fixes", .json = "cves_fixed"},
    [URGENCY] = {.what = "urgency", .json = "urgency"},
    [LICENCES] = {.what = "licence", .json = "licences"},
    [COMPONENTS] = {.what = "component", .json = "components"},
};

static int compare_urgency(struct diff_list *list, const char *old, const char *new,
                           struct pack_error *error)
{
    struct entry before = {"urgency", old}, after = {"urgency", new};
    return compare_lists(list, &before, old != NULL, &after, new != NULL, error);
}

int diff_meta_compare(struct diff_meta *meta, const struct diff_side *old_side,
                      const struct diff_side *new_side, struct pack_error *error)
{
    memcpy(meta->lists, empty_lists, sizeof meta->lists);
    int code = pack_release_meta_read(&meta->metas[0], old_side->release, error);
    if (code == 0)
        code = pack_release_meta_read(&meta->metas[1], new_side->release, error);
    if (code != 0)
        return code;
    const struct pack_release_meta *old = meta->metas[0], *new = meta->metas[1];
    code = compare_names(&meta->lists[FIXES], old->cves, old->cve_count, new->cves, new->cve_count,
                         error);
    if (code == 0)
        code = compare_urgency(&meta->lists[URGENCY], old->urgency, new->urgency, error);
    if (code == 0)
        code = compare_names(&meta->lists[LICENCES], old->licences, old->licence_count,
                             new->licences, new->licence_count, error);
    if (code == 0)
        code = find_sbom(&meta->sboms[0], old_side, error);
    if (code == 0)
        code = find_sbom(&meta->sboms[1], new_side, error);
    return code != 0
               ? code
               : compare_sboms(&meta->lists[COMPONENTS], meta->sboms[0], meta->sboms[1], error);
}

bool diff_meta_different(const struct diff_meta *meta)
{
    for (size_t i = 0; i < DIFF_LISTS; i++)
        if (meta->lists[i].count != 0)
            return true;
    return false;
}

void diff_meta_clear(struct diff_meta *meta)
{
    for (size_t i = 0; i < DIFF_LISTS; i++)
        free(meta->lists[i].items);
    for (size_t i = 0; i < 2; i++) {
        pack_release_meta_free(&meta->metas[i]);
        pack_sbom_free(&meta->sboms[i]);
    }
}

/* --- telling --------------------------------------------------------------------------------- */

const char *diff_item_text(const struct diff_item *item, char *text, size_t capacity)
{
    const char *old_value = item->old_value != NULL ? item->old_value : "none";
    const char *new_value = item->new_value != NULL ? item->new_value : "none";
    if (item->kind == DIFF_CHANGED)
        snprintf(text, capacity, "%s: %s, was %s", item->name, new_value, old_value);
    else if (item->kind == DIFF_ADDED)
        snprintf(text, capacity, "%s: new%s%s", item->name, item->new_value != NULL ? ", " : "",
                 item->new_value != NULL ? new_value : "");
    else
        snprintf(text, capacity, "%s: no longer there%s%s", item->name,
                 item->old_value != NULL ? ", was " : "", item->old_value != NULL ? old_value : "");
    return text;
}

void diff_meta_print(struct cli *cli, const struct diff_meta *meta)
{
    char text[1024];
    for (size_t i = 0; i < DIFF_LISTS; i++)
        for (size_t j = 0; j < meta->lists[i].count; j++) {
            const bool named = i != URGENCY; /* which is its own name */
            cli_print(cli, "  %s%s%s", named ? meta->lists[i].what : "", named ? " " : "",
                      diff_item_text(&meta->lists[i].items[j], text, sizeof text));
        }
}

static void json_item(struct pack_json *json, const struct diff_item *item)
{
    static const char *const kinds[] = {
        [DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed"};
    pack_json_object(json, NULL);
    pack_json_string(json, "name", item->name);
    pack_json_string(json, "change", kinds[item->kind]);
    if (item->old_value != NULL)
        pack_json_string(json, "old", item->old_value);
    if (item->new_value != NULL)
        pack_json_string(json, "new", item->new_value);
    pack_json_end(json);
}

void diff_meta_json(struct pack_json *json, const struct diff_meta *meta)
{
    if (!diff_meta_different(meta))
        return;
    pack_json_object(json, "meta");
    for (size_t i = 0; i < DIFF_LISTS; i++) {
        if (meta->lists[i].count == 0)
            continue;
        pack_json_array(json, meta->lists[i].json);
        for (size_t j = 0; j < meta->lists[i].count; j++)
            json_item(json, &meta->lists[i].items[j]);
        pack_json_end(json);
    }
    pack_json_end(json);
}
