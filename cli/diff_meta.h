/* SPDX-License-Identifier: MIT */
#ifndef CLI_DIFF_META_H
#define CLI_DIFF_META_H

/* What changed between two releases beside their images: CVEs, urgency, licences, components. */

#include "cli.h"

#include "pack/bundle.h"

enum diff_item_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

/* `old_value` and `new_value` are NULL where there is none. */
struct diff_item {
    enum diff_item_kind kind;
    const char *name;
    const char *old_value, *new_value;
};

/* Changes of one sort. */
struct diff_list {
    const char *what; /* for people: "fixes" */
    const char *json; /* "cves_fixed" */
    size_t count;
    struct diff_item *items;
};

enum { DIFF_LISTS = 4 };

struct diff_meta {
    struct diff_list lists[DIFF_LISTS];
    struct pack_release_meta *metas[2]; /* old and new, to which the items' texts belong */
    struct pack_sbom *sboms[2];
};

/* One side: `trusted` NULL where nothing is proved, and SBOMs therefore not read. */
struct diff_side {
    const struct pack_release *release;
    struct pack_trusted *trusted;
};

PACK_MUST_USE int diff_meta_compare(struct diff_meta *meta, const struct diff_side *old_side,
                                    const struct diff_side *new_side, struct pack_error *error);
bool diff_meta_different(const struct diff_meta *meta);
void diff_meta_clear(struct diff_meta *meta);

void diff_meta_print(struct cli *cli, const struct diff_meta *meta);
/* "meta" with a member for each list that is not empty; nothing where all are. */
void diff_meta_json(struct pack_json *json, const struct diff_meta *meta);
/* A change in words: "busybox: 1.37, was 1.36". */
const char *diff_item_text(const struct diff_item *item, char *text, size_t capacity);

#endif
