/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_FIELD_KINDS_H
#define DOCUMENT_FIELD_KINDS_H

/* What each enum field_kind does with a member's value, as a table indexed by it. */

#include "document/fields.h"

struct field_behaviour {
    const char *wanted; /* for messages: "a string" */
    enum pack_json_type type;
    /* The value has that type. */
    int (*read)(struct fields *fields, const struct field *field,
                const struct pack_json_value *value, void *object);
    /* NULL where every value is good. */
    int (*check)(struct fields *fields, const struct field *field, const void *object);
    void (*write)(struct fields *fields, const struct field *field, const void *object);
    /* Whether an optional member has a value. */
    bool (*filled)(const struct field *field, const void *object);
};

/* Without an entry for FIELD_CUSTOM, whose functions stand in the field itself. */
extern const struct field_behaviour field_kinds[];

#endif
