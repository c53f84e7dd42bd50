/* SPDX-License-Identifier: MIT */
#include "install/events.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "install/event_types.h"
#include "install/number.h"
#include "io/file.h"
#include "pack/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SEQUENCE_MEMBER "\"sequence\":\""
enum {
    TAIL_SIZE = 16 * 1024, /* in which the last event's sequence number is looked for */
    MAX_SOURCE = 1024,
    MAX_PATH = PATH_MAX,
    DEFAULT_SIZE = 1024 * 1024,
};

struct events {
    struct event_source given;
    char path[MAX_PATH];
    char source[MAX_SOURCE];
    char version[PACK_MAX_VERSION + 1];
    struct storage_file *file; /* NULL until the first event, and after a failure */
    uint64_t size;             /* of the file */
    bool torn;                 /* its last line has no end */
    bool created;              /* its name is not durable yet */
    bool noted;                /* that events are lost */
    struct pack_json *json;    /* of the event that is being written */
    const struct event_type *type;
};

/* --- failures -------------------------------------------------------------------------------- */

/* Said once; an installation goes on. The next event tries again, on a file that is looked at anew.
 */
static void lose(struct events *events, const struct pack_error *error)
{
    storage_abandon(&events->file);
    if (!events->noted)
        pack_log(events->given.context, PACK_LOG_WARNING, "events are lost: %s: %s", events->path,
                 error->text);
    events->noted = true;
}

/* --- opening --------------------------------------------------------------------------------- */

/* A URN's characters; all others as %XX (RFC 8141). */
static void set_source(struct events *events, const char *id)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~!$&'()*+,;=:@/";
    const char *text = id != NULL && id[0] != '\0' ? id : "unknown";
    size_t used = (size_t)snprintf(events->source, MAX_SOURCE, "urn:fwpack:device:");
    for (; *text != '\0' && used + 4 <= MAX_SOURCE; text++) {
        const bool is_plain = strchr(plain, *text) != NULL;
        used += (size_t)snprintf(events->source + used, MAX_SOURCE - used,
                                 is_plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
}

struct events *events_open(const struct event_source *source)
{
    struct events *events = NULL;
    struct pack_error error = {0};
    const struct pack_device *device = source->device;
    if (pack_allocate(&events, 1, sizeof *events, &error) != 0) {
        pack_log(source->context, PACK_LOG_WARNING, "events are lost: %s", error.text);
        return NULL;
    }
    events->given = *source;
    set_source(events, source->id);
    if (device->events_file != NULL)
        snprintf(events->path, MAX_PATH, "%s", device->events_file);
    else
        snprintf(events->path, MAX_PATH, "%s/events.jsonl", device->state);
    return events;
}

void events_close(struct events **events)
{
    struct events *closed = *events;
    if (closed == NULL)
        return;
    pack_json_free(&closed->json);
    storage_abandon(&closed->file);
    free(closed);
    *events = NULL;
}

void events_set_version(struct events *events, const char *version)
{
    if (events != NULL)
        snprintf(events->version, sizeof events->version, "%s", version != NULL ? version : "");
}

/* The last event may be newer than what the device remembers of itself: power went in between. */
static void follow_sequence(struct events *events, const uint8_t *tail, size_t size)
{
    const size_t length = strlen(SEQUENCE_MEMBER);
    for (size_t i = size; i-- > 0;) {
        uint64_t number = 0;
        if (size - i < length || memcmp(tail + i, SEQUENCE_MEMBER, length) != 0)
            continue;
        const char *digits = (const char *)tail + i + length;
        const size_t count = strspn(digits, "0123456789");
        if (digits[count] == '"' && number_read(digits, count, INT64_MAX, &number)) {
            if (number > *events->given.sequence)
                *events->given.sequence = number;
            return;
        }
    }
}

static int read_tail(struct events *events, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *tail = NULL;
    size_t got = 0;
    const uint64_t from = events->size > TAIL_SIZE ? events->size - TAIL_SIZE : 0;
    int code = pack_allocate(&tail, TAIL_SIZE + 1, 1, error);
    if (code == 0)
        code = storage_read_at(events->file, from, tail, TAIL_SIZE, &got, error);
    if (code != 0)
        return code;
    events->torn = got > 0 && tail[got - 1] != '\n';
    follow_sequence(events, tail, got);
    return 0;
}

static int open_file(struct events *events, struct pack_error *error)
{
    if (events->file != NULL)
        return 0;
    int code = storage_open(events->given.storage, events->path, STORAGE_WRITE | STORAGE_CREATE,
                            &events->file, error);
    if (code == 0)
        code = storage_size(events->file, &events->size, error);
    if (code != 0)
        return code;
    events->created = events->created || events->size == 0;
    return read_tail(events, error);
}

/* --- rotation -------------------------------------------------------------------------------- */

static int move(struct events *events, unsigned from, unsigned to, struct pack_error *error)
{
    char old[MAX_PATH + 16], new[MAX_PATH + 16];
    snprintf(old, sizeof old, from > 0 ? "%s.%u" : "%s", events->path, from);
    snprintf(new, sizeof new, "%s.%u", events->path, to);
    const int code = storage_rename(events->given.storage, old, new, error);
    if (code != PACK_E_NOT_FOUND)
        return code;
    pack_error_clear(error);
    return 0;
}

static int rotate(struct events *events, struct pack_error *error)
{
    const unsigned keep = events->given.device->events_keep;
    int code = storage_close(&events->file, error);
    for (unsigned i = keep; code == 0 && i > 0; i--)
        code = move(events, i - 1, i, error);
    if (code == 0 && keep == 0)
        code = storage_remove(events->given.storage, events->path, error);
    return code != 0 ? code : open_file(events, error);
}

/* --- writing --------------------------------------------------------------------------------- */

static int make_durable(struct events *events, struct pack_error *error)
{
    PACK_AUTO_FREE char *folder = NULL;
    int code = storage_flush(events->file, error);
    if (code != 0 || !events->created)
        return code;
    code = pack_folder_of(&folder, events->path, error);
    if (code == 0)
        code = storage_flush_folder(events->given.storage, folder, error);
    if (code == 0)
        events->created = false;
    return code;
}

static int append(struct events *events, const char *line, size_t size, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = size + 1};
    const uint64_t most =
        events->given.device->events_size > 0 ? events->given.device->events_size : DEFAULT_SIZE;
    int code = open_file(events, error);
    if (code == 0 && events->size > 0 && size + 1 > most - pack_min(most, events->size))
        code = rotate(events, error);
    if (code == 0 && events->torn)
        code = pack_buffer_append(&text, "\n", 1, error);
    if (code == 0)
        code = pack_buffer_append(&text, line, size, error);
    if (code == 0)
        code = storage_write_at(events->file, events->size, text.bytes, text.size, error);
    if (code != 0)
        return code;
    events->size += text.size;
    events->torn = false;
    return events->type->important ? make_durable(events, error) : 0;
}

