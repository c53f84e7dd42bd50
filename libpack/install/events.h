/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_EVENTS_H
#define INSTALL_EVENTS_H

/*
 * The event log (docs/events.md): one JSON line for each event, with CloudEvents 1.0 attributes.
 * Bounded: rotated at a size, few old files kept. It never fails an installation: what cannot be
 * written is noted in the context's log once, and lost.
 */

#include "install/state.h"
#include "pack/json.h"

struct events;

/* The attributes that all events of a run share. */
struct event_source {
    const struct pack_context *context;
    const struct pack_device *device;
    struct storage *storage;
    const char *id;      /* the device's, or NULL */
    const char *session; /* boot_session: makes ids unique where a sequence was lost; or NULL */
    bool clock_known;
    uint64_t (*now)(void *user);
    void *user;
    uint64_t *sequence; /* moved on with each event; kept in the state */
};

/* NULL where memory ran out, with a note: all calls take it, and lose what they are given. */
struct events *events_open(const struct event_source *source);
void events_close(struct events **events);

/* The release at hand, in the subject of all events from now on; NULL: none. */
void events_set_version(struct events *events, const char *version);

/*
 * "install.started", "decision", "write.started", "write.finished", "switch", "confirm", "health",
 * "rollback", "fell-back", "install.finished", "install.failed": docs/events.md lists each with its
 * data. The data's members are written into the object that is returned (NULL where nothing is
 * kept: the writer of JSON takes that), before events_end.
 */
struct pack_json *events_begin(struct events *events, const char *type);
/* Of another release than the one at hand, which `version` names; "" where nobody knows. */
struct pack_json *events_begin_for(struct events *events, const char *type, const char *version);
void events_end(struct events *events);

#endif
