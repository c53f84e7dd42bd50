/* SPDX-License-Identifier: MIT */
#include "install/event_types.h"

#include "base/memory.h"
#include "install/events.h"

#include <string.h>

/* clang-format off */
#define VERSION(optional) {"version", EVENT_TEXT, optional, "of the release"}
#define LEFT_VERSION(optional) {"version", EVENT_TEXT, optional, "of the release that is given up"}
#define COUNTS \
    {"transferred", EVENT_NUMBER, false, "bytes read of the source"}, \
    {"reused", EVENT_NUMBER, false, "bytes taken from what the device has"}, \
    {"written", EVENT_NUMBER, false, "bytes written; the rest were there already"}, \
    {"resumed", EVENT_NUMBER, false, "bytes that an earlier run left, proved again"}
#define END_OF_INSTALL \
    VERSION(true), \
    {"decision", EVENT_TEXT, false, "the word of docs/device.md"}, \
    {"changed", EVENT_FLAG, false, "whether anything was written"}, \
    COUNTS, \
    {"full_size", EVENT_NUMBER, false, "bytes that full images would have transferred"}, \
    {"duration_ms", EVENT_NUMBER, false, "from start to end"}, \
    {"retries", EVENT_NUMBER, true, "how often this release failed before"}, \
    {"battery_before", EVENT_NUMBER, true, "percent"}, \
    {"battery_after", EVENT_NUMBER, true, "percent"}
#define FROM_TO \
    {"reason", EVENT_TEXT, false, "why"}, \
    {"from", EVENT_SET, false, "the set that ran, or was to run"}, \
    {"to", EVENT_SET, false, "the set that starts from now on"}

const struct event_type event_types[] = {
    {"install.started", false, "an installation begins", {
        {"source", EVENT_TEXT, false, "where the bundle comes from"},
        {"from_version", EVENT_TEXT, true, "of the release that runs"},
        {"set", EVENT_SET, false, "the set that would be written"}}},
    {"decision", true, "whether it is installed, and why not", {
        {"decision", EVENT_TEXT, false, "the word of docs/device.md"},
        {"reason", EVENT_TEXT, true, "what was found and wanted"},
        {"exit", EVENT_NUMBER, false, "the exit status that goes with it"},
        VERSION(true),
        {"release_sha256", EVENT_HASH, true, "of release.json"}}},
    {"write.started", false, "an image goes into its slot", {
        {"slot", EVENT_TEXT, false, "of the device"},
        {"image", EVENT_TEXT, false, "of the release"},
        {"set", EVENT_SET, false, "the set that is written"},
        {"size", EVENT_NUMBER, false, "bytes"}}},
    {"write.finished", false, "it is there, and was read back", {
        {"slot", EVENT_TEXT, false, "of the device"},
        {"image", EVENT_TEXT, false, "of the release"},
        {"set", EVENT_SET, false, "the set that was written"},
        {"encoding", EVENT_TEXT, false, "full, delta, keep, copied, or present: it was there"},
        {"codec", EVENT_TEXT, true, "of the encoding"},
        {"size", EVENT_NUMBER, false, "bytes"},
        COUNTS,
        {"duration_ms", EVENT_NUMBER, false, "from start to end"}}},
    {"switch", true, "the bootloader was told to try the other set", {
        {"set", EVENT_SET, false, "the set on trial"},
        {"tries", EVENT_NUMBER, false, "starts that it has"}}},
    {"health", false, "a health check ran", {
        {"check", EVENT_TEXT, false, "its name"},
        {"good", EVENT_FLAG, false, "whether it passed"},
        {"attempts", EVENT_NUMBER, false, "how often it ran"},
        {"reason", EVENT_TEXT, true, "why it failed"}}},
    {"confirm", true, "the release stays", {VERSION(false)}},
    {"rollback", true, "the other set is to start, by hand or by a failed check", {
        LEFT_VERSION(true), FROM_TO}},
    {"fell-back", true, "a release on trial did not start, and the old one runs", {
        LEFT_VERSION(false), FROM_TO}},
    {"install.finished", true, "all is written and switched to, or nothing was to be done", {
        END_OF_INSTALL}},
    {"install.failed", true, "it is not installed", {
        END_OF_INSTALL,
        {"error", EVENT_ERROR, false, "as --json prints it"}}},
    {NULL, false, NULL, {{NULL, EVENT_TEXT, false, NULL}}},
};
/* clang-format on */

/* --- the schema ------------------------------------------------------------------------------ */

