/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_JUDGE_H
#define INSTALL_JUDGE_H

/* The whole decision: what the bundle says, what the device is, and whether now is the time. */

#include "install/engine.h"
#include "install/plan.h"

struct judged {
    struct pack_permit *permit;
    struct pack_error permit_fault; /* why the bundle's is not good; matters where it is needed */
    struct pack_rollout *rollout;
};
void judged_clear(struct judged *judged);

/* Signatures of permit and rollout, then the plan. `decision` says which word the failure has. */
PACK_MUST_USE int judge_release(const struct engine *engine, const struct pack_bundle *bundle,
                                struct pack_trusted *trusted, struct judged *judged,
                                enum pack_decision *decision, struct pack_error *error);
/* Power, window, and the hook that may say no. */
PACK_MUST_USE int judge_moment(const struct engine *engine, const char *version, int64_t *battery,
                               enum pack_decision *decision, struct pack_error *error);
/* The word for a failure to trust a bundle. */
enum pack_decision judge_trust_failure(int code);

#endif
