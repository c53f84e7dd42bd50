/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_STATE_H
#define INSTALL_STATE_H

/*
 * What the device remembers (docs/device-state.md): one JSON record, kept as storage_record. All
 * of it is written at once. It only says what was done; what is in a slot is always measured.
 */

#include "pack/install.h"
#include "pack/permit.h"
#include "storage/storage.h"

#define STATE_NAME "state"      /* of the record in the state folder */
#define STATE_LIMIT (64 * 1024) /* bytes of the record */
#define STATE_FAILURES 8        /* releases whose failure is remembered: the newest */

enum set_condition { SET_UNKNOWN, SET_INCOMPLETE, SET_TRIAL, SET_GOOD, SET_FAILED };
/* "unknown", "incomplete", "trial", "good", "failed" */
const char *set_condition_name(enum set_condition condition);

/* An image that was written into a slot of a set. */
struct state_image {
    char slot[PACK_MAX_NAME + 1];
    uint64_t size;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct state_set {
    enum set_condition condition;
    char version[PACK_MAX_VERSION + 1]; /* "" where not known, with all below */
    uint8_t release_sha256[PACK_SHA256_SIZE];
    uint64_t security_version;
    uint64_t data_epoch;
    size_t image_count;
    struct state_image *images; /* owned */
};

/* A switch that was begun: the trial of a set. */
struct state_trial {
    bool begun; /* the rest means something */
    enum pack_set set;
    bool armed; /* the bootloader was told, and answered */
    char
        session[64]; /* boot_session at the last switch; means something also where none is begun */
};

struct state_failure {
    uint8_t release_sha256[PACK_SHA256_SIZE];
    uint64_t time; /* of the last one */
    uint64_t count;
};

/* How much of an image is durable in its target, for an installation that goes on later. */
struct state_progress {
    bool begun;
    uint8_t release_sha256[PACK_SHA256_SIZE];
    enum pack_set set;
    size_t done_count; /* images that are complete, in the release's order */
    uint64_t durable;  /* bytes of the next one, from its beginning */
};

struct state {
    uint64_t security_version; /* least that is accepted; only grows */
    uint64_t data_epoch;       /* the same */
    struct state_set sets[PACK_SETS];
    struct state_trial trial;
    struct state_progress progress;
    size_t failure_count;
    struct state_failure failures[STATE_FAILURES];
    /* The delivery and rollout revisions that were seen of the last release. */
    uint8_t seen_release[PACK_SHA256_SIZE];
    uint64_t seen_delivery, seen_rollout;
    bool seen_halted; /* by that rollout */
    size_t result_count;
    struct pack_result_status results[PACK_MAX_RESULTS]; /* newest first */
    uint64_t events;                                     /* sequence number of the last event */
};

/*
 * PACK_E_NOT_FOUND with the hint to use --first where the device has no state: never zeros without
 * a word (A93, A108). PACK_E_STATE where both copies are damaged; PACK_E_UNSUPPORTED where it is of
 * a newer version. `repaired` as storage_record_load says. *state is big: it is allocated.
 */
PACK_MUST_USE int state_load(struct state **state, struct storage *storage, const char *folder,
                             bool writable, bool *repaired, struct pack_error *error);
int state_fail_absent(const char *folder, struct pack_error *error);
PACK_MUST_USE int state_save(const struct state *state, struct storage *storage, const char *folder,
                             struct pack_error *error);
/* The record's content. What does not follow docs/device-state.md is PACK_E_STATE. */
PACK_MUST_USE int state_parse(struct state **state, const void *bytes, size_t size,
                              struct pack_error *error);
/* *text to be freed. PACK_E_INTERNAL where it would not be read again. */
PACK_MUST_USE int state_format(char **text, size_t *size, const struct state *state,
                               struct pack_error *error);
PACK_MUST_USE int state_new(struct state **state, struct pack_error *error);
void state_free(struct state **state);
PACK_MUST_USE int state_copy(struct state **copy, const struct state *state,
                             struct pack_error *error);
void state_set_clear(struct state_set *set);

/* Remembers, replacing the oldest where there are too many. */
void state_add_failure(struct state *state, const uint8_t release_sha256[PACK_SHA256_SIZE],
                       uint64_t now);
/* It has proved to be good since. */
void state_forget_failure(struct state *state, const uint8_t release_sha256[PACK_SHA256_SIZE]);
/* NULL where it has not failed. */
const struct state_failure *state_failure_of(const struct state *state,
                                             const uint8_t release_sha256[PACK_SHA256_SIZE]);
/* Texts are escaped and cut to fit. */
void state_add_result(struct state *state, uint64_t now, const char *version, const char *outcome,
                      const char *reason);
/* Notes the revisions of a release's delivery and (may be NULL) rollout, and whether it halts. */
void state_note_seen(struct state *state, const uint8_t release_sha256[PACK_SHA256_SIZE],
                     uint64_t delivery, const struct pack_rollout *rollout);

#endif
