/* SPDX-License-Identifier: MIT */
#ifndef PACK_JSON_H
#define PACK_JSON_H

/*
 * A JSON writer whose output is a pure function of the calls: members in the order in which they
 * are written, two spaces of indent (or none), ASCII control characters escaped, UTF-8 passed
 * through, bytes that are not UTF-8 as U+FFFD.
 */

#include "pack/error.h"

PACK_BEGIN_DECLS

struct pack_json;

PACK_API PACK_MUST_USE int pack_json_new(struct pack_json **json, bool indent,
                                         struct pack_error *error);
PACK_API void pack_json_free(struct pack_json **json);

/*
 * `name` is the member's name inside an object, NULL inside an array and at the top. A writer of
 * NULL takes all calls and keeps nothing: for what may be left out.
 */
PACK_API void pack_json_object(struct pack_json *json, const char *name);
/* The same, all of it on one line even where the rest is indented. */
PACK_API void pack_json_object_line(struct pack_json *json, const char *name);
PACK_API void pack_json_array(struct pack_json *json, const char *name);
PACK_API void pack_json_end(struct pack_json *json);
PACK_API void pack_json_string(struct pack_json *json, const char *name, const char *value);
PACK_API void pack_json_hex(struct pack_json *json, const char *name, const void *bytes,
                            size_t size);
PACK_API void pack_json_integer(struct pack_json *json, const char *name, int64_t value);
PACK_API void pack_json_unsigned(struct pack_json *json, const char *name, uint64_t value);
PACK_API void pack_json_boolean(struct pack_json *json, const char *name, bool value);
PACK_API void pack_json_null(struct pack_json *json, const char *name);
/* `text` is JSON already, and stands as it is. */
PACK_API void pack_json_raw(struct pack_json *json, const char *name, const char *text);

/*
 * The text with a final line feed. *text is the writer's, until free. Fails when memory ran out
 * at any call, or when objects and arrays do not balance.
 */
PACK_API PACK_MUST_USE int pack_json_finish(struct pack_json *json, const char **text, size_t *size,
                                            struct pack_error *error);

PACK_END_DECLS

#endif
