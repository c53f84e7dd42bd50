/* SPDX-License-Identifier: MIT */
#ifndef CODEC_JSON_TREE_H
#define CODEC_JSON_TREE_H

/* Making and changing JSON trees, for documents that are edited and keep what they do not know. */

#include "codec/json_reader.h"

/* A new value of the arena; the name and text are copied, and `name` may be NULL. */
PACK_MUST_USE int json_tree_new(struct pack_json_value **value, struct pack_arena *arena,
                                enum pack_json_type type, const char *name,
                                struct pack_error *error);
PACK_MUST_USE int json_tree_text(struct pack_json_value **value, struct pack_arena *arena,
                                 const char *name, const char *text, struct pack_error *error);
PACK_MUST_USE int json_tree_integer(struct pack_json_value **value, struct pack_arena *arena,
                                    const char *name, uint64_t integer, struct pack_error *error);

/* The entry of that name, to be changed; NULL where there is none. */
struct pack_json_value *json_tree_member(struct pack_json_value *object, const char *name);
/* Puts a named value into an object, in place of one of its name. */
void json_tree_put(struct pack_json_value *object, struct pack_json_value *value);
/* Puts a value behind the last of an array. */
void json_tree_append(struct pack_json_value *array, struct pack_json_value *value);
/* Takes an entry out of the array or object that it is in. */
void json_tree_remove(struct pack_json_value *container, const struct pack_json_value *entry);
/* Sorts the members of every object in it by the bytes of their names. */
void json_tree_sort(struct pack_json_value *value);

#endif
