/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_HOOKS_H
#define INSTALL_HOOKS_H

/*
 * Programs that a device names: hooks, health checks, a hardware counter, the reboot. Run without
 * a shell, with a clean environment (PATH, LANG=C, and FWPACK_… below), standard input empty,
 * descriptors closed, in a process group of their own that a deadline ends.
 */

#include "io/program.h"
#include "pack/install.h"

/* What a program is told, each NULL where it means nothing: FWPACK_PHASE, FWPACK_VERSION, …. */
struct hook_facts {
    const char *phase;   /* FWPACK_PHASE */
    const char *version; /* FWPACK_VERSION: of the release at hand */
    const char *from;    /* FWPACK_FROM: of the release that runs */
    const char *set;     /* FWPACK_SET: "A" or "B", the one that is written or on trial */
    const char *product; /* FWPACK_PRODUCT */
    const char *device;  /* FWPACK_DEVICE_ID */
    const char *reason;  /* FWPACK_REASON: of a rollback */
    const char *counter; /* FWPACK_COUNTER: what the hardware counter is to be raised to */
};

/*
 * Runs it, at most device-given seconds; `output` (may be NULL) receives what it prints, at most
 * its limit. `what` names it in messages ("hook before-write"). Failing, ending by a signal or
 * too late is `code`.
 */
PACK_MUST_USE int hook_run(const struct pack_device_program *program, const char *what,
                           const struct hook_facts *facts, enum pack_code code,
                           struct pack_buffer *output, struct pack_error *error);
/* The hook of a phase; 0 where there is none. PACK_E_VETOED. */
PACK_MUST_USE int hook_before(const struct pack_device *device, enum pack_phase phase,
                              const struct hook_facts *facts, struct pack_error *error);
PACK_MUST_USE int hook_after(const struct pack_device *device, enum pack_phase phase,
                             const struct hook_facts *facts, struct pack_error *error);

/* All checks, each result noted, also after one failed; PACK_E_UNHEALTHY for the first. */
PACK_MUST_USE int health_run(const struct pack_engine *engine, const struct hook_facts *facts,
                             struct pack_confirm_report *report, struct pack_error *error);

/* The hardware counter: 0 where there is none. Its answer must be a decimal number. */
PACK_MUST_USE int counter_read(const struct pack_device *device, uint64_t *value,
                               struct pack_error *error);
/* Raises it, and reads it back: PACK_E_STATE where it is still lower. */
PACK_MUST_USE int counter_raise(const struct pack_device *device, uint64_t value,
                                struct pack_error *error);

#endif
