/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_ENGINE_H
#define INSTALL_ENGINE_H

/* One run of the engine: what it was given, what it found, and what it remembers. */

#include "base/memory.h"
#include "boot/boot.h"
#include "install/events.h"
#include "install/hooks.h"
#include "install/reconcile.h"
#include "install/state.h"

#define MAX_DEVICE_ID 256
#define LOCK_NAME "lock" /* in the state folder */

struct engine {
    const struct pack_engine *given;
    const struct pack_device *device;
    struct storage *storage;
    struct pack_context context; /* the given one, with the device's limits */
    int lock;                    /* descriptor of the lock, or -1 */
    bool writable;
    bool fresh;    /* there was no state */
    bool repaired; /* one copy of it was damaged */
    struct state *state;
    struct boot *boot;
    struct boot_state loader;
    enum pack_set running;
    char session[64];
    char id[MAX_DEVICE_ID]; /* the device's; "" where it has none */
    uint64_t counter;       /* the hardware's; 0 where there is none */
    struct reconciled reconciled;
    struct events *events;
};

enum engine_use {
    ENGINE_READ,  /* nothing is changed, and nothing locked */
    ENGINE_WRITE, /* locked, and reconciled */
    ENGINE_FIRST, /* the same, and the device may be without state: it gets one */
};

/* To be closed also where it fails. */
PACK_MUST_USE int engine_open(struct engine *engine, const struct pack_engine *given,
                              enum engine_use use, struct pack_error *error);
void engine_close(struct engine *engine);
#define ENGINE_AUTO PACK_AUTO(engine_close)

uint64_t engine_now(const struct engine *engine);
/* Whether the clock may be believed: the device has one, and it is not in the past of fwpack. */
bool engine_has_clock(const struct engine *engine);
PACK_MUST_USE int engine_save(struct engine *engine, struct pack_error *error);
/* Tells the bootloader, and remembers what it knows. */
PACK_MUST_USE int engine_tell_loader(struct engine *engine, const struct boot_state *loader,
                                     struct pack_error *error);
/* The facts that programs are told, all but phase and reason. `version` is of the release at hand.
 */
struct hook_facts engine_facts(const struct engine *engine, const char *version, enum pack_set set);
/* The version in a set, NULL where it is not known. */
const char *engine_version(const struct engine *engine, enum pack_set set);

/* The set's trial is over and good: the loader is told, the state saved. */
PACK_MUST_USE int engine_complete_confirm(struct engine *engine, enum pack_set set,
                                          struct pack_error *error);
/*
 * The hardware counter, to what is accepted at least. Last of all, so that it is never ahead of
 * what starts; one that failed is raised by the next confirmation.
 */
PACK_MUST_USE int engine_raise_counter(const struct engine *engine, struct pack_error *error);
/*
 * `set` did not make it: the other one starts from now on, its release is remembered as one that
 * failed, and an event of that type and result of that outcome say why.
 */
PACK_MUST_USE int engine_give_up(struct engine *engine, enum pack_set set, const char *event,
                                 const char *outcome, const char *reason, struct pack_error *error);
/* A release that waits for its start does not get it; nothing is wrong with it. */
PACK_MUST_USE int engine_call_off(struct engine *engine, enum pack_set set, const char *reason,
                                  struct pack_error *error);
/* Whether it can restart, where that was asked for: to be known before anything is done. */
PACK_MUST_USE int engine_check_reboot(const struct pack_engine *given, struct pack_error *error);
/* The device's reboot program, where that was asked for. */
PACK_MUST_USE int engine_reboot(struct engine *engine, struct pack_error *error);

#endif
