/* SPDX-License-Identifier: MIT */
#ifndef CODEC_YAML_STRICT_H
#define CODEC_YAML_STRICT_H

/*
 * What libyaml does not look at: the characters of the file as they stand, and what lies between
 * and around its events. A cursor follows the events through the bytes.
 */

#include "codec/yaml.h"

#include <yaml.h>

struct pack_yaml_strict {
    const uint8_t *bytes;
    size_t size;
    size_t position;       /* bytes passed */
    size_t index;          /* characters passed, as libyaml's marks count them */
    unsigned line, column; /* of the next character, from 0, as libyaml's marks count them */
    bool line_start;       /* nothing but blanks in this line so far */
    bool comment;          /* inside a comment */
    bool explicit_key;     /* a "? " was reported since the last event */
    struct pack_yaml_report report;
};

/* The collection that a text or bracket stands in. */
struct pack_yaml_around {
    bool flow; /* in brackets */
    int block; /* column from 0 of the innermost collection without brackets, -1 for none */
};

/*
 * Whether the bytes may be a descriptor at all: UTF-8 without a byte order mark, and without
 * characters that control a terminal or hide or reorder others (Trojan Source, CVE-2021-42574).
 * Fails at the first that is not.
 */
PACK_MUST_USE int pack_yaml_check_characters(const void *bytes, size_t size,
                                             struct pack_error *error);

/* Looks at what lies between the cursor and the event, and at the event's own text. */
void pack_yaml_strict_event(struct pack_yaml_strict *strict, const yaml_event_t *event,
                            struct pack_yaml_around around);

/* The first byte of the character at a mark's index, at or behind the cursor; -1 at the end. */
int pack_yaml_strict_peek(const struct pack_yaml_strict *strict, size_t index);

/* Reports a fault at a line and column from 0. */
void pack_yaml_fault(const struct pack_yaml_report *report, size_t line, size_t column,
                     const char *text, const char *hint);

#endif
