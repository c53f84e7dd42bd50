/* SPDX-License-Identifier: MIT */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

/*
 * A strict reader of a plain subset of YAML 1.2 (yaml.org/spec/1.2.2), on libyaml: one document
 * of maps, lists and texts in UTF-8. Anchors, aliases, tags, directives, merge keys, explicit
 * keys ("? "), repeated keys, tabs that indent, and characters that hide or reorder others are
 * faults with line and column. No scalar gets a type here: `1.10`, `no` and `0755` are the texts
 * that they are, and what reads them says what they mean.
 */

#include "base/memory.h"

enum pack_yaml_kind { PACK_YAML_TEXT, PACK_YAML_LIST, PACK_YAML_MAP };

struct pack_yaml {
    enum pack_yaml_kind kind;
    unsigned line, column;   /* from 1, in characters */
    bool faulty;             /* its fault is reported already; its content means nothing */
    bool plain;              /* a text without quotes, on one line or more */
    bool flow;               /* a list or map in brackets */
    const char *text;        /* of a text: UTF-8 without zero bytes */
    size_t size;             /* of a text: bytes */
    size_t count;            /* of a list or map: how many it holds */
    struct pack_yaml *first; /* of a list or map: what it holds, in order */
    struct pack_yaml *next;  /* the next in the same list or map */
    struct pack_yaml *key;   /* of a value in a map: its key, a text */
};

/* Takes a fault after which reading goes on. */
struct pack_yaml_report {
    void (*fault)(void *user, const struct pack_error *fault);
    void *user;
};

/*
 * Reads a document into `arena`. Fails with PACK_E_MALFORMED or PACK_E_LIMIT and the place where
 * it must stop; every other fault goes to `report`, and then the result is 0 though the document
 * is not good. Faults come roughly in the order of the text. Limits: PACK_MAX_DESCRIPTOR bytes,
 * PACK_MAX_SCALAR bytes in a text, PACK_MAX_NESTING levels, PACK_MAX_NODES maps, lists and texts.
 */
PACK_MUST_USE int pack_yaml_read(struct pack_yaml **root, struct pack_arena *arena,
                                 const void *bytes, size_t size,
                                 const struct pack_yaml_report *report, struct pack_error *error);

/* The value of a key, or NULL. */
const struct pack_yaml *pack_yaml_get(const struct pack_yaml *map, const char *key);
/* Nothing, `~` or `null` without quotes: what YAML calls null. */
bool pack_yaml_is_null(const struct pack_yaml *node);

/* A text as messages show it: one line, escaped where it must be, cut where it is long. */
struct pack_yaml_shown {
    char text[96];
};
struct pack_yaml_shown pack_yaml_show(const char *text);

#endif
