/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_EVENT_TYPES_H
#define INSTALL_EVENT_TYPES_H

/* The events that there are: docs/events.md, as a table. */

#include <stdbool.h>

#define EVENT_PREFIX "fwpack."
#define EVENT_SCHEMA "urn:fwpack:schema:event:1"
enum { EVENT_MEMBERS = 20 };

enum event_kind {
    EVENT_TEXT,
    EVENT_NUMBER,
    EVENT_FLAG,
    EVENT_SET,   /* "A" or "B" */
    EVENT_HASH,  /* SHA-256 in hexadecimal */
    EVENT_ERROR, /* {id, exit, message} */
};

struct event_member {
    const char *name; /* NULL ends the list */
    enum event_kind kind;
    bool optional;
    const char *summary;
};

struct event_type {
    const char *name; /* behind EVENT_PREFIX; NULL ends the list */
    bool important;   /* durable before the engine goes on */
    const char *summary;
    struct event_member members[EVENT_MEMBERS];
};

extern const struct event_type event_types[];

#endif