static void write_constant(struct pack_json *json, const char *name, const char *value)
{
    pack_json_object(json, name);
    pack_json_string(json, "const", value);
    pack_json_end(json);
}

static void write_text(struct pack_json *json, const char *name, const char *pattern)
{
    pack_json_object(json, name);
    pack_json_string(json, "type", "string");
    if (pattern != NULL)
        pack_json_string(json, "pattern", pattern);
    pack_json_end(json);
}

static void write_names(struct pack_json *json, const char *name, const char *const *names)
{
    pack_json_array(json, name);
    for (; *names != NULL; names++)
        pack_json_string(json, NULL, *names);
    pack_json_end(json);
}

static void write_error_kind(struct pack_json *json)
{
    static const char *const required[] = {"id", "exit", "message", NULL};
    pack_json_string(json, "type", "object");
    write_names(json, "required", required);
    pack_json_object(json, "properties");
    write_text(json, "id", NULL);
    pack_json_object(json, "exit");
    pack_json_string(json, "type", "integer");
    pack_json_end(json);
    write_text(json, "message", NULL);
    pack_json_end(json);
}

static void write_kind(struct pack_json *json, enum event_kind kind)
{
    static const char *const types[] = {
        [EVENT_TEXT] = "string", [EVENT_NUMBER] = "integer", [EVENT_FLAG] = "boolean"};
    static const char *const patterns[] = {[EVENT_SET] = "^[AB]$", [EVENT_HASH] = "^[0-9a-f]{64}$"};
    if (kind == EVENT_ERROR) {
        write_error_kind(json);
        return;
    }
    const bool has_pattern = kind == EVENT_SET || kind == EVENT_HASH;
    pack_json_string(json, "type", has_pattern ? "string" : types[kind]);
    if (has_pattern)
        pack_json_string(json, "pattern", patterns[kind]);
    if (kind == EVENT_NUMBER)
        pack_json_unsigned(json, "minimum", 0);
}

static void write_members(struct pack_json *json, const struct event_member *members)
{
    pack_json_string(json, "type", "object");
    pack_json_array(json, "required");
    for (const struct event_member *member = members; member->name != NULL; member++)
        if (!member->optional)
            pack_json_string(json, NULL, member->name);
    pack_json_end(json);
    pack_json_object(json, "properties");
    for (const struct event_member *member = members; member->name != NULL; member++) {
        pack_json_object(json, member->name);
        pack_json_string(json, "description", member->summary);
        write_kind(json, member->kind);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void write_types(struct pack_json *json)
{
    pack_json_array(json, "oneOf");
    for (const struct event_type *type = event_types; type->name != NULL; type++) {
        char name[64] = EVENT_PREFIX;
        memcpy(name + strlen(EVENT_PREFIX), type->name, strlen(type->name) + 1);
        pack_json_object(json, NULL);
        pack_json_string(json, "description", type->summary);
        pack_json_object(json, "properties");
        write_constant(json, "type", name);
        pack_json_object(json, "data");
        write_members(json, type->members);
        pack_json_end(json);
        pack_json_end(json);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void write_attributes(struct pack_json *json)
{
    pack_json_object(json, "properties");
    write_constant(json, "specversion", "1.0");
    write_text(json, "id", "^.+$");
    write_text(json, "source", "^urn:fwpack:device:.+$");
    write_text(json, "type", "^fwpack\\.[a-z.-]+$");
    write_text(json, "time", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$");
    write_text(json, "subject", "^.+$");
    write_text(json, "sequence", "^[0-9]{12,}$");
    write_constant(json, "datacontenttype", "application/json");
    write_constant(json, "dataschema", EVENT_SCHEMA);
    pack_json_object(json, "data");
    pack_json_string(json, "type", "object");
    pack_json_end(json);
    pack_json_end(json);
}

int pack_event_schema(char **text, size_t *size, struct pack_error *error)
{
    static const char *const required[] = {
        "specversion",     "id",       "source",     "type", "subject",
        "datacontenttype", "sequence", "dataschema", "data", NULL};
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    *text = NULL;
    int code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    pack_json_string(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    pack_json_string(json, "$id", EVENT_SCHEMA);
    pack_json_string(json, "title", "fwpack event: a line of events.jsonl");
    pack_json_string(json, "type", "object");
    write_names(json, "required", required);
    write_attributes(json);
    write_types(json);
    pack_json_end(json);
    code = pack_json_finish(json, &written, size, error);
    return code != 0 ? code : pack_copy_string(text, written, error);
}