static void write_attributes(struct events *events, const char *version)
{
    const struct event_source *given = &events->given;
    struct pack_json *json = events->json;
    char text[320], time[PACK_TIME_TEXT];
    const uint64_t number = ++*given->sequence;
    pack_json_object(json, NULL);
    pack_json_string(json, "specversion", "1.0");
    snprintf(text, sizeof text, "%.128s%s%" PRIu64, given->session != NULL ? given->session : "",
             given->session != NULL ? "-" : "", number);
    pack_json_string(json, "id", text);
    pack_json_string(json, "source", events->source);
    snprintf(text, sizeof text, EVENT_PREFIX "%s", events->type->name);
    pack_json_string(json, "type", text);
    if (given->clock_known)
        pack_json_string(json, "time", pack_time_text(time, given->now(given->user)));
    snprintf(text, sizeof text, "%.128s%s%.128s", given->device->product,
             version[0] != '\0' ? "/" : "", version);
    pack_json_string(json, "subject", text);
    snprintf(text, sizeof text, "%012" PRIu64, number);
    pack_json_string(json, "sequence", text);
    pack_json_string(json, "datacontenttype", "application/json");
    pack_json_string(json, "dataschema", EVENT_SCHEMA);
    pack_json_object(json, "data");
}

static const struct event_type *type_named(const char *name)
{
    const struct event_type *type = event_types;
    while (type->name != NULL && strcmp(type->name, name) != 0)
        type++;
    return type;
}

struct pack_json *events_begin(struct events *events, const char *type)
{
    return events != NULL ? events_begin_for(events, type, events->version) : NULL;
}

struct pack_json *events_begin_for(struct events *events, const char *type, const char *version)
{
    struct pack_error error = {0};
    if (events == NULL)
        return NULL;
    pack_json_free(&events->json);
    events->type = type_named(type);
    if (events->type->name == NULL)
        (void)pack_fail(&error, PACK_E_INTERNAL, "no event is called '%.64s'", type);
    else if (pack_json_new(&events->json, false, &error) == 0)
        (void)!open_file(events, &error); /* before its number is given */
    if (error.code != 0)
        lose(events, &error);
    if (events->json != NULL)
        write_attributes(events, version);
    return events->json;
}

void events_end(struct events *events)
{
    struct pack_error error = {0};
    const char *line = NULL;
    size_t size = 0;
    if (events == NULL || events->json == NULL)
        return;
    pack_json_end(events->json);
    pack_json_end(events->json);
    int code = pack_json_finish(events->json, &line, &size, &error);
    if (code == 0)
        code = append(events, line, size, &error);
    if (code != 0)
        lose(events, &error);
    pack_json_free(&events->json);
}
