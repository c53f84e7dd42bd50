/* SPDX-License-Identifier: MIT */
#ifndef CODEC_JSON_READER_H
#define CODEC_JSON_READER_H

/*
 * Strict JSON (RFC 8259) for documents: UTF-8 without a byte order mark, one object or array and
 * nothing after it, no member twice, no NUL in a string, numbers that are integers from 0 to
 * PACK_MAX_INTEGER, at most PACK_MAX_DOCUMENT bytes, PACK_MAX_NESTING levels and
 * PACK_MAX_JSON_VALUES values.
 */

#include "base/memory.h"
#include "pack/json.h"

/* Bounds what a tree of 1 MiB of text takes in memory. */
#define PACK_MAX_JSON_VALUES 131072

enum pack_json_type {
    PACK_JSON_NULL,
    PACK_JSON_BOOLEAN,
    PACK_JSON_INTEGER,
    PACK_JSON_STRING,
    PACK_JSON_ARRAY,
    PACK_JSON_OBJECT,
};

struct pack_json_value {
    enum pack_json_type type;
    unsigned line, column; /* where it begins, from 1, in characters */
    const char *name;      /* of a member of an object */
    bool boolean;
    uint64_t integer;
    const char *text;              /* of a string; ended by a zero byte, and none before */
    size_t count;                  /* of an array or object */
    struct pack_json_value *first; /* of an array or object */
    struct pack_json_value *next;  /* in the same array or object */
};

/* PACK_E_MALFORMED or PACK_E_LIMIT with line and column. The tree lives as long as the arena. */
PACK_MUST_USE int pack_json_read(const struct pack_json_value **root, struct pack_arena *arena,
                                 const void *bytes, size_t size, struct pack_error *error);

/*
 * For the JSON of others, under other limits. A number that documents do not take is a
 * PACK_JSON_INTEGER too, with its characters in `text`, which is NULL for all others.
 */
struct pack_json_limits {
    size_t bytes;
    unsigned values;
};
PACK_MUST_USE int pack_json_read_any(const struct pack_json_value **root, struct pack_arena *arena,
                                     const void *bytes, size_t size,
                                     const struct pack_json_limits *limits,
                                     struct pack_error *error);

/* NULL where the value is no object, or has no member of that name. */
const struct pack_json_value *pack_json_member(const struct pack_json_value *object,
                                               const char *name);

/* Writes the value and all in it. */
void pack_json_write(struct pack_json *json, const char *name, const struct pack_json_value *value);

#endif
