/* SPDX-License-Identifier: MIT */
#include "install/judge.h"

#include "base/memory.h"
#include "install/conditions.h"

#include <sodium.h>
#include <string.h>

void judged_clear(struct judged *judged)
{
    pack_permit_free(&judged->permit);
    pack_rollout_free(&judged->rollout);
}

enum pack_decision judge_trust_failure(int code)
{
    static const enum pack_code signatures[] = {PACK_E_NOT_SIGNED, PACK_E_UNTRUSTED,
                                                PACK_E_SIGNATURE, PACK_E_REVOKED, PACK_E_EXPIRED};
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (code == (int)signatures[i])
            return PACK_DECIDE_SIGNATURE;
    return PACK_DECIDE_FORMAT;
}

/* *bytes is NULL where the bundle has none. */
static int verify_extra(const struct pack_bundle *bundle, const struct pack_trust *trust,
                        enum pack_extra extra, const void **bytes, size_t *size,
                        struct pack_error *error)
{
    static const struct {
        const char *name;
        enum pack_role role;
    } extras[] = {
        [PACK_EXTRA_PERMIT] = {"permit.json", PACK_ROLE_RELEASE},
        [PACK_EXTRA_ROLLOUT] = {"rollout.json", PACK_ROLE_ROLLOUT},
    };
    PACK_AUTO_FREE struct pack_document_report *report = NULL;
    const struct pack_signature_member *signatures = NULL;
    *bytes = pack_bundle_extra(bundle, extra, size);
    if (*bytes == NULL)
        return 0;
    const size_t count = pack_bundle_extra_signatures(bundle, extra, &signatures);
    const int code = pack_allocate(&report, 1, sizeof *report, error);
    return code != 0 ? code
                     : pack_trust_verify(trust, extras[extra].role, extras[extra].name, *bytes,
                                         *size, signatures, count, report, error);
}

/* One that is not good is no failure yet: most devices do not need it. */
static int read_permit(const struct pack_bundle *bundle, const struct pack_trust *trust,
                       struct judged *judged, struct pack_error *error)
{
    struct pack_error *fault = &judged->permit_fault;
    const void *bytes = NULL;
    size_t size = 0;
    int code = verify_extra(bundle, trust, PACK_EXTRA_PERMIT, &bytes, &size, fault);
    if (code == 0 && bytes != NULL)
        code = pack_permit_parse(&judged->permit, bytes, size, fault);
    if (code != 0)
        pack_at_member(fault, "permit.json");
    return code == PACK_E_NO_MEMORY ? pack_fail_memory(error) : 0;
}

/* A device that trusts nobody to roll out has no use for it. */
static int read_rollout(const struct engine *engine, const struct pack_bundle *bundle,
                        const struct pack_trust *trust, struct judged *judged,
                        struct pack_error *error)
{
    const void *bytes = NULL;
    size_t size = 0;
    if (pack_trust_key_count(trust, PACK_ROLE_ROLLOUT) == 0) {
        if (pack_bundle_extra(bundle, PACK_EXTRA_ROLLOUT, &size) != NULL)
            pack_log(&engine->context, PACK_LOG_NOTE,
                     "rollout.json is passed over: this device trusts no key of the role rollout");
        return 0;
    }
    int code = verify_extra(bundle, trust, PACK_EXTRA_ROLLOUT, &bytes, &size, error);
    if (code == 0 && bytes != NULL)
        code = pack_rollout_parse(&judged->rollout, bytes, size, error);
    return code != 0 ? pack_at_member(error, "rollout.json") : 0;
}

