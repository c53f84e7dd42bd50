/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_REHEARSAL_H
#define INSTALL_REHEARSAL_H

/* A copy of a device on plain files, which can be put back to how it was, installed on and started.
 */

#include "install/state.h"
#include "pack/simulate.h"
#include "storage/storage.h"

struct rehearsal {
    const struct pack_engine *given;
    struct pack_engine engine; /* of the copy */
    struct pack_context context;
    struct pack_device device; /* the copy: its own slots and paths */
    struct pack_device_slot *slots;
    struct pack_arena *arena;
    const char *folder;
    struct pack_input *source;         /* the bundle: borrowed, read by offset */
    struct pack_simulate_report *told; /* for notes */
    const char *battery;               /* path of the file that says the charge */
    struct state *state;               /* the device's; NULL: it has none */
    bool fallback;                     /* whether the loader could fall back to the other set */
    enum pack_set running;
    uint8_t (*old)[PACK_SHA256_SIZE], (*new)[PACK_SHA256_SIZE]; /* of each slot's content */
    uint64_t now;
    bool has_running; /* the running set's copy is in its place */
    bool busy;        /* a second installation was told so */
    bool struck;      /* the fault's byte of the bundle was read */
    struct pack_install_report *report;
};

enum rehearsed { REHEARSED_OLD, REHEARSED_NEW, REHEARSED_MIXTURE };

/* Copies what can be read. PACK_E_NOT_YET where the device is in the middle of an update. */
PACK_MUST_USE int rehearsal_new(struct rehearsal **rehearsal, const struct pack_engine *given,
                                struct pack_input *source, const char *folder,
                                struct pack_simulate_report *told, struct pack_error *error);
void rehearsal_free(struct rehearsal **rehearsal);
/* One run without a fault, to know what the new release is. */
PACK_MUST_USE int rehearsal_learn(struct rehearsal *rehearsal, struct pack_error *error);
/* As the device was, but for what never changes. */
PACK_MUST_USE int rehearsal_reset(struct rehearsal *rehearsal, struct pack_error *error);
PACK_MUST_USE int rehearsal_set_battery(struct rehearsal *rehearsal, unsigned percent,
                                        struct pack_error *error);
/* `storage` NULL: the system's. `fault` NULL: none of the network, the bundle or a second run. */
PACK_MUST_USE int rehearsal_install(struct rehearsal *rehearsal, struct storage *storage,
                                    const struct pack_fault *fault, struct pack_error *error);
bool rehearsal_was_busy(const struct rehearsal *rehearsal);
/* Says of the copy, or of what was tried on it, what the report cannot say otherwise. */
void rehearsal_note(struct rehearsal *rehearsal, const char *format, ...) PACK_PRINTF(2, 3);
/* As a boot script does; *found is what the set that starts holds. */
PACK_MUST_USE int rehearsal_start(struct rehearsal *rehearsal, enum rehearsed *found,
                                  struct pack_error *error);
/* Installs, starts and confirms, days later: a failure where the new release does not run then. */
PACK_MUST_USE int rehearsal_finish(struct rehearsal *rehearsal, struct pack_error *error);

#endif
