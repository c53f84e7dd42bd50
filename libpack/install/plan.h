/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_PLAN_H
#define INSTALL_PLAN_H

/*
 * The device's decision (docs/device.md), pure: what is known goes in, a verdict comes out. It
 * reads no file, no clock, and changes nothing. Signatures were judged before.
 */

#include "install/state.h"
#include "pack/permit.h"

struct plan_facts {
    const struct pack_device *device;
    const struct state *state;
    enum pack_set running;
    uint64_t counter; /* a hardware counter's value; 0 where there is none */
    const struct pack_release *release;
    const uint8_t *release_sha256;
    const struct pack_delivery *delivery;
    const struct pack_permit *permit; /* signed well by the role release; or NULL */
    /* Why the one that the bundle carries is not good (signature, format); or NULL. */
    const struct pack_error *permit_fault;
    const struct pack_rollout *rollout; /* signed well by the role rollout; or NULL */
    const char *id, *group;             /* of the device; or NULL */
    bool clock_known;                   /* `now` may be believed */
    uint64_t now;
    bool retry; /* failures are passed over, and the cooldown */
};

/*
 * Product, hardware, slots; then 0 with PACK_DECIDE_CURRENT where the release runs and is
 * confirmed, PACK_DECIDE_WAITS where it was written and switched to (and is not halted); then
 * security version, data epoch, version, content, revision, requires, halt, failures and cooldown,
 * in this order. The first that says no decides: its decision, its code, a message with what was
 * found and wanted, and a hint. Where a good permit lifts it, the next is asked; where one is there
 * and is not good, that is PACK_DECIDE_PERMIT. A permit that nothing asks for is passed over.
 */
PACK_MUST_USE int plan_decide(const struct plan_facts *facts, enum pack_decision *decision,
                              struct pack_error *error);

/* Why `rollout` has no say, in words for people; NULL where it has, or is NULL. */
const char *plan_ignored_rollout(const struct plan_facts *facts);

#endif
