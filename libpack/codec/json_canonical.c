/* SPDX-License-Identifier: MIT */
#include "codec/json_canonical.h"

#include <inttypes.h>

static int put(struct pack_buffer *buffer, const struct pack_json_value *value,
               struct pack_error *error);

static int put_text(struct pack_buffer *buffer, const char *text, struct pack_error *error)
{
    int code = pack_buffer_append(buffer, "\"", 1, error);
    while (code == 0 && *text != '\0') {
        const size_t plain = strcspn(text, "\"\\");
        code = pack_buffer_append(buffer, text, plain, error);
        text += plain;
        if (code == 0 && *text != '\0')
            code = pack_buffer_print(buffer, error, "\\%c", *text++);
    }
    return code != 0 ? code : pack_buffer_append(buffer, "\"", 1, error);
}

static int put_entry(struct pack_buffer *buffer, const struct pack_json_value *entry,
                     bool is_member, struct pack_error *error)
{
    int code = is_member ? put_text(buffer, entry->name, error) : 0;
    if (code == 0 && is_member)
        code = pack_buffer_append(buffer, ":", 1, error);
    return code != 0 ? code : put(buffer, entry, error);
}

static int put_container(struct pack_buffer *buffer, const struct pack_json_value *value,
                         struct pack_error *error)
{
    const bool object = value->type == PACK_JSON_OBJECT;
    int code = pack_buffer_append(buffer, object ? "{" : "[", 1, error);
    for (const struct pack_json_value *at = value->first; code == 0 && at != NULL; at = at->next) {
        if (at != value->first)
            code = pack_buffer_append(buffer, ",", 1, error);
        if (code == 0)
            code = put_entry(buffer, at, object, error);
    }
    return code != 0 ? code : pack_buffer_append(buffer, object ? "}" : "]", 1, error);
}

static int put_integer(struct pack_buffer *buffer, const struct pack_json_value *value,
                       struct pack_error *error)
{
    if (value->text != NULL)
        return pack_fail(error, PACK_E_MALFORMED, "a number that is no plain integer");
    return pack_buffer_print(buffer, error, "%" PRIu64, value->integer);
}

static int put(struct pack_buffer *buffer, const struct pack_json_value *value,
               struct pack_error *error)
{
    switch (value->type) {
    case PACK_JSON_NULL:
        return pack_buffer_append(buffer, "null", 4, error);
    case PACK_JSON_BOOLEAN:
        return pack_buffer_print(buffer, error, "%s", value->boolean ? "true" : "false");
    case PACK_JSON_INTEGER:
        return put_integer(buffer, value, error);
    case PACK_JSON_STRING:
        return put_text(buffer, value->text, error);
    case PACK_JSON_ARRAY:
    case PACK_JSON_OBJECT:
        break;
    }
    return put_container(buffer, value, error);
}

int json_canonical(struct pack_buffer *buffer, struct pack_json_value *value,
                   struct pack_error *error)
{
    json_tree_sort(value);
    return put(buffer, value, error);
}
