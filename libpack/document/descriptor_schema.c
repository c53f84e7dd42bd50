/* SPDX-License-Identifier: MIT */
#include "document/descriptor_fields.h"

#include <stdio.h>
#include <string.h>

/* Every text may have variables; what they give is only known at build. */
void pack_schema_text(struct pack_json *json, const char *pattern)
{
    char either[512];
    snprintf(either, sizeof either, "%s|\\$\\{", pattern);
    pack_json_string(json, "type", "string");
    pack_json_string(json, "pattern", either);
}

static void write_field(struct pack_json *json, const struct pack_field *field)
{
    pack_json_object(json, field->key);
    pack_json_string(json, "description", field->summary);
    field->type->schema(json, field);
    if (field->fallback != NULL)
        pack_json_raw(json, "default", field->fallback);
    pack_json_end(json);
}

static bool has_required(const struct pack_field *fields)
{
    for (; fields->key != NULL; fields++)
        if ((fields->flags & PACK_FIELD_REQUIRED) != 0)
            return true;
    return false;
}

static void write_required(struct pack_json *json, const struct pack_field *fields)
{
    pack_json_array(json, "required");
    for (; fields->key != NULL; fields++)
        if ((fields->flags & PACK_FIELD_REQUIRED) != 0)
            pack_json_string(json, NULL, fields->key);
    pack_json_end(json);
}

static void write_properties(struct pack_json *json, const struct pack_field *fields)
{
    pack_json_object(json, "properties");
    for (const struct pack_field *field = fields; field->key != NULL; field++)
        write_field(json, field);
    pack_json_end(json);
    pack_json_boolean(json, "additionalProperties", false);
}

void pack_schema_fields(struct pack_json *json, const struct pack_field *fields)
{
    if (has_required(fields))
        write_required(json, fields);
    write_properties(json, fields);
}

/* A required key may stand in an included file instead. */
static void write_required_or_included(struct pack_json *json)
{
    pack_json_array(json, "anyOf");
    pack_json_object(json, NULL);
    pack_json_array(json, "required");
    pack_json_string(json, NULL, "include");
    pack_json_end(json);
    pack_json_end(json);
    pack_json_object(json, NULL);
    write_required(json, pack_descriptor_fields);
    pack_json_end(json);
    pack_json_end(json);
}

int pack_schema_write(char **text, size_t *size, const char *title, const char *description,
                      void (*members)(struct pack_json *json), struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    *text = NULL;
    int code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    pack_json_string(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    pack_json_string(json, "title", title);
    pack_json_string(json, "description", description);
    pack_json_string(json, "type", "object");
    members(json);
    pack_json_end(json);
    code = pack_json_finish(json, &written, size, error);
    return code != 0 ? code : pack_copy_string(text, written, error);
}

static void write_descriptor(struct pack_json *json)
{
    write_required_or_included(json);
    write_properties(json, pack_descriptor_fields);
}

int pack_descriptor_schema(char **text, size_t *size, struct pack_error *error)
{
    return pack_schema_write(text, size, "fwpack descriptor", "What a firmware release is made of",
                             write_descriptor, error);
}
