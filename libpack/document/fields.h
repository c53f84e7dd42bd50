/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_FIELDS_H
#define DOCUMENT_FIELDS_H

/*
 * JSON objects as C structs, by tables: one table for each type of object says which members it
 * has, and the same table reads, checks and writes them. Messages begin with the member's path
 * ("images[0].sha256: …").
 */

#include "base/memory.h"
#include "codec/json_reader.h"
#include "pack/json.h"

/* One document while it is read, checked or written. */
struct fields {
    struct pack_arena *arena; /* owns what reading allocates */
    struct pack_json *json;   /* what writing fills */
    struct pack_error *error;
    const struct pack_json_value *place; /* what is being read, for its line */
    char path[192];                      /* of the member at hand; stays where a failure happened */
};

enum field_kind {
    FIELD_STRING,     /* const char *, under `rule` */
    FIELD_INTEGER,    /* uint64_t from `minimum` to `maximum` */
    FIELD_BLOCK_SIZE, /* uint32_t */
    FIELD_BOOLEAN,    /* bool */
    FIELD_DIGEST,     /* uint8_t[32], 64 lower-case hex digits */
    FIELD_RAW,        /* const char *: an object of any members as compact JSON text */
    FIELD_STRINGS,    /* const char *const *, distinct, each under `rule` */
    FIELD_OBJECTS,    /* an array of structs, each under `table` */
    FIELD_GROUP,      /* an object whose members, under `table`, lie in this same struct */
    FIELD_CUSTOM,     /* read and written by the functions that the field names */
};

/* Whether a member belongs into an object. */
enum field_use {
    FIELD_WANTED,
    FIELD_OPTIONAL,  /* absent where NULL, zero, false, empty; or where *has is false */
    FIELD_IGNORED,   /* neither read nor written */
    FIELD_FORBIDDEN, /* malformed where present */
};

struct field;

struct field_table {
    size_t size; /* of the struct */
    const struct field *fields;
    size_t count;
    bool closed;  /* an unknown member is PACK_E_UNSUPPORTED; elsewhere it is ignored */
    bool compact; /* written on one line */
    /* After reading: derives what is not a member of its own. May be NULL. */
    int (*derive)(struct fields *fields, void *object);
    /* After reading and before writing: what concerns several members. May be NULL. */
    int (*check)(struct fields *fields, const void *object);
};

/* A path of further steps, for failures that `check` finds below its object. */
void fields_enter(struct fields *fields, const char *name);
void fields_enter_index(struct fields *fields, size_t index);

#define FIELD_NO_OFFSET 0 /* no struct here begins with a flag or a count */

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;                                /* of the value in the struct */
    enum field_use use;                           /* where use_of is NULL */
    enum field_use (*use_of)(const void *object); /* may look at members earlier in the table */
    size_t has_offset;                            /* of a bool that says whether it is there */
    size_t count_offset;                          /* of an array's size_t */
    uint64_t minimum, maximum;                    /* of an integer, or of an array's count */
    int (*rule)(const char *text, struct pack_error *error);
    const struct field_table *table;
    /* FIELD_CUSTOM; one without `write` is never written. */
    int (*read)(struct fields *fields, const struct pack_json_value *value, void *object);
    void (*write)(struct pack_json *json, const char *name, const void *object);
};

PACK_MUST_USE int fields_read(struct fields *fields, const struct field_table *table,
                              const struct pack_json_value *value, void *object);
PACK_MUST_USE int fields_check(struct fields *fields, const struct field_table *table,
                               const void *object);
/* Writes the members into an object that is open; what failed, the writer reports at its end. */
void fields_write(struct fields *fields, const struct field_table *table, const void *object);

/* Puts line and path to a failure, but to one of the machine, which concerns no member. */
PACK_MUST_USE int fields_verdict(struct fields *fields, int code);

/* The failure "PATH: WHAT wanted, not TYPE". */
PACK_MUST_USE int fields_fail_type(struct fields *fields, const char *wanted,
                                   const struct pack_json_value *value);
/* PACK_E_UNSUPPORTED: the document needs a member of that name. */
PACK_MUST_USE int fields_fail_unknown(struct fields *fields, const char *name);

#endif