/* What runs on trial is neither confirmed nor given up: nothing may take its place. */
static int judge_trial(const struct engine *engine, struct pack_trusted *trusted,
                       enum pack_decision *decision, struct pack_error *error)
{
    const struct state_set *running = &engine->state->sets[engine->running];
    if (engine->reconciled.trial != PACK_TRIAL_RUNS)
        return 0;
    if (sodium_memcmp(running->release_sha256, pack_trusted_release_sha256(trusted),
                      PACK_SHA256_SIZE) == 0) {
        *decision = PACK_DECIDE_CURRENT;
        return 0;
    }
    *decision = PACK_DECIDE_TRIAL;
    pack_fail(error, PACK_E_NOT_YET, "release %s is on trial",
              running->version[0] != '\0' ? running->version : "(unknown)");
    return pack_hint(error, "'fwpack confirm' keeps it, 'fwpack rollback' gives it up");
}

/* A rollback, by hand or for want of health, is over only when the other set has started. */
static int judge_restart(const struct engine *engine, enum pack_decision *decision,
                         struct pack_error *error)
{
    const enum pack_set primary = engine->loader.primary;
    if (engine->reconciled.what != RECONCILE_NOTHING ||
        engine->reconciled.trial != PACK_TRIAL_NONE || engine->running == primary)
        return 0;
    *decision = PACK_DECIDE_TRIAL;
    pack_fail(error, PACK_E_NOT_YET, "set %s runs still, and set %s is to start again",
              pack_set_name(engine->running), pack_set_name(primary));
    return pack_hint(error, "restart the device first");
}

int judge_release(const struct engine *engine, const struct pack_bundle *bundle,
                  struct pack_trusted *trusted, struct judged *judged, enum pack_decision *decision,
                  struct pack_error *error)
{
    const struct pack_trust *trust = pack_trusted_trust(trusted);
    *decision = PACK_DECIDE_PERMIT;
    int code = read_permit(bundle, trust, judged, error);
    if (code != 0)
        return code;
    *decision = PACK_DECIDE_SIGNATURE;
    code = read_rollout(engine, bundle, trust, judged, error);
    if (code != 0)
        return code;
    const struct plan_facts facts = {
        .device = engine->device,
        .state = engine->state,
        .running = engine->running,
        .counter = engine->counter,
        .release = pack_trusted_release(trusted),
        .release_sha256 = pack_trusted_release_sha256(trusted),
        .delivery = pack_trusted_delivery(trusted),
        .permit = judged->permit,
        .permit_fault = judged->permit_fault.code != PACK_OK ? &judged->permit_fault : NULL,
        .rollout = judged->rollout,
        .id = engine->id[0] != '\0' ? engine->id : NULL,
        .group = engine->device->group,
        .clock_known = engine_has_clock(engine),
        .now = engine_now(engine),
        .retry = engine->given->retry,
    };
    if (plan_ignored_rollout(&facts) != NULL)
        pack_log(&engine->context, PACK_LOG_NOTE, "rollout.json is passed over: %s",
                 plan_ignored_rollout(&facts));
    *decision = PACK_DECIDE_INSTALL;
    code = judge_trial(engine, trusted, decision, error);
    if (code == 0 && *decision == PACK_DECIDE_INSTALL)
        code = judge_restart(engine, decision, error);
    if (code != 0 || *decision != PACK_DECIDE_INSTALL)
        return code;
    return plan_decide(&facts, decision, error);
}

int judge_moment(const struct engine *engine, const char *version, int64_t *battery,
                 enum pack_decision *decision, struct pack_error *error)
{
    const struct hook_facts facts = engine_facts(engine, version, pack_set_other(engine->running));
    *decision = PACK_DECIDE_BATTERY;
    int code = battery_check(engine->device, engine->storage, battery, error);
    if (code != 0)
        return code;
    *decision = PACK_DECIDE_WINDOW;
    code = window_check(engine->device, engine_now(engine), error);
    if (code != 0)
        return code;
    *decision = PACK_DECIDE_VETO;
    code = hook_before(engine->device, PACK_PHASE_CHECK, &facts, error);
    if (code == 0)
        code = hook_after(engine->device, PACK_PHASE_CHECK, &facts, error);
    if (code == 0)
        *decision = PACK_DECIDE_INSTALL;
    return code;
}
